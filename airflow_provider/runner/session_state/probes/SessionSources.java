import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkContext;
import org.apache.spark.rdd.HadoopRDD;
import org.apache.spark.rdd.NewHadoopRDD;
import org.apache.spark.rdd.RDD;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.StageInfo;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.HiveTableRelation;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.catalog.TemporaryViewRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.V2WriteCommand;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.LogicalRDD;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.execution.command.CreateDataSourceTableAsSelectCommand;
import org.apache.spark.sql.execution.datasources.CatalogFileIndex;
import org.apache.spark.sql.execution.datasources.FileIndex;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.InsertIntoHadoopFsRelationCommand;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCRelation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd;
import org.apache.spark.sql.internal.SQLConf$;
import org.apache.spark.storage.RDDInfo;
import scala.Option;
import scala.collection.Iterator;

/**
 * Tells what was read in a classic Spark session: by the views in it, by SQL executions, by jobs outside of SQL.
 *
 * A DataFrame that was made from a directory has listed its files then. The answer is that list, not what is there now.
 * Where the session has an owner, what is known to be read and written for others only is left out.
 */
public class SessionSources extends SparkListener {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);
    private static final long PAUSE = TimeUnit.MICROSECONDS.toNanos(200);
    private static final String IGNORED = "spark.sql.files.ignoredPathSegmentRegex";
    private static final Pattern HIDDEN = Pattern.compile("^[._]");

    private final ObjectMapper json = new ObjectMapper();
    private final Set read = Collections.newSetFromMap(new IdentityHashMap()); // the leaves of plans
    private final Map outside = new LinkedHashMap(); // of SQL
    private final Set written = new LinkedHashSet();
    private final Map owners = new HashMap(); // of the jobs of SQL executions that run
    private volatile String owner; // of the session, null if it has none
    private SparkSession session;
    private boolean listens = false;

    public void of(SparkSession session) {
        this.session = session;
    }

    /** Begin to note what is read. Without the lock: events that are still on their way need it. */
    public void begin() throws Exception {
        boolean settled = settle();
        forget();
        owner = SessionOwners.ownerOf(session);
        if (!settled) {
            addLate();
        }
        if (!listens) {
            // A queue that is always there: Spark would start and stop a thread for one that has no other listener.
            session.sparkContext().listenerBus().addToStatusQueue(this);
            listens = true;
        }
    }

    /** Stop taking notes and drop them: they hold lists of files in memory. */
    public void end() {
        stopListening();
        forget();
    }

    private void stopListening() {
        if (listens) {
            session.sparkContext().removeSparkListener(this);
            listens = false;
        }
    }

    private synchronized void forget() {
        read.clear();
        outside.clear();
        written.clear();
        owners.clear();
    }

    /**
     * What was read since the beginning, and what temp views read; and what was written.
     *
     * @param views their names in JSON: [name, whether it is global, how SQL names it]
     * @param most how many files may be told, in all
     * @param millis how long it may take
     */
    public String found(String views, int most, long millis) throws Exception {
        stop();
        List plans = new ArrayList();
        List failed = new ArrayList();
        for (Object view : (List) json.readValue(views, List.class)) {
            List parts = (List) view;
            String name = (String) parts.get(0);
            try {
                boolean isGlobal = Boolean.TRUE.equals(parts.get(1));
                plans.add(new Object[] {name, SessionContents.planOf(session, name, isGlobal, (String) parts.get(2))});
            } catch (Throwable error) {
                failed.add(name);
            }
        }
        Map answer = told(leaves(plans, failed), failed, most, millis);
        forget();
        return packed(json.writeValueAsBytes(answer));
    }

    /**
     * The same as a map, if it is at hand: null if a storage or a catalog must be asked, which may hang. No more notes are
     * taken; those there are stay, in case that it is asked for after all.
     *
     * @param plans of the views: [name, plan], null instead of a plan if there is no such view
     * @param failed names of the views that cannot be analysed
     */
    public Map foundAtHand(List plans, List failed, int most, long millis) throws Exception {
        stop();
        List none = new ArrayList(failed);
        Set leaves = leaves(plans, none);
        boolean atHand = true;
        for (Object leaf : leaves) {
            atHand = atHand && isAtHand(leaf);
        }
        synchronized (this) {
            for (Object source : outside.values()) {
                atHand = atHand && !((Map) source).containsKey("from");
            }
        }
        return atHand ? told(leaves, none, most, millis) : null;
    }

    /** Whether this JVM has in memory all that there is to tell of a leaf. */
    private static boolean isAtHand(Object leaf) {
        if (leaf instanceof LogicalRelation && ((LogicalRelation) leaf).relation() instanceof HadoopFsRelation) {
            return indexOf(leaf) instanceof PartitioningAwareFileIndex;
        }
        if (leaf instanceof LogicalRDD) {
            return SessionContents.isOfDriver(((LogicalRDD) leaf).rdd());
        }
        return !(leaf instanceof HiveTableRelation || leaf instanceof DataSourceV2Relation);
    }

    private void stop() {
        if (!settle()) {
            addLate();
        }
        stopListening();
    }

    /** The leaves of all that was read. A view that cannot be followed is added to those that failed. */
    private Set leaves(List plans, List failed) {
        Set leaves = Collections.newSetFromMap(new IdentityHashMap());
        for (Object view : plans) {
            Object[] parts = (Object[]) view;
            try {
                if (parts[1] != null) {
                    addLeaves((LogicalPlan) parts[1], leaves, null);
                }
            } catch (Throwable error) {
                failed.add(parts[0]);
            }
        }
        synchronized (this) {
            leaves.addAll(read);
        }
        return leaves;
    }

    private Map told(Set leaves, List failed, int most, long millis) throws Exception {
        List told = new ArrayList();
        for (Object view : failed) {
            told.add(other("view " + view, "it cannot be analysed"));
        }
        synchronized (this) {
            told.addAll(outside.values());
        }
        Budget budget = new Budget(most, millis);
        Set indexes = Collections.newSetFromMap(new IdentityHashMap());
        Set rdds = Collections.newSetFromMap(new IdentityHashMap());
        Set pinned = Collections.newSetFromMap(new IdentityHashMap());
        for (Object leaf : leaves) {
            FileIndex index = indexOf(leaf);
            if (index instanceof PartitioningAwareFileIndex) {
                pinned.add(index);
            }
        }
        for (Object leaf : leaves) {
            FileIndex index = indexOf(leaf);
            if (index == null || !isPartOfAnother(index, pinned)) {
                add(told, (LogicalPlan) leaf, indexes, rdds, budget);
            }
        }
        for (Object source : told) {
            Map map = (Map) source;
            if ("rdd".equals(map.remove("from"))) {
                addFiles(map, (List) map.get("roots"), HIDDEN, budget);
            }
        }
        Map answer = new LinkedHashMap();
        answer.put("sources", told);
        synchronized (this) {
            answer.put("writes", new ArrayList(written));
        }
        return answer;
    }

    /**
     * The files below paths as they are now: path, size, time of modification; or a text that says why not.
     *
     * @param roots paths in JSON
     * @param globs patterns of such, in JSON
     */
    public String files(String roots, String globs, String ignored, int most, long millis) throws Exception {
        Map found = new LinkedHashMap();
        List starts = new ArrayList((List) json.readValue(roots, List.class));
        for (Object glob : (List) json.readValue(globs, List.class)) {
            Path pattern = new Path((String) glob);
            FileStatus[] matches = pattern.getFileSystem(conf()).globStatus(pattern);
            for (int index = 0; matches != null && index < matches.length; index++) {
                starts.add(matches[index].getPath().toString());
            }
        }
        addFiles(found, starts, ignored == null ? HIDDEN : Pattern.compile(ignored), new Budget(most, millis));
        return packed(json.writeValueAsBytes(found));
    }

    /** JSON in base64 of GZIP: names of files repeat each other, and more than 8 KB reach Python in slow pieces. */
    public static String packed(byte[] answer) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        OutputStream out = new GZIPOutputStream(bytes);
        out.write(answer);
        out.close();
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    /** What a DataFrame reads: places, without their files. */
    public String readBy(Dataset frame) throws Exception {
        Set leaves = Collections.newSetFromMap(new IdentityHashMap());
        addLeaves(frame.queryExecution().analyzed(), leaves, null);
        return json.writeValueAsString(places(leaves));
    }

    /**
     * What the temp views read whose plans are stored: name to places. A view that is stored as its text is bound anew
     * each time that it is read, so it is left out.
     */
    public String readByStoredViews() throws Exception {
        SessionCatalog catalog = session.sessionState().catalog();
        Map found = new LinkedHashMap();
        for (Iterator names = catalog.listLocalTempViews("*").iterator(); names.hasNext();) {
            String name = ((TableIdentifier) names.next()).table();
            addStored(found, name, catalog.getRawTempView(name));
        }
        String database = session.sessionState().conf().getConfString("spark.sql.globalTempDatabase", "global_temp");
        for (Iterator names = catalog.globalTempViewManager().listViewNames("*").iterator(); names.hasNext();) {
            String name = (String) names.next();
            addStored(found, database + "." + name, catalog.globalTempViewManager().get(name));
        }
        return json.writeValueAsString(found);
    }

    private void addStored(Map found, String name, Option view) throws Exception {
        Option plan = view.isDefined() ? ((TemporaryViewRelation) view.get()).plan() : Option.empty();
        if (plan.isDefined()) {
            Set leaves = Collections.newSetFromMap(new IdentityHashMap());
            addLeaves((LogicalPlan) plan.get(), leaves, null);
            found.put(name, places(leaves));
        }
    }

    private List places(Set leaves) throws Exception {
        List told = new ArrayList();
        Set rdds = Collections.newSetFromMap(new IdentityHashMap());
        for (Object leaf : leaves) {
            int before = told.size();
            Set indexes = Collections.newSetFromMap(new IdentityHashMap());
            add(told, (LogicalPlan) leaf, indexes, rdds, new Budget(-1, 0L));
            FileIndex index = indexOf(leaf);
            for (Object source : told.subList(before, told.size())) {
                Map map = (Map) source;
                map.remove("files");
                map.put("index", Integer.valueOf(index == null ? 0 : System.identityHashCode(index)));
                map.put("live", Boolean.valueOf(index instanceof CatalogFileIndex || leaf instanceof HiveTableRelation));
                if (leaf instanceof DataSourceV2Relation) {
                    map.put("name", ((DataSourceV2Relation) leaf).name());
                    map.put("live", Boolean.valueOf(index == null));
                }
            }
        }
        return told;
    }

    /** The version of a table now; null if its format has none. */
    public String version(String quoted) {
        Set leaves = Collections.newSetFromMap(new IdentityHashMap());
        addLeaves(session.table(quoted).queryExecution().analyzed(), leaves, null);
        for (Object leaf : leaves) {
            if (leaf instanceof DataSourceV2Relation) {
                return versionOf(((DataSourceV2Relation) leaf).table());
            }
        }
        return null;
    }

    public void onOtherEvent(SparkListenerEvent event) {
        if (event instanceof SparkListenerSQLExecutionEnd) {
            QueryExecution execution = ((SparkListenerSQLExecutionEnd) event).qe();
            if (execution != null) {
                try {
                    synchronized (this) {
                        if (!isOfOthers(execution, ((SparkListenerSQLExecutionEnd) event).executionId())) {
                            addLeaves(execution.analyzed(), read, written);
                        }
                    }
                } catch (Throwable error) { // a statement that cannot be analysed; an error would end Spark's listeners
                    addUntold(error);
                }
            }
        }
    }

    /** Whether a statement ran for others only, as its session and the threads of its jobs say. */
    private boolean isOfOthers(QueryExecution execution, long id) {
        Set found = (Set) owners.remove(Long.toString(id));
        if (owner == null) {
            return false;
        }
        found = found == null ? new LinkedHashSet() : found;
        SessionOwners.addSession(found, execution.sparkSession());
        return SessionOwners.areOthers(found, owner);
    }

    /** A job outside of SQL, if it is not one by which Spark itself finds out the schema of files. */
    public void onJobStart(SparkListenerJobStart job) {
        try {
            noteJob(job);
        } catch (Throwable error) { // it would end Spark's listeners
            addUntold(error);
        }
    }

    private void noteJob(SparkListenerJobStart job) {
        String execution = job.properties() == null ? null : job.properties().getProperty("spark.sql.execution.id");
        Set doing = new LinkedHashSet();
        if (owner != null && job.properties() != null) {
            SessionOwners.addTags(doing, job.properties().getProperty("spark.job.tags"));
        }
        if (execution != null) {
            if (!doing.isEmpty()) {
                addOwners(execution, doing);
            }
            return;
        }
        if (SessionOwners.areOthers(doing, owner)) {
            return;
        }
        for (Iterator stages = job.stageInfos().iterator(); stages.hasNext();) {
            StageInfo stage = (StageInfo) stages.next();
            boolean spark = stage.name().endsWith(" at <unknown>:0") || stage.name().contains(" at NativeMethodAccessor");
            for (Iterator infos = stage.rddInfos().iterator(); infos.hasNext();) {
                RDDInfo info = (RDDInfo) infos.next();
                String scope = info.scope().isDefined() ? String.valueOf(info.scope().get()) : "";
                if (scope.contains("File\"") || scope.contains("Files\"")) { // textFile, wholeTextFiles, …
                    addOutside(roots(info.name()));
                } else if (!spark && (info.name().equals("FileScanRDD") || info.name().equals("JDBCRDD"))) {
                    synchronized (this) {
                        outside.put(info.name(), other("rows of a DataFrame, read outside of SQL", "an RDD does not tell what it reads"));
                    }
                }
            }
        }
    }

    private synchronized void addOwners(String execution, Set doing) {
        Set known = (Set) owners.get(execution);
        if (known == null) {
            known = new LinkedHashSet();
            owners.put(execution, known);
        }
        known.addAll(doing);
    }

    private void addOutside(List roots) {
        if (roots != null) {
            synchronized (this) {
                Map source = source("files", null, roots);
                source.put("from", "rdd");
                outside.put(roots, source);
            }
        }
    }

    private static List roots(String name) {
        // The name of such an RDD is its path, or several with commas between them.
        return name.indexOf('/') < 0 ? null : Arrays.asList(name.split(","));
    }

    /** Wait until Spark has told its listeners what it did; false if it has not within ten seconds. */
    private boolean settle() {
        SparkContext context = session.sparkContext();
        for (long began = System.nanoTime(); System.nanoTime() - began < PATIENCE; LockSupport.parkNanos(PAUSE)) {
            try {
                context.listenerBus().waitUntilEmpty(-1L); // given any time, Spark looks only every 10 ms
                return true;
            } catch (TimeoutException behind) {
                continue;
            }
        }
        return false;
    }

    private synchronized void addUntold(Throwable error) {
        if (!(error instanceof AnalysisException)) {
            outside.put("untold", other("what its statements read", "a plan could not be followed (" + error + ")"));
        }
    }

    private synchronized void addLate() {
        outside.put("late", other("what its statements read", "Spark is behind with its records"));
    }

    private static void addLeaves(TreeNode node, Set leaves, Set targets) {
        if (SessionContents.isSaved(node)) {
            return; // what that had read is a source of its own component, and it has a copy
        }
        if (targets != null) {
            addTarget(node, targets);
        }
        Iterator below = node.children().iterator();
        Iterator inside = node.innerChildren().iterator(); // subqueries, and what a command runs
        if (!below.hasNext() && node instanceof LogicalPlan) {
            leaves.add(node);
        }
        while (below.hasNext() || inside.hasNext()) {
            addLeaves((TreeNode) (below.hasNext() ? below.next() : inside.next()), leaves, targets);
        }
    }

    private static void addTarget(TreeNode node, Set targets) {
        if (node instanceof InsertIntoHadoopFsRelationCommand) {
            InsertIntoHadoopFsRelationCommand command = (InsertIntoHadoopFsRelationCommand) node;
            targets.add(command.outputPath().toString());
            if (command.catalogTable().isDefined()) {
                targets.add(((CatalogTable) command.catalogTable().get()).identifier().quotedString());
            }
        } else if (node instanceof CreateDataSourceTableAsSelectCommand) {
            targets.add(((CreateDataSourceTableAsSelectCommand) node).table().identifier().quotedString());
        } else if (node instanceof V2WriteCommand) {
            targets.add(((V2WriteCommand) node).table().name());
        }
    }

    private static FileIndex indexOf(Object leaf) {
        if (leaf instanceof LogicalRelation && ((LogicalRelation) leaf).relation() instanceof HadoopFsRelation) {
            return ((HadoopFsRelation) ((LogicalRelation) leaf).relation()).location();
        }
        if (leaf instanceof DataSourceV2Relation && ((DataSourceV2Relation) leaf).table() instanceof FileTable) {
            return ((FileTable) ((DataSourceV2Relation) leaf).table()).fileIndex();
        }
        return null;
    }

    /** Spark finds out the schema of a directory by reading its files one by one. */
    private static boolean isPartOfAnother(FileIndex index, Set pinned) {
        for (Object other : pinned) {
            PartitioningAwareFileIndex whole = (PartitioningAwareFileIndex) other;
            if (whole != index && whole.rootPaths().size() < index.rootPaths().size()) {
                boolean all = true;
                for (Iterator roots = index.rootPaths().iterator(); all && roots.hasNext();) {
                    all = whole.leafFiles().contains(roots.next());
                }
                if (all) {
                    return true;
                }
            }
        }
        return false;
    }

    private void add(List told, LogicalPlan leaf, Set indexes, Set rdds, Budget budget) throws Exception {
        if (leaf instanceof LogicalRelation) {
            LogicalRelation relation = (LogicalRelation) leaf;
            Object base = relation.relation();
            if (base instanceof HadoopFsRelation) {
                HadoopFsRelation files = (HadoopFsRelation) base;
                if (indexes.add(files.location())) {
                    told.add(ofIndex(files.location(), files.options(), relation.catalogTable(), budget));
                }
            } else if (base instanceof JDBCRelation) {
                JDBCRelation jdbc = (JDBCRelation) base;
                Map source = other("jdbc", "a database does not tell whether its rows have changed");
                source.put("url", jdbc.jdbcOptions().url());
                source.put("table", jdbc.jdbcOptions().tableOrQuery());
                told.add(source);
            } else {
                told.add(other(base.getClass().getSimpleName(), "such a source does not tell whether it has changed"));
            }
        } else if (leaf instanceof HiveTableRelation) {
            CatalogTable table = ((HiveTableRelation) leaf).tableMeta();
            Map source = source("table", table.identifier().quotedString(), locations(table));
            addFiles(source, (List) source.get("roots"), HIDDEN, budget);
            told.add(source);
        } else if (leaf instanceof DataSourceV2Relation) {
            DataSourceV2Relation relation = (DataSourceV2Relation) leaf;
            if (relation.table() instanceof FileTable) {
                FileIndex index = ((FileTable) relation.table()).fileIndex();
                if (indexes.add(index)) {
                    told.add(ofIndex(index, null, Option.empty(), budget));
                }
            } else {
                told.add(ofTable(relation));
            }
        } else if (leaf instanceof LogicalRDD) {
            addRdd(told, ((LogicalRDD) leaf).rdd(), rdds, budget);
        } else if (leaf.isStreaming()) {
            told.add(other("a stream", "a stream does not tell what it has read"));
        }
    }

    private Map ofIndex(FileIndex index, scala.collection.immutable.Map options, Option table, Budget budget) {
        List roots = new ArrayList();
        for (Iterator paths = index.rootPaths().iterator(); paths.hasNext();) {
            roots.add(paths.next().toString());
        }
        String name = null;
        if (table.isDefined()) {
            name = ((CatalogTable) table.get()).identifier().quotedString();
        }
        Map source = source(name == null ? "files" : "table", name, roots);
        if (options != null) {
            source.put("written", option(options, "path"));
            source.put("only", option(options, "pathglobfilter"));
        }
        Pattern hidden = hidden(options);
        if (!hidden.pattern().equals(HIDDEN.pattern())) {
            source.put("ignored", hidden.pattern());
        }
        if (index instanceof PartitioningAwareFileIndex) {
            scala.collection.Map leaves = ((PartitioningAwareFileIndex) index).leafFiles();
            if (budget.spend(source, leaves.size())) {
                List files = new ArrayList();
                for (Iterator found = leaves.valuesIterator(); found.hasNext();) {
                    files.add(file((FileStatus) found.next()));
                }
                source.put("files", files);
            }
        } else {
            addFiles(source, roots, hidden, budget);
        }
        return source;
    }

    /** What Spark leaves out when it lists a directory, which nothing changes before 4.3. */
    private Pattern hidden(scala.collection.immutable.Map options) {
        if (!SQLConf$.MODULE$.containsConfigKey(IGNORED)) {
            return HIDDEN;
        }
        String asked = options == null ? null : option(options, "ignoredpathsegmentregex");
        asked = asked == null ? session.sessionState().conf().getConfString(IGNORED) : asked;
        return Pattern.compile(asked.isEmpty() ? "(?!)" : asked);
    }

    private static String option(scala.collection.immutable.Map options, String name) {
        for (Iterator entries = options.iterator(); entries.hasNext();) {
            scala.Tuple2 entry = (scala.Tuple2) entries.next();
            if (name.equalsIgnoreCase((String) entry._1())) {
                return (String) entry._2();
            }
        }
        return null;
    }

    private static Map ofTable(DataSourceV2Relation relation) {
        String version = versionOf(relation.table());
        String kind = relation.catalog().isDefined() ? "table" : "other";
        if (version == null) {
            return other(relation.name(), "its format has no version");
        }
        Map source = source(kind, relation.name(), new ArrayList());
        source.put("version", version);
        return source;
    }

    private static String versionOf(Table table) {
        try { // since Spark 4.2
            Object version = Table.class.getMethod("version", new Class[0]).invoke(table, new Object[0]);
            if (version != null) {
                return version.toString();
            }
        } catch (Exception older) {
            return (String) table.properties().get("current-snapshot-id");
        }
        return (String) table.properties().get("current-snapshot-id");
    }

    private static List locations(CatalogTable table) {
        Option location = table.storage().locationUri();
        List roots = new ArrayList();
        if (location.isDefined()) {
            roots.add(new Path((URI) location.get()).toString());
        }
        return roots;
    }

    /** Where the rows of an RDD come from, as far as that can be followed. */
    private void addRdd(List told, RDD rdd, Set seen, Budget budget) {
        if (!seen.add(rdd) || seen.size() > 1000) {
            return;
        }
        Iterator dependencies = rdd.dependencies().iterator();
        if (rdd instanceof HadoopRDD || rdd instanceof NewHadoopRDD) {
            Configuration conf = rdd instanceof HadoopRDD ? ((HadoopRDD) rdd).getConf() : ((NewHadoopRDD) rdd).getConf();
            String paths = conf.get("mapreduce.input.fileinputformat.inputdir");
            List roots = paths == null ? null : roots(paths);
            if (roots == null) {
                told.add(other("an RDD of Hadoop", "its input format does not tell what it reads"));
            } else {
                Map source = source("files", null, roots);
                source.put("from", "rdd");
                told.add(source);
            }
        } else if (!dependencies.hasNext()) {
            String kind = rdd.getClass().getSimpleName();
            if (!Arrays.asList(new String[] {"ParallelCollectionRDD", "EmptyRDD", "LocalCheckpointRDD",
                    "ReliableCheckpointRDD"}).contains(kind)) {
                told.add(other("rows of an RDD (" + kind + ")", "an RDD does not tell what it reads"));
            }
        }
        while (dependencies.hasNext()) {
            addRdd(told, ((org.apache.spark.Dependency) dependencies.next()).rdd(), seen, budget);
        }
    }

    private static Map source(String kind, String name, List roots) {
        Map source = new LinkedHashMap();
        source.put("kind", kind);
        source.put("name", name);
        source.put("roots", roots);
        return source;
    }

    private static Map other(String name, String why) {
        Map source = source("other", name, new ArrayList());
        source.put("why", why);
        return source;
    }

    private void addFiles(Map source, List roots, Pattern hidden, Budget budget) {
        List files = new ArrayList();
        try {
            for (Object root : roots) {
                Path path = new Path((String) root);
                FileSystem system = path.getFileSystem(conf());
                FileStatus status = null;
                try {
                    status = system.getFileStatus(path);
                } catch (java.io.FileNotFoundException gone) {
                    continue;
                }
                if (!addBelow(files, system, status, source, hidden, budget)) {
                    return;
                }
            }
            source.put("files", files);
        } catch (Exception error) {
            source.put("refused", "it cannot be listed (" + error.getClass().getSimpleName() + ")");
        }
    }

    private static boolean addBelow(List files, FileSystem system, FileStatus status, Map source, Pattern hidden,
            Budget budget) throws Exception {
        if (!status.isDirectory()) {
            files.add(file(status));
            return budget.spend(source, 1);
        }
        if (!budget.spend(source, 0)) {
            return false;
        }
        FileStatus[] found = system.listStatus(status.getPath());
        for (int index = 0; index < found.length; index++) {
            boolean seen = !isHidden(found[index].getPath().getName(), hidden);
            if (seen && !addBelow(files, system, found[index], source, hidden, budget)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isHidden(String name, Pattern hidden) {
        if (name.startsWith("_metadata") || name.startsWith("_common_metadata")) {
            return false;
        }
        if (name.endsWith("._COPYING_")) {
            return true;
        }
        return !(name.startsWith("_") && name.indexOf('=') >= 0) && hidden.matcher(name).find();
    }

    private static List file(FileStatus status) {
        Object[] parts = {
            status.getPath().toString(), Long.valueOf(status.getLen()), Long.valueOf(status.getModificationTime())
        };
        return Arrays.asList(parts);
    }

    private Configuration conf() {
        return session.sessionState().newHadoopConf();
    }

    /** How much may be looked at. */
    private static class Budget {
        private final int most;
        private final long millis;
        private final long until;
        private int seen = 0;

        Budget(int most, long millis) {
            this.most = most;
            this.millis = millis;
            this.until = System.nanoTime() + millis * 1000000L;
        }

        boolean spend(Map source, int files) {
            seen += files;
            if (seen > most) {
                source.put("moreThan", Integer.valueOf(most));
                source.put("refused", "more than " + String.format("%,d", new Object[] {Integer.valueOf(most)}) + " files");
            } else if (System.nanoTime() > until) {
                source.put("refused", "listing takes longer than " + millis / 1000 + " s");
            } else {
                return true;
            }
            return false;
        }
    }
}
