import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.DatabaseEvent;
import org.apache.spark.sql.catalyst.catalog.DropDatabasePreEvent;
import org.apache.spark.sql.catalyst.catalog.DropTablePreEvent;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalog;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogEvent;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogEventListener;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogWithListener;
import org.apache.spark.sql.catalyst.catalog.FunctionEvent;
import org.apache.spark.sql.catalyst.catalog.GlobalTempViewManager;
import org.apache.spark.sql.catalyst.catalog.HiveTableRelation;
import org.apache.spark.sql.catalyst.catalog.RenameTablePreEvent;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.catalog.TableEvent;
import org.apache.spark.sql.catalyst.catalog.TemporaryViewRelation;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockLength;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockStart;
import org.apache.spark.sql.catalyst.expressions.InputFileName;
import org.apache.spark.sql.catalyst.expressions.MonotonicallyIncreasingID;
import org.apache.spark.sql.catalyst.expressions.SparkPartitionID;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.OverwriteByExpression;
import org.apache.spark.sql.catalyst.plans.logical.OverwritePartitionsDynamic;
import org.apache.spark.sql.catalyst.plans.logical.RepartitionByExpression;
import org.apache.spark.sql.catalyst.plans.logical.V2WriteCommand;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.execution.columnar.InMemoryRelation;
import org.apache.spark.sql.execution.command.CreateDataSourceTableAsSelectCommand;
import org.apache.spark.sql.execution.command.TruncateTableCommand;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.InsertIntoHadoopFsRelationCommand;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.SaveIntoDataSourceCommand;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.internal.SessionState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.Function1;
import scala.Option;
import scala.Tuple2;
import scala.runtime.AbstractFunction1;

/**
 * Sees every plan of a session before anything of it is computed. It changes none.
 *
 * A plan is refused if it would get another answer from the saved copy of a view than from the view: it asks for a file,
 * a partition or a number that depends on one, or the copy no longer shows what the view would show. And it notes when
 * a statement is about to overwrite what a temp view reads.
 *
 * All state is of the JVM, because a session that an author makes of this one must know it, too; what components are
 * about to overwrite is noted for each of those that run. A rule that fails would fail the author's statement, so
 * whatever goes wrong in here counts as nothing to say.
 */
public class SessionGuard extends Rule implements Consumer, Supplier {
    private static final Logger LOG = LoggerFactory.getLogger("airflow_provider.SessionGuard");
    private static final Map COPIES = new ConcurrentHashMap(); // end of a directory to what is said of its copy
    private static final Map STALE = new ConcurrentHashMap(); // the same to why the copy must not be read any more
    private static final Set KNOWN = Collections.newSetFromMap(new WeakHashMap()); // extensions that have the rule
    private static final List WATCHES = new CopyOnWriteArrayList(); // of components that run now
    private static final ObjectMapper JSON = new ObjectMapper();
    private volatile Watch watch; // the last one that was begun here

    /** Let every plan of the session, and of those that are made of it from now on, be seen. */
    public void of(SparkSession session) {
        boolean known = false;
        Seq rules = session.experimental().extraOptimizations();
        for (Iterator each = rules.iterator(); each.hasNext();) {
            known = known || each.next() instanceof SessionGuard;
        }
        if (!known) {
            session.experimental().extraOptimizations_$eq((Seq) rules.appended(this));
        }
        synchronized (KNOWN) {
            if (KNOWN.add(session.extensions())) {
                session.extensions().injectOptimizerRule(new Always(this));
            }
        }
        ExternalCatalog catalog = session.sharedState().externalCatalog();
        if (catalog instanceof ExternalCatalogWithListener) {
            boolean listens = false;
            for (Object listener : ((ExternalCatalogWithListener) catalog).listeners()) {
                listens = listens || listener instanceof CatalogChanges;
            }
            if (!listens) {
                ((ExternalCatalogWithListener) catalog).addListener(new CatalogChanges(catalog));
            }
        }
    }

    /**
     * A directory holds the copy of a view, which takes its place in this attempt.
     *
     * @param what names the view, its component and its attempt
     * @param remedy what the author can do
     */
    public void restored(String directory, String what, String remedy) {
        COPIES.put(end(new Path(directory)), new String[] {what, remedy});
    }

    /** The copy in a directory must not be read any more, for a reason that says what to do. */
    public void outdated(String directory, String why) {
        STALE.put(end(new Path(directory)), why);
    }

    /** A component begins, given as [session, name]: from now on note what it is about to overwrite. */
    public void accept(Object begun) {
        get();
        watch = new Watch((SparkSession) ((Object[]) begun)[0], (String) ((Object[]) begun)[1]);
        WATCHES.add(watch);
    }

