"""A reason is data: frozen, compared by its facts, and with a sentence of its own."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from airflow_provider.runner.planning import reasons, reuse_reasons
from airflow_provider.runner.planning.reasons import NotCompleted, Reason
from airflow_provider.runner.planning.start_mode import StartCase

KINDS = [
    kind
    for module in (reasons, reuse_reasons)
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, Reason) and not inspect.isabstract(kind)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_reason_is_a_frozen_record_with_a_sentence_of_its_own(kind: type) -> None:
    assert dataclasses.is_dataclass(kind)
    assert "__str__" in vars(kind)
    assert vars(kind)["__dataclass_params__"].frozen


def test_reasons_are_compared_by_their_facts() -> None:
    assert NotCompleted(2, failed=True) == NotCompleted(2, failed=True) != NotCompleted(2, failed=False)


def test_every_case_of_a_start_has_a_sentence_that_says_what_follows() -> None:
    sentences = [str(case) for case in StartCase]
    assert len(set(sentences)) == len(sentences)
    for case in StartCase:
        assert ("starts from the beginning" in str(case)) <= (not case.resumes), case
        assert ("continues from the checkpoint" in str(case)) <= case.resumes, case
