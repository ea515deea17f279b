"""Components that are given as functions and classes instead of by path, as a DAG file does."""

from __future__ import annotations

import functools
import sys
import types
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.runner import ComponentConfig, PipelineConfig, compute_pipeline_fingerprint
from airflow_provider.runner.config.component import build

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


def load_dag_file(digest: str, text: str = DAG_FILE) -> Any:
    """Load a DAG file as Airflow does: under a name with a hash of its path, which nothing can import."""
    module = types.ModuleType(f"unusual_prefix_{digest}_my_dag")
    sys.modules[module.__name__] = module
    exec(compile(text, "my_dag.py", "exec"), module.__dict__)
    return module


def pipeline(target: Any, **config: Any) -> PipelineConfig:
    return PipelineConfig(name="p", components=[ComponentConfig(name="a", class_path=target, config=config)])


def run(config: PipelineConfig) -> None:
    component = config.components[0]
    build(component.class_path, component.config, None, config.base_dir)()


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
        (lambda spark: None, "a lambda has no name to recognise it by in the next attempt; define a function"),
        (functools.partial(print, "x"), "a partial is no component; give a class or a function"),
        (load_dag_file("c" * 40).closure("x"), "uses variables of the function around it, which no fingerprint covers"),
    ],
    ids=["lambda", "partial", "closure"],
)
def test_what_cannot_be_recognised_in_the_next_attempt_is_refused(target: Any, message: str) -> None:
    """The error names component and field and says what to do."""
    with pytest.raises(PipelineConfigError) as caught:
        pipeline(target)
    assert "component 'a', field 'class_path': " in str(caught.value)
    assert message in str(caught.value)


def test_two_functions_of_one_name_are_refused() -> None:
    """One of them would silently stand for both."""
    dag = load_dag_file("d" * 40, "def step(spark): ...\nfirst = step\ndef step(spark): ...\n")
    pipeline(dag.first)
    with pytest.raises(PipelineConfigError, match="two functions of one module are called 'step'; rename one"):
        pipeline(dag.step)


def test_a_wrong_config_of_a_given_function_is_found_at_once() -> None:
    """As for a component given by path."""
    from airflow_provider.runner import load_pipeline_config

    dag = load_dag_file("e" * 40)
    with pytest.raises(PipelineConfigError, match=r"field 'config\.wrod'"):
        load_pipeline_config(pipeline(dag.step, wrod="x"))
