import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Knows who changed what all copies of a session share, such as the tables of a catalog in memory, while several
 * components run. One of these, for each session and kind, leaves out of what is there what only others changed.
 *
 * A change is noted before it is made and after that. A look between the two may show it already, or not yet; so it
 * counts as made at any moment between them.
 */
public class SharedChanges {
    private static final String UNKNOWN = ""; // who changed something
    private static final String INSIDE = ".*";
    private static final Map CHANGES = new HashMap(); // name to owner to Change
    private static final Map UNDER_WAY = new HashMap(); // id of a thread to what it is changing
    private static long clock = 0;
    private Map last;
    private long looked = 0;

    /** This thread is about to change what has these names. Whatever it was changing before is done. */
    public static synchronized void begin(List names) {
        done();
        if (!SessionOwners.areThere()) {
            CHANGES.clear(); // nobody asks any more
            return;
        }
        Set owners = SessionOwners.here();
        if (owners.isEmpty()) {
            owners.add(UNKNOWN);
        }
        List begun = new ArrayList();
        for (Object name : names) {
            for (Object owner : owners) {
                begun.add(changeOf((String) name, (String) owner));
            }
        }
        for (Object change : begun) {
            ((Change) change).underWay++;
        }
        if (owners.contains(UNKNOWN)) {
            end(begun); // what nobody is known to have changed counts for everybody, so it need not be followed
            return;
        }
        UNDER_WAY.put(Long.valueOf(Thread.currentThread().getId()), begun);
    }

    /** The name of everything that is in something. */
    public static String inside(String name) {
        return name + INSIDE;
    }

    /** This thread has made its change, or has failed to. */
    public static synchronized void done() {
        end((List) UNDER_WAY.remove(Long.valueOf(Thread.currentThread().getId())));
    }

    /** An owner has ended: what its threads were about to change is done, too. */
    public static synchronized void endOf(String owner) {
        for (Object thread : new ArrayList(UNDER_WAY.keySet())) {
            boolean own = false;
            for (Object change : (List) UNDER_WAY.get(thread)) {
                own = own || SessionOwners.isPartOf(((Change) change).owner, owner);
            }
            if (own) {
                end((List) UNDER_WAY.remove(thread));
            }
        }
    }

    private static Change changeOf(String name, String owner) {
        Map by = (Map) CHANGES.get(name);
        if (by == null) {
            by = new HashMap();
            CHANGES.put(name, by);
        }
        Change change = (Change) by.get(owner);
        if (change == null) {
            change = new Change(owner);
            by.put(owner, change);
        }
        return change;
    }

    private static void end(List changes) {
        clock++;
        for (int index = 0; changes != null && index < changes.size(); index++) {
            Change change = (Change) changes.get(index);
            change.underWay--;
            change.last = clock;
        }
    }

    /** The moment at which somebody begins to look at what is there. */
    public static synchronized long now() {
        clock++;
        return clock;
    }

    /**
     * What is there for an owner: what only others have changed since the last look is as it was then.
     *
     * @param owner null to leave nothing out
     * @param found name to a text that changes with what has the name
     * @param prefix what the names of changes have before these names
     * @param began when the look began
     */
    public Map own(String owner, Map found, String prefix, long began) {
        Map own = new LinkedHashMap(found);
        if (owner != null && last != null) {
            Set names = new LinkedHashSet(found.keySet());
            names.addAll(last.keySet());
            for (Object name : names) {
                Object before = last.get(name);
                Object now = found.get(name);
                boolean same = before == null ? now == null : before.equals(now);
                if (same || !isOfOthers(prefix + name, looked, owner)) {
                    continue;
                }
                if (before == null) {
                    own.remove(name);
                } else {
                    own.put(name, before);
                }
            }
        }
        looked = began;
        last = own;
        return own;
    }

    private static synchronized boolean isOfOthers(String name, long since, String owner) {
        Set owners = new LinkedHashSet();
        addOwners(owners, name, since);
        for (int dot = name.indexOf("`.`"); dot >= 0; dot = name.indexOf("`.`", dot + 1)) {
            addOwners(owners, inside(name.substring(0, dot + 1)), since);
        }
        return !owners.contains(UNKNOWN) && SessionOwners.areOthers(owners, owner);
    }

    private static void addOwners(Set owners, String name, long since) {
        Map by = (Map) CHANGES.get(name);
        if (by != null) {
            for (Object change : by.values()) {
                if (((Change) change).underWay > 0 || ((Change) change).last > since) {
                    owners.add(((Change) change).owner);
                }
            }
        }
    }

    /** What an owner has done to something. */
    private static class Change {
        private final String owner;
        private int underWay = 0;
        private long last = -1;

        Change(String owner) {
            this.owner = owner;
        }
    }
}
