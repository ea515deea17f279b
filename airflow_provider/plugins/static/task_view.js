// The tab of a task instance: one sentence, what can be done, the graph, the timeline, the table, and what was before.
import { ComponentActions, NextSteps, PlanDialog, WaitingRequest } from "./actions.js";
import { clock, loginAddress } from "./api.js";
import { Graph } from "./graph.js";
import { Failure, Panel } from "./panel.js";
import { Names, Notice, Section, Sign } from "./parts.js";
import { Unreadable, counted } from "./progress.js";
import { h, useState, useSyncExternalStore } from "./react.js";
import { standing } from "./sentences.js";
import { ComponentTable } from "./table.js";
import { Timeline } from "./timeline.js";
import { STATES, STATE_ORDER, bytes, count, duration, moment, plural, roughly } from "./words.js";
import { silentFor, watchOf } from "./watch.js";

const ATTEMPT_STATES = { succeeded: STATES.c, failed: STATES.f, running: STATES.x, starting: STATES.x, partial: STATES.c };
export const attemptSign = (attempt) => ATTEMPT_STATES[attempt.state] ?? STATES.w;

export function TaskView({ place }) {
  const watch = watchOf(place);
  const state = useSyncExternalStore(watch.subscribe, watch.snapshot);
  return h("div", { className: "spt", "data-spark-pipeline": "task" }, h(ApiTrouble, { state }), h(Content, { watch, state, place }));
}

/** What is wrong between this page and Airflow, in a sentence of its own. */
export function ApiTrouble({ state }) {
  const { problem } = state;
  if (!problem) return null;
  if (problem.kind === "login") {
    return h(Notice, { tone: "error", role: "alert" }, "Your login has expired. ", h("a", { className: "spt-link", href: loginAddress() }, "Log in again"), "; what you see is from before.");
  }
  if (problem.kind === "forbidden") return h(Notice, { tone: "error", role: "alert" }, "You may not read this task.");
  if (problem.kind === "missing") return h(Notice, null, "Airflow has no such task instance: the run may have been deleted, or the task is mapped and one of its instances must be chosen.");
  if (problem.kind === "silent") return h(Notice, { tone: "warning" }, `${problem.message}; the tab goes on trying, more slowly. What you see may be old.`);
  return h(Notice, { tone: "error", role: "alert" }, `The tab could not read the task: ${problem.message}`);
}

function Content({ watch, state, place }) {
  if (!state.loaded) return h("p", { className: "spt-muted", role: "status" }, "Asking Airflow…");
  if (!state.pipelines.length) return state.task ? h(NothingYet, { state }) : null;
  const { chosen } = state;
  const entry = state.pipelines.find((one) => one.pipeline === chosen.pipeline) ?? state.pipelines[0];
  return h(
    "div",
    null,
    state.pipelines.length > 1 ? h(PipelineChoice, { state, entry, watch }) : null,
    entry.progress instanceof Unreadable
      ? h(Notice, { tone: "warning" }, entry.progress.sentence)
      : h(Pipeline, { key: entry.pipeline, watch, state, place, entry }),
  );
}

const OURS = /pyspark_?pipeline/i;

function NothingYet({ state }) {
  const { task } = state;
  if (!OURS.test(task.operator_name ?? task.operator ?? "")) {
    return h("p", null, `This task is no Spark pipeline (${task.operator_name ?? task.operator ?? "its operator is not known"}). The tab shows the tasks of PySparkPipelineOperator.`);
  }
  if ([null, "scheduled", "queued"].includes(task.state)) return h("p", null, "No attempt has begun yet.");
  if (task.state === "running") return h("p", null, "The attempt has written nothing yet; it does once it has read the pipeline.");
  return h("p", null, state.store ? "No attempt of this task has left progress here." : "No attempt has left progress here. Before Airflow 3.3 it lasts only until the task is cleared.");
}

function PipelineChoice({ state, entry, watch }) {
  return h(
    "div",
    { className: "spt-bar" },
    "Pipeline ",
    h(
      "select",
      { className: "spt-input", "aria-label": "Pipeline", value: entry.pipeline, onChange: (event) => watch.choose({ pipeline: event.target.value, component: null, attempt: null }) },
      state.pipelines.map((one) => h("option", { key: one.pipeline, value: one.pipeline }, one.pipeline)),
    ),
  );
}

