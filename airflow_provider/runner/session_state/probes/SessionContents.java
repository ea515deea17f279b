import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.apache.spark.Dependency;
import org.apache.spark.api.python.PythonRDD;
import org.apache.spark.rdd.MapPartitionsRDD;
import org.apache.spark.rdd.ParallelCollectionRDD;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.GlobalTempViewManager;
import org.apache.spark.sql.catalyst.catalog.HiveTableRelation;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.catalog.TemporaryViewRelation;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionWithRandomSeed;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockLength;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockStart;
import org.apache.spark.sql.catalyst.expressions.InputFileName;
import org.apache.spark.sql.catalyst.expressions.MonotonicallyIncreasingID;
import org.apache.spark.sql.catalyst.expressions.SparkPartitionID;
import org.apache.spark.sql.catalyst.plans.logical.Generate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.MapInPandas;
import org.apache.spark.sql.catalyst.plans.logical.Offset;
import org.apache.spark.sql.catalyst.plans.logical.OrderPreservingUnaryNode;
import org.apache.spark.sql.catalyst.plans.logical.ResolvedHint;
import org.apache.spark.sql.catalyst.plans.logical.Sample;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.plans.logical.Tail;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.catalyst.trees.TreePattern;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.Dataset$;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.CacheManager;
import org.apache.spark.sql.execution.LogicalRDD;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.internal.SessionState;
import org.apache.spark.storage.StorageLevel;
import scala.Option;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;

/**
 * Looks at what is in a classic Spark session, from inside its JVM. Objects differ by their identity.
 *
 * An answer is JSON, so that a name may hold any character, and it is short: one of more than 8 KB reaches Python in
 * pieces, of which TCP holds back the second for 40 ms. So an answer tells what has changed since the last one.
 */
public class SessionContents {
    /** What a global view is called among what components change. */
    public static final String GLOBAL = "global view ";

