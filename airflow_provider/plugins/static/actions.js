// What can be done, what that would do and cost, and the question before it is done.
import { AFTER, DeedFailed, NOW, STOP, carryOut, withdraw } from "./deeds.js";
import { Graph } from "./graph.js";
import { Act, Facts, Notice } from "./parts.js";
import { BEGINNING, FROM, ONLY, RESUME, planOf, planOfRequest } from "./plans.js";
import { planSummary } from "./progress.js";
import { Fragment, h, useEffect, useRef, useState } from "./react.js";
import { planWords } from "./sentences.js";
import { named, plural, shortened } from "./words.js";

const DRAWN = 200; // components; a larger plan is listed only
const BUSY = ["running", "restarting", "deferred"];
const ON_ITS_WAY = ["queued", "scheduled", null];

/** Why nothing can be done with this task now; null if something can. */
function offForAll(state) {
  if (state.problem) return "Airflow's API does not answer";
  if (state.mayChange === null) return "asking Airflow what you may do";
  if (!state.mayChange) return "you may look at this task, but not clear it; whoever administers Airflow can give you that right";
  if (ON_ITS_WAY.includes(state.task.state)) return "the task is cleared already; its next attempt is about to begin";
  return null;
}

/** An action as it stands: what it would do, or why it is off. */
export function standingAction(state, progress, place, kind, index, when = NOW) {
  const runs = BUSY.includes(state.task?.state);
  const plan = planOf(progress, kind, index, place, runs);
  return { kind, index, when, plan, off: offForAll(state) ?? offForThis(state, progress, kind, when, runs) ?? plan.refused ?? null };
}

function offForThis(state, progress, kind, when, runs) {
  if (runs && when === NOW) return "the task runs";
  if (kind !== RESUME && !state.store) {
    return "a request to restart needs Airflow 3.3 or newer here; on this one use: airflow pyspark-pipeline restart-from";
  }
  if (kind === RESUME && state.waiting.has(progress.key)) return "a request waits for the next attempt, which would carry that out";
  return null;
}

/** The buttons for a component. */
export function ComponentActions({ state, progress, place, index, onPlan }) {
  const runs = BUSY.includes(state.task?.state);
  const options = runs
    ? [
        ["Restart from here after this attempt…", FROM, AFTER],
        ["Stop and restart from here…", FROM, STOP],
      ]
    : [
        ["Restart from here…", FROM, NOW],
        ["Only this one…", ONLY, NOW],
      ];
  return h(
    "div",
    { className: "spt-actions" },
    options.map(([label, kind, when]) => {
      const action = standingAction(state, progress, place, kind, index, when);
      return h(
        "div",
        { key: label, className: "spt-action" },
        h(Act, { off: action.off, onClick: () => onPlan(action), kind: kind === FROM ? "primary" : "plain" }, label),
        h("span", { className: "spt-muted" }, action.off ? `Off: ${action.off}.` : sentence(planWords(progress, action.plan.letters))),
      );
    }),
  );
}

/** What the person on call may do now, and what each way costs. */
export function NextSteps({ state, progress, place, onPlan }) {
  const failed = progress.components.find((one) => one.state === "f");
  const ways = [];
  if (progress.attempt.state !== "succeeded") ways.push(["Resume", RESUME, undefined]);
  if (failed) ways.push([`Restart from '${shortened(failed.name, 32)}'`, FROM, failed.index]);
  ways.push(["From the beginning", BEGINNING, undefined]);
  const actions = ways.map(([label, kind, index]) => [label, standingAction(state, progress, place, kind, index)]);
  const shown = actions.filter(([, action]) => action.kind !== FROM || action.plan.letters !== actions[0][1].plan.letters);
  const common = shown.every(([, action]) => action.off && action.off === shown[0][1].off) ? shown[0][1].off : null;
  return h(
    "div",
    { className: "spt-steps", role: "group", "aria-label": "What can be done" },
    common ? h("p", { className: "spt-muted" }, `Nothing can be done here: ${common}.`) : null,
    shown.map(([label, action], index) =>
      h(
        Fragment,
        { key: label },
        h(Act, { off: action.off, kind: index === 0 && progress.attempt.state !== "succeeded" ? "primary" : "plain", onClick: () => onPlan(action) }, `${label}…`),
        h("span", { className: action.off ? "spt-muted" : "" }, action.off ? (common ? planText(progress, action) : `Off: ${action.off}.`) : planText(progress, action)),
      ),
    ),
    h("p", { className: "spt-muted spt-steps-more" }, "To restart elsewhere, choose a component."),
  );
}