function Pipeline({ watch, state, place, entry }) {
  const { progress } = entry;
  const { chosen } = state;
  const [action, setAction] = useState(null);
  const [said, setSaid] = useState("");
  const now = clock.now();
  const attempt = progress.attempts.find((one) => one.number === chosen.attempt) ?? progress.attempts[0];
  const component = attempt.components.find((one) => one.name === chosen.component);
  const choose = (name) => watch.choose({ component: name === chosen.component ? null : name });
  const plan = (one) => {
    setSaid("");
    setAction(one);
  };
  const shared = { state, progress, place, onPlan: plan };
  return h(
    "div",
    null,
    h(Head, { watch, state, progress, attempt, entry, now }),
    said ? h(Notice, null, said) : null,
    h(WaitingRequest, { watch, state, progress, onSaid: setSaid, onPlan: plan }),
    h(Now, { attempt, shared, onChoose: choose }),
    attempt.components.length ? h(Sights, { watch, state, progress, attempt, component, choose, shared, now }) : null,
    h(History, { progress }),
    action
      ? h(PlanDialog, {
          watch,
          state,
          progress,
          place,
          action,
          onClose: () => setAction(null),
          onDone: (sentence) => {
            setSaid(sentence);
            setAction(null);
            watch.choose({ attempt: null });
          },
        })
      : null,
  );
}

/** The graph with the panel beside it, the timeline and the table. */
function Sights({ watch, state, progress, attempt, component, choose, shared, now }) {
  const { chosen } = state;
  return h(
    "div",
    null,
    h(
      "div",
      { className: `spt-stage${component ? " spt-with-panel" : ""}` },
      h(
        Section,
        { title: "Graph" },
        h(Graph, {
          components: attempt.components,
          chosen: chosen.component,
          onChoose: choose,
          unfolded: chosen.unfolded,
          onUnfold: (unfolded) => watch.choose({ unfolded }),
          now,
          began: attempt.began,
          zoom: chosen.zoom,
          onZoom: (zoom) => watch.choose({ zoom }),
        }),
      ),
      component
        ? h(Panel, {
            component,
            attempt,
            progress,
            now,
            onChoose: (name) => watch.choose({ component: name }),
            onClose: () => watch.choose({ component: null }),
            api: watch.api,
            actions: attempt.newest ? h(ComponentActions, { ...shared, index: component.index }) : null,
          })
        : null,
    ),
    h(Section, { title: `Timeline of attempt ${attempt.number}` }, h(Timeline, { attempt, chosen: chosen.component, onChoose: choose, now })),
    h(
      Section,
      { title: "Components" },
      h(ComponentTable, { attempt, chosen: chosen.component, onChoose: choose, chosenFilters: chosen, onFilter: (change) => watch.choose(change), now }),
    ),
  );
}

function Head({ watch, state, progress, attempt, entry, now }) {
  const silent = silentFor(state, entry);
  return h(
    "header",
    { className: "spt-head" },
    h("div", { className: "spt-sentence", role: "status" }, h(Sign, { of: attemptSign(attempt), size: 20 }), h("h2", null, standing(progress, attempt, now))),
    silent ? h(Notice, { tone: "warning", role: "alert" }, `The driver has not been heard of for ${duration(silent)}. It may hang, or its machine may be gone; Airflow still takes the task for running.`) : null,
    h(TaskStanding, { state, progress }),
    h(Counts, { attempt, progress, states: state.chosen.states, onFilter: (states) => watch.choose({ states }) }),
    h(Attempts, { progress, attempt, onChoose: (number) => watch.choose({ attempt: number }), now }),
    h("p", { className: "spt-muted" }, [attempt.how ? `${attempt.how.charAt(0).toUpperCase()}${attempt.how.slice(1)}.` : "", attempt.asked_by ? `Asked for by ${attempt.asked_by}.` : ""].filter(Boolean).join(" ")),
  );
}

/** Where Airflow's task is ahead of what the attempt has written. */
function TaskStanding({ state, progress }) {
  const { task } = state;
  if ([null, "scheduled", "queued"].includes(task.state)) return h(Notice, null, "The task is cleared or queued; what you see is the attempt before. The next one shows here once it has begun.");
  if (task.state === "running" && task.try_number > progress.attempt.try_number) return h(Notice, null, `Try ${task.try_number} is starting; what you see is the attempt before.`);
  if (task.state === "up_for_retry") return h(Notice, null, "Airflow will retry this task by itself. Resuming now only saves the wait.");
  if (progress.open && !["running", "restarting", "deferred"].includes(task.state)) {
    return h(Notice, { tone: "warning" }, `The attempt ended without a word: Airflow says '${task.state}', and this is what it last wrote, at ${moment(progress.writtenAt)}. Its process was killed or its machine is gone.`);
  }
  return null;
}

