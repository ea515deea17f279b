import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.Date;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.ui.SQLAppStatusStore;
import org.apache.spark.sql.execution.ui.SQLExecutionUIData;
import org.apache.spark.status.JobDataWrapper;
import org.apache.spark.status.StageDataWrapper;
import org.apache.spark.status.TaskDataWrapper;
import org.apache.spark.status.api.v1.StageData;
import org.apache.spark.status.api.v1.StageStatus;
import org.apache.spark.ui.scope.RDDOperationCluster;
import org.apache.spark.ui.scope.RDDOperationNode;
import org.apache.spark.util.kvstore.KVStore;
import org.apache.spark.util.kvstore.KVStoreView;
import scala.Option;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;

/**
 * Tells what was done in a classic Spark session, from what Spark has noted for its UI. Answers are JSON.
 *
 * Where a session has an owner, what is known to be done by others only is left out.
 */
public class SessionHistory {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);
    private static final long PAUSE = TimeUnit.MICROSECONDS.toNanos(200);
    private static final int ENOUGH = 200; // characters of a plan's root
    private static final int MUCH = 4000; // characters of its arguments
    private static final String PHYSICAL = "== Physical Plan ==";
    private static final String EXECUTE = "Execute ";
    private static final String ARGUMENTS = "\nArguments: ";
    private static final String HADOOP_WRITER = "SparkHadoopWriter"; // what saves an RDD

    private final ObjectMapper json = new ObjectMapper();
    private SparkSession session;
    private long began = 0; // when the component began, 0 if that is not known

    public void of(SparkSession session) {
        this.session = session;
    }

    /** A component begins in the session. */
    public void begin() {
        began = System.currentTimeMillis();
    }

    /** Where the history stands: the ids of the next SQL execution (0 if none is kept) and of the next job. */
    public static long[] mark(SparkSession session) {
        SparkContext context = running(session);
        settle(context);
        long execution = nextExecution(session.sharedState().statusStore());
        return new long[] {execution, context.dagScheduler().numTotalJobs()};
    }

    /**
     * What was done since a mark: the SQL executions, and of the jobs what they wrote, what they took, and which of
     * them belong to no SQL execution and are not Spark's own.
     *
     * Settled is false if Spark is still behind with its notes. Forgotten says that it has removed some of them.
     */
    public String since(long execution, int job) throws Exception {
        return json.writeValueAsString(done(execution, job));
    }

    /** The same as a map. */
    public Map done(long execution, int job) throws Exception {
        SparkContext context = running(session);
        Map found = new LinkedHashMap();
        found.put("settled", Boolean.valueOf(settle(context)));
        String owner = SessionOwners.ownerOf(session);
        addPlans(found, session.sharedState().statusStore(), execution, context, owner);
        addJobs(found, session.sharedState().statusStore(), context, job, owner);
        found.put("streams", Integer.valueOf(session.streams().active().length));
        return found;
    }

    private static SparkContext running(SparkSession session) {
        SparkContext context = session.sparkContext();
        if (context.isStopped()) {
            throw new IllegalStateException("the Spark session was stopped");
        }
        return context;
    }

    /** Wait until Spark has noted what it did; false if that takes too long. */
    private static boolean settle(SparkContext context) {
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

    private static long nextExecution(SQLAppStatusStore store) {
        for (int kept = (int) store.executionsCount(); kept > 0; kept = (int) store.executionsCount()) {
            Seq last = store.executionsList(kept - 1, 1);
            if (!last.isEmpty()) {
                return ((SQLExecutionUIData) last.apply(0)).executionId() + 1;
            }
            LockSupport.parkNanos(PAUSE); // Spark forgets its oldest ones meanwhile, in another thread
        }
        return 0;
    }

    private static long oldestExecution(SQLAppStatusStore store, long next) {
        Seq first = store.executionsList(0, 1);
        return first.isEmpty() ? next : ((SQLExecutionUIData) first.apply(0)).executionId();
    }

    private void addPlans(
            Map found, SQLAppStatusStore store, long execution, SparkContext context, String owner) throws Exception {
        long next = nextExecution(store);
        long first = execution;
        boolean forgotten = false;
        if (execution == 0 && next > 0) {
            // Ids go on counting when Spark is started anew in one JVM, so the first one is not 0 but the oldest kept.
            // Spark forgets a tenth at once: with fewer than the rest, it has not forgotten any yet.
            first = oldestExecution(store, next);
            int retained = context.conf().getInt("spark.sql.ui.retainedExecutions", 1000);
            forgotten = store.executionsCount() >= retained - retained / 10;
        }
        Set plans = new LinkedHashSet();
        long firstRun = -1;
        for (long id = first; id < next; id++) {
            Option kept = store.execution(id);
            if (kept.isDefined()) {
                SQLExecutionUIData told = (SQLExecutionUIData) kept.get();
                if (owner != null && SessionOwners.areOthers(ownersOf(told, context), owner)) {
                    continue;
                }
                told = noted(store, told);
                firstRun = firstRun < 0 && told.jobs().nonEmpty() ? id : firstRun;
                if (!failedBeforeItHadAPlan(told)) {
                    plans.add(described(told));
                }
            } else if (!forgotten) {
                forgotten = owner == null || mayHaveForgotten(
                    context, SQLExecutionUIData.class, "spark.sql.ui.retainedExecutions");
            }
        }
        found.put("plans", plans);
        found.put("first_run", Long.valueOf(firstRun));
        found.put("forgotten_sql", Boolean.valueOf(forgotten));
    }

    /**
     * Whether Spark has removed notes of what ended since the component began. What it does not know may also be
     * something of others that it is only about to note. It removes first what ended first, a tenth at once.
     */
    private boolean mayHaveForgotten(SparkContext context, Class kind, String most) throws Exception {
        KVStore store = context.statusStore().store();
        int retained = context.conf().getInt(most, 1000);
        if (store.count(kind) < retained - retained / 10) {
            return false;
        }
        java.util.Iterator first =
            store.view(kind).index("completionTime").first(Long.valueOf(0)).max(1).iterator();
        Object oldest = first.hasNext() ? first.next() : null;
        Option ended = oldest instanceof SQLExecutionUIData ? ((SQLExecutionUIData) oldest).completionTime()
            : oldest == null ? Option.empty() : ((JobDataWrapper) oldest).info().completionTime();
        return ended.isEmpty() || ((Date) ended.get()).getTime() >= began;
    }

    /** A statement that failed without a plan, with its error: Spark adds that a little later, in another thread. */
    private static SQLExecutionUIData noted(SQLAppStatusStore store, SQLExecutionUIData execution) {
        SQLExecutionUIData told = execution;
        for (long began = System.nanoTime(); System.nanoTime() - began < PATIENCE / 10; LockSupport.parkNanos(PAUSE)) {
            if (told.errorMessage().isDefined() || !told.physicalPlanDescription().isEmpty() || told.jobs().nonEmpty()) {
                return told;
            }
            Option now = store.execution(told.executionId());
            told = now.isDefined() ? (SQLExecutionUIData) now.get() : told;
        }
        return told;
    }

    /** Those for whom a statement ran, as its session and the threads of its jobs say. */
    private static Set ownersOf(SQLExecutionUIData execution, SparkContext context) throws Exception {
        Set owners = new LinkedHashSet();
        SessionOwners.addSetting(owners, execution.modifiedConfigs());
        for (Iterator jobs = execution.jobs().keysIterator(); jobs.hasNext();) {
            try {
                addOwners(owners, (JobDataWrapper) context.statusStore().store().read(JobDataWrapper.class, jobs.next()));
            } catch (NoSuchElementException gone) {
                continue;
            }
        }
        return owners;
    }

    private static void addOwners(Set owners, JobDataWrapper job) {
        for (Iterator tags = job.info().jobTags().iterator(); tags.hasNext();) {
            SessionOwners.addTag(owners, (String) tags.next());
        }
    }

    /** Whether a job was run for others only. */
    private static boolean isOfOthers(JobDataWrapper job, SQLAppStatusStore store, String owner) {
        Set owners = new LinkedHashSet();
        addOwners(owners, job);
        if (job.sqlExecutionId().isDefined()) {
            Option execution = store.execution(((Number) job.sqlExecutionId().get()).longValue());
            if (execution.isDefined()) {
                SessionOwners.addSetting(owners, ((SQLExecutionUIData) execution.get()).modifiedConfigs());
            }
        }
        return SessionOwners.areOthers(owners, owner);
    }

    /** Whether a statement could not even be planned, because of a name that is not there; then nothing was done. */
    private static boolean failedBeforeItHadAPlan(SQLExecutionUIData execution) {
        return execution.errorMessage().isDefined() && execution.physicalPlanDescription().isEmpty()
            && execution.jobs().isEmpty();
    }

    /** Root, its arguments, whether there was a job, whether it may run Python of a person, or Java by name. */
    private static List described(SQLExecutionUIData execution) {
        String plan = execution.physicalPlanDescription();
        plan = plan.substring(Math.max(0, plan.indexOf(PHYSICAL)));
        String root = root(plan);
        boolean python = plan.contains("Python") || plan.contains("InPandas") || plan.contains("InArrow")
            || plan.contains("RDD[");
        boolean reflection = plan.contains("reflect(") || plan.contains("java_method(");
        return Arrays.asList(new Object[] {
            root,
            arguments(plan, root),
            Boolean.valueOf(execution.jobs().nonEmpty()),
            Boolean.valueOf(python),
            Boolean.valueOf(reflection),
        });
    }

    private static String root(String plan) {
        for (StringTokenizer lines = new StringTokenizer(plan, "\n"); lines.hasMoreTokens();) {
            String line = lines.nextToken();
            int start = 0;
            while (start < line.length() && " +-:*|".indexOf(line.charAt(start)) >= 0) {
                start++;
            }
            // Adaptive execution wraps a plan: AdaptiveSparkPlan, +- == Final Plan ==, ResultQueryStage, then the root.
            boolean wrapper = line.startsWith("==", start)
                || line.startsWith("AdaptiveSparkPlan", start)
                || line.startsWith("ResultQueryStage", start);
            if (start < line.length() && !wrapper) {
                return line.substring(start, Math.min(line.length(), start + ENOUGH));
            }
        }
        return "";
    }

    /** What the plan says of its root: below the tree, or, where the plan is written in one piece, beside it. */
    private static String arguments(String plan, String root) {
        String operator = root.startsWith(EXECUTE) ? root.substring(EXECUTE.length()) : root;
        int space = operator.indexOf(' ');
        operator = space < 0 ? operator : operator.substring(0, space);
        String[] headings = new String[] {") " + operator, ") " + EXECUTE + operator};
        for (int i = 0; i < headings.length; i++) {
            for (int at = plan.indexOf(headings[i]); at >= 0; at = plan.indexOf(headings[i], at + 1)) {
                String told = told(plan, at);
                if (!told.isEmpty()) {
                    return told;
                }
            }
        }
        for (int at = plan.indexOf(operator + " "); at >= 0; at = plan.indexOf(operator + " ", at + 1)) {
            int end = at + operator.length() + 1;
            if (end < plan.length() && plan.charAt(end) != '(') {
                return shortened(plan.substring(end).trim());
            }
        }
        return "";
    }

    private static String told(String plan, int at) {
        int blank = plan.indexOf("\n\n", at);
        int arguments = plan.indexOf(ARGUMENTS, at);
        if (arguments < 0 || (blank >= 0 && arguments > blank)) {
            return "";
        }
        return shortened(plan.substring(arguments + ARGUMENTS.length(), blank < 0 ? plan.length() : blank).trim());
    }

    private static String shortened(String all) {
        int half = MUCH / 2; // a statement may stand between what counts
        return all.length() <= MUCH ? all : all.substring(0, half) + " … " + all.substring(all.length() - half);
    }

    private void addJobs(
            Map found, SQLAppStatusStore statements, SparkContext context, int first, String owner) throws Exception {
        KVStore store = context.statusStore().store();
        int next = context.dagScheduler().numTotalJobs();
        Map jobs = new LinkedHashMap(); // stage to the job that it belongs to
        Set outside = new LinkedHashSet();
        boolean forgotten = false;
        int skipped = 0; // stages, which Spark forgets first
        for (int job = first; job < next; job++) {
            try {
                JobDataWrapper kept = (JobDataWrapper) store.read(JobDataWrapper.class, Integer.valueOf(job));
                if (owner != null && isOfOthers(kept, statements, owner)) {
                    continue;
                }
                skipped += kept.info().numSkippedStages();
                boolean ofSpark = kept.sqlExecutionId().isDefined() || !kept.info().name().contains(HADOOP_WRITER);
                for (Iterator stages = kept.info().stageIds().iterator(); stages.hasNext();) {
                    Object stage = stages.next();
                    jobs.put(stage, kept);
                    ofSpark = ofSpark && (kept.sqlExecutionId().isDefined() || withoutPython(context, stage));
                }
                if (!ofSpark) {
                    outside.add(kept.info().name());
                }
            } catch (NoSuchElementException gone) {
                forgotten = forgotten || owner == null
                    || mayHaveForgotten(context, JobDataWrapper.class, "spark.ui.retainedJobs");
            }
        }
        Set seen = new HashSet();
        Costs costs = new Costs();
        long output = 0;
        long cpu = 0;
        long run = 0;
        if (!jobs.isEmpty()) {
            for (Object kept : store.view(StageDataWrapper.class)) { // of each attempt
                StageData stage = ((StageDataWrapper) kept).info();
                Integer id = Integer.valueOf(stage.stageId());
                if (jobs.containsKey(id)) {
                    if (seen.add(id) && wasSkipped(stage, (JobDataWrapper) jobs.get(id))) {
                        skipped--;
                    }
                    cpu += stage.executorCpuTime();
                    run += stage.executorRunTime();
                    costs.add(stage);
                    long written = stage.outputBytes() + stage.outputRecords();
                    output += written;
                    JobDataWrapper job = (JobDataWrapper) jobs.get(id);
                    if (written > 0 && !job.sqlExecutionId().isDefined()) {
                        outside.add(job.info().name());
                    }
                }
            }
        }
        found.put("outside_sql", outside);
        found.put("output", Boolean.valueOf(output > 0));
        found.put("cpu_seconds", Double.valueOf(cpu / 1e9));
        found.put("task_seconds", Double.valueOf(run / 1e3));
        found.put("costs", costs.told(store));
        found.put("forgotten_jobs", Boolean.valueOf(forgotten || seen.size() + Math.max(0, skipped) < jobs.size()));
    }

    /** Whether a job had no need to run one of its stages, because an earlier job had. */
    private static boolean wasSkipped(StageData stage, JobDataWrapper job) {
        Option ended = stage.completionTime();
        Option begun = job.info().submissionTime();
        return stage.status() == StageStatus.SKIPPED
            || (ended.isDefined() && begun.isDefined() && ((Date) ended.get()).before((Date) begun.get()));
    }

    /** What stages took, added up, and figures of the longest one that say whether its work was spread evenly. */
    private static class Costs {
        private static final int MANY = 10000; // tasks of which to look for the longest
        private static final long LONG = 5000; // milliseconds that make a look worth while
        private final long[] sums = new long[9];
        private StageData longest;
        private StageData largest; // by the memory of its tasks together

        void add(StageData stage) {
            long[] more = {
                stage.numCompleteTasks() + stage.numFailedTasks() + stage.numKilledTasks(), stage.numFailedTasks(),
                stage.inputRecords(), stage.inputBytes(), stage.outputRecords(), stage.outputBytes(),
                stage.shuffleReadBytes(), stage.shuffleWriteBytes(), stage.diskBytesSpilled(),
            };
            for (int index = 0; index < sums.length; index++) {
                sums[index] += more[index];
            }
            if (longest == null || stage.executorRunTime() > longest.executorRunTime()) {
                longest = stage;
            }
            if (largest == null || stage.peakExecutionMemory() > largest.peakExecutionMemory()) {
                largest = stage;
            }
        }

        Map told(KVStore store) throws Exception {
            Map found = new LinkedHashMap();
            found.put("sums", sums);
            if (largest != null && largest.peakExecutionMemory() > 0) {
                TaskDataWrapper task = task(store, largest, "pem", 0);
                found.put("peak", Long.valueOf(task == null ? -1 : task.peakExecutionMemory()));
            }
            if (longest != null && longest.executorRunTime() >= LONG) {
                TaskDataWrapper slowest = task(store, longest, "ert", 0);
                TaskDataWrapper median = task(store, longest, "ert", longest.numCompleteTasks() / 2);
                found.put("longest", new long[] {
                    longest.numTasks(), longest.executorRunTime(), longest.executorCpuTime() / 1000000,
                    slowest == null ? -1 : slowest.executorRunTime(), median == null ? -1 : median.executorRunTime(),
                });
            }
            return found;
        }

        /** The task of a stage that has the nth highest figure, null if that takes too long or it is forgotten. */
        private static TaskDataWrapper task(KVStore store, StageData stage, String figure, int nth) throws Exception {
            if (stage.numTasks() > MANY) {
                return null;
            }
            KVStoreView tasks = store.view(TaskDataWrapper.class)
                .parent(new int[] {stage.stageId(), stage.attemptId()}).index(figure).reverse().skip(nth).max(1);
            java.util.Iterator found = tasks.iterator();
            return found.hasNext() ? (TaskDataWrapper) found.next() : null;
        }
    }

    /** Whether no RDD of Python is part of a stage. Then it is Spark that computes, such as a schema or a model. */
    private static boolean withoutPython(SparkContext context, Object stage) {
        try {
            int id = ((Integer) stage).intValue();
            return withoutPython(context.statusStore().operationGraphForStage(id).rootCluster());
        } catch (NoSuchElementException gone) {
            return false;
        }
    }

    private static boolean withoutPython(RDDOperationCluster cluster) {
        for (Iterator nodes = cluster.childNodes().iterator(); nodes.hasNext();) {
            if (((RDDOperationNode) nodes.next()).name().contains("Python")) {
                return false;
            }
        }
        for (Iterator inner = cluster.childClusters().iterator(); inner.hasNext();) {
            if (!withoutPython((RDDOperationCluster) inner.next())) {
                return false;
            }
        }
        return true;
    }
}
