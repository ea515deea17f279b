// The chosen component: why, what went wrong, what it left behind, what it cost, and what can be done with it.
import { ApiProblem } from "./api.js";
import { Act, Facts, Names, Notice, StateWord } from "./parts.js";
import { h, useState } from "./react.js";
import { planned, secondsSoFar, waitsFor } from "./sentences.js";
import { bytes, count, duration, moment, webAddress } from "./words.js";

export function Panel({ component, attempt, progress, onChoose, onClose, actions, api, now }) {
  const detail = component.detail ?? {};
  const failed = attempt.error?.component === component.index ? attempt.error : null;
  const waits = component.state === "w" ? waitsFor(component, attempt.components) : [];
  return h(
    "aside",
    { className: "spt-panel", "aria-label": "Chosen component" },
    h(
      "div",
      { className: "spt-panel-head" },
      h("h3", { className: "spt-panel-name" }, h("bdi", null, component.name)),
      h("button", { type: "button", className: "spt-button spt-quiet", onClick: onClose, "aria-label": "Close" }, "✕"),
    ),
    h(StateWord, { component }),
    planned(component) ? h("p", null, `Plan: ${planned(component)}`) : null,
    failed ? h(Failure, { error: failed }) : null,
    detail.suspicion ? h(Notice, { tone: "warning" }, detail.suspicion.text) : null,
    actions,
    h(Facts, { facts: timeFacts(component, detail, now, attempt) }),
    waits.length ? h("div", { className: "spt-line" }, "Waits for ", h(Names, { components: waits, onChoose })) : null,
    h(Neighbours, { component, components: attempt.components, onChoose }),
    h(Costs, { costs: detail.costs }),
    h(LeftBehind, { left: detail.left }),
    h(Origin, { detail }),
    h(Links, { component, attempt, detail, api, progress }),
    attempt.newest && !component.detail
      ? h("p", { className: "spt-muted" }, "More than this was not kept of it: the record for people has room for those that matter most.")
      : null,
  );
}

export function Failure({ error }) {
  return h(
    "div",
    { className: "spt-failure" },
    h("p", { className: "spt-headline" }, error.headline),
    error.where ? h("p", null, "at ", h("code", null, error.where)) : null,
    error.remedy ? h("p", { className: "spt-remedy" }, error.remedy) : null,
    error.detail && error.detail !== error.headline
      ? h("details", null, h("summary", null, "The whole error"), h("pre", null, error.detail))
      : null,
  );
}

function timeFacts(component, detail, now, attempt) {
  const seconds = secondsSoFar(component, now, attempt.began);
  const usual = component.usual >= 0 ? `${duration(component.usual)} (median of ${component.usualOf})` : null;
  return [
    [component.state === "r" ? "Took when it ran" : "Time", duration(seconds)],
    ["Usually", usual],
    ["Compared", detail.against_usual],
    ["Began", component.began >= 0 ? moment(attempt.began + component.began * 1000) : null],
    ["Saving its views", detail.saving_seconds >= 0 ? duration(detail.saving_seconds) : null],
    ["Restoring its views", detail.restoring_seconds >= 0 ? duration(detail.restoring_seconds) : null],
    ["Own retries", detail.retries > 0 ? count(detail.retries) : null],
  ];
}

function Neighbours({ component, components, onChoose }) {
  const needs = component.needs.map((index) => components[index]);
  const dependents = component.dependents.map((index) => components[index]);
  return h(Facts, {
    facts: [
      ["Depends on", needs.length ? h(Names, { components: needs, onChoose }) : null],
      ["Needed by", dependents.length ? h(Names, { components: dependents, onChoose }) : null],
    ],
  });
}

function Costs({ costs }) {
  if (!costs) return null;
  const known = (value, say) => (value > 0 ? say(value) : null);
  const tasks = costs.tasks > 0 ? `${count(costs.tasks)}${costs.failed_tasks > 0 ? `, ${count(costs.failed_tasks)} failed` : ""}` : null;
  const rows = (number, size) => [known(number, (one) => `${count(one)} rows`), known(size, bytes)].filter(Boolean).join(", ");
  return h(Facts, {
    facts: [
      ["Read", rows(costs.input_rows, costs.input_bytes)],
      ["Wrote", rows(costs.output_rows, costs.output_bytes)],
      ["Shuffle", [known(costs.shuffle_write_bytes, (one) => `${bytes(one)} written`), known(costs.shuffle_read_bytes, (one) => `${bytes(one)} read`)].filter(Boolean).join(", ")],
      ["Spilled to disk", known(costs.spilled_bytes, bytes)],
      ["Peak memory", known(costs.peak_memory_bytes, bytes)],
      ["Executor CPU", known(costs.cpu_seconds, duration)],
      ["Executor time", known(costs.run_seconds, duration)],
      ["Spark tasks", tasks],
    ],
  });
}

