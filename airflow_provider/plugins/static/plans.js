// What the next attempt would do for each request. The engine decided that and recorded it (`what_if`); here it is only
// read. Where an attempt could not record it, because it runs or was killed, the little that follows from the graph is
// said, with the reservation.
import { isCut, isDone, planLetters } from "./progress.js";

/** @typedef {{ letters?: string, refused?: string, reservation?: string }} Plan */

export const RESUME = "resume";
export const BEGINNING = "beginning";
export const FROM = "from";
export const ONLY = "only";

/** What the next attempt does if it is asked for this. `index` names the component for FROM and ONLY. */
export function planOf(progress, kind, index, place, taskRuns) {
  const size = progress.components.length;
  const recorded = progress.whatIf;
  if (kind !== RESUME && (!progress.whole || requested(progress, kind, index).some(isCut))) {
    return { refused: `the record for people has no room for all names of this pipeline; use: ${command(progress, kind, index, place)}` };
  }
  if (!recorded) return derived(progress, kind, index, taskRuns);
  const code = kind === FROM || kind === ONLY ? recorded[kind]?.[String(index)] : recorded[kind];
  if (code?.refused) return { refused: code.refused };
  const letters = planLetters(code, size);
  if (letters) return { letters };
  return { refused: `the attempt did not record what this would do; ask: ${command(progress, kind, index, place)}` };
}

function command(progress, kind, index, { dagId, taskId, runId }) {
  const words = ["airflow pyspark-pipeline plan", dagId, taskId, runId];
  if (kind === FROM || kind === ONLY) words.push("--restart-from", progress.components[index].name);
  if (kind === ONLY) words.push("--without-descendants");
  return words.map((word, at) => (at && /[^\w@%+=:,./-]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : word)).join(" ");
}

function derived(progress, kind, index, taskRuns) {
  if (kind === BEGINNING) return { letters: lettersOf(progress, () => true) };
  if (kind === ONLY) {
    return { refused: taskRuns ? "this is worked out when the attempt has ended" : "the attempt ended without a word, so this was not worked out" };
  }
  const again = kind === FROM ? progress.withDescendants(index) : new Set();
  return { letters: lettersOf(progress, (one) => again.has(one.index)), reservation: reservation(progress, taskRuns) };
}

/** What is done is reused unless it is to run again; what the pipeline leaves out stays out. */
function lettersOf(progress, runsAgain) {
  return progress.components.map((one) => (one.state === "s" ? "s" : isDone(one) && !runsAgain(one) ? "r" : "x")).join("");
}

function reservation(progress, taskRuns) {
  if (taskRuns) return WHILE_IT_RUNS;
  return progress.whole ? AFTER_A_KILL : FOLDED;
}

/** What the next attempt does because of a request that waits already. */
export function planOfRequest(progress, request) {
  const names = Array.isArray(request) ? request : typeof request === "string" ? [request] : request?.components ?? [];
  const indices = names.map((name) => progress.components.findIndex((one) => one.name === name));
  if (!indices.length || indices.includes(-1) || request?.until) return { refused: "what it would do is known to the command only: airflow pyspark-pipeline plan" };
  const recorded = indices.length === 1 && progress.whatIf?.[request?.only ? ONLY : FROM]?.[String(indices[0])];
  const letters = planLetters(recorded, progress.components.length);
  if (letters) return { letters };
  if (recorded?.refused) return { refused: recorded.refused };
  const again = new Set(indices.flatMap((index) => (request?.only ? [index] : [...progress.withDescendants(index)])));
  return { letters: lettersOf(progress, (one) => again.has(one.index)), reservation: FROM_THE_GRAPH };
}

const FROM_THE_GRAPH = "This follows from the graph. A component that is cheap and harmless may be replayed instead of being reused.";
const FOLDED = "This pipeline is too large for the record of people: components that completed are folded into a number, and are not listed here.";

const WHILE_IT_RUNS =
  "This follows from what has completed so far. What completes until then is reused too, and a component that is cheap and harmless " +
  "may be replayed instead.";
const AFTER_A_KILL =
  "The attempt was ended before it could record this, so it follows from what it last said. The next attempt reads the checkpoint, " +
  "which is never behind, and may replay a component instead of reusing it.";

/** The components that a request names. */
export function requested(progress, kind, index) {
  if (kind === BEGINNING) return progress.roots.map((component) => component.name);
  return [progress.components[index].name];
}
