// The sentences above the sights.
import { counted, isDone, planSummary, savedSeconds } from "./progress.js";
import { count, duration, named, plural, roughly } from "./words.js";

/** One sentence that says how an attempt stands. */
export function standing(progress, attempt, now) {
  const all = attempt.components;
  const size = attempt.newest ? progress.size : all.length;
  const done = all.filter(isDone).length + (attempt.newest ? progress.folded.c : 0);
  const number = `Attempt ${attempt.number}`;
  const took = Number.isFinite(attempt.ended) ? ` after ${roughly((attempt.ended - attempt.began) / 1000)}` : "";
  const reuse = reuseWords(attempt);
  if (!all.length) return `${number} ${attempt.state}${took}. It had other components than the newest one, so no more is known of it here.`;
  switch (attempt.state) {
    case "starting":
      return `${number} is starting Spark; ${plural(size, "component")} to go.`;
    case "running": {
      const busy = all.filter((component) => component.state === "x").map((component) => component.name);
      const work = busy.length ? `, ${named(busy, 2)} at work` : "";
      return `${number} is running: ${count(done)} of ${count(size)} done${work}${reuse}.`;
    }
    case "succeeded":
      return `${number} succeeded${took}: ${count(done)} of ${count(size)} done${reuse}.`;
    case "partial":
      return `${number} ended${took} with a part of the pipeline, as it was asked to: ${count(done)} of ${count(size)} done${reuse}.`;
    default: {
      const failed = all.filter((component) => component.state === "f").map((component) => component.name);
      const where = failed.length ? ` in ${named(failed, 2)}` : "";
      return `${number} failed${where}${took}: ${count(done)} of ${count(size)} done${reuse}.`;
    }
  }
}

function reuseWords(attempt) {
  const reused = counted(attempt.components).r ?? 0;
  if (!reused) return "";
  const saved = savedSeconds(attempt);
  return `; ${count(reused)} reused from before${saved > 0 ? `, which saved ${roughly(saved)}` : ""}`;
}

/** What a plan means in one line. */
export function planWords(progress, letters) {
  const { by, cost, unknown, saved } = planSummary(progress, letters);
  const parts = [];
  if (by.x.length) parts.push(`runs ${count(by.x.length)}`);
  if (by.p.length) parts.push(`replays ${count(by.p.length)}`);
  if (by.r.length) parts.push(`reuses ${count(by.r.length)}${saved >= 1 ? `, which saves ${roughly(saved)}` : ""}`);
  if (by.s.length) parts.push(`leaves out ${count(by.s.length)}`);
  return `${parts.join(", ")}; ${costWords(cost, unknown, by.x.length + by.p.length)}`;
}

export function costWords(cost, unknown, again) {
  if (!again) return "costs nothing";
  if (unknown === again) return "its cost is not known yet";
  return `costs ${unknown ? "more than" : "about"} ${roughly(cost)} of work`;
}

const ACTIONS = { x: "run", r: "reuse", p: "replay", s: "leave out" };

/** What the plan of the attempt decided for a component, and why. */
export function planned(component) {
  const action = ACTIONS[component.action] ?? "";
  return [action, component.reason].filter(Boolean).join(": ");
}

/** Which components a component still waits for. */
export function waitsFor(component, components) {
  return component.needs.map((need) => components[need]).filter((need) => !isDone(need) && need.state !== "s");
}

/** A component's time against what it usually takes, null if there is nothing to say. */
export function againstUsual(component, now, began) {
  const seconds = secondsSoFar(component, now, began);
  if (!(seconds >= 0) || !(component.usual > 0) || component.state === "r") return null;
  return { seconds, factor: seconds / component.usual };
}

/** How long a component took, or has been running. */
export function secondsSoFar(component, now, began) {
  if (component.seconds >= 0) return component.seconds;
  if (component.state === "x" && component.began >= 0) return Math.max(0, (now - began) / 1000 - component.began);
  return -1;
}

/** The second line of a component: what there is to say in a few words. */
export function briefly(component, now, began) {
  const took = secondsSoFar(component, now, began);
  switch (component.state) {
    case "r":
      return took >= 0 ? `reused, saved ${roughly(took)}` : "reused";
    case "x":
      return component.usual > 0 ? `${roughly(took)}, usually ${roughly(component.usual)}` : `running for ${roughly(took)}`;
    case "c":
      return duration(took);
    case "p":
      return `replayed in ${duration(took)}`;
    case "f":
      return took >= 0 ? `failed after ${duration(took)}` : "failed";
    case "n":
      return "not run";
    case "s":
      return "left out";
    default:
      if (component.action === "r") return "to be reused";
      return component.usual > 0 ? `waiting, usually ${roughly(component.usual)}` : "waiting";
  }
}