function LeftBehind({ left }) {
  if (!left?.length) return null;
  return h(
    "div",
    null,
    h("h4", null, "What it left in the session"),
    h(
      "ul",
      { className: "spt-left" },
      left.map((one, index) =>
        h(
          "li",
          { key: index },
          `${one.kind} `,
          h("code", null, h("bdi", null, one.name)),
          `: ${[one.kept, one.pinned, one.bytes > 0 ? bytes(one.bytes) : ""].filter(Boolean).join(", ")}`,
          one.why ? h("div", { className: "spt-muted" }, one.why) : null,
        ),
      ),
    ),
  );
}

function Origin({ detail }) {
  const changed = detail.changed?.length ? detail.changed.join(", ") : null;
  return h(Facts, {
    facts: [
      ["Changed since the last attempt", changed],
      ["Sources", detail.sources?.length ? h("ul", { className: "spt-left" }, detail.sources.map((one, index) => h("li", { key: index }, h("code", null, one)))) : null],
      ["Config fingerprint", detail.config ? h("code", null, detail.config) : null],
      ["Code fingerprint", detail.code ? h("code", null, detail.code) : null],
    ],
  });
}

function Links({ component, attempt, detail, api }) {
  const spark = sparkAddress(attempt, detail);
  return h(
    "div",
    { className: "spt-line" },
    spark ? h("a", { className: "spt-link", href: spark, target: "_blank", rel: "noopener noreferrer" }, "Open in Spark's UI") : null,
    component.began >= 0 && attempt.try_number ? h(LogLines, { key: `${component.index} ${attempt.number}`, component, attempt, api }) : null,
  );
}

/** Spark's UI, at the component's first SQL execution; after the end the history server has it. */
function sparkAddress(attempt, detail) {
  const base = Number.isFinite(attempt.ended) ? attempt.history ?? attempt.spark_ui : attempt.spark_ui ?? attempt.history;
  if (!base) return null;
  return detail.sql >= 0 ? webAddress(base, "/SQL/execution/", { id: detail.sql }) : webAddress(base);
}

const MOST_LINES = 200;

/** The lines that the task's log has from the component's time. */
function LogLines({ component, attempt, api }) {
  const [found, setFound] = useState(null);
  const load = async () => {
    setFound({ busy: true });
    try {
      setFound({ lines: linesOf(await api.logs(attempt.try_number), component, attempt) });
    } catch (problem) {
      setFound({ problem: problem instanceof ApiProblem ? problem.message : String(problem) });
    }
  };
  if (!found) return h(Act, { onClick: load }, "Show its log lines");
  if (found.busy) return h("span", { className: "spt-muted" }, "Reading the log…");
  if (found.problem) return h(Notice, { tone: "warning" }, `The log cannot be read: ${found.problem}`);
  if (!found.lines.length) return h("span", { className: "spt-muted" }, "The log has no line from its time.");
  return h("pre", { className: "spt-log", tabIndex: 0, "aria-label": "Log lines" }, found.lines.join("\n"));
}

function linesOf(answer, component, attempt) {
  const from = attempt.began + component.began * 1000 - 50;
  const until = component.seconds >= 0 ? from + component.seconds * 1000 + 500 : Infinity;
  const lines = (Array.isArray(answer?.content) ? answer.content : [])
    .filter((line) => typeof line === "object" && line?.timestamp)
    .filter((line) => Date.parse(line.timestamp) >= from && Date.parse(line.timestamp) <= until)
    .map((line) => `${moment(Date.parse(line.timestamp), { day: false })} ${String(line.event).replace(/^::(end)?group::/, "")}`);
  return lines.length > MOST_LINES ? [`(${lines.length - MOST_LINES} earlier lines are in the task's log)`, ...lines.slice(-MOST_LINES)] : lines;
}
