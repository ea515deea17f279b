"""Each attempt of a run finds the same request: ``restart_from`` of the task, or in the run's conf or params."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider.errors import PipelineConfigError
from airflow_provider.operators.pipeline.config_restart_requests import config_requests
from airflow_provider.runner.record.requests import AT_THE_TRIGGER, IN_THE_FILE, RestartRequest
from tests.samples.sketches import config

PIPELINE = config("a b(a) c(b) -off")


def found(own: Any = None, conf: Any = None, params: Any = None, try_number: int = 1) -> tuple[RestartRequest, ...]:
    context: Any = {
        "ti": SimpleNamespace(try_number=try_number),
        "dag_run": SimpleNamespace(conf=conf, triggering_user_name="ann"),
        "params": params,
    }
    return config_requests(context, "work", PIPELINE, own)


@pytest.mark.parametrize(
    ("asked", "components"),
    [
        ("b", ("b",)),
        (["b", "c"], ("b", "c")),
        ({"work": "b"}, ("b",)),
        ({"work": ["b", "c"], "other": "x"}, ("b", "c")),
        ({"components": "b", "only": True}, ("b",)),
        ({"work": {"components": ["b"], "until": "c"}}, ("b",)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", ["conf", "params"])
def test_whoever_triggers_a_run_may_ask_in_short_or_in_full(place: str, asked: Any, components: Any) -> None:
    (request,) = found(**{place: {"restart_from": asked}})
    assert (request.components, request.source, request.requested_by) == (components, AT_THE_TRIGGER, "ann")


@pytest.mark.parametrize("asked", [None, "", [], {}, {"other": "x"}], ids=repr)
def test_an_empty_value_requests_no_restart(asked: Any) -> None:
    assert found(None, {"restart_from": asked}, {"restart_from": asked}) == ()
    assert found("", None, None) == ()


def test_the_tasks_own_parameter_counts_first_then_the_conf_then_the_params() -> None:
    everywhere = {"own": "a", "conf": {"restart_from": "b"}, "params": {"restart_from": "c"}}
    (request,) = found(**everywhere)
    assert (request.components, request.source, request.requested_by) == (("a",), IN_THE_FILE, None)
    assert [found(**everywhere | {"own": ""})[0].components] == [("b",)]
    assert [found(**everywhere | {"own": None, "conf": {}})[0].components] == [("c",)]


def test_the_same_value_is_the_same_request_in_each_attempt() -> None:
    """So it is carried out once; another value or place is another request."""
    ids = [
        found(own, conf)[0].id for own, conf in (("b", None), (["b"], None), ("c", None), (None, {"restart_from": "b"}))
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


WRONG = [
    ("x", "field 'restart_from': unknown or disabled component 'x'"),
    ("off", "unknown or disabled component 'off'"),
    (["b", "x"], "unknown or disabled component 'x'"),
    ({"components": "b", "untill": "c"}, "field 'restart_from.untill': is not a known field; did you mean 'until'?"),
    ({"components": "c", "until": "b"}, "'b', where it should end, does not depend on 'c'"),
    (True, "field 'restart_from': expected a mapping"),
]


@pytest.mark.parametrize(("asked", "message"), WRONG, ids=repr)
@pytest.mark.parametrize("own", [True, False], ids=["own", "conf"])
def test_the_first_try_refuses_what_makes_no_sense_and_no_later_one_fails(own: bool, asked: Any, message: str) -> None:
    """Nobody can change what a run was triggered with, so it must not fail each further attempt."""
    given = {"own": asked} if own else {"conf": {"restart_from": asked}}
    with pytest.raises(PipelineConfigError) as caught:
        found(**given)
    assert message in str(caught.value)
    found(**given, try_number=2)
