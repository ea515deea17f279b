"""``on_code_change`` at work: attempts at one run, with an edit between them.

The pipeline is ``first``, ``second(first)``, ``third(second)`` and ``apart``, run by the real runner with a real store
and without Spark. ``third`` fails at first.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.commands.standalone.cli import run_command_line
from airflow_provider.errors import CodeChangedError, PipelineConfigError
from airflow_provider.runner import (
    CheckpointHooks,
    CheckpointState,
    LocalCheckpointStore,
    LoggingHooks,
    PipelineConfig,
    SimplePipelineRunner,
    compute_pipeline_fingerprint,
    load_checkpoint_for_resume,
)
from airflow_provider.runner.observing.hooks import CompositeHooks
from airflow_provider.runner.planning.plan import RunPlan
from airflow_provider.runner.record.run_key import RunKey
from airflow_provider.runner.running.attempt import AttemptSpec, run_attempt
from tests.samples.components.shop import process, write

NO_SPARK: Any = object()
RUN = "run-1"
STEPS = """
import util

RAN = []

def first(spark):
    RAN.append(("first", 1))

def second(spark):
    RAN.append(("second", util.help()))

def third(spark):
    RAN.append(("third", util.LIMIT))
    raise ValueError("not yet")

def apart(spark):
    RAN.append(("apart", 1))
"""
UTIL = "LIMIT = 5\n\n\ndef help():\n    return 1\n"
COMPONENTS = [
    {"name": "first", "class_path": "steps.first"},
    {"name": "second", "class_path": "steps.second", "depends_on": ["first"]},
    {"name": "apart", "class_path": "steps.apart"},
    {"name": "third", "class_path": "steps.third", "depends_on": ["second"]},
]
MENDED = STEPS.replace('    raise ValueError("not yet")\n', "")


@dataclass
class EditedCodeRun:
    """Attempts at one run, each with the files as they are then."""

    folder: Path
    files: dict[str, str] = field(default_factory=lambda: {"steps.py": STEPS, "util.py": UTIL})
    notes: list[str] = field(default_factory=list)

    @property
    def store(self) -> LocalCheckpointStore:
        return LocalCheckpointStore(self.folder / "store")

    @property
    def stored(self) -> CheckpointState:
        state = self.store.load(RUN, "shop")
        assert state is not None
        return state

    def attempt(self, *, components: list[dict[str, Any]] | None = None, **fields: Any) -> list[str]:
        """Make an attempt and return which components ran, in order."""
        write(self.folder / "code", self.files)
        with process(self.folder / "code"):
            given = PipelineConfig.model_validate({"name": "shop", "components": components or COMPONENTS, **fields})
            run_attempt(AttemptSpec(given, self.store, RunKey((), RUN, "shop"), spark=NO_SPARK))
            return [name for name, _ in importlib.import_module("steps").RAN]

    def plan(self, **fields: Any) -> RunPlan:
        write(self.folder / "code", self.files)
        with process(self.folder / "code"):
            given = PipelineConfig.model_validate({"name": "shop", "components": COMPONENTS, **fields})
            return SimplePipelineRunner(given, spark=NO_SPARK).plan(self.stored)


@pytest.fixture
def run(tmp_path: Path) -> EditedCodeRun:
    """A run whose first attempt completed all but ``third``."""
    run = EditedCodeRun(tmp_path)
    assert run.attempt() == ["first", "second", "apart", "third"]
    run.files["steps.py"] = MENDED
    return run


def test_a_failed_component_may_change(run: EditedCodeRun) -> None:
    """Mending what failed makes nothing else run again."""
    assert run.attempt() == ["third"]
    assert run.stored.status == "completed"


def test_by_default_what_changed_runs_again_with_its_descendants(
    run: EditedCodeRun, caplog: pytest.LogCaptureFixture
) -> None:
    """Old code is noticed, and the log names the function."""
    run.files["util.py"] = UTIL.replace("return 1", "return 2")
    caplog.set_level(logging.INFO)
    assert run.attempt() == ["second", "third"]
    assert "code changed: util.help" in caplog.text
    assert run.attempt() == []


def test_a_constant_that_only_the_failed_one_uses_changes_nothing_else(run: EditedCodeRun) -> None:
    """What counts is what a component reaches, not the file."""
    run.files["util.py"] = UTIL.replace("LIMIT = 5", "LIMIT = 6")
    assert run.attempt() == ["third"]


def test_restart_starts_everything_again_and_says_what_would_have_been_kept(
    run: EditedCodeRun, caplog: pytest.LogCaptureFixture
) -> None:
    """``restart`` runs even what has nothing to do with the change."""
    caplog.set_level(logging.INFO)
    run.files["util.py"] = UTIL.replace("return 1", "return 2")
    assert run.attempt(on_code_change="restart") == ["first", "second", "apart", "third"]
    assert "on_code_change is 'restart'; 'rerun_affected' would have kept first, apart" in caplog.messages


def test_restart_restarts_nothing_without_a_change(run: EditedCodeRun) -> None:
    """A policy for a change does nothing where nothing changed."""
    assert run.attempt(on_code_change="restart") == ["third"]


def test_reuse_keeps_what_old_code_made_and_names_it(run: EditedCodeRun, caplog: pytest.LogCaptureFixture) -> None:
    """``reuse`` is the author's word that old results will do, and it is repeated in the log."""
    run.files["util.py"] = UTIL.replace("return 1", "return 2")
    assert run.attempt(on_code_change="reuse") == ["third"]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        "on_code_change is 'reuse', so results are kept although their code changed: 'second': util.help"
    ]


