// The tab of a DAG run: all its pipelines, each in a few lines, with the way to its own tab.
import { ApiProblem, clock, tasksOfRun } from "./api.js";
import { Notice, Sign } from "./parts.js";
import { Unreadable, counted } from "./progress.js";
import { h, useEffect, useState, useSyncExternalStore } from "./react.js";
import { standing } from "./sentences.js";
import { ApiTrouble, attemptSign } from "./task_view.js";
import { STATES, STATE_ORDER, count } from "./words.js";
import { watchOf } from "./watch.js";

const OURS = /pyspark_?pipeline/i;
const MOST = 50; // cards: each of them asks for itself
const AGAIN = 30_000;

export function RunView({ dagId, runId }) {
  const { tasks, problem } = useTasks(dagId, runId);
  if (!tasks && !problem) return h("div", { className: "spt" }, h("p", { className: "spt-muted", role: "status" }, "Asking Airflow…"));
  const ours = (tasks ?? []).filter((task) => OURS.test(task.operator_name ?? task.operator ?? ""));
  return h(
    "div",
    { className: "spt", "data-spark-pipeline": "run" },
    h(ApiTrouble, { state: { problem } }),
    tasks && !ours.length ? h("p", null, "No task of this run is a Spark pipeline.") : null,
    h(
      "div",
      { className: "spt-cards" },
      ours.slice(0, MOST).map((task) => h(Card, { key: `${task.task_id} ${task.map_index}`, dagId, runId, task })),
    ),
    ours.length > MOST ? h(Notice, null, `${count(ours.length - MOST)} more pipelines are not shown here; each has a tab of its own.`) : null,
  );
}

function useTasks(dagId, runId) {
  const [known, setKnown] = useState({ tasks: null, problem: null });
  useEffect(() => {
    let over = false;
    const ask = async () => {
      if (document.hidden) return;
      try {
        const tasks = await tasksOfRun(dagId, runId);
        if (!over) setKnown({ tasks, problem: null });
      } catch (error) {
        const problem = error instanceof ApiProblem ? error : new ApiProblem("refused", String(error));
        if (!over) setKnown((old) => ({ ...old, problem }));
      }
    };
    ask();
    const timer = setInterval(ask, AGAIN);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [dagId, runId]);
  return known;
}

function Card({ dagId, runId, task }) {
  const mapIndex = task.map_index ?? -1;
  const watch = watchOf({ dagId, runId, taskId: task.task_id, mapIndex });
  const state = useSyncExternalStore(watch.subscribe, watch.snapshot);
  const title = mapIndex >= 0 ? `${task.task_id} [${mapIndex}]` : task.task_id;
  const first = state.pipelines.find((one) => !(one.progress instanceof Unreadable))?.progress;
  const tone = first ? attemptSign(first.attempts[0]).tone : "waiting";
  return h(
    "article",
    { className: `spt-card spt-${tone}`, "aria-label": title },
    h("h3", null, h("a", { className: "spt-link", href: tabAddress(dagId, runId, task.task_id, mapIndex) }, h("bdi", null, title))),
    h(ApiTrouble, { state }),
    state.pipelines.map((entry) => h(Lines, { key: entry.pipeline, entry, several: state.pipelines.length > 1 })),
    state.loaded && !state.pipelines.length ? h("p", { className: "spt-muted" }, `No progress yet; Airflow says '${task.state ?? "no state"}'.`) : null,
  );
}

function Lines({ entry, several }) {
  const { progress } = entry;
  if (progress instanceof Unreadable) return h(Notice, { tone: "warning" }, progress.sentence);
  const attempt = progress.attempts[0];
  const counts = counted(attempt.components, progress.folded);
  const failed = attempt.components[attempt.error?.component];
  return h(
    "div",
    null,
    several ? h("b", null, progress.pipeline) : null,
    h("div", { className: "spt-sentence" }, h(Sign, { of: attemptSign(attempt) }), h("p", null, standing(progress, attempt, clock.now()))),
    attempt.error ? h("p", { className: "spt-headline" }, `${failed ? `${failed.name}: ` : ""}${attempt.error.headline}`) : null,
    h(
      "div",
      { className: "spt-counts" },
      STATE_ORDER.filter((letter) => counts[letter]).map((letter) =>
        h("span", { key: letter, className: `spt-count spt-${STATES[letter].tone}` }, h(Sign, { of: STATES[letter], size: 14 }), `${count(counts[letter])} ${STATES[letter].word}`),
      ),
    ),
  );
}

function tabAddress(dagId, runId, taskId, mapIndex) {
  const part = encodeURIComponent;
  const mapped = mapIndex >= 0 ? `/mapped/${mapIndex}` : "";
  return new URL(`dags/${part(dagId)}/runs/${part(runId)}/tasks/${part(taskId)}${mapped}/plugin/spark-pipeline`, document.baseURI).href;
}
