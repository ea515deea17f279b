import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/**
 * Looks at a session after a component. One call tells what is in the session and, as far as that is at hand, what the
 * component did there. What is not at hand, or fails, is left out: then it is asked for by itself.
 */
public class ComponentLook {
    private static final int MANY = 50; // views of one component
    private static final int LONG = 8000; // characters, see SessionContents

    private final ObjectMapper json = new ObjectMapper();
    private final SessionContents contents = new SessionContents();
    private final SessionHistory history = new SessionHistory();
    private final SessionSources sources = new SessionSources();
    private SparkSession session;
    private Object guard; // of a class of its own, because Spark may refuse that one alone
    private boolean isWatching = false;
    private long execution;
    private int job;

    public void of(SparkSession session) {
        this.session = session;
        contents.of(session);
        history.of(session);
        sources.of(session);
    }

    public SessionContents contents() {
        return contents;
    }

    public SessionHistory history() {
        return history;
    }

    public SessionSources sources() {
        return sources;
    }

    /** Let components be guarded, too. */
    public void guardWith(Object guard) {
        this.guard = guard;
    }

    /**
     * A component begins. Tells which of "guard" and "sources" could not begin, each followed by a space.
     *
     * @param execution where the session's history stands, together with the next job; negative if that is not known
     * @param unused numbers of pinned plans that are not needed, as JSON
     */
    public String begin(String component, long execution, int job, String unused) throws Exception {
        this.execution = execution;
        this.job = job;
        isWatching = true;
        history.begin();
        for (Object number : (List) json.readValue(unused, List.class)) {
            contents.unpin(((Number) number).longValue());
        }
        StringBuilder failed = new StringBuilder();
        try {
            ((Consumer) guard).accept(new Object[] {session, component});
        } catch (Throwable problem) {
            SessionContents.reason(problem);
            failed.append("guard ");
        }
        try {
            sources.begin();
        } catch (Throwable problem) {
            SessionContents.reason(problem);
            failed.append("sources ");
        }
        return failed.toString();
    }

    /** The component failed, or what it did is not asked for. */
    public void end() {
        isWatching = false;
        endChanges();
        sources.end();
    }

    /**
     * What is in the session, see SessionContents; and what was done since a component began.
     *
     * @param known number of the last answer that the caller has seen, 0 if it needs all
     * @param most how many files may be told
     * @param millis how long that may take
     * @return JSON, packed if it is long
     */
    public String look(long known, int most, long millis) throws Exception {
        endChanges();
        Map answer = contents.look(known);
        if (isWatching) {
            isWatching = false;
            answer.put("component", component(answer, most, millis));
        }
        String text = json.writeValueAsString(answer);
        return text.length() > LONG ? SessionSources.packed(json.writeValueAsBytes(answer)) : text;
    }

    private void endChanges() {
        String owner = SessionOwners.ownerOf(session);
        if (owner != null) {
            SharedChanges.endOf(owner);
        }
    }

    private Map component(Map answer, int most, long millis) {
        Map told = new LinkedHashMap();
        try {
            told.put("overwritten", ((Supplier) guard).get());
        } catch (Throwable problem) {
            SessionContents.reason(problem);
        }
        try {
            if (execution >= 0) {
                told.put("since", history.done(execution, job));
            }
        } catch (Throwable problem) {
            SessionContents.reason(problem);
        }
        List views = changedViews(answer);
        try {
            if (views != null) {
                addViews(told, views, most, millis);
            }
        } catch (Throwable problem) {
            SessionContents.reason(problem);
        }
        return told;
    }

    /** The views that are new or other ones since the last answer; null if that is not known, or if there are many. */
    private static List changedViews(Map answer) {
        List local = (List) answer.get("views");
        List everywhere = (List) answer.get("global_views");
        if (local == null || everywhere == null || ((Number) answer.get("since")).longValue() == 0) {
            return null;
        }
        List found = new ArrayList();
        for (Object name : ((Map) local.get(0)).keySet()) {
            found.add(new Object[] {name, Boolean.FALSE});
        }
        for (Object name : ((Map) everywhere.get(0)).keySet()) {
            found.add(new Object[] {name, Boolean.TRUE});
        }
        return found.size() > MANY ? null : found;
    }

    private void addViews(Map told, List views, int most, long millis) throws Exception {
        List plans = new ArrayList();
        List failed = new ArrayList();
        List described = new ArrayList(); // [name, whether it is global, number of its pinned plan, why it is unstable]
        String global = session.sessionState().conf().getConfString("spark.sql.globalTempDatabase", "global_temp");
        for (Object view : views) {
            String name = (String) ((Object[]) view)[0];
            boolean isGlobal = ((Boolean) ((Object[]) view)[1]).booleanValue();
            String quoted = SessionContents.quoted(name);
            LogicalPlan plan = null;
            try {
                plan = SessionContents.planOf(
                    session, name, isGlobal, isGlobal ? SessionContents.quoted(global) + "." + quoted : quoted);
                plans.add(new Object[] {name, plan});
            } catch (Exception error) {
                failed.add(name); // it cannot be computed at all, so it is not unstable either
            }
            String why = plan == null ? null : SessionContents.unstable(plan);
            Object pin = Long.valueOf(contents.pinPlan(name, isGlobal));
            described.add(Arrays.asList(new Object[] {name, Boolean.valueOf(isGlobal), pin, why}));
        }
        told.put("views", described);
        Map found = sources.foundAtHand(plans, failed, most, millis);
        if (found != null) {
            told.put("sources", found);
        }
    }
}