def test_fail_names_component_and_function_and_keeps_the_record(run: EditedCodeRun) -> None:
    """``fail`` leaves everything as it is, so that the author can decide."""
    run.files["util.py"] = UTIL.replace("return 1", "return 2")
    with pytest.raises(CodeChangedError, match=r"'second': util\.help; change it back, or set on_code_change"):
        run.attempt(on_code_change="fail")
    assert run.stored.completed_components == ["first", "second", "apart"]
    run.files["util.py"] = UTIL
    assert run.attempt(on_code_change="fail") == ["third"]


def test_fail_does_not_fail_where_no_old_result_would_be_used(run: EditedCodeRun) -> None:
    """What runs again anyway, with all that depends on it, may have changed."""
    run.files["util.py"] = UTIL.replace("return 1", "return 2")
    assert run.attempt(on_code_change="fail", restart_from="second") == ["second", "third"]


def test_a_changed_config_that_restarts_everything_makes_the_code_irrelevant(run: EditedCodeRun) -> None:
    """``on_config_change: restart`` comes first."""
    run.files["util.py"] = UTIL.replace("return 1", "return 2")
    changed = [{**component, "checkpoint_version": "2"} for component in COMPONENTS]
    assert run.attempt(components=changed, on_code_change="fail") == ["first", "second", "apart", "third"]


def test_a_record_without_code_is_used_with_a_word(run: EditedCodeRun) -> None:
    """The log names what is not known: it is neither a change nor the absence of one."""
    records = {name: record.model_copy(update={"code": None}) for name, record in run.stored.components.items()}
    run.store.save(run.stored.model_copy(update={"components": records}))
    plan = run.plan()
    assert plan.kept == ["first", "second", "apart"]
    assert plan.notes == (
        "kept although their code could not be compared, because it was not recorded: 'first', 'second', "
        "'apart'; if it has changed, restart from the first of them",
    )


