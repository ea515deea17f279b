"""Work that is done while Spark starts: the start takes seconds, and this process only waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from threading import Thread
from typing import Any

from airflow_provider.errors import describe

logger = logging.getLogger(__name__)

GatewayWork = Callable[[Callable[[], Any]], None]
"""Takes a function that waits for the JVM and returns pyspark's gateway to it."""


@contextmanager
def working_meanwhile(work: GatewayWork | None) -> Iterator[Callable[[Any], None]]:
    """Do the work in a thread of its own until Spark has started; yield what is to be called with the gateway.

    Waits for the work at the end, so that nothing of it happens while a component runs. Work that fails is no failure:
    whoever needs what it prepares makes it then.
    """
    gateway: Future[Any] = Future()
    if work is None:
        yield gateway.set_result
        return
    thread = Thread(target=_do, args=(work, gateway), name="pyspark-pipeline-meanwhile", daemon=True)
    thread.start()
    try:
        yield gateway.set_result
    except BaseException:
        gateway.cancel()
        raise
    gateway.cancel()  # if there is none, because a JVM ran already
    thread.join()


def _do(work: GatewayWork, gateway: Future[Any]) -> None:
    try:
        work(gateway.result)
    except CancelledError:
        return
    except Exception as error:  # noqa: BLE001 - see above
        logger.debug("nothing was prepared while Spark started: %s", describe(error))
