import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.BucketSpec;
import org.apache.spark.sql.catalyst.catalog.CatalogDatabase;
import org.apache.spark.sql.catalyst.catalog.CatalogStorageFormat$;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTablePartition;
import org.apache.spark.sql.catalyst.catalog.CatalogTableType$;
import org.apache.spark.sql.catalyst.catalog.CatalogUtils;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalog;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.Product;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Describes databases and tables of the session catalog as data and makes them known again, through the catalog itself.
 *
 * What describes one is JSON, as CatalogObject has it in Python. The classes of the catalog gain fields with each
 * version of Spark. So one is made of the fields that are known here, the others as Spark has them by default; and what
 * is described is made again at once and compared, so that a field that this class does not know is noticed.
 */
public class CatalogTables {
    private final ObjectMapper json = new ObjectMapper();
    private SparkSession session;

    public void of(SparkSession session) {
        this.session = session;
    }

    public boolean isKnown(String database, String table) {
        return table == null
            ? external().databaseExists(database)
            : external().databaseExists(database) && external().tableExists(database, table);
    }

    /** Where Spark would put a database or table without a given location; its database has to exist. */
    public String place(String database, String table) throws Exception {
        SessionCatalog catalog = session.sessionState().catalog();
        Path path = table == null
            ? new Path(catalog.getDefaultDBPath(database))
            : new Path(catalog.defaultTablePath(identifier(database, table)));
        return system(path).makeQualified(path).toString();
    }

    public boolean exists(String location) throws Exception {
        return system(new Path(location)).exists(new Path(location));
    }

    /** The description of a database, with the fields that it does not describe. */
    public String database(String name) throws Exception {
        CatalogDatabase entry = external().getDatabase(name);
        Map found = new LinkedHashMap();
        found.put("database", name);
        found.put("location", CatalogUtils.URIToString(entry.locationUri()));
        found.put("comment", entry.description().isEmpty() ? null : entry.description());
        found.put("properties", CollectionConverters.asJava(entry.properties()));
        found.put("undescribed", differing(madeDatabase(found), entry));
        return json.writeValueAsString(found);
    }

    /** The description of a table, with the fields that it does not describe; null if it is a view. */
    public String table(String database, String name) throws Exception {
        CatalogTable entry = external().getTable(database, name);
        String type = entry.tableType().name();
        if (type.equals("VIEW")) {
            return null;
        }
        Option place = entry.storage().locationUri();
        Map table = new LinkedHashMap();
        table.put("name", name);
        table.put("managed", Boolean.valueOf(type.equals("MANAGED")));
        table.put("provider", entry.provider().isEmpty() ? "" : entry.provider().get());
        table.put("columns", entry.schema().json());
        table.put("options", CollectionConverters.asJava(entry.storage().properties()));
        table.put("partition_columns", CollectionConverters.asJava(entry.partitionColumnNames()));
        table.put("has_partitions", Boolean.valueOf(entry.tracksPartitionsInCatalog()));
        if (entry.bucketSpec().isDefined()) {
            BucketSpec spec = (BucketSpec) entry.bucketSpec().get();
            Map buckets = new LinkedHashMap();
            buckets.put("count", Integer.valueOf(spec.numBuckets()));
            buckets.put("columns", CollectionConverters.asJava(spec.bucketColumnNames()));
            buckets.put("sorted_by", CollectionConverters.asJava(spec.sortColumnNames()));
            table.put("buckets", buckets);
        }
        Map found = new LinkedHashMap();
        found.put("database", database);
        found.put("location", place.isEmpty() ? "" : CatalogUtils.URIToString((java.net.URI) place.get()));
        found.put("comment", entry.comment().isDefined() ? entry.comment().get() : null);
        found.put("properties", CollectionConverters.asJava(entry.properties()));
        found.put("table", table);
        Map own = new LinkedHashMap(); // of this one, and not needed again
        String[] names = {"identifier", "owner", "createTime", "lastAccessTime", "createVersion", "stats"};
        for (int index = 0; index < names.length; index++) {
            own.put(names[index], field(entry, names[index]));
        }
        List undescribed = differing((Product) with(madeTable(found), own), entry);
        if (!partitionsLieInside(entry)) {
            undescribed.add("partitions that lie elsewhere");
        }
        found.put("undescribed", undescribed);
        return json.writeValueAsString(found);
    }

    public void create(String description) throws Exception {
        Map found = (Map) json.readValue(description, Map.class);
        if (found.get("table") == null) {
            external().createDatabase(madeDatabase(found), true);
        } else {
            external().createTable(madeTable(found), true);
        }
    }

    private ExternalCatalog external() {
        return session.sessionState().catalog().externalCatalog();
    }

    private FileSystem system(Path path) throws Exception {
        return path.getFileSystem(session.sessionState().newHadoopConf());
    }

    private static TableIdentifier identifier(String database, String table) {
        return new TableIdentifier(table, Option.apply(database), Option.apply("spark_catalog"));
    }

