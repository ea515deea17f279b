"""The JVM that this process starts for Spark: its output, and how it ended.

A JVM's own output is noise in a log, until it dies: then its last lines say why.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider.masking import mask
from airflow_provider.runner.spark.error_text import out_of_memory
from airflow_provider.runner.spark.jvm_lines import JvmLines

logger = logging.getLogger(__name__)

_KEPT_LINES = 400
_END_SECONDS = 5.0  # between the last answer on the connection and the end of the process

_SERIOUS = re.compile(r"OutOfMemoryError|StackOverflowError|\bERROR\b|\bFATAL\b|^# |Exception in thread|Reason:")
_OOM_STATUS = {52: "Spark's code for OutOfMemoryError", 3: "the code of -XX:+ExitOnOutOfMemoryError"}


@dataclass(frozen=True)
class JvmEnd:
    """How a JVM ended.

    :param status: its exit status, or a signal as a negative number
    """

    status: int

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended it, which is what happens when memory runs out."""
        return self.status == -signal.SIGKILL

    def __str__(self) -> str:
        if self.status >= 0:
            meaning = f" ({_OOM_STATUS[self.status]})" if self.status in _OOM_STATUS else ""
            return f"ended with exit status {self.status}{meaning}"
        name = signal.Signals(-self.status).name if -self.status in set(signal.Signals) else "unknown"
        likely = ": most likely this machine or container ran out of memory" if self.was_killed else ""
        return f"was killed by signal {-self.status} ({name}){likely}"


class SparkJvm:
    """Starts the JVM that pyspark talks to, and keeps its last lines.

    :param settings: the Spark properties that it is started with
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = dict(settings)
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_up = False
        self.is_ending = False
        self._whose = JvmLines()

    def start(self) -> Any:
        """Start it and return pyspark's gateway to it.

        :raises PySparkException: it ended before it was ready
        """
        from pyspark import SparkConf
        from pyspark.java_gateway import launch_gateway

        reading, writing = os.pipe()
        reader = threading.Thread(target=self._read, args=(reading,), name="pyspark-pipeline-jvm", daemon=True)
        reader.start()
        try:
            conf = SparkConf(loadDefaults=False).setAll(list(self.settings.items()))
            gateway = launch_gateway(conf, {"stdout": writing, "stderr": writing})
        except Exception:
            os.close(writing)
            reader.join(_END_SECONDS)  # its last words
            raise
        except BaseException:  # Airflow's time limit for one
            os.close(writing)
            raise
        os.close(writing)
        self._process = gateway.proc
        self._is_up = True
        return gateway

    def ask_to_end(self, *, kindly: bool) -> None:
        """End it, whatever it is doing. An interrupted call leaves a connection that nothing can use again.

        :param kindly: let it clean up first
        """
        self.is_ending = True
        if self._process is not None:
            (self._process.terminate if kindly else self._process.kill)()

    def end(self, seconds: float = _END_SECONDS) -> JvmEnd | None:
        """Return how the process ended, None if it still runs after so many seconds."""
        if self._process is None:
            return None
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return JvmEnd(status)

    def last_words(self, most: int = 4) -> list[str]:
        """Return the last serious lines of its output, ``most`` at most."""
        serious = [line for line in list(self._lines) if _SERIOUS.search(line) and not re.match(r"\s+at ", line)]
        return [mask(line.strip())[:300] for line in serious[-most:]]

    def out_of_memory(self) -> str | None:
        """Return Java's OutOfMemoryError from its output, None if there is none."""
        return out_of_memory("\n".join(list(self._lines)))

    def _read(self, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8", errors="replace") as output:
            for line in output:
                self._take(line.rstrip("\n"))

    def _take(self, line: str) -> None:
        """Keep a line and log it: an author's output at info level, Spark's own at debug level."""
        self._lines.append(line)
        sparks = self._whose.is_sparks(line) or not self._is_up
        logger.log(logging.DEBUG if sparks else logging.INFO, "Spark: %s", mask(line))


def quiet_py4j() -> None:
    """Log py4j's messages about lost connections at debug level: the caller reports what they mean."""
    for name in ("py4j.clientserver", "py4j.java_gateway"):
        logging.getLogger(name).addFilter(_lowered)
    logging.getLogger().addFilter(_lowered_at_the_root)


def _lowered(record: logging.LogRecord) -> bool:
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


def _lowered_at_the_root(record: logging.LogRecord) -> bool:
    return _lowered(record) if "sending command" in record.getMessage() and "py4j" in record.pathname else True
