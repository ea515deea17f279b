// How numbers, times and states read. Every text that comes from outside stays text: React escapes it.

/** What a letter of the document's `states` means: its word, its tone (a CSS class) and the path of its sign (16 × 16). */
export const STATES = {
  f: { word: "failed", tone: "failed", sign: "M4 4l8 8M12 4l-8 8" },
  x: { word: "running", tone: "running", sign: "M5 3.5v9l7.5-4.5z", filled: true },
  c: { word: "completed", tone: "completed", sign: "M3 8.5l3.5 3.5L13 4.5" },
  r: { word: "reused", tone: "reused", sign: "M1 8.5l3 3 5-7M7 11l.5.5L14.5 4.5" },
  p: { word: "replayed", tone: "reused", sign: "M12.5 6A5 5 0 1 0 13 9M13 2.5V6H9.5" },
  w: { word: "waiting", tone: "waiting", sign: "M8 3.2a4.8 4.8 0 1 0 .01 0" },
  n: { word: "not run", tone: "waiting", sign: "M3.5 8h9" },
  s: { word: "left out", tone: "waiting", sign: "M8 3.2a4.8 4.8 0 1 0 .01 0M4.8 11.2l6.4-6.4" },
};

/** The order in which states matter to the person on call. */
export const STATE_ORDER = ["f", "x", "c", "r", "p", "w", "n", "s"];

/** What a letter of a plan means for the next attempt. */
export const PLANNED = {
  x: { word: "runs", tone: "running", sign: STATES.x.sign, filled: true },
  p: { word: "is replayed", tone: "reused", sign: STATES.p.sign },
  r: { word: "is reused", tone: "reused", sign: STATES.r.sign },
  s: { word: "is left out", tone: "waiting", sign: STATES.s.sign },
};

/** Seconds as a person says them: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min`. */
export function duration(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return parted(whole, 60, "min", "s");
  if (whole < 48 * 3600) return parted(Math.round(whole / 60), 60, "h", "min");
  return parted(Math.round(whole / 3600), 24, "d", "h");
}

function parted(small, size, big, unit) {
  const rest = small % size;
  const head = `${Math.floor(small / size)} ${big}`;
  return rest ? `${head} ${rest} ${unit}` : head;
}

/** Seconds as an estimate: the largest unit is enough. */
export function roughly(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return parted(Math.round(seconds / 60), 60, "h", "min");
}

export function bytes(count) {
  if (!(count >= 0)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${count < 9.95 && unit ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export function count(number) {
  return number >= 0 ? Math.round(number).toLocaleString("en") : "–";
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** `'a', 'b' and 3 more`. */
export function named(names, most = 3) {
  const quoted = names.slice(0, most).map((name) => `'${shortened(name, 60)}'`);
  const more = names.length - quoted.length;
  if (more > 0) return `${quoted.join(", ")} and ${count(more)} more`;
  return quoted.length > 1 ? `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}` : quoted.join("");
}

export function shortened(text, most) {
  const letters = Array.from(String(text));
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

/** The time zone that the person chose in Airflow, or else the browser's. */
export function timeZone() {
  let zone = null;
  try {
    zone = globalThis.localStorage.getItem("timezone");
    zone = zone && zone.startsWith('"') ? JSON.parse(zone) : zone;
    if (zone) new Intl.DateTimeFormat("en", { timeZone: zone });
  } catch {
    zone = null; // no storage, or a zone that this browser does not know
  }
  return zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A moment as Airflow shows it, in the person's time zone. */
export function moment(milliseconds, { day = true } = {}) {
  if (!Number.isFinite(milliseconds)) return "–";
  const style = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: timeZone() };
  const date = day ? { year: "numeric", month: "2-digit", day: "2-digit" } : {};
  const parts = new Intl.DateTimeFormat("en-CA", { ...date, ...style }).formatToParts(milliseconds);
  const part = (type) => parts.find((one) => one.type === type)?.value;
  const time = `${part("hour")}:${part("minute")}:${part("second")}`;
  return day ? `${part("year")}-${part("month")}-${part("day")} ${time}` : time;
}

/** An address for a link, null unless it is one of the web. */
export function webAddress(text, path = "", query = {}) {
  try {
    const address = new URL(String(text));
    if (!["http:", "https:"].includes(address.protocol)) return null;
    if (path) address.pathname = address.pathname.replace(/\/+$/, "") + path;
    for (const [key, value] of Object.entries(query)) address.searchParams.set(key, value);
    return address.href;
  } catch {
    return null;
  }
}