    /** What was about to be overwritten since then: [[view, whether it is global, what it reads], …]. */
    public Object get() {
        if (watch == null) {
            return new ArrayList();
        }
        WATCHES.remove(watch);
        return watch.noted();
    }

    /** The same as JSON. */
    public String end() throws Exception {
        return JSON.writeValueAsString(get());
    }

    public TreeNode apply(TreeNode plan) {
        try {
            look((LogicalPlan) plan);
        } catch (Refused refused) {
            throw refused;
        } catch (Throwable problem) {
            LOG.debug("cannot inspect a plan", problem);
        }
        return plan;
    }

    private void look(LogicalPlan plan) {
        if (!COPIES.isEmpty()) {
            if (!STALE.isEmpty()) {
                refuseStale(plan);
            }
            if (!plan.deterministic()) {
                copiesBelow(plan);
            }
            refuseInside(plan);
        }
        if (plan instanceof Command) {
            noteTarget(plan);
            noteGlobalView(plan);
        }
    }

    /** Some commands destroy before they ask for the plan of what they write. */
    private static void refuseInside(LogicalPlan command) {
        String name = command.getClass().getSimpleName();
        if (command instanceof Command && (name.contains("AsSelect") || name.startsWith("SaveInto"))) {
            for (Iterator inside = command.innerChildren().iterator(); inside.hasNext();) {
                Object query = inside.next();
                if (query instanceof LogicalPlan && ((LogicalPlan) query).resolved()) {
                    // which has a look at it, too
                    SparkSession session = (SparkSession) SparkSession.active();
                    session.sessionState().optimizer().execute((LogicalPlan) query);
                }
            }
        }
    }

    private static void refuseStale(LogicalPlan node) {
        String copy = copy(node);
        if (copy != null && STALE.containsKey(copy)) {
            throw new Refused((String) STALE.get(copy));
        }
        if (node instanceof InMemoryRelation) {
            refuseStale(((InMemoryRelation) node).cacheBuilder().logicalPlan());
        }
        for (Iterator below = node.children().iterator(); below.hasNext();) {
            refuseStale((LogicalPlan) below.next());
        }
    }

    /** The copies whose rows reach a node without being spread anew; what a node asks of them is refused. */
    private static Set copiesBelow(LogicalPlan node) {
        Set below = new LinkedHashSet();
        String own = copy(node);
        if (own != null) {
            below.add(own);
        }
        if (node instanceof InMemoryRelation) {
            below.addAll(copiesBelow(((InMemoryRelation) node).cacheBuilder().logicalPlan()));
        }
        for (Iterator children = node.children().iterator(); children.hasNext();) {
            below.addAll(copiesBelow((LogicalPlan) children.next()));
        }
        if (!below.isEmpty()) {
            for (Iterator asked = node.expressions().iterator(); asked.hasNext();) {
                String name = placed((Expression) asked.next());
                if (name != null) {
                    String[] told = (String[]) COPIES.get(below.iterator().next());
                    throw new Refused(told[0] + ", and " + name + "() would tell of the copy, not of what a run "
                        + "without a failure reads; this statement computed nothing. " + told[1].replace("{}", name + "()"));
                }
            }
        }
        boolean spread = node instanceof Aggregate || node instanceof RepartitionByExpression;
        return spread ? new LinkedHashSet() : below; // by value: then it is the same whatever was there before
    }