def test_what_ran_again_and_failed_still_decides_over_what_was_kept(tmp_path: Path) -> None:
    """A component that had completed, ran again and failed with new code takes along what its old code had fed."""
    run = EditedCodeRun(tmp_path, {"steps.py": MENDED, "util.py": UTIL})
    always = [{**component, "always_run": component["name"] == "first"} for component in COMPONENTS]
    always[3] = {"name": "third", "class_path": "steps.third"}  # fails apart from the others
    run.files["steps.py"] = STEPS
    assert run.attempt(components=always) == ["first", "second", "apart", "third"]
    run.files["steps.py"] = STEPS.replace('RAN.append(("first", 1))', 'RAN.append(("first", 1)); 1 / 0')
    always_failing = run.attempt(components=always, on_code_change="reuse")
    assert always_failing == ["first"]
    assert set(run.stored.completed_components) == {"second", "apart"}
    run.files["steps.py"] = MENDED.replace('RAN.append(("first", 1))', 'RAN.append(("first", 2))')
    assert run.attempt(components=always) == ["first", "second", "third"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_what_ran_by_a_computed_name_is_noticed_on_newer_pythons(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A module that is imported by a computed name counts, because its function was seen to run."""
    by_name = 'import importlib; importlib.import_module("plug_" + "in").go(); RAN.append(("first", 1))'
    steps = STEPS.replace('RAN.append(("first", 1))', by_name)
    plugin = "def go():\n    return deep()\n\ndef deep():\n    return 1\n"
    run = EditedCodeRun(tmp_path, {"steps.py": steps, "util.py": UTIL, "plug_in.py": plugin})
    run.attempt()
    code = run.stored.components["first"].code
    assert code is not None
    assert code.entered == ["plug_in.deep", "plug_in.go"]
    assert run.attempt() == ["third"]
    run.files["plug_in.py"] = plugin.replace("return 1", "return 2")
    caplog.set_level(logging.INFO)
    assert run.attempt() == ["first", "second", "third"]
    assert "code changed: plug_in.deep" in caplog.text


def test_the_record_holds_hashes_and_no_text(run: EditedCodeRun) -> None:
    """The checkpoint says which functions and constants, never what they are."""
    code = run.stored.components["second"].code
    assert code is not None
    assert set(code.functions) == {"steps.second", "util.help"}
    assert set(code.constants) == {"steps.RAN"}
    assert all(len(value) == 12 for value in code.functions.values())


def test_resume_by_hand_leaves_out_what_old_code_made(run: EditedCodeRun, caplog: pytest.LogCaptureFixture) -> None:
    """``load_checkpoint_for_resume`` compares the code, too, and says what changed."""
    run.files["util.py"] = UTIL.replace("return 1", "return 2")
    write(run.folder / "code", run.files)
    with process(run.folder / "code"):
        config = PipelineConfig.model_validate({"name": "shop", "components": COMPONENTS})
        assert load_checkpoint_for_resume(run.store, RUN, config) == {"first", "apart"}
        hooks = CompositeHooks(LoggingHooks(), CheckpointHooks(run.store, RUN, compute_pipeline_fingerprint(config)))
        runner = SimplePipelineRunner(config, hooks=hooks, spark=NO_SPARK)
        runner.run(load_checkpoint_for_resume(run.store, RUN, config))
        assert [name for name, _ in importlib.import_module("steps").RAN] == ["second", "third"]
    assert "pipeline 'shop', run 'run-1': code changed: 'second': util.help; kept: first, apart" in caplog.text


def test_an_unknown_value_is_a_problem_of_the_config() -> None:
    """The policy has four values."""
    with pytest.raises(PipelineConfigError, match="on_code_change"):
        PipelineConfig.model_validate({"name": "shop", "components": COMPONENTS, "on_code_change": "never"})


def test_code_that_cannot_be_read_stops_no_run(
    run: EditedCodeRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If reading fails for a reason that nobody foresaw, the run goes on with a warning and a note in the plan."""

    def broken(*args: object, **kwargs: object) -> Callable[..., object]:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("airflow_provider.runner.fingerprint.code.component_code.read_code", broken)
    assert run.attempt() == ["third"]
    assert "cannot read the code of component 'second': RuntimeError: unforeseen" in caplog.messages
    assert any("because it cannot be read today: 'first', 'second', 'apart'" in message for message in caplog.messages)


def test_validate_code_prints_what_the_fingerprint_covers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``validate --code`` tells for each component what counts, what it depends on and what cannot be seen."""
    steps = (
        "import pandas\nimport util\n\ndef one(spark, name):\n"
        "    return getattr(util, name), pandas.DataFrame(), util.LIMIT\n"
    )
    write(tmp_path, {"steps.py": steps, "util.py": UTIL})
    one = {"name": "one", "class_path": "steps.one", "config": {"name": "help"}}
    read = {
        "name": "read",
        "class_path": "airflow_provider.components.ReadData",
        "config": {"path": "x", "output_view": "v"},
    }
    (tmp_path / "p.json").write_text(json.dumps({"name": "p", "components": [one, read]}))
    with process(tmp_path):
        assert run_command_line(["validate", "--code", str(tmp_path / "p.json")]) == 0
        without = capsys.readouterr().out if run_command_line(["validate", str(tmp_path / "p.json")]) else ""
    printed = capsys.readouterr().out
    assert without == ""
    lines = [line.strip() for line in printed.splitlines()]
    assert "covers: steps.one, util.help, the constant util.LIMIT" in lines
    assert any(line.startswith("depends on: pandas ") for line in lines)
    assert "cannot see: getattr by a computed name (steps.py:5 in one)" in lines
    assert "ready-made: besides its config nothing else counts" in lines


def test_code_whose_own_modules_are_out_of_reach_counts_as_unchanged_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As those of ``addPyFile``, which only the component that adds them brings into a process."""
    steps = STEPS.replace("import util\n", "").replace("(spark):\n", "(spark):\n    import util\n")
    run = EditedCodeRun(tmp_path, {"steps.py": steps, "util.py": UTIL})
    assert run.attempt() == ["first", "second", "apart", "third"]
    (tmp_path / "code" / "util.py").unlink()
    del run.files["util.py"]
    caplog.set_level(logging.INFO)
    assert run.attempt() == []
    assert any("'second'" in line and "cannot be read today" in line for line in caplog.messages)
