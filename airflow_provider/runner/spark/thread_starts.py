"""Lets threads that a component starts work in its session: Python hands no context variable to a new thread."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from airflow_provider.runner.spark.replaced_attributes import ReplacedAttributes
from airflow_provider.runner.spark.thread_session import (
    begin_thread,
    end_thread,
    label_thread,
    thread_session,
    using_session,
)


def follow_threads(replaced: ReplacedAttributes) -> None:
    """Let new threads work in the session of the thread that starts them, and pools in that of who submits.

    A pool may live longer than the component that made it, and others submit to it.
    """
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_following(self: threading.Thread) -> None:
        given = thread_session()
        if given is not None:
            run = self.run

            def run_following() -> None:
                del self.run  # no circle of references
                begin_thread(given)
                try:
                    run()
                finally:
                    end_thread(given)

            self.run = run_following  # type: ignore[method-assign]
        start(self)

    def submit_following(self: ThreadPoolExecutor, fn: Any, /, *args: Any, **options: Any) -> Future[Any]:
        given = thread_session()

        def call(*args: Any, **options: Any) -> Any:
            before = thread_session()
            with using_session(given):
                if given is None or given is before:
                    return fn(*args, **options)
                label_thread(given)
                try:
                    return fn(*args, **options)
                finally:
                    if before is not None:
                        label_thread(before)

        return submit(self, call, *args, **options)

    replaced.replace(threading.Thread, "start", start_following)
    replaced.replace(ThreadPoolExecutor, "submit", submit_following)
