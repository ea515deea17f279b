"""Observes a component so that what goes wrong with that fails nothing: it is logged, and the component goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from airflow_provider.errors import PySparkPipelineError, describe

logger = logging.getLogger(__name__)

Observed = TypeVar("Observed")


def observe(what: str, observation: Callable[[], Observed], otherwise: Observed) -> Observed:
    """Return what an observation finds.

    :param what: what is observed, in words that follow "cannot tell"
    :param otherwise: what is returned if the observation raises an error
    """
    try:
        return observation()
    except Exception as error:  # noqa: BLE001 - an observation may stumble over anything
        logger.warning("cannot tell %s: %s", what, describe(error))
        return otherwise


@contextmanager
def observing(
    what: str, watch: Callable[[], AbstractContextManager[Observed]], otherwise: Observed
) -> Iterator[Observed]:
    """Return a context manager that watches what happens in it.

    :param what: what is watched, in words that follow "cannot tell"
    :param watch: returns the context manager that watches
    :param otherwise: what the body gets if the watch cannot begin
    :raises PySparkPipelineError: what the watch refuses on purpose
    """
    try:
        entered = watch()
        found = entered.__enter__()
    except PySparkPipelineError:
        raise  # a policy of the author's, such as on_source_change, or a lost session
    except Exception as error:  # noqa: BLE001 - as above
        logger.warning("cannot tell %s: %s", what, describe(error))
        yield otherwise
        return
    try:
        yield found
    except BaseException as failed:
        _end(what, entered, failed)
        raise
    _end(what, entered, None)


def _end(what: str, entered: AbstractContextManager[object], failed: BaseException | None) -> None:
    kind, trace = (type(failed), failed.__traceback__) if failed is not None else (None, None)
    try:
        entered.__exit__(kind, failed, trace)
    except BaseException as error:
        if error is failed:
            return  # the body raised it, and that is what counts
        if not isinstance(error, Exception):
            raise
        logger.warning("cannot tell %s: %s", what, describe(error))