function Counts({ attempt, progress, states, onFilter }) {
  const counts = counted(attempt.components, attempt.newest ? progress.folded : {});
  return h(
    "div",
    { className: "spt-counts", role: "group", "aria-label": "Components by state; a click filters the table" },
    STATE_ORDER.filter((letter) => counts[letter]).map((letter) =>
      h(
        "button",
        { key: letter, type: "button", className: `spt-count spt-${STATES[letter].tone}`, "aria-pressed": states === letter, onClick: () => onFilter(states === letter ? "" : letter) },
        h(Sign, { of: STATES[letter], size: 14 }),
        `${count(counts[letter])} ${STATES[letter].word}`,
      ),
    ),
  );
}

function Attempts({ progress, attempt, onChoose, now }) {
  if (progress.attempts.length < 2) return null;
  return h(
    "div",
    { className: "spt-attempts", role: "group", "aria-label": "Attempts" },
    h("span", { className: "spt-muted" }, "Attempts"),
    [...progress.attempts].reverse().map((one) => {
      const until = Number.isFinite(one.ended) ? one.ended : one.newest ? now : NaN;
      return h(
        "button",
        { key: one.number, type: "button", className: "spt-button spt-attempt", "aria-pressed": one.number === attempt.number, title: `${one.how ?? ""} ${moment(one.began)}`, onClick: () => onChoose(one.newest ? null : one.number) },
        h(Sign, { of: attemptSign(one), size: 14 }),
        `${one.number}: ${one.state}${Number.isFinite(until) ? `, ${roughly((until - one.began) / 1000)}` : ""}`,
      );
    }),
  );
}

/** What is the matter now: the failure with the ways out of it, or what Spark works on. */
function Now({ attempt, shared, onChoose }) {
  const { progress } = shared;
  if (!attempt.newest) {
    return attempt.error ? h("div", { className: "spt-now spt-failed" }, h(FailedName, { attempt, onChoose }), h(Failure, { error: attempt.error })) : null;
  }
  if (attempt.state === "running" || attempt.state === "starting") {
    if (!["running", "restarting", "deferred"].includes(shared.state.task.state)) return h("div", { className: "spt-now spt-failed" }, h(NextSteps, shared));
    return h(Work, { attempt });
  }
  const tone = attempt.state === "failed" ? "spt-failed" : "spt-completed";
  return h(
    "div",
    { className: `spt-now ${tone}` },
    attempt.error ? h("div", null, h(FailedName, { attempt, onChoose }), h(Failure, { error: attempt.error })) : null,
    h(NextSteps, shared),
  );
}

function FailedName({ attempt, onChoose }) {
  const component = attempt.components[attempt.error.component];
  return component ? h(Names, { components: [component], onChoose }) : null;
}

/** Spark's own progress of what runs. */
function Work({ attempt }) {
  const { work } = attempt;
  if (!work) return null;
  const component = attempt.components[work.component];
  const share = work.tasks > 0 ? work.tasks_done / work.tasks : 0;
  const parts = [
    work.stages > 0 ? `stage ${Math.min(work.stages_done + 1, work.stages)} of ${work.stages}` : "",
    work.tasks > 0 ? `${count(work.tasks_done)} of ${plural(work.tasks, "task")} done${work.tasks_running > 0 ? `, ${count(work.tasks_running)} running` : ""}` : "",
    work.rows > 0 ? `${count(work.rows)} rows` : "",
    work.bytes > 0 ? bytes(work.bytes) : "",
  ].filter(Boolean);
  return h(
    "div",
    { className: "spt-now spt-running" },
    h(
      "div",
      null,
      h("p", null, h("b", null, h("bdi", null, component?.name ?? "")), work.description ? ` · ${work.description}` : ""),
      h("progress", { className: "spt-progress", value: share, max: 1, "aria-label": "Spark tasks done" }),
      h("p", { className: "spt-muted" }, parts.join(" · ")),
    ),
  );
}

function History({ progress }) {
  return h(
    Section,
    { title: "History" },
    h(
      "ul",
      { className: "spt-history" },
      progress.attempts.map((one) =>
        h(
          "li",
          { key: `attempt ${one.number}` },
          h("b", null, `Attempt ${one.number}`),
          ` ${one.state}, began ${moment(one.began)}`,
          one.how ? `: ${one.how}` : "",
          one.asked_by ? `, asked for by ${one.asked_by}` : "",
          one.error?.headline ? h("div", { className: "spt-muted" }, one.error.headline) : null,
        ),
      ),
      progress.requests.map((one, index) =>
        h("li", { key: `request ${index}` }, `Request: ${one.text}`, one.by ? `, by ${one.by}` : "", one.at ? `, ${moment(Date.parse(one.at))}` : "", one.source ? `, through ${one.source}` : "", h("div", { className: "spt-muted" }, one.outcome ?? "")),
      ),
    ),
  );
}

