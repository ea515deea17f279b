"""Components that are given as functions and classes instead of by path, as a DAG file does."""

from __future__ import annotations

import copy
import functools
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.pipeline.rendered import RenderedPipeline
from airflow_provider.operators.pipeline.source import read_source, with_policies
from airflow_provider.operators.pipeline.templates import render
from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.runner import (
    ComponentConfig,
    PipelineConfig,
    compute_pipeline_fingerprint,
    load_pipeline_config,
)
from airflow_provider.runner.config.component import build_component
from tests.samples.components.basic import scripted

DAG_FILE = """
CALLS = []

def step(spark, word="none"):
    CALLS.append(word)

class Step:
    def __init__(self, word):
        self.word = word
    def run(self):
        CALLS.append(self.word)

def around():
    def inner(spark):
        CALLS.append("inner")
    return inner

def closure(word):
    def inner(spark):
        CALLS.append(word)
    return inner
"""


def load_dag_file(digest: str, text: str = DAG_FILE, file: str = "my_dag.py") -> Any:
    """Load a DAG file as Airflow does: under a name with a hash of its path, which nothing can import."""
    module = types.ModuleType(f"unusual_prefix_{digest}_{Path(file).stem}")
    module.__file__ = file
    sys.modules[module.__name__] = module
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def pipeline(target: Any, **config: Any) -> PipelineConfig:
    return PipelineConfig(name="p", components=[ComponentConfig(name="a", class_path=target, config=config)])


def both(first: Any, second: Any) -> PipelineConfig:
    components = [ComponentConfig(name="a", class_path=first), ComponentConfig(name="b", class_path=second)]
    return PipelineConfig(name="p", components=components)


def run(config: PipelineConfig) -> None:
    component = config.components[0]
    build_component(component.target(), component.config, None, config.base_dir)()


def as_operator(source: Any, renderer: Callable[[Any], Any] = lambda content: content) -> PipelineConfig:
    """What an operator runs: the pipeline rendered and validated once more."""
    content, origin = read_source(source, [Path()])
    source = RenderedPipeline(content, content, render(content, origin, renderer), origin)
    return with_policies(source, {"on_clear": "restart"})


def test_a_function_or_class_of_a_dag_file_is_a_component() -> None:
    """It runs, although its module cannot be imported by name."""
    dag = load_dag_file("a" * 40)
    run(pipeline(dag.step, word="x"))
    run(pipeline(dag.Step, word="y"))
    run(pipeline(dag.around()))
    assert dag.CALLS == ["x", "y", "inner"]


def test_its_fingerprint_does_not_depend_on_where_the_dag_file_lies() -> None:
    """The hash in the module's name changes with the bundle's version; the next attempt must still recognise it."""
    first, second = load_dag_file("a" * 40), load_dag_file("b" * 40)
    assert first.step is not second.step
    one, other = (compute_pipeline_fingerprint(pipeline(module.step, word="x")) for module in (first, second))
    assert one == other
    assert pipeline(first.step).components[0].class_path == "my_dag.step"
    assert compute_pipeline_fingerprint(pipeline(first.Step, word="x")) != one


def test_the_latest_load_of_a_dag_file_counts() -> None:
    """A file that is parsed again brings functions of its own."""
    load_dag_file("a" * 40)
    first, second = load_dag_file("a" * 40), load_dag_file("a" * 40)
    pipeline(first.step, word="x")
    run(pipeline(second.step, word="x"))
    assert (first.CALLS, second.CALLS) == ([], ["x"])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (lambda spark: None, "a lambda has no name by which the next attempt could recognize it; define a function"),
        (functools.partial(print, "x"), "a partial is not a component: pass a class or a function"),
        (load_dag_file("c" * 40).closure("x"), "uses variables of its enclosing function, which no fingerprint covers"),
    ],
    ids=["lambda", "partial", "closure"],
)
def test_what_cannot_be_recognised_in_the_next_attempt_is_refused(target: Any, message: str) -> None:
    """The error names component and field and says what to do."""
    with pytest.raises(PipelineConfigError) as caught:
        pipeline(target)
    assert "component 'a', field 'class_path': " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("first", ["etl", "ml"])
@pytest.mark.parametrize("kind", ["step", "Step"])
@pytest.mark.parametrize("form", ["config", "dict", "dict of configs"])
def test_dag_files_of_one_name_keep_their_own_functions(first: str, kind: str, form: str) -> None:
    """Whatever the order in which they are loaded, validated and run. Both keep the path that each has alone."""
    loaded = {
        folder: load_dag_file(digest * 40, file=f"/dags/{folder}/jobs.py")
        for folder, digest in (("etl", "1"), ("ml", "2"))
    }
    order = [first, *(folder for folder in loaded if folder != first)]
    sources: dict[str, Any] = {}
    for folder in order:
        fields = {"name": "a", "class_path": getattr(loaded[folder], kind), "config": {"word": folder}}
        component = ComponentConfig.model_validate(fields) if form == "dict of configs" else fields
        source = {"name": "p", "components": [component]}
        sources[folder] = PipelineConfig.model_validate(source) if form == "config" else source
    prepared = {folder: as_operator(sources[folder]) for folder in order}
    for config in prepared.values():
        assert config.on_clear == "restart"
        assert config.components[0].class_path == f"jobs.{kind}"
        run(config)
        run(copy.deepcopy(config))
    assert loaded["etl"].CALLS == ["etl", "etl"]
    assert loaded["ml"].CALLS == ["ml", "ml"]