    /** Whether each partition is in the directory that its table would look for it in. */
    private boolean partitionsLieInside(CatalogTable entry) {
        boolean some = entry.tracksPartitionsInCatalog() && !entry.partitionColumnNames().isEmpty();
        if (!some || entry.storage().locationUri().isEmpty()) {
            return true;
        }
        TableIdentifier name = entry.identifier();
        String database = (String) name.database().get();
        Path root = new Path((java.net.URI) entry.storage().locationUri().get());
        Iterator found = external().listPartitions(database, name.table(), Option.empty()).iterator();
        while (found.hasNext()) {
            CatalogTablePartition partition = (CatalogTablePartition) found.next();
            Path expected = ExternalCatalogUtils.generatePartitionPath(
                partition.spec(), entry.partitionColumnNames(), root);
            Option location = partition.storage().locationUri();
            if (location.isDefined() && !new Path((java.net.URI) location.get()).equals(expected)) {
                return false;
            }
        }
        return true;
    }

    private static CatalogDatabase madeDatabase(Map found) throws Exception {
        String comment = (String) found.get("comment");
        Object[] fields = {
            found.get("database"),
            comment == null ? "" : comment,
            CatalogUtils.stringToURI((String) found.get("location")),
            scalaMap((Map) found.get("properties"))
        };
        return (CatalogDatabase) made(CatalogDatabase.class, fields);
    }

    private static CatalogTable madeTable(Map found) throws Exception {
        Map table = (Map) found.get("table");
        Map storage = new LinkedHashMap();
        storage.put("locationUri", Option.apply(CatalogUtils.stringToURI((String) found.get("location"))));
        storage.put("properties", scalaMap((Map) table.get("options")));
        boolean managed = ((Boolean) table.get("managed")).booleanValue();
        Object[] fields = {
            identifier((String) found.get("database"), (String) table.get("name")),
            managed ? CatalogTableType$.MODULE$.MANAGED() : CatalogTableType$.MODULE$.EXTERNAL(),
            with(CatalogStorageFormat$.MODULE$.empty(), storage),
            (StructType) DataType.fromJson((String) table.get("columns"))
        };
        Map others = new LinkedHashMap();
        others.put("provider", Option.apply(table.get("provider")));
        others.put("partitionColumnNames", scalaSeq((Collection) table.get("partition_columns")));
        others.put("tracksPartitionsInCatalog", table.get("has_partitions"));
        others.put("comment", Option.apply(found.get("comment")));
        others.put("properties", scalaMap((Map) found.get("properties")));
        Map buckets = (Map) table.get("buckets");
        if (buckets != null) {
            others.put("bucketSpec", Option.apply(new BucketSpec(
                ((Number) buckets.get("count")).intValue(),
                scalaSeq((Collection) buckets.get("columns")),
                scalaSeq((Collection) buckets.get("sorted_by")))));
        }
        return (CatalogTable) with((Product) made(CatalogTable.class, fields), others);
    }

    /** An instance of a case class: its first fields, and the others as they are by default. */
    private static Object made(Class type, Object[] first) throws Exception {
        Constructor constructor = constructor(type);
        Object[] fields = new Object[constructor.getParameterTypes().length];
        for (int index = 0; index < fields.length; index++) {
            fields[index] = index < first.length
                ? first[index]
                : type.getMethod("apply$default$" + (index + 1), new Class[0]).invoke(null, new Object[0]);
        }
        return constructor.newInstance(fields);
    }

    /** An instance of a case class with some fields changed. */
    private static Object with(Product whole, Map changes) throws Exception {
        Object[] fields = new Object[whole.productArity()];
        for (int index = 0; index < fields.length; index++) {
            String name = whole.productElementName(index);
            fields[index] = changes.containsKey(name) ? changes.get(name) : whole.productElement(index);
        }
        return constructor(whole.getClass()).newInstance(fields);
    }

    private static List differing(Product one, Product other) {
        List names = new ArrayList();
        for (int index = 0; index < one.productArity(); index++) {
            if (!one.productElement(index).equals(other.productElement(index))) {
                names.add(one.productElementName(index));
            }
        }
        return names;
    }

    private static Object field(Product whole, String name) {
        for (int index = 0; index < whole.productArity(); index++) {
            if (whole.productElementName(index).equals(name)) {
                return whole.productElement(index);
            }
        }
        throw new IllegalArgumentException("no field " + name);
    }

    private static Constructor constructor(Class type) {
        Constructor longest = null;
        Constructor[] all = type.getConstructors();
        for (int index = 0; index < all.length; index++) {
            int length = all[index].getParameterTypes().length;
            if (longest == null || length > longest.getParameterTypes().length) {
                longest = all[index];
            }
        }
        return longest;
    }

    private static scala.collection.immutable.Map scalaMap(Map found) {
        Map map = found == null ? Collections.emptyMap() : found;
        return (scala.collection.immutable.Map)
            scala.collection.immutable.Map$.MODULE$.from(CollectionConverters.asScala(map));
    }

    private static scala.collection.immutable.Seq scalaSeq(Collection found) {
        List list = found == null ? Collections.emptyList() : new ArrayList(found);
        return CollectionConverters.asScala(list).toList();
    }
}
