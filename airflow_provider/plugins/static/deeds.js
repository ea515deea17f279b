// What a confirmed action sends, in the order in which nothing is lost if it fails halfway: the request, then the clear;
// and the request is taken back if the clear is refused.
import { ApiProblem } from "./api.js";
import { ONLY, RESUME, requested } from "./plans.js";

export const NOW = "now";
export const AFTER = "after";
export const STOP = "stop";

/** An action that did not come off, with the sentence that says what holds now. */
export class DeedFailed extends Error {}

/** Carry out a confirmed plan. Returns the sentence that says what holds now. */
export async function carryOut(watch, progress, { kind, index, when }) {
  const { api } = watch;
  const pipeline = progress.key;
  const request = kind === RESUME ? null : newRequest(progress, kind, index, watch.snapshot().person);
  const before = request ? (await api.rows()).requests.get(pipeline)?.value : null;
  if (request) await leave(api, pipeline, request);
  if (when === AFTER) return "The request waits for the next attempt.";
  try {
    await api.clear(when === STOP);
  } catch (problem) {
    if (!(await wasCleared(api, problem))) throw new DeedFailed(await undo(api, pipeline, request, before, problem));
  }
  return "The task is cleared; the next attempt begins as soon as Airflow schedules it.";
}

function newRequest(progress, kind, index, person) {
  return {
    id: [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    components: requested(progress, kind, index),
    only: kind === ONLY,
    ...(person ? { requested_by: person } : {}),
    requested_at: new Date().toISOString(),
    source: "the Spark pipeline tab",
  };
}

async function leave(api, pipeline, request) {
  try {
    await api.leaveRequest(pipeline, request);
  } catch (problem) {
    throw new DeedFailed(`The request was not accepted: ${problem.message}. Nothing has changed.`);
  }
}

/** Whether a clear went through although its answer never arrived. */
async function wasCleared(api, problem) {
  if (!(problem instanceof ApiProblem) || problem.kind !== "silent") return false;
  const task = await api.instance().catch(() => null);
  return task !== null && !["success", "failed", "running", "up_for_retry"].includes(task.state);
}

async function undo(api, pipeline, request, before, problem) {
  const why = `The clear was refused: ${problem.message}.`;
  if (!request) return `${why} Nothing has changed.`;
  try {
    const waiting = (await api.rows()).requests.get(pipeline)?.value;
    if (waiting?.id !== request.id) return `${why} The request is no longer there: an attempt has taken it, or another request replaced it.`;
    if (before) await api.leaveRequest(pipeline, before);
    else await api.withdrawRequest(pipeline);
    return `${why} ${before ? "The request that waited before is there again" : "The request was withdrawn"}; nothing has changed.`;
  } catch (second) {
    return `${why} The request still waits for the next attempt, as it could not be withdrawn: ${second.message}.`;
  }
}

/** Take back the request that waits, if it is still the one that the person saw. */
export async function withdraw(watch, pipeline, seen) {
  const waiting = (await watch.api.rows()).requests.get(pipeline)?.value;
  if (waiting === undefined) return "The request is no longer there: an attempt has taken it, or it was withdrawn.";
  if (JSON.stringify(waiting) !== JSON.stringify(seen)) throw new DeedFailed("Another request has replaced this one; look at it first.");
  await watch.api.withdrawRequest(pipeline);
  return "The request is withdrawn.";
}