    /** The name of a function that tells where a row is; null if there is none. */
    private static String placed(Expression expression) {
        if (expression.deterministic()) {
            return null;
        }
        if (expression instanceof InputFileName || expression instanceof InputFileBlockStart
                || expression instanceof InputFileBlockLength || expression instanceof SparkPartitionID
                || expression instanceof MonotonicallyIncreasingID) {
            return expression.prettyName().toLowerCase(Locale.ROOT);
        }
        for (Iterator children = expression.children().iterator(); children.hasNext();) {
            String found = placed((Expression) children.next());
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /** The copy that a leaf reads, null if it reads none. */
    private static String copy(LogicalPlan leaf) {
        Seq roots = roots(leaf);
        for (Iterator paths = roots == null ? null : roots.iterator(); paths != null && paths.hasNext();) {
            Path path = (Path) paths.next();
            String directory = end(path);
            String around = path.getParent() == null ? "" : end(path.getParent());
            if (COPIES.containsKey(directory)) {
                return directory;
            }
            if (COPIES.containsKey(around)) {
                return around;
            }
        }
        return null;
    }

    private static Seq roots(LogicalPlan leaf) {
        if (leaf instanceof LogicalRelation && ((LogicalRelation) leaf).relation() instanceof HadoopFsRelation) {
            return ((HadoopFsRelation) ((LogicalRelation) leaf).relation()).location().rootPaths();
        }
        Object table = null;
        if (leaf instanceof DataSourceV2Relation) {
            table = ((DataSourceV2Relation) leaf).table();
        } else if (leaf instanceof DataSourceV2ScanRelation) {
            table = ((DataSourceV2ScanRelation) leaf).relation().table();
        }
        return table instanceof FileTable ? ((FileTable) table).fileIndex().rootPaths() : null;
    }

    /** The last three names of a path: those of a copy are unique, however the storage spells what is before them. */
    private static String end(Path path) {
        Path above = path.getParent();
        Path top = above == null ? null : above.getParent();
        return (top == null ? "" : top.getName()) + "/" + (above == null ? "" : above.getName()) + "/" + path.getName();
    }

    private static void noteTarget(LogicalPlan command) {
        if (WATCHES.isEmpty()) {
            return;
        }
        if (command instanceof InsertIntoHadoopFsRelationCommand) {
            InsertIntoHadoopFsRelationCommand insert = (InsertIntoHadoopFsRelationCommand) command;
            if (insert.mode() == SaveMode.Overwrite) {
                note(insert.outputPath(), insert.catalogTable().isDefined()
                    ? ((CatalogTable) insert.catalogTable().get()).identifier() : null);
            }
        } else if (command instanceof CreateDataSourceTableAsSelectCommand) {
            CreateDataSourceTableAsSelectCommand create = (CreateDataSourceTableAsSelectCommand) command;
            if (create.mode() == SaveMode.Overwrite) {
                note(null, create.table().identifier());
            }
        } else if (command instanceof TruncateTableCommand) {
            note(null, ((TruncateTableCommand) command).tableName());
        } else if (command instanceof OverwriteByExpression || command instanceof OverwritePartitionsDynamic) {
            note((LogicalPlan) (Object) ((V2WriteCommand) command).table());
        } else if (command instanceof SaveIntoDataSourceCommand
                && ((SaveIntoDataSourceCommand) command).mode() == SaveMode.Overwrite) {
            Option path = ((SaveIntoDataSourceCommand) command).options().get("path");
            if (path.isDefined()) {
                note(new Path((String) path.get()), null);
            }
        } else {
            String name = command.getClass().getSimpleName();
            boolean destroys = name.startsWith("ReplaceTable") || name.equals("DropTable") || name.equals("TruncateTable");
            boolean hive = name.equals("InsertIntoHiveTable");
            if (hive && Boolean.TRUE.equals(invoke(command, "overwrite"))) {
                note(null, ((CatalogTable) invoke(command, "table")).identifier());
            } else if (destroys) {
                Object table = invoke(command, name.startsWith("Replace") ? "name" : name.equals("DropTable") ? "child" : "table");
                if (table instanceof LogicalPlan) {
                    note((LogicalPlan) table);
                }
            }
        }
    }

    private static Object invoke(Object command, String method) {
        try {
            return command.getClass().getMethod(method, new Class[0]).invoke(command, new Object[0]);
        } catch (Exception unknown) {
            return null;
        }
    }

    /** A table of a catalog of its own, or a directory that is written the new way. */
    private static void note(LogicalPlan table) {
        Seq roots = roots(table);
        if (roots != null) {
            for (Iterator paths = roots.iterator(); paths.hasNext();) {
                note((Path) paths.next(), null);
            }
        } else {
            Object relation = invoke(table, "identifier");
            Object name = relation instanceof Option && ((Option) relation).isDefined() ? ((Option) relation).get() : relation;
            if (name != null) {
                note(null, null, name.toString());
            }
        }
    }

    private static void note(Path path, TableIdentifier table) {
        note(path, table, null);
    }

    /** Note each temp view that reads from a path or a table, for those that this thread may work for. */
    private static void note(Path path, TableIdentifier table, String other) {
        Set owners = SessionOwners.here();
        for (Object watch : WATCHES) {
            if (!SessionOwners.areOthers(owners, ((Watch) watch).owner)) {
                ((Watch) watch).note(path, table, other);
            }
        }
    }

    /** Note that all sessions are about to share another global view, or none, under a name. */
    private static void noteGlobalView(LogicalPlan command) {
        if (!SessionOwners.areThere()) {
            return;
        }
        SparkSession session = (SparkSession) SparkSession.active();
        String kind = command.getClass().getSimpleName();
        List names = new ArrayList();
        if (kind.equals("CreateViewCommand")) {
            boolean isGlobal = String.valueOf(invoke(command, "viewType")).equals("GlobalTempView");
            addGlobal(names, session, invoke(command, "name"), isGlobal);
        } else if (kind.equals("CreateTempViewUsing")) {
            addGlobal(names, session, invoke(command, "tableIdent"), Boolean.TRUE.equals(invoke(command, "global")));
        } else if (kind.equals("AlterViewAsCommand")) {
            addGlobal(names, session, invoke(command, "name"), false);
        } else if (kind.equals("AlterTableRenameCommand")) {
            addGlobal(names, session, invoke(command, "oldName"), false);
            addGlobal(names, session, invoke(command, "newName"), !names.isEmpty());
        } else if (kind.equals("DropTempViewCommand")) {
            Identifier view = (Identifier) invoke(command, "ident");
            String around = view.namespace().length == 1 ? view.namespace()[0] : null;
            addGlobal(names, session, new TableIdentifier(view.name(), Option.apply(around)), false);
        }
        if (!names.isEmpty()) {
            SharedChanges.begin(names);
        }
    }

    private static void addGlobal(List names, SparkSession session, Object view, boolean isGlobal) {
        TableIdentifier name = (TableIdentifier) view;
        Option around = name.database();
        String database = session.sessionState().conf().getConfString("spark.sql.globalTempDatabase", "global_temp");
        if (isGlobal || (around.isDefined() && database.equalsIgnoreCase((String) around.get()))) {
            boolean asWritten = session.sessionState().conf().caseSensitiveAnalysis();
            String table = name.table();
            names.add(SessionContents.GLOBAL + (asWritten ? table : table.toLowerCase(Locale.ROOT)));
        }
    }

    /** What a plan reads of a path or a table, in words, and the place; null if it reads nothing of it. */
    private static String[] read(TreeNode node, Path path, TableIdentifier table, String other) {
        if (node instanceof LogicalRelation || node instanceof HiveTableRelation) {
            Option known = node instanceof LogicalRelation ? ((LogicalRelation) node).catalogTable()
                : Option.apply(((HiveTableRelation) node).tableMeta());
            if (table != null && known.isDefined() && isSame(table, ((CatalogTable) known.get()).identifier())) {
                String name = "table " + ((CatalogTable) known.get()).identifier().unquotedString();
                Seq files = roots((LogicalPlan) node);
                return new String[] {name, files == null || files.isEmpty() ? name : String.valueOf(files.head())};
            }
        }
        if (other != null && node instanceof DataSourceV2Relation) {
            Option known = ((DataSourceV2Relation) node).identifier();
            if (known.isDefined() && known.get().toString().equals(other)) {
                return new String[] {"table " + other, other};
            }
        }
        Seq roots = path != null && node instanceof LogicalPlan ? roots((LogicalPlan) node) : null;
        for (Iterator each = roots == null ? null : roots.iterator(); each != null && each.hasNext();) {
            Path root = (Path) each.next();
            if (isInside(root, path) || isInside(path, root)) {
                return new String[] {root.toString(), root.toString()};
            }
        }
        Iterator below = node.children().iterator();
        Iterator inside = node.innerChildren().iterator();
        while (below.hasNext() || inside.hasNext()) {
            String[] found = read((TreeNode) (below.hasNext() ? below.next() : inside.next()), path, table, other);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private static boolean isSame(TableIdentifier one, TableIdentifier other) {
        boolean database = one.database().isEmpty() || other.database().isEmpty()
            || ((String) one.database().get()).equalsIgnoreCase((String) other.database().get());
        return database && one.table().equalsIgnoreCase(other.table());
    }

    private static boolean isInside(Path path, Path directory) {
        String scheme = path.toUri().getScheme();
        String other = directory.toUri().getScheme();
        String inner = path.toUri().getPath() + "/";
        String outer = directory.toUri().getPath();
        boolean storage = scheme == null || other == null || scheme.equals(other);
        return storage && inner.startsWith(outer.endsWith("/") ? outer : outer + "/");
    }

    /** What a refused statement ends with. */
    public static class Refused extends UnsupportedOperationException {
        Refused(String why) {
            super(why);
        }
    }

    /** Gives the rule to sessions that are made later. */
    private static class Always extends AbstractFunction1 {
        private final SessionGuard rule;

        Always(SessionGuard rule) {
            this.rule = rule;
        }

        public Object apply(Object session) {
            return rule;
        }
    }

    /** What one component is about to overwrite while it runs. It keeps no session in memory. */
    private static class Watch {
        private final WeakReference session;
        private final String owner; // of the session, null if it has none
        private final String component;
        private final Set noted = Collections.synchronizedSet(new LinkedHashSet());
        private final Set told = Collections.synchronizedSet(new HashSet());

        Watch(SparkSession session, String component) {
            this.session = new WeakReference(session);
            this.owner = SessionOwners.ownerOf(session);
            this.component = component;
        }

        List noted() {
            synchronized (noted) {
                return new ArrayList(noted);
            }
        }

        void note(Path path, TableIdentifier table, String other) {
            SparkSession watched = (SparkSession) session.get();
            if (watched == null) {
                return;
            }
            SessionCatalog catalog = watched.sessionState().catalog();
            Map views = new LinkedHashMap();
            synchronized (catalog) {
                for (Iterator entries = catalog.tempViews().iterator(); entries.hasNext();) {
                    Tuple2 entry = (Tuple2) entries.next();
                    views.put(entry._1(), entry._2());
                }
            }
            for (Object name : views.keySet()) {
                note(watched, (String) name, false, (TemporaryViewRelation) views.get(name), path, table, other);
            }
            GlobalTempViewManager global = catalog.globalTempViewManager();
            for (Iterator names = global.listViewNames("(?s)*").iterator(); names.hasNext();) {
                String name = (String) names.next();
                Option view = global.get(name);
                if (view.isDefined()) {
                    note(watched, name, true, (TemporaryViewRelation) view.get(), path, table, other);
                }
            }
        }

        private void note(SparkSession watched, String name, boolean isGlobal, TemporaryViewRelation view, Path path,
                TableIdentifier table, String other) {
            String[] read = null;
            try {
                read = read(planOf(watched, view), path, table, other);
            } catch (Throwable problem) {
                LOG.debug("a view could not be analysed", problem);
            }
            if (read != null && told.add(name + "\n" + isGlobal + "\n" + read[1])) {
                noted.add(Arrays.asList(new Object[] {name, Boolean.valueOf(isGlobal), read[0]}));
                LOG.warn(component + " is about to overwrite " + read[0] + ", which temp view " + name + " reads");
            }
        }

        private static LogicalPlan planOf(SparkSession watched, TemporaryViewRelation view) {
            if (view.plan().isDefined()) {
                return (LogicalPlan) view.plan().get();
            }
            SessionState state = watched.sessionState(); // a view that was made by SQL is stored as its text
            LogicalPlan relation = state.catalog().getTempViewRelation(view);
            return state.executePlan(relation, state.executePlan$default$2()).analyzed();
        }
    }

    /**
     * Sees what becomes of tables without a plan, too: an overwriting saveAsTable drops one. And it notes who changes the
     * catalog, which all copies of a session share.
     */
    private static class CatalogChanges implements ExternalCatalogEventListener {
        private final ExternalCatalog catalog;

        CatalogChanges(ExternalCatalog catalog) {
            this.catalog = catalog;
        }

        public void onEvent(ExternalCatalogEvent event) {
            try {
                noteChange(event);
            } catch (Throwable problem) {
                LOG.debug("cannot note who changes the catalog", problem);
            }
            if (WATCHES.isEmpty() || !(event instanceof DropTablePreEvent)) {
                return;
            }
            try {
                DropTablePreEvent drop = (DropTablePreEvent) event;
                if (catalog.tableExists(drop.database(), drop.name())) {
                    CatalogTable table = catalog.getTable(drop.database(), drop.name());
                    boolean files = table.storage().locationUri().isDefined()
                        && table.tableType().name().equals("MANAGED");
                    SessionGuard.note(files ? new Path(table.location()) : null, table.identifier());
                }
            } catch (Throwable problem) {
                LOG.debug("cannot inspect a table", problem);
            }
        }

        private static void noteChange(ExternalCatalogEvent event) {
            if (!SessionOwners.areThere() || !(event instanceof DatabaseEvent) || event instanceof FunctionEvent) {
                return;
            }
            if (!event.getClass().getSimpleName().endsWith("PreEvent")) {
                SharedChanges.done();
                return;
            }
            String database = SessionContents.quoted(((DatabaseEvent) event).database());
            List names = new ArrayList();
            if (event instanceof TableEvent) {
                names.add(database + "." + SessionContents.quoted(((TableEvent) event).name()));
            } else {
                names.add(database);
            }
            if (event instanceof RenameTablePreEvent) {
                names.add(database + "." + SessionContents.quoted(((RenameTablePreEvent) event).newName()));
            } else if (event instanceof DropDatabasePreEvent) {
                names.add(SharedChanges.inside(database)); // its tables go with it
            }
            SharedChanges.begin(names);
        }
    }
}