def test_a_path_is_imported_whatever_was_given_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that can be imported is not taken for a DAG file of its name."""
    (tmp_path / "imported_jobs.py").write_text(DAG_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    dag = load_dag_file("a" * 40, file="/dags/imported_jobs.py")
    run(pipeline(dag.step, word="given"))
    run(pipeline("imported_jobs.step", word="imported"))
    assert dag.CALLS == ["given"]
    assert sys.modules["imported_jobs"].CALLS == ["imported"]


def test_a_class_with_a_method_that_airflows_templates_look_for_is_left_alone() -> None:
    """Airflow calls ``resolve`` of whatever it renders."""
    dag = load_dag_file("a" * 40)
    dag.Step.resolve = classmethod(lambda cls, context: None)
    operator = PySparkPipelineOperator(task_id="t", pipeline=pipeline(dag.Step, word="{{ word }}"))
    context: Any = {"word": "rendered"}
    run(as_operator(operator.pipeline, lambda content: operator.render_template(content, context)))
    assert dag.CALLS == ["rendered"]


def test_a_copy_with_another_path_is_another_component() -> None:
    """What was given does not outlive its path."""
    dag = load_dag_file("a" * 40)
    component = pipeline(dag.step).components[0]
    other = component.model_copy(update={"class_path": "tests.samples.components.basic.scripted"})
    assert other.target() is scripted
    assert component.model_copy(update={"name": "b"}).target() is dag.step


def test_a_function_that_is_made_anew_is_the_same_component() -> None:
    """A decorated function builds its pipeline in every try, and ``dag.test()`` runs them all in one process."""
    dag = load_dag_file("a" * 40)
    first, second = pipeline(dag.around()), pipeline(dag.around())
    run(first)
    run(second)
    assert compute_pipeline_fingerprint(first) == compute_pipeline_fingerprint(second)
    assert dag.CALLS == ["inner", "inner"]


@pytest.mark.parametrize("swap", [False, True])
def test_one_path_for_two_files_is_refused_within_a_pipeline(swap: bool) -> None:
    """The checkpoint knows only the path: after a change it would take one function for the other."""
    etl = load_dag_file("1" * 40, file="/dags/etl/jobs.py").step
    ml = load_dag_file("2" * 40, file="/dags/ml/jobs.py").step
    files = ["/dags/etl/jobs.py", "/dags/ml/jobs.py"]
    with pytest.raises(PipelineConfigError) as caught:
        both(ml, etl) if swap else both(etl, ml)
    here, there = files if swap else reversed(files)
    assert str(caught.value).endswith(
        f"component 'b', field 'class_path': 'jobs.step' of {here} and that of {there}, which is component 'a', have "
        "one name, so a checkpoint could not tell them apart; rename one of the files, or one 'step'"
    )


def test_a_path_of_another_file_beside_a_given_function_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, where one of them is imported. The DAG file itself may be imported, too: it is one file."""
    file = tmp_path / "more_jobs.py"
    file.write_text(DAG_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PipelineConfigError, match=r"'b'.* 'more_jobs\.step' of .*/more_jobs\.py and that of /x"):
        both(load_dag_file("1" * 40, file="/x/more_jobs.py").step, "more_jobs.step")
    both(load_dag_file("1" * 40, file=str(file)).step, "more_jobs.step")
    both(load_dag_file("1" * 40, file="/x/not_to_be_found.py").step, "not_to_be_found.step")


def test_two_functions_of_one_name_are_refused() -> None:
    """One of them would silently stand for both. One function for two components is fine."""
    dag = load_dag_file("d" * 40, "def step(spark): ...\nfirst = step\ndef step(spark): ...\n")
    with pytest.raises(
        PipelineConfigError, match=r"my_dag\.py defines two .* 'step', and component 'a' uses the other one"
    ):
        both(dag.first, dag.step)
    both(dag.step, dag.step)


def test_a_wrong_config_of_a_given_function_is_found_at_once() -> None:
    """As for a component given by path."""
    dag = load_dag_file("e" * 40)
    with pytest.raises(PipelineConfigError, match=r"field 'config\.wrod'"):
        load_pipeline_config(pipeline(dag.step, wrod="x"))


def test_everything_that_is_wrong_beside_a_given_function_is_found() -> None:
    """It needs no import to be looked at."""
    dag = load_dag_file("e" * 40)
    fields = {"name": "a", "class_path": dag.step, "config": {"wrod": "x"}, "retrys": 3}
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config({"name": "p", "components": [fields]})
    assert [problem.field for problem in caught.value.problems] == ["retrys", "config.wrod"]
    given = ComponentConfig.model_validate({"name": "a", "class_path": dag.step})
    with pytest.raises(PipelineConfigError) as caught:
        load_pipeline_config({"name": "p", "components": [given], "nmae": "x"})
    assert [problem.field for problem in caught.value.problems] == ["nmae"]