function planText(progress, action) {
  return action.plan.letters ? sentence(planWords(progress, action.plan.letters)) : "";
}

function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function question({ kind, index, when }, progress, waiting) {
  const name = index === undefined ? "" : shortened(progress.components[index].name, 60);
  if (kind === RESUME) return waiting === undefined ? "Resume the pipeline?" : "Carry out the request that waits?";
  if (kind === BEGINNING) return "Run the pipeline from the beginning?";
  if (kind === ONLY) return `Run only '${name}' again?`;
  if (when === AFTER) return `Restart from '${name}' after this attempt?`;
  return when === STOP ? `Stop this attempt and restart from '${name}'?` : `Restart from '${name}'?`;
}

function answer({ kind, when }, waits) {
  if (when === AFTER) return "Leave the request";
  if (when === STOP) return "Stop and restart";
  return kind === RESUME && !waits ? "Clear and resume" : "Clear and restart";
}

/** The preview, and the one question. */
export function PlanDialog({ watch, state, progress, place, action, onClose, onDone }) {
  const ref = useRef(null);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    const opener = document.activeElement;
    ref.current.showModal();
    return () => opener?.focus?.();
  }, []);
  const confirm = async () => {
    setBusy(true);
    setWrong("");
    try {
      onDone(await carryOut(watch, progress, action));
    } catch (problem) {
      setWrong(problem instanceof DeedFailed ? problem.message : `It did not work: ${problem.message}. Look at the task before you try again.`);
      setBusy(false);
    }
    watch.refresh();
  };
  return h(
    "dialog",
    { ref, className: "spt-dialog", "aria-labelledby": "spt-question", onClose, onCancel: (event) => busy && event.preventDefault() },
    h("h3", { id: "spt-question" }, question(action, progress, state.waiting.get(progress.key))),
    h(Preview, { progress, plan: action.plan }),
    h(Consequences, { watch, state, progress, action }),
    wrong ? h(Notice, { tone: "error", role: "alert" }, wrong) : null,
    h(
      "div",
      { className: "spt-bar spt-answers" },
      h("button", { type: "button", className: "spt-button", onClick: () => ref.current.close(), disabled: busy }, "Cancel"),
      h("button", { type: "button", className: `spt-button ${action.when === STOP ? "spt-danger" : "spt-primary"}`, onClick: confirm, disabled: busy }, busy ? "Asking Airflow…" : answer(action, state.waiting.has(progress.key))),
    ),
  );
}

function Preview({ progress, plan }) {
  const { letters, reservation } = plan;
  const { by, unknown } = planSummary(progress, letters);
  const list = (components) => (components.length ? `${plural(components.length, "component")}: ${named(components.map((one) => one.name), 12)}` : null);
  return h(
    "div",
    { className: "spt-preview" },
    h("p", { className: "spt-headline" }, sentence(planWords(progress, letters))),
    progress.components.length <= DRAWN ? h(PreviewGraph, { progress, letters }) : null,
    h(Facts, {
      facts: [
        ["Runs", list(by.x)],
        ["Replays", list(by.p)],
        ["Reuses", list(by.r)],
        ["Leaves out", list(by.s)],
        ["Not known", unknown ? `how long ${plural(unknown, "component")} of these take` : null],
      ],
    }),
    reservation ? h(Notice, null, reservation) : null,
  );
}

