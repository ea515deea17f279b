import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.WeakHashMap;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.classic.SparkSession;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Knows which component owns a session and a thread, while several components run in copies of one session.
 *
 * A setting in each copy stands in what Spark notes of its SQL executions, and a tag of the thread in what it notes of
 * jobs. An owner that runs components of its own side by side owns what they do, too: they are "owner/inner owner".
 */
public class SessionOwners {
    private static final String SETTING = "spark.pyspark_pipeline.component";
    private static final String TAG = "pyspark_pipeline_component=";
    private static final String TAGS = "spark.job.tags";
    private static final String REDACTED = "*********";
    private static final String HEX = "0x";
    private static final Map OWNERS = Collections.synchronizedMap(new WeakHashMap());
    private SparkSession session;

    public void of(SparkSession session) {
        this.session = session;
    }

    /** From now on the session belongs to an owner, and so does every session that is cloned from it. */
    public void claim(String owner) {
        session.conf().set(SETTING, encoded(owner));
        OWNERS.put(session, owner);
    }

    /** From now on this thread works for an owner, and for none that it worked for before. */
    public void markThread(String owner) {
        SparkContext context = session.sparkContext();
        for (Object tag : tags(context.getLocalProperty(TAGS))) {
            if (((String) tag).startsWith(TAG) && !isPartOf(owner, decoded(((String) tag).substring(TAG.length())))) {
                context.removeJobTag((String) tag);
            }
        }
        context.addJobTag(TAG + encoded(owner));
    }

    /** The owner of the session, null if it has none. */
    public String owner() {
        return ownerOf(session);
    }

    /** The owner of a session, null if it has none. */
    public static String ownerOf(SparkSession session) {
        Object claimed = OWNERS.get(session);
        if (claimed != null || OWNERS.isEmpty()) {
            return (String) claimed;
        }
        return decoded(session.sessionState().conf().getConfString(SETTING, ""));
    }

    /** Whether any session has an owner. As long as none has, everything is as if there were no owners. */
    public static boolean areThere() {
        return !OWNERS.isEmpty();
    }

    /** Whether what is done by an owner is done by another one, too, for which it works. */
    public static boolean isPartOf(String owner, String other) {
        return other != null && (owner.equals(other) || owner.startsWith(other + "/"));
    }

    /** Whether something was done for others only: what is known to be done for nobody may be of everybody. */
    public static boolean areOthers(Set owners, String owner) {
        for (Object doing : owners) {
            if (isPartOf((String) doing, owner)) {
                return false;
            }
        }
        return owner != null && !owners.isEmpty();
    }

    /** Those for whom this thread does what it does now, as its active session and its tags say. */
    public static Set here() {
        Set found = new LinkedHashSet();
        if (areThere()) {
            Option active = SparkSession.getActiveSession();
            if (active.isDefined()) {
                addSession(found, (SparkSession) active.get());
                addTags(found, ((SparkSession) active.get()).sparkContext().getLocalProperty(TAGS));
            }
        }
        return found;
    }

    /** Add the owner of a session. */
    public static void addSession(Set owners, SparkSession session) {
        String owner = ownerOf(session);
        if (owner != null) {
            owners.add(owner);
        }
    }

    /** Add the owner that the settings of an SQL execution name. */
    public static void addSetting(Set owners, scala.collection.immutable.Map settings) {
        Option found = settings.get(SETTING);
        String owner = found.isDefined() ? decoded((String) found.get()) : null;
        if (owner != null) {
            owners.add(owner);
        }
    }

    /** Add the owners that the tags of a job name: with commas between them, as its properties have them. */
    public static void addTags(Set owners, String tags) {
        for (Object tag : tags(tags)) {
            addTag(owners, (String) tag);
        }
    }

    /** Add the owner that a tag names. */
    public static void addTag(Set owners, String tag) {
        String owner = tag.startsWith(TAG) ? decoded(tag.substring(TAG.length())) : null;
        if (owner != null) {
            owners.add(owner);
        }
    }

    private static Set tags(String joined) {
        Set found = new LinkedHashSet();
        for (StringTokenizer each = new StringTokenizer(joined == null ? "" : joined, ","); each.hasMoreTokens();) {
            found.add(each.nextToken());
        }
        return found;
    }

    /** An owner as it can stand in a tag, which has no comma, and in settings, in which Spark hides what looks secret. */
    private String encoded(String owner) {
        Map setting = new HashMap();
        setting.put(SETTING, owner);
        scala.collection.immutable.Map noted = (scala.collection.immutable.Map)
            scala.collection.immutable.Map$.MODULE$.from(CollectionConverters.asScala(setting));
        boolean shown = owner.equals(session.sessionState().conf().redactOptions(noted).apply(SETTING));
        if (shown && owner.indexOf(',') < 0 && !owner.startsWith(HEX)) {
            return owner;
        }
        StringBuilder hex = new StringBuilder(HEX);
        byte[] bytes = owner.getBytes(StandardCharsets.UTF_8);
        for (int index = 0; index < bytes.length; index++) {
            hex.append(Character.forDigit((bytes[index] >> 4) & 15, 16)).append(Character.forDigit(bytes[index] & 15, 16));
        }
        return hex.toString();
    }

    private static String decoded(String text) {
        if (text.isEmpty() || text.startsWith(REDACTED)) {
            return null;
        }
        if (!text.startsWith(HEX)) {
            return text;
        }
        byte[] bytes = new byte[text.length() / 2 - 1];
        for (int index = 0; index < bytes.length; index++) {
            bytes[index] = (byte) Integer.parseInt(text.substring(2 * index + 2, 2 * index + 4), 16);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
