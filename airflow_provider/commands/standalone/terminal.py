"""What a person sees in a terminal while a pipeline runs."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider.runner.observing.progress import in_words
from airflow_provider.runner.spark.job_progress import ProgressReader, spark_progress

_EVERY_SECONDS = 0.5


class StderrHandler(logging.Handler):
    """Logs to the current ``sys.stderr``, which a progress bar replaces so that lines appear above it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)


class ProgressBar:
    """A progress bar for the running component: Spark's tasks, and what Spark does. See ``Progress`` of the runner."""

    @contextmanager
    def watching(self, component: str, position: int, total: int, spark: Any) -> Iterator[None]:
        """Show the bar while the component runs."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[words]}", markup=False),
        )
        over = threading.Event()
        with (
            spark_progress(spark) as look,
            Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar,
        ):
            task = bar.add_task(f"[{position}/{total}] {component}", total=None, words="")

            def show(look: ProgressReader) -> None:
                while not over.wait(_EVERY_SECONDS):
                    try:
                        work = look()
                    except Exception:  # noqa: BLE001 - Spark may be gone; the component reports it
                        work = None
                    tasks = (work.tasks_done, work.tasks) if work is not None else (0, None)
                    bar.update(task, completed=tasks[0], total=tasks[1], words=in_words(work) if work else "")

            thread = threading.Thread(target=show, args=(look,), name="pyspark-pipeline-progress", daemon=True)
            thread.start()
            try:
                yield
            finally:
                over.set()