function PreviewGraph({ progress, letters }) {
  const [chosen, setChosen] = useState(null);
  const [zoom, setZoom] = useState(null);
  return h(Graph, { components: progress.components, planned: letters, chosen, onChoose: setChosen, unfolded: true, onUnfold: () => {}, now: 0, began: 0, zoom, onZoom: setZoom, label: "Preview", tallest: Math.max(150, 0.36 * globalThis.innerHeight) });
}

/** What happens around the pipeline: tasks that are cleared too, the request that is replaced, whose name is shown. */
function Consequences({ watch, state, progress, action }) {
  const [cleared, setCleared] = useState(null);
  const clears = action.when !== AFTER;
  useEffect(() => {
    if (!clears) return;
    watch.api.previewClear().then(setCleared, (problem) => setCleared(problem.message));
  }, []);
  const { taskId, mapIndex } = watch.place;
  const others = Array.isArray(cleared) ? cleared.filter((one) => one.task !== taskId || (mapIndex >= 0 && one.index !== mapIndex)) : [];
  const waiting = state.waiting.get(progress.key);
  return h(
    "ul",
    { className: "spt-left" },
    clears && cleared === null ? h("li", { className: "spt-muted" }, "Asking Airflow which tasks are cleared with it…") : null,
    typeof cleared === "string" ? h("li", null, `Airflow would not say which tasks are cleared with it: ${cleared}`) : null,
    clears && Array.isArray(cleared)
      ? h("li", null, others.length ? `Clears this task and what comes after it: ${named([...new Set(others.map((one) => one.task))], 6)}.` : "Clears this task; nothing comes after it.")
      : null,
    action.when === AFTER ? h("li", null, "Clears nothing: the request waits for the next attempt, an automatic retry or the one after a clear.") : null,
    action.when === STOP ? h("li", null, "Stops the attempt that runs now. What it has completed stays recorded; what runs at this moment is lost.") : null,
    waiting && action.kind === RESUME ? h("li", null, `Carries out the request that waits: ${requestWords(waiting)}.`) : null,
    waiting && action.kind !== RESUME ? h("li", null, `Replaces the request that waits: ${requestWords(waiting)}.`) : null,
    h("li", null, state.person ? `Airflow and the history will show '${state.person}' as having asked.` : "Airflow's audit log will show you as having asked."),
  );
}

/** A request in words. What a person typed into the store may have any form. */
export function requestWords(request) {
  if (typeof request === "string") return `restart from '${shortened(request, 60)}'`;
  if (Array.isArray(request)) return `restart from ${named(request.map(String))}`;
  const names = Array.isArray(request?.components) ? request.components.map(String) : [String(request?.components ?? "?")];
  return `${request?.only ? "run only" : "restart from"} ${named(names)}${request?.requested_by ? `, by ${request.requested_by}` : ""}${request?.source ? `, through ${request.source}` : ""}`;
}

/** The request that waits, and how to take it back. */
export function WaitingRequest({ watch, state, progress, onSaid, onPlan }) {
  const request = state.waiting.get(progress.key);
  const [busy, setBusy] = useState(false);
  if (request === undefined) return null;
  const take = async () => {
    setBusy(true);
    await withdraw(watch, progress.key, request).then(onSaid, (problem) => onSaid(problem.message));
    setBusy(false);
    watch.refresh();
  };
  const off = state.mayChange ? (busy ? "asking Airflow" : null) : "you may look at this task, but not change it";
  const idle = !BUSY.includes(state.task?.state) && !ON_ITS_WAY.includes(state.task?.state);
  const plan = planOfRequest(progress, request);
  return h(
    Notice,
    { tone: "warning" },
    h("p", null, `A request waits for the next attempt: ${requestWords(request)}.`),
    h(
      "div",
      { className: "spt-bar" },
      idle ? h(Act, { off: offForAll(state) ?? plan.refused, onClick: () => onPlan({ kind: RESUME, when: NOW, plan }) }, "Clear the task to carry it out…") : null,
      h(Act, { off, onClick: take }, "Withdraw it"),
    ),
  );
}
