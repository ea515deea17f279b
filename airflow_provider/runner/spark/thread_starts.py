"""Lets threads that a component starts work for it and in its session: Python hands no context variable on to them."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from airflow_provider.runner.config.thread_owner import acting_for, thread_owner
from airflow_provider.runner.spark.replaced_attributes import ReplacedAttributes
from airflow_provider.runner.spark.thread_session import thread_session, working_in_pool, working_thread


def follow_threads(replaced: ReplacedAttributes) -> None:
    """Let new threads work as the thread does that starts them, and pools as the one that submits.

    A pool may live longer than the component that made it, and others submit to it.
    """
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_following(self: threading.Thread) -> None:
        given, owner = thread_session(), thread_owner()
        if given is not None or owner is not None:
            run = self.run

            def run_following() -> None:
                vars(self).pop("run", None)  # no circle of references
                with acting_for(owner), working_thread(given) if given is not None else nullcontext():
                    run()

            self.run = run_following  # type: ignore[method-assign]
        start(self)

    def submit_following(self: ThreadPoolExecutor, fn: Any, /, *args: Any, **options: Any) -> Future[Any]:
        given, owner = thread_session(), thread_owner()

        def call(*args: Any, **options: Any) -> Any:
            with acting_for(owner), working_in_pool(given):
                return fn(*args, **options)

        return submit(self, call, *args, **options)

    replaced.replace(threading.Thread, "start", start_following)
    replaced.replace(ThreadPoolExecutor, "submit", submit_following)
