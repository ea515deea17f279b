// What the tab knows of one task instance, kept up to date while the tab is visible. It outlives React's components, which the
// host mounts anew whenever it likes.
import { ApiProblem, PROGRESS, TaskApi, clock, hasStore, release, whoAmI } from "./api.js";
import { readProgress } from "./progress.js";

const LIVE = 3_000; // while the task runs
const CALM = 30_000; // when it has ended: a clear elsewhere starts it again
const SLOWEST = 60_000; // while the API does not answer
const LIST_EVERY = 5; // turns between two looks at all rows: they hold the checkpoint, too
const SILENT_AFTER = 40_000; // an attempt writes at least every 20 s
const ENDED = ["success", "failed", "skipped", "removed", "upstream_failed"];

const NOTHING_CHOSEN = {
  pipeline: null,
  component: null,
  attempt: null,
  text: "",
  states: "",
  sort: null,
  unfolded: false,
  zoom: null,
  plan: null,
};

export class TaskWatch {
  constructor(place) {
    this.api = new TaskApi(place);
    this.place = place;
    this._listeners = new Set();
    this._running = false;
    this._failures = 0;
    this._turns = 0;
    this._tryNumber = null;
    this._state = {
      loaded: false,
      task: null,
      pipelines: [], // { pipeline, progress, updated }
      waiting: new Map(), // pipeline → the request that waits for the next attempt
      store: true,
      release: null,
      problem: null,
      mayChange: null,
      person: "",
      chosen: NOTHING_CHOSEN,
      beat: 0,
    };
  }

  subscribe = (listener) => {
    this._listeners.add(listener);
    if (this._listeners.size === 1) this._start();
    return () => {
      this._listeners.delete(listener);
      if (!this._listeners.size) this._stop();
    };
  };

  snapshot = () => this._state;

  /** Change what the person has chosen. */
  choose(change) {
    this._set({ chosen: { ...this._state.chosen, ...change } });
  }

  /** Ask now, and look at all rows. */
  async refresh() {
    this._turns = 0;
    await this._turn();
  }

  _set(change) {
    this._state = { ...this._state, ...change };
    for (const listener of this._listeners) listener();
  }

  _start() {
    this._running = true;
    document.addEventListener("visibilitychange", this._onVisibility);
    this._beat = setInterval(() => this._tick(), 1000);
    this._turn();
  }

  _stop() {
    this._running = false;
    document.removeEventListener("visibilitychange", this._onVisibility);
    clearInterval(this._beat);
    clearTimeout(this._timer);
  }

  _onVisibility = () => {
    clearTimeout(this._timer);
    if (!document.hidden) this._turn();
  };

  /** Times that grow on the screen grow each second, between two answers too. */
  _tick() {
    if (!document.hidden && (this.live || this._state.problem)) this._set({ beat: this._state.beat + 1 });
  }

  /** Whether the task may still change by itself. */
  get live() {
    const task = this._state.task;
    return !task || !ENDED.includes(task.state);
  }

  async _turn() {
    clearTimeout(this._timer);
    if (!this._running || document.hidden || this._asking) return;
    this._asking = true;
    try {
      await this._ask();
      this._failures = 0;
      this._set({ loaded: true, problem: null });
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) console.error("Spark pipeline:", problem);
      this._failures += 1;
      this._set({ loaded: true, problem });
    } finally {
      this._asking = false;
    }
    if (this._running && !document.hidden) this._timer = setTimeout(() => this._turn(), this._pause());
  }

  _pause() {
    if (this._failures) return Math.min(LIVE * 2 ** this._failures, SLOWEST);
    return this.live ? LIVE : CALM;
  }

  async _ask() {
    const version = await release();
    const task = await this.api.instance();
    if (task.try_number !== this._tryNumber) this._turns = 0;
    this._tryNumber = task.try_number;
    const found = hasStore(version) ? await this._storedRows() : await this._xcom();
    this._turns = (this._turns + 1) % LIST_EVERY;
    this._set({ task, release: version, store: hasStore(version), ...found });
    if (this._state.mayChange === null && found.pipelines.length) {
      this._set({ mayChange: await this.api.mayChange(), person: await whoAmI() });
    }
  }

  async _storedRows() {
    const known = this._state.pipelines;
    // Rows are listed while there are none, as a question for one that does not exist is an error in the browser's console.
    if (this._turns !== 0 && known.length && this.live) {
      try {
        const rows = await Promise.all(known.map((one) => this.api.progressRow(one.pipeline)));
        return { pipelines: known.map((one, index) => this._kept(one.pipeline, rows[index])) };
      } catch (problem) {
        if (problem.kind !== "missing") throw problem;
      }
    }
    const rows = await this.api.rows();
    const waiting = new Map([...rows.requests].map(([pipeline, row]) => [pipeline, row.value]));
    return { pipelines: [...rows.progress].map(([pipeline, row]) => this._kept(pipeline, row)), waiting };
  }

  async _xcom() {
    const entry = await this.api.progressEntry();
    return { pipelines: entry ? [this._kept(PROGRESS, entry)] : [] };
  }

  /** The progress as it was if the row has not changed: what did not change is not drawn again. */
  _kept(pipeline, row) {
    const known = this._state.pipelines.find((one) => one.pipeline === pipeline);
    if (known && known.stamp === row.updated_at) return known;
    return { pipeline, stamp: row.updated_at, updated: Date.parse(row.updated_at), progress: readProgress(row.value, pipeline) };
  }
}

/** How long the driver has been silent, in seconds, if it should have been heard of. */
export function silentFor(state, entry) {
  if (state.task?.state !== "running" || !entry.progress.open) return 0;
  const heard = Number.isFinite(entry.updated) ? entry.updated : entry.progress.writtenAt;
  const silent = clock.now() - heard;
  return silent > SILENT_AFTER ? Math.round(silent / 1000) : 0;
}

const watches = new Map();
const MOST = 30;

/** The watch of a task instance; the same one as long as it is among the last that were asked for. */
export function watchOf(place) {
  const key = JSON.stringify([place.dagId, place.runId, place.taskId, place.mapIndex]);
  const watch = watches.get(key) ?? new TaskWatch(place);
  watches.delete(key);
  watches.set(key, watch);
  for (const [old, { _listeners: listeners }] of watches) {
    if (watches.size <= MOST) break;
    if (!listeners.size) watches.delete(old);
  }
  return watch;
}