    private final ObjectMapper json = new ObjectMapper();
    private final Memory contents = new Memory();
    private final Map levels = new HashMap(); // view to its identity and level, as long as the cache stays as it is
    private final Map pins = new HashMap();
    private final Map sections = new LinkedHashMap();
    private final SharedChanges sharedViews = new SharedChanges();
    private Map globalCached = Collections.emptyMap(); // as of the last look
    private static final Set SAVED = // descriptions of views
        Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap()));
    private static volatile Thread waiting; // analyses a view, and has taken too long
    private Object cacheState;
    private long lastPin = 0;
    private SparkSession session;
    private static volatile long patience = 10000L; // milliseconds

    public void of(SparkSession session) {
        this.session = session;
    }

    /** How many milliseconds a catalog may take to tell what a view reads. */
    public void waitAtMost(long millis) {
        patience = millis;
    }

    /** Let a look also tell what a kind of session state says: names, each with a text that changes with the thing. */
    public void addSection(String name, Function look) {
        sections.put(name, look);
    }

    /**
     * Temp views by name, which of them are cached, all sections, and the mark where Spark's history stands.
     *
     * @param known number of the last answer that the caller has seen, 0 if it needs all
     */
    public Map look(long known) throws Exception {
        if (session.sparkContext().isStopped()) {
            throw new IllegalStateException("the Spark session was stopped");
        }
        SessionState state = session.sessionState();
        Map found = new LinkedHashMap();
        Map unknown = new LinkedHashMap();
        Map everywhere = Collections.emptyMap();
        try {
            found.put("views", views(state.catalog()));
            long began = SharedChanges.now();
            everywhere = globalViews(state.catalog().globalTempViewManager());
            found.put("global_views", sharedViews.own(SessionOwners.ownerOf(session), everywhere, GLOBAL, began));
        } catch (Throwable problem) {
            unknown.put("views", reason(problem));
            unknown.put("global_views", reason(problem));
        }
        try {
            boolean anyCached = lookAtCache();
            String global = quoted(state.conf().getConfString("spark.sql.globalTempDatabase", "global_temp")) + ".";
            Map views = (Map) found.get("views");
            Map globals = (Map) found.get("global_views");
            found.put("cached", anyCached ? cached(views, views, "") : Collections.emptyMap());
            globalCached = anyCached ? cached(globals, everywhere, global) : Collections.emptyMap();
            found.put("global_cached", globalCached);
        } catch (Throwable problem) {
            unknown.put("cached", reason(problem));
            unknown.put("global_cached", reason(problem));
        }
        for (Object name : sections.keySet()) {
            try {
                found.put(name, ((Function) sections.get(name)).apply(session));
            } catch (Throwable problem) {
                unknown.put(name, reason(problem));
            }
        }
        for (Object name : unknown.keySet()) {
            found.remove(name);
        }
        Map answer = contents.changes(found, known);
        answer.put("unknown", unknown);
        try {
            long[] mark = SessionHistory.mark(session);
            answer.put("next_execution", Long.valueOf(mark[0]));
            answer.put("next_job", Long.valueOf(mark[1]));
        } catch (Throwable problem) {
            unknown.put("mark", reason(problem));
        }
        return answer;
    }

    /** What keeps one part of an answer from being known; the other parts are. What the JVM cannot survive is raised. */
    public static String reason(Throwable problem) {
        if (problem instanceof OutOfMemoryError) {
            throw (Error) problem;
        }
        return String.valueOf(problem);
    }

    /**
     * The rows of a temp view, after its text was analysed. That asks catalogs, which may hang, so it is done in a thread
     * of its own; while one of them hangs no other is asked.
     */
    public static Dataset analysed(SparkSession session, String quoted) throws Exception {
        Thread before = waiting;
        if (before != null && before.isAlive()) {
            throw new TimeoutException("an earlier look at a view has no answer yet");
        }
        Analysis analysis = new Analysis(session, quoted);
        Thread thread = new Thread(analysis, "airflow-provider-analysis");
        thread.setDaemon(true);
        thread.start();
        thread.join(patience);
        if (thread.isAlive()) {
            waiting = thread;
            throw new TimeoutException("no answer within " + patience / 1000 + " s");
        }
        if (analysis.problem != null) {
            throw new IllegalStateException(String.valueOf(analysis.problem), analysis.problem);
        }
        return analysis.rows;
    }

    private static class Analysis implements Runnable {
        private final SparkSession session;
        private final String quoted;
        private volatile Dataset rows;
        private volatile Throwable problem;

        Analysis(SparkSession session, String quoted) {
            this.session = session;
            this.quoted = quoted;
        }

        public void run() {
            try {
                Dataset found = session.table(quoted);
                found.queryExecution().analyzed();
                rows = found;
            } catch (Throwable error) {
                problem = error;
            }
        }
    }

    /**
     * Pin the plan of a temp view as it is now, whatever becomes of the view and of the files that it reads.
     *
     * @return a number for it; 0 if the view has no plan of its own, because it is stored as its SQL text and so
     *     changes with what that names
     */
    public long pinPlan(String name, boolean isGlobal) {
        SessionCatalog catalog = session.sessionState().catalog();
        Option view = isGlobal ? catalog.globalTempViewManager().get(name) : view(catalog, name);
        Option plan = view.isEmpty() ? view : ((TemporaryViewRelation) view.get()).plan();
        if (plan.isEmpty()) {
            return 0;
        }
        lastPin++;
        pins.put(Long.valueOf(lastPin), plan.get());
        return lastPin;
    }

    /** Pin a temp view itself; one that is stored as its SQL text goes on changing with what that names. */
    public long pinView(String name, boolean isGlobal) {
        TemporaryViewRelation view = relation(name, isGlobal);
        if (view == null) {
            return 0;
        }
        lastPin++;
        pins.put(Long.valueOf(lastPin), view);
        return lastPin;
    }

    /** What is pinned under a number. */
    public Dataset pinned(long number) {
        return Dataset$.MODULE$.ofRows(session, pinnedPlan(number));
    }

    private LogicalPlan pinnedPlan(long number) {
        Object found = pins.get(Long.valueOf(number));
        if (found instanceof TemporaryViewRelation) {
            return (LogicalPlan) session.sessionState().catalog().getTempViewRelation((TemporaryViewRelation) found);
        }
        return (LogicalPlan) found;
    }

    /**
     * What decides how far the saved copy of a view can stand for it, as JSON.
     *
     * live: whether the view follows what is written to its sources, which its copy cannot do. names: the temp
     * views, functions and variables that its text names, also through others. ordered: whether its rows have an order
     * of their own. redrawn: why each reader gets other rows, null if they are the same.
     *
     * @param number under which its plan is pinned, or 0: then it is taken as it is now
     */
    public String viewFacts(String name, boolean isGlobal, String quoted, long number) throws Exception {
        TemporaryViewRelation view = relation(name, isGlobal);
        Object kept = number > 0 ? pins.get(Long.valueOf(number)) : view;
        TemporaryViewRelation of = kept instanceof TemporaryViewRelation ? (TemporaryViewRelation) kept : null;
        boolean isText = of != null && of.plan().isEmpty();
        Dataset rows = number > 0 ? pinned(number) : analysed(session, quoted);
        LogicalPlan plan = rows.queryExecution().analyzed();
        boolean isCached = rows.storageLevel().isValid();
        Set names = new LinkedHashSet();
        if (isText) {
            addNames(of, names);
        }
        Map told = new LinkedHashMap();
        told.put("live", Boolean.valueOf(isText || isCached || !isPinned(plan, !isGlobal)));
        told.put("names", names);
        told.put("ordered", Boolean.valueOf(isOrdered(plan)));
        String redrawn = isCached ? null : redrawn(plan);
        if (redrawn == null && isText && !isCached) {
            List seeds = new ArrayList();
            List again = new ArrayList();
            addSeeds(plan, seeds);
            addSeeds((number > 0 ? pinned(number) : analysed(session, quoted)).queryExecution().analyzed(), again);
            redrawn = seeds.equals(again) ? null : "it is not deterministic";
        }
        told.put("redrawn", redrawn);
        return json.writeValueAsString(told);
    }

    /** Whether a pinned plan reads a pinned view. */
    public boolean planReads(long number, long view) {
        Object found = pins.get(Long.valueOf(view));
        Object plan = pins.get(Long.valueOf(number));
        return plan instanceof LogicalPlan && found instanceof TemporaryViewRelation
            && reads((LogicalPlan) plan, ((TemporaryViewRelation) found).tableMeta());
    }

    private static boolean reads(TreeNode node, CatalogTable view) {
        if (node instanceof View && ((View) node).desc() == view) {
            return true;
        }
        Iterator below = node.children().iterator();
        Iterator inside = node.innerChildren().iterator();
        while (below.hasNext() || inside.hasNext()) {
            if (reads((TreeNode) (below.hasNext() ? below.next() : inside.next()), view)) {
                return true;
            }
        }
        return false;
    }

    /** From now on a temp view has a copy: what is made of it is made of the copy when it is made again. */
    public void markSaved(String name, boolean isGlobal) {
        TemporaryViewRelation view = relation(name, isGlobal);
        if (view != null) {
            SAVED.add(view.tableMeta());
        }
    }

    /** Whether a node of a plan stands for a temp view that has a copy. */
    public static boolean isSaved(Object node) {
        return node instanceof View && ((View) node).isTempView() && SAVED.contains(((View) node).desc());
    }

    private TemporaryViewRelation relation(String name, boolean isGlobal) {
        SessionCatalog catalog = session.sessionState().catalog();
        Option view = isGlobal ? catalog.globalTempViewManager().get(name) : view(catalog, name);
        return view.isEmpty() ? null : (TemporaryViewRelation) view.get();
    }

    private void addNames(TemporaryViewRelation view, Set names) {
        for (Iterator functions = view.tableMeta().viewReferredTempFunctionNames().iterator(); functions.hasNext();) {
            names.add(functions.next() + "()");
        }
        if (view.tableMeta().viewReferredTempVariableNames().nonEmpty()) {
            names.add("@");
        }
        for (Iterator views = view.tableMeta().viewReferredTempViewNames().iterator(); views.hasNext();) {
            Seq parts = (Seq) views.next();
            String name = (String) parts.last();
            boolean isGlobal = parts.size() > 1;
            if (names.add(isGlobal ? "global_temp." + name : name)) {
                TemporaryViewRelation next = relation(name, isGlobal);
                if (next != null && next.plan().isEmpty()) {
                    addNames(next, names);
                }
            }
        }
    }

    /**
     * Whether a plan goes on with the files that it has listed, and so shows the same whatever is written.
     *
     * @param own whether all that the plan reads was looked up in this session
     */
    private boolean isPinned(TreeNode node, boolean own) {
        Iterator below = node.children().iterator();
        Iterator inside = node.innerChildren().iterator();
        if (!below.hasNext() && node instanceof LogicalPlan) {
            if (node instanceof LogicalRelation) {
                LogicalRelation relation = (LogicalRelation) node;
                if (!(relation.relation() instanceof HadoopFsRelation)) {
                    return false;
                }
                HadoopFsRelation files = (HadoopFsRelation) relation.relation();
                return files.location() instanceof PartitioningAwareFileIndex
                    && (relation.catalogTable().isEmpty() || (own && isLeftBehind(files)));
            }
            if (node instanceof DataSourceV2Relation) {
                return ((DataSourceV2Relation) node).table() instanceof FileTable;
            }
            return !(node instanceof HiveTableRelation);
        }
        boolean isOwn = own && !(node instanceof View && isOfAll(((View) node).desc().identifier()));
        while (below.hasNext() || inside.hasNext()) {
            if (!isPinned((TreeNode) (below.hasNext() ? below.next() : inside.next()), isOwn)) {
                return false;
            }
        }
        return true;
    }

    private boolean isOfAll(TableIdentifier view) {
        return view.database().contains(session.sharedState().globalTempDB());
    }

    /**
     * Whether what is written to a table no longer reaches a plan that reads it.
     *
     * A statement that writes lets the relation list its files anew that it has looked up, and then the session forgets
     * that one. So a plan that has the same follows the first statement, and no further one, as long as nothing is
     * cached. In doubt the plan counts as following.
     */
    private boolean isLeftBehind(HadoopFsRelation relation) {
        if (!session.sharedState().cacheManager().isEmpty()) {
            return false;
        }
        try {
            Field lookedUp = SessionCatalog.class.getDeclaredField("tableRelationCache");
            lookedUp.setAccessible(true);
            Object relations = lookedUp.get(session.sessionState().catalog());
            Map byName = (Map) lookedUp.getType().getMethod("asMap", new Class[0]).invoke(relations, new Object[0]);
            for (java.util.Iterator plans = byName.values().iterator(); plans.hasNext();) {
                Object plan = plans.next();
                if (!(plan instanceof LogicalRelation)) {
                    return false;
                }
                Object known = ((LogicalRelation) plan).relation();
                if (known instanceof HadoopFsRelation && ((HadoopFsRelation) known).location() == relation.location()) {
                    return false;
                }
            }
            return true;
        } catch (Exception error) {
            return false;
        }
    }

    /** Whether a plan sorts all of its rows, and does nothing after that which mixes them. */
    private static boolean isOrdered(LogicalPlan plan) {
        LogicalPlan node = plan;
        while (node instanceof OrderPreservingUnaryNode || node instanceof Generate || node instanceof ResolvedHint
                || node instanceof Offset || node instanceof Tail || node instanceof MapInPandas) {
            node = (LogicalPlan) node.children().head();
        }
        return node instanceof Sort && ((Sort) node).global();
    }

    /** Why each reading of a plan gives other rows; null if it gives the same. */
    private static String redrawn(TreeNode node) {
        if (isSaved(node)) {
            return null;
        }
        if (node instanceof Expression) {
            Expression expression = (Expression) node;
            if (expression.containsPattern(TreePattern.CURRENT_LIKE()) && !expression.children().iterator().hasNext()) {
                return "it depends on the current time";
            }
            boolean own = !expression.deterministic();
            for (Iterator children = expression.children().iterator(); own && children.hasNext();) {
                own = ((Expression) children.next()).deterministic();
            }
            boolean placed = expression instanceof MonotonicallyIncreasingID || expression instanceof SparkPartitionID
                || expression instanceof InputFileName || expression instanceof InputFileBlockStart
                || expression instanceof InputFileBlockLength;
            if (own && !placed && !(expression instanceof ExpressionWithRandomSeed)) {
                return "it is not deterministic";
            }
        }
        Iterator below = node.children().iterator();
        Iterator inside = node instanceof LogicalPlan ? ((LogicalPlan) node).expressions().iterator() : node.innerChildren().iterator();
        while (below.hasNext() || inside.hasNext()) {
            String why = redrawn((TreeNode) (below.hasNext() ? below.next() : inside.next()));
            if (why != null) {
                return why;
            }
        }
        return null;
    }

    private static void addSeeds(TreeNode node, List seeds) {
        if (node instanceof ExpressionWithRandomSeed) {
            seeds.add(String.valueOf(((ExpressionWithRandomSeed) node).seedExpression()));
        }
        Iterator below = node.children().iterator();
        Iterator inside = node instanceof LogicalPlan ? ((LogicalPlan) node).expressions().iterator() : node.innerChildren().iterator();
        while (below.hasNext() || inside.hasNext()) {
            addSeeds((TreeNode) (below.hasNext() ? below.next() : inside.next()), seeds);
        }
    }

    /** Forget a pinned plan or view. */
    public void unpin(long number) {
        pins.remove(Long.valueOf(number));
    }

    /** Why a temp view would show other rows if it were computed again; null if it would not. */
    public String whyUnstable(String name, boolean isGlobal, String quoted) {
        LogicalPlan plan = null;
        try {
            plan = planOf(session, name, isGlobal, quoted);
        } catch (Exception error) {
            return null; // it cannot be computed at all
        }
        return plan == null ? null : unstable(plan);
    }

    /** The plan of a temp view; null if there is no such view. One that was made by SQL is stored as its text. */
    public static LogicalPlan planOf(SparkSession session, String name, boolean isGlobal, String quoted) throws Exception {
        SessionCatalog catalog = session.sessionState().catalog();
        Option view = isGlobal ? catalog.globalTempViewManager().get(name) : view(catalog, name);
        if (view.isEmpty()) {
            return null;
        }
        Option stored = ((TemporaryViewRelation) view.get()).plan();
        return stored.isDefined() ? (LogicalPlan) stored.get() : analysed(session, quoted).queryExecution().analyzed();
    }

    /** The same of a plan. What is made of a view that has a copy is made of the copy when it is made again. */
    public static String unstable(TreeNode node) {
        if (isSaved(node)) {
            return null;
        }
        // These two say that they are deterministic: a sample depends on the order of its rows, and an RDD holds what
        // some code put into it.
        if (node instanceof Sample || node instanceof LogicalRDD && !isOfDriver(((LogicalRDD) node).rdd())) {
            return "shows a sample, or rows computed outside of SQL";
        }
        if (node instanceof LogicalPlan) {
            for (Iterator each = ((LogicalPlan) node).expressions().iterator(); each.hasNext();) {
                Expression expression = (Expression) each.next();
                if (!expression.deterministic()) {
                    return "is not deterministic";
                }
                if (expression.containsPattern(TreePattern.CURRENT_LIKE())) {
                    return "depends on the current time";
                }
            }
        }
        Iterator below = node.children().iterator();
        Iterator inside = node.innerChildren().iterator(); // subqueries
        while (below.hasNext() || inside.hasNext()) {
            String why = unstable((TreeNode) (below.hasNext() ? below.next() : inside.next()));
            if (why != null) {
                return why;
            }
        }
        return null;
    }

    /** Whether anything is cached; if that is not what it was at the last look, what was known of it is forgotten. */
    private boolean lookAtCache() throws Exception {
        CacheManager cache = session.sharedState().cacheManager();
        Object now = null;
        if (!cache.isEmpty()) {
            Field entries = CacheManager.class.getDeclaredField("cachedData"); // a list that is replaced when it changes
            entries.setAccessible(true);
            now = entries.get(cache);
        }
        if (now == null || now != cacheState) {
            levels.clear();
        }
        cacheState = now;
        return now != null;
    }

    /**
     * The views whose rows Spark caches, with the storage level.
     *
     * @param there what has their names now: one that only others have changed is as it was, and cannot be asked for
     */
    private Map cached(Map views, Map there, String prefix) {
        Map found = new LinkedHashMap();
        for (Object name : views.keySet()) {
            String key = prefix + quoted((String) name);
            String[] known = (String[]) levels.get(key);
            if (!views.get(name).equals(there.get(name))) {
                if (globalCached.containsKey(name)) {
                    found.put(name, globalCached.get(name));
                }
                continue;
            }
            if (known == null || !known[0].equals(views.get(name))) {
                known = new String[] {(String) views.get(name), level(key)};
                levels.put(key, known);
            }
            if (!known[1].isEmpty()) {
                found.put(name, known[1]);
            }
        }
        return found;
    }

    private String level(String view) {
        try {
            StorageLevel level = analysed(session, view).storageLevel();
            return !level.isValid() ? "" : level.useDisk() + " " + level.useMemory() + " " + level.useOffHeap() + " "
                + level.deserialized() + " " + level.replication();
        } catch (Exception error) {
            return ""; // a view that cannot be analysed
        }
    }

    private static Map views(SessionCatalog catalog) {
        Map found = new LinkedHashMap();
        synchronized (catalog) {
            for (Iterator entries = catalog.tempViews().iterator(); entries.hasNext();) {
                Tuple2 entry = (Tuple2) entries.next();
                found.put(entry._1(), identity(entry._2()));
            }
        }
        return found;
    }

    private static Option view(SessionCatalog catalog, String name) {
        synchronized (catalog) {
            return catalog.tempViews().get(name);
        }
    }

    private static Map globalViews(GlobalTempViewManager manager) {
        Map found = new LinkedHashMap();
        // The pattern becomes a regular expression, in which a * alone would not find a name with a newline.
        for (Iterator names = manager.listViewNames("(?s)*").iterator(); names.hasNext();) {
            String name = (String) names.next();
            Option view = manager.get(name);
            if (view.isDefined()) {
                found.put(name, identity(view.get()));
            }
        }
        return found;
    }

    /** Whether the driver handed out the rows, as createDataFrame does: they are what its code says, and that is read. */
    public static boolean isOfDriver(RDD rows) {
        RDD rdd = rows;
        while (rdd instanceof MapPartitionsRDD || rdd instanceof PythonRDD) {
            if (rdd.dependencies().size() != 1) {
                return false;
            }
            rdd = ((Dependency) rdd.dependencies().apply(0)).rdd();
        }
        return rdd instanceof ParallelCollectionRDD;
    }

    /** A text that tells an object apart from all others. */
    public static String identity(Object object) {
        return Integer.toString(System.identityHashCode(object));
    }

    /** A name in backticks. */
    public static String quoted(String name) {
        return "`" + name.replace("`", "``") + "`";
    }

    /** What the last answer was about. A caller that has not seen that answer, because it got lost, gets everything. */
    private static class Memory {
        private Map last = Collections.emptyMap();
        private long number = 0;

        Map changes(Map found, long known) {
            boolean seen = number > 0 && known == number;
            Map answer = new LinkedHashMap();
            for (Object section : found.keySet()) {
                boolean told = seen && last.containsKey(section);
                Map before = told ? (Map) last.get(section) : Collections.emptyMap();
                answer.put(section, difference(before, (Map) found.get(section)));
            }
            Map kept = new LinkedHashMap(seen ? last : Collections.emptyMap()); // what is not known now, as it was
            kept.putAll(found);
            answer.put("since", Long.valueOf(seen ? number : 0));
            number++;
            answer.put("number", Long.valueOf(number));
            last = kept;
            return answer;
        }

        private static Object difference(Map before, Map now) {
            Map changed = new LinkedHashMap();
            for (Object name : now.keySet()) {
                if (!now.get(name).equals(before.get(name))) {
                    changed.put(name, now.get(name));
                }
            }
            Set gone = new LinkedHashSet(before.keySet());
            gone.removeAll(now.keySet());
            return Arrays.asList(new Object[] {changed, gone});
        }
    }
}
