"""The page for people who come from pyspark-pipeline-framework, and more of its components, on a real Spark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark_pipeline_framework.runner.hooks import NoOpHooks as TheirHooks

from airflow_provider.runner import (
    CheckpointHooks,
    InMemoryCheckpointStore,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
    load_pipeline_config,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "coming-from-pyspark-pipeline-framework.md"
PEER = "pyspark_pipeline_framework.examples.batch"


def test_the_example_of_the_page_runs_as_it_is_written(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)[:2])
    assert len(blocks["python"].strip().splitlines()) <= 12
    # Its path is relative to where Spark was started, which here is elsewhere.
    (tmp_path / "sales.conf").write_text(blocks["hocon"].replace('"sales.csv"', f'"{tmp_path}/sales.csv"'))
    (tmp_path / "sales.csv").write_text("day,amount\n1,2.5\n2,4.0\n")
    monkeypatch.chdir(tmp_path)
    told: list[tuple[str, int, int]] = []

    class SlackHooks(TheirHooks):
        def after_component(self, config: Any, index: int, total: int, duration_ms: int) -> None:
            told.append((config.name, index, total))

    monkeypatch.setattr("pyspark_pipeline_framework.runner.NoOpHooks", SlackHooks)
    for expected in ([("read", 0, 2), ("total", 1, 2)], []):
        exec(compile(blocks["python"], PAGE.name, "exec"), {})
        assert told == expected
        told.clear()
    assert re.fullmatch(r"success \d+\nsuccess \d+\n", capsys.readouterr().out)
    assert (tmp_path / "checkpoints").is_dir()


def test_their_components_resume_with_their_views(session: SparkSession, spark: SparkSession, tmp_path: Path) -> None:
    """ReadCsv, SqlTransform, one with schemas, WriteCsv; the second attempt is a session of its own."""
    (tmp_path / "in.csv").write_text("id,name\n1,ann\n2,bob\n")
    config = load_pipeline_config(
        {
            "name": "p",
            "components": [
                step("read", f"{PEER}.ReadCsv", path=str(tmp_path / "in.csv"), output_view="v"),
                step("sql", f"{PEER}.SqlTransform", "read", sql="SELECT * FROM v WHERE id > 1", output_view="w"),
                step(
                    "typed", "tests.samples.components.peer.Typed", "sql", input_view="w", output_view="typed", fails=1
                ),
                step("write", f"{PEER}.WriteCsv", "typed", input_view="typed", path=str(tmp_path / "out")),
            ],
        }
    )
    store = InMemoryCheckpointStore()
    actions = []
    for attempt in (session, spark.newSession()):
        hooks = CheckpointHooks(store, "r", compute_pipeline_fingerprint(config))
        url = str(tmp_path / "state")
        runner = SimplePipelineRunner(config, hooks=hooks, spark=attempt, session_state_url=url)
        result = runner.run(load_checkpoint_for_resume(store, "r", config))
        actions.append([f"{r.action} {r.status}" for r in result.component_results])
    assert actions[0] == ["RUN completed", "RUN completed", "RUN failed", "RUN not_run"]
    assert actions[1][2:] == ["RUN completed", "RUN completed"]
    assert spark.read.csv(str(tmp_path / "out"), header=True).collect() == [("2", "bob")]


def test_a_stream_that_ends_by_itself_is_a_component(session: SparkSession, tmp_path: Path) -> None:
    session.range(4).write.parquet(str(tmp_path / "in"))
    places = {name: str(tmp_path / name) for name in ("in", "out", "progress")}
    config = load_pipeline_config(
        {"name": "p", "components": [step("s", "tests.samples.components.peer.Stream", **places)]}
    )
    result = SimplePipelineRunner(config, spark=session).run()
    assert result.status.value == "success", result.failed_components
    assert session.read.parquet(places["out"]).count() == 4


def step(name: str, class_path: str, *depends_on: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "class_path": class_path, "depends_on": list(depends_on), "config": config}
