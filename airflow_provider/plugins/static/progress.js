// The progress document (format 1): from the row of the task state store to facts that the sights share.

const FORMAT = 1;
const DONE = "crp";

/** A document that cannot be shown, with the sentence that says why. */
export class Unreadable {
  constructor(sentence) {
    this.sentence = sentence;
  }
}

/** Decode a row's value: a `Progress`, or an `Unreadable`. `key` names the pipeline in the keys of rows. */
export function readProgress(value, key) {
  let document = value;
  if (typeof document === "string") {
    try {
      document = JSON.parse(document);
    } catch {
      document = null;
    }
  }
  if (document === null || typeof document !== "object" || !("format" in document)) {
    return new Unreadable(
      "The progress of this pipeline is not readable here: this Airflow keeps the values of the task state store elsewhere " +
        "([workers] state_store_backend), and its API shows a reference only. The task's log has the same facts.",
    );
  }
  if (document.format !== FORMAT) {
    return new Unreadable(
      `The progress was written in format ${document.format}, and this tab reads format ${FORMAT}. ` +
        "Bring the provider to the same version on the API server and on the workers.",
    );
  }
  try {
    return new Progress(document, key);
  } catch (error) {
    return new Unreadable(`The progress of this pipeline is damaged (${error.message}). The next attempt writes it anew.`);
  }
}

function column(document, name, length, fallback) {
  const values = document[name];
  if (values === undefined) return Array(length).fill(fallback);
  if (values.length !== length) throw new Error(`${name} has ${values.length} entries for ${length} components`);
  return Array.from(values);
}

/** An attempt as its document tells it. `folded` components of a very large pipeline are numbers only. */
export class Progress {
  constructor(document, key) {
    const names = document.names;
    const size = names.length;
    this.key = key;
    this.pipeline = String(document.pipeline ?? key);
    this.writtenAt = Date.parse(document.written_at);
    this.attempt = { number: 1, state: "running", ...document.attempt };
    this.began = Date.parse(this.attempt.began_at);
    this.ended = this.attempt.ended_at ? Date.parse(this.attempt.ended_at) : NaN;
    this.folded = { c: document.folded ?? 0, w: document.folded_waiting ?? 0 };
    this.requests = document.requests ?? [];
    this.whatIf = document.what_if ?? null;
    const texts = document.reason_texts ?? [];
    const states = column(document, "states", size, "w");
    const actions = column(document, "actions", size, "");
    const reasons = column(document, "reasons", size, -1);
    const needs = column(document, "needs", size, []);
    const began = column(document, "began", size, -1);
    const seconds = column(document, "seconds", size, -1);
    const usual = column(document, "usual", size, -1);
    const usualOf = column(document, "usual_of", size, 0);
    const details = document.details ?? {};
    this.components = names.map((name, index) => ({
      index,
      name: String(name),
      needs: needs[index].filter((need) => need !== index && names[need] !== undefined),
      dependents: [],
      state: states[index],
      action: actions[index],
      reason: texts[reasons[index]] ?? "",
      began: began[index],
      seconds: seconds[index],
      usual: usual[index],
      usualOf: usualOf[index],
      detail: details[String(index)] ?? null,
    }));
    for (const component of this.components) {
      for (const need of component.needs) this.components[need].dependents.push(component.index);
    }
    this.attempts = [this._newest(), ...(document.earlier ?? []).map((attempt) => this._earlier(attempt, size))];
  }

  _newest() {
    const attempt = this.attempt;
    return { ...attempt, began: this.began, ended: this.ended, newest: true, components: this.components };
  }

  _earlier(attempt, size) {
    // Without columns it had other components, and only its end is known.
    if (attempt.states === undefined) return { ...attempt, ...spanOf(attempt), newest: false, components: [] };
    const states = column(attempt, "states", size, "w");
    const began = column(attempt, "began", size, -1);
    const seconds = column(attempt, "seconds", size, -1);
    const components = this.components.map((component, index) => ({
      ...component,
      state: states[index],
      began: began[index],
      seconds: seconds[index],
      reason: "",
      detail: null,
      action: "",
    }));
    return { ...attempt, ...spanOf(attempt), newest: false, components };
  }

  /** How many components there are, those included that the document has no room for. */
  get size() {
    return this.components.length + this.folded.c + this.folded.w;
  }

  /** Whether the document holds every component. */
  get whole() {
    return this.folded.c + this.folded.w === 0;
  }

  /** Whether an attempt has not said that it ended. */
  get open() {
    return this.attempt.state === "running" || this.attempt.state === "starting";
  }

  /** A component and all that cannot run without it, by index. */
  withDescendants(index) {
    const found = new Set([index]);
    const waiting = [index];
    while (waiting.length) {
      for (const next of this.components[waiting.pop()].dependents) {
        if (!found.has(next)) {
          found.add(next);
          waiting.push(next);
        }
      }
    }
    return found;
  }

  get roots() {
    return this.components.filter((component) => component.needs.length === 0);
  }
}

function spanOf(attempt) {
  return { began: Date.parse(attempt.began_at), ended: attempt.ended_at ? Date.parse(attempt.ended_at) : NaN };
}

/** Whether a name was cut for want of room: then it names nothing that a request could name. */
export function isCut(name) {
  return /…[0-9a-f-]{8,}$/.test(name);
}

export function isDone(component) {
  return DONE.includes(component.state);
}

/** How many components are in each state. */
export function counted(components, folded = {}) {
  const counts = { ...folded };
  for (const component of components) counts[component.state] = (counts[component.state] ?? 0) + 1;
  return counts;
}

/** What reuse saved, in seconds, as far as it is known. */
export function savedSeconds(attempt) {
  if (attempt.saved_seconds >= 0) return attempt.saved_seconds;
  return attempt.components.reduce((sum, one) => sum + (one.state === "r" && one.seconds > 0 ? one.seconds : 0), 0);
}

/** Decode a run-length code such as `5r3x`: a letter per component, null if it does not fit. */
export function planLetters(code, size) {
  if (typeof code !== "string") return null;
  let letters = "";
  for (const [, times, letter] of code.matchAll(/(\d+)([rpxs])/g)) letters += letter.repeat(Math.min(Number(times), size + 1));
  return letters.length === size ? letters : null;
}

/** How long a component took, or usually takes; -1 if neither is known. */
function expected(component) {
  return component.usual >= 0 ? component.usual : component.seconds;
}

/** What a plan means: the components by what happens to them, and what that costs and saves in seconds. */
export function planSummary(progress, letters) {
  const by = { x: [], p: [], r: [], s: [] };
  progress.components.forEach((component, index) => by[letters[index]].push(component));
  const again = [...by.x, ...by.p];
  const known = again.filter((component) => expected(component) >= 0);
  const sum = (components) => components.reduce((total, one) => total + Math.max(0, expected(one)), 0);
  return { by, cost: sum(known), unknown: again.length - known.length, saved: sum(by.r) };
}
