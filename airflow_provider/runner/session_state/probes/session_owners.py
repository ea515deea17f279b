"""Which component owns a copy of the session and a thread, so that what is done there is known to be its own.

Only where several components run side by side: without an owner everything that was done counts for whoever ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from airflow_provider.runner.session_state.probes.jvm_helpers import load_jvm_helper

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def claim_session(spark: SparkSession, owner: str) -> None:
    """Let what is done in a session from now on be known as an owner's, also in what is cloned from it later.

    :param spark: a classic session, a copy that nobody else uses
    :param owner: any text that no other component has that runs on the same Spark. One that begins with the text of
        another one and a slash works for that one, too
    """
    load_jvm_helper(spark, "SessionOwners").claim(owner)


def mark_thread(spark: SparkSession, owner: str) -> None:
    """Let the jobs that this thread starts from now on be known as an owner's, and as no earlier owner's any more.

    :param spark: any classic session on that Spark
    :param owner: as of :func:`claim_session`
    """
    load_jvm_helper(spark, "SessionOwners").markThread(owner)


_MARKED: ContextVar[str | None] = ContextVar("pyspark_pipeline_marked_thread", default=None)


@contextmanager
def marked_thread(spark: SparkSession, owner: str) -> Iterator[None]:
    """Mark this thread for an owner, and for the one that it worked for before afterwards: see :func:`mark_thread`."""
    before, token = _MARKED.get(), _MARKED.set(owner)
    mark_thread(spark, owner)
    try:
        yield
    finally:
        _MARKED.reset(token)
        if before is not None:
            mark_thread(spark, before)


def session_owner(spark: SparkSession) -> str | None:
    """Return the owner of a session, None if it has none."""
    owner: str | None = load_jvm_helper(spark, "SessionOwners").owner()
    return owner
