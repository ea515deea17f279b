"""What all ways to reach Spark have in common."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from airflow_provider.runner.session_state.live import LiveSession

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Launcher(Protocol):
    """One attempt's way to Spark, as a context manager around the attempt."""

    @property
    def conf(self) -> dict[str, str]:
        """The effective Spark properties.

        :raises SparkConfigError: the configuration is wrong
        """

    @property
    def runs_here(self) -> bool:
        """Whether all of Spark runs on this host."""

    @property
    def live(self) -> LiveSession | None:
        """The session, if its server can keep it for the next attempt."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def open(self) -> SparkSession:
        """Open the session.

        :raises SparkSessionError: Spark cannot be reached or did not start
        """

    def abort(self) -> None:
        """Cancel what runs and give up the session, in less than five seconds, from any thread or signal handler."""
