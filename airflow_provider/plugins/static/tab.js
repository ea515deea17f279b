// The module that Airflow's UI imports. It finds the component under the tab's name on the global object.
import { h } from "./react.js";
import { RunView } from "./run_view.js";
import { addStyle } from "./style.js";
import { TaskView } from "./task_view.js";

function SparkPipelineTab({ dagId, runId, taskId, mapIndex }) {
  addStyle();
  if (!taskId) return h(RunView, { key: `${dagId} ${runId}`, dagId, runId });
  const index = Number.parseInt(mapIndex ?? "-1", 10);
  const place = { dagId, runId, taskId, mapIndex: Number.isNaN(index) ? -1 : index };
  return h(TaskView, { key: JSON.stringify(place), place });
}

globalThis["Spark pipeline"] = SparkPipelineTab;
