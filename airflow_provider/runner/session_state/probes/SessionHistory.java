import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
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
import org.apache.spark.status.api.v1.StageData;
import org.apache.spark.util.kvstore.KVStore;
import scala.Option;
import scala.collection.Iterator;

/** Tells what was done in a classic Spark session, from what Spark has noted for its UI. Answers are JSON. */
public class SessionHistory {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);
    private static final long PAUSE = TimeUnit.MICROSECONDS.toNanos(200);
    private static final int ENOUGH = 200; // characters of a plan's root

    private final ObjectMapper json = new ObjectMapper();
    private SparkSession session;

    public void of(SparkSession session) {
        this.session = session;
    }

    /** Where the history stands: the ids of the next SQL execution (0 if none is kept) and of the next job. */
    public String mark() throws Exception {
        SparkContext context = running();
        settle(context);
        long execution = nextExecution(session.sharedState().statusStore());
        return json.writeValueAsString(new long[] {execution, context.dagScheduler().numTotalJobs()});
    }

    /**
     * What was done since a mark: the roots of the physical plans of the SQL executions, and whether a job had output.
     *
     * Settled is false if Spark is still behind with its notes. Forgotten says that it has removed some of them.
     */
    public String since(long execution, int job) throws Exception {
        SparkContext context = running();
        Map found = new LinkedHashMap();
        found.put("settled", Boolean.valueOf(settle(context)));
        addPlans(found, session.sharedState().statusStore(), execution, context);
        addOutput(found, context.statusStore().store(), job, context.dagScheduler().numTotalJobs());
        return json.writeValueAsString(found);
    }

    private SparkContext running() {
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
        int kept = (int) store.executionsCount();
        return kept == 0 ? 0 : ((SQLExecutionUIData) store.executionsList(kept - 1, 1).apply(0)).executionId() + 1;
    }

    private static void addPlans(Map found, SQLAppStatusStore store, long execution, SparkContext context) {
        long next = nextExecution(store);
        long first = execution;
        boolean forgotten = false;
        if (execution == 0 && next > 0) {
            // Ids go on counting when Spark is started anew in one JVM, so the first one is not 0 but the oldest kept.
            // Spark forgets a tenth at once: with fewer than the rest, it has not forgotten any yet.
            first = ((SQLExecutionUIData) store.executionsList(0, 1).apply(0)).executionId();
            int retained = context.conf().getInt("spark.sql.ui.retainedExecutions", 1000);
            forgotten = store.executionsCount() >= retained - retained / 10;
        }
        Set plans = new LinkedHashSet();
        for (long id = first; id < next; id++) {
            Option kept = store.execution(id);
            if (kept.isDefined()) {
                plans.add(root(((SQLExecutionUIData) kept.get()).physicalPlanDescription()));
            } else {
                forgotten = true;
            }
        }
        found.put("plans", plans);
        found.put("forgotten_sql", Boolean.valueOf(forgotten));
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
                String root = line.substring(start, Math.min(line.length(), start + ENOUGH));
                boolean persistent = root.startsWith("Execute CreateViewCommand") && plan.contains("PersistedView");
                return persistent ? root + " PersistedView" : root;
            }
        }
        return "";
    }

    private static void addOutput(Map found, KVStore store, int first, int next) throws Exception {
        Set wanted = new HashSet();
        boolean forgotten = false;
        for (int job = first; job < next; job++) {
            try {
                JobDataWrapper kept = (JobDataWrapper) store.read(JobDataWrapper.class, Integer.valueOf(job));
                for (Iterator stages = kept.info().stageIds().iterator(); stages.hasNext();) {
                    wanted.add(stages.next());
                }
            } catch (NoSuchElementException gone) {
                forgotten = true;
            }
        }
        Set seen = new HashSet();
        long output = 0;
        if (!wanted.isEmpty()) {
            for (Object kept : store.view(StageDataWrapper.class)) { // of each attempt
                StageData stage = ((StageDataWrapper) kept).info();
                Integer id = Integer.valueOf(stage.stageId());
                if (wanted.contains(id)) {
                    seen.add(id);
                    output += stage.outputBytes() + stage.outputRecords();
                }
            }
        }
        found.put("output", Boolean.valueOf(output > 0));
        found.put("forgotten_jobs", Boolean.valueOf(forgotten || seen.size() < wanted.size()));
    }
}
