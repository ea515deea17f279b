// Airflow's public REST API, as the person who looks. The browser sends the cookie of the login along.

const BASE = new URL("api/v2/", document.baseURI);
const PATIENCE = 15_000;

export const PROGRESS = "pyspark_pipeline_progress";
const PROGRESS_ROW = `${PROGRESS}/`;
const REQUEST_ROW = "pyspark_pipeline_restart_from/";

/** Why the API gave no answer that can be used. `kind`: login, forbidden, missing, refused, silent. */
export class ApiProblem extends Error {
  constructor(kind, text, status = 0) {
    super(text);
    this.kind = kind;
    this.status = status;
  }
}

/** How far the server's clock is ahead of this browser's, in milliseconds. */
export const clock = {
  ahead: 0,
  now() {
    return Date.now() + this.ahead;
  },
};

const path = (...parts) => parts.map(encodeURIComponent).join("/");

/** Call the API and return the decoded answer. */
export async function call(method, address, body) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE);
  let response;
  let text;
  try {
    response = await fetch(new URL(address, BASE), {
      method,
      signal: abort.signal,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await response.text();
  } catch {
    throw new ApiProblem("silent", "Airflow's API does not answer");
  } finally {
    clearTimeout(timer);
  }
  setClock(response.headers.get("date"));
  const answer = decoded(text);
  if (response.ok) return answer;
  throw problemOf(response.status, answer);
}

function setClock(date) {
  const server = Date.parse(date);
  // The header has whole seconds: a smaller difference says nothing.
  if (Number.isFinite(server) && Math.abs(server + 500 - clock.now()) > 1500) clock.ahead = server + 500 - Date.now();
}

function decoded(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function problemOf(status, answer) {
  const said = detailOf(answer) || `status ${status}`;
  if (status === 401) return new ApiProblem("login", said, status);
  if (status === 403) return new ApiProblem("forbidden", said, status);
  if (status === 404) return new ApiProblem("missing", said, status);
  if (status >= 500 || status === 429) return new ApiProblem("silent", `Airflow's API answers with an error (${said})`, status);
  return new ApiProblem("refused", said, status);
}

function detailOf(answer) {
  const detail = answer?.detail;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map((one) => one?.msg ?? JSON.stringify(one)).join("; ");
  return detail ? detail.message ?? detail.reason ?? JSON.stringify(detail) : "";
}

let asked = null;

/** The version of Airflow, such as [3, 3]. */
export function release() {
  asked ??= call("GET", "version").then(
    (answer) => String(answer.version).split(".").slice(0, 2).map(Number),
    (problem) => {
      asked = null; // asked again next time
      throw problem;
    },
  );
  return asked;
}

export const hasStore = ([major, minor]) => major > 3 || (major === 3 && minor >= 3);
const asksForState = ([major, minor]) => major > 3 || (major === 3 && minor >= 4);

let person = null;

/** The name under which Airflow knows the person; empty where it does not say. */
export async function whoAmI() {
  if (person === null && hasStore(await release())) {
    // The one address outside /api/v2: the public API does not say who asks.
    const me = await call("GET", new URL("ui/auth/me", document.baseURI).href).catch(() => null);
    person = me?.username ?? me?.id ?? null;
  }
  return person ?? "";
}

/** A task instance. `mapIndex` is -1 where the task is not mapped. */
export class TaskApi {
  constructor({ dagId, runId, taskId, mapIndex }) {
    this.dagId = dagId;
    this.runId = runId;
    this.taskId = taskId;
    this.mapIndex = mapIndex;
    this._task = path("dags", dagId, "dagRuns", runId, "taskInstances", taskId);
    this._instance = mapIndex >= 0 ? `${this._task}/${mapIndex}` : this._task;
  }

  instance() {
    return call("GET", this._instance);
  }

  /** All rows of the task state store that are the tab's: progress by pipeline, requests by pipeline. */
  async rows() {
    const found = { progress: new Map(), requests: new Map() };
    for (let offset = 0, total = 1; offset < total; ) {
      const page = await call("GET", `${this._task}/state-store?map_index=${this.mapIndex}&limit=50&offset=${offset}`);
      for (const row of page.task_state_store) {
        if (row.key.startsWith(PROGRESS_ROW)) found.progress.set(row.key.slice(PROGRESS_ROW.length), row);
        if (row.key.startsWith(REQUEST_ROW)) found.requests.set(row.key.slice(REQUEST_ROW.length), row);
      }
      offset += Math.max(1, page.task_state_store.length);
      total = page.task_state_store.length ? page.total_entries : 0;
    }
    return found;
  }

  progressRow(pipeline) {
    return call("GET", this._row(PROGRESS_ROW + pipeline));
  }

  /** Progress where there is no task state store (before Airflow 3.3): one XCom. */
  async progressEntry() {
    const listed = await call("GET", `${this._task}/xcomEntries?map_index=${this.mapIndex}&xcom_key=${PROGRESS}&limit=10`);
    const entry = listed.xcom_entries.find((one) => one.key === PROGRESS);
    if (!entry) return null;
    const whole = await call("GET", `${this._task}/xcomEntries/${PROGRESS}?map_index=${this.mapIndex}&deserialize=false`);
    return { value: whole.value, updated_at: whole.timestamp };
  }

  _row(key) {
    return `${this._task}/state-store/${encodeURIComponent(key)}?map_index=${this.mapIndex}`;
  }

  leaveRequest(pipeline, request) {
    return call("PUT", this._row(REQUEST_ROW + pipeline), { value: request });
  }

  withdrawRequest(pipeline) {
    return call("DELETE", this._row(REQUEST_ROW + pipeline));
  }

  /** The names of the task instances that a clear takes, without clearing them. */
  async previewClear() {
    const answer = await call("POST", path("dags", this.dagId, "clearTaskInstances"), await this._clear(true));
    return answer.task_instances.map((one) => ({ task: one.task_id, index: one.map_index ?? -1, state: one.state }));
  }

  /** Clear the task and what comes after it. `evenIfItRuns`: otherwise Airflow refuses to stop a running task. */
  async clear(evenIfItRuns) {
    await call("POST", path("dags", this.dagId, "clearTaskInstances"), {
      ...(await this._clear(false)),
      ...(hasStore(await release()) && !evenIfItRuns ? { prevent_running_task: true } : {}),
    });
  }

  async _clear(dryRun) {
    return {
      dry_run: dryRun,
      dag_run_id: this.runId,
      task_ids: [this.mapIndex >= 0 ? [this.taskId, this.mapIndex] : this.taskId],
      include_downstream: true,
      only_failed: false,
      reset_dag_runs: true,
      ...(asksForState(await release()) ? { keep_task_state: true } : {}),
    };
  }

  /** Whether the person may clear the task: Airflow is asked what a change without a change would do. */
  async mayChange() {
    try {
      await call("PATCH", `${this._instance}/dry_run`, {});
      return true;
    } catch (problem) {
      if (problem.kind === "forbidden") return false;
      if (problem.kind === "silent" || problem.kind === "login") throw problem;
      return true; // it was let in, and refused for another reason
    }
  }

  logs(tryNumber) {
    return call("GET", `${this._task}/logs/${tryNumber}?full_content=true&map_index=${this.mapIndex}`);
  }
}

/** The task instances of a DAG run, at most `most`. */
export async function tasksOfRun(dagId, runId, most = 500) {
  const found = [];
  for (;;) {
    const page = await call(
      "GET",
      `${path("dags", dagId, "dagRuns", runId, "taskInstances")}?limit=100&offset=${found.length}`,
    );
    found.push(...page.task_instances);
    if (!page.task_instances.length || found.length >= Math.min(page.total_entries, most)) return found;
  }
}

/** The address of the page for logging in, which comes back here. */
export function loginAddress() {
  const login = new URL("auth/login", BASE);
  login.searchParams.set("next", globalThis.location.href);
  return login.href;
}
