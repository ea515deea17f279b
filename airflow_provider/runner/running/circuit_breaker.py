"""Refuses tries of a component that keeps failing, for a while."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider.errors import CircuitOpenError
from airflow_provider.runner.config.model import CircuitBreakerConfig


class CircuitBreaker:
    """Refuses tries of a component that keeps failing, for a while.

    :param name: name of the component
    :param policy: when to open and close
    :param on_change: called as ``on_change(old, new)`` with ``closed``, ``open`` or ``half_open``
    :param clock: a monotonic clock in seconds
    """

    def __init__(
        self,
        name: str,
        policy: CircuitBreakerConfig,
        on_change: Callable[[str, str], None],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._policy = policy
        self._on_change = on_change
        self._clock = clock
        self._state = "closed"
        self._count = 0  # failures while closed, successes while half open
        self._calls = 0  # tries let through while half open
        self._opened_at = 0.0

    def admit(self) -> None:
        """Let one try through.

        :raises CircuitOpenError: no try is allowed now
        """
        if self._state == "open" and self._remaining() <= 0:
            self._become("half_open")
        if self._state == "half_open" and self._calls >= self._policy.half_open_max_calls:
            self._become("open")
        if self._state == "open":
            raise CircuitOpenError(self._name, self._remaining())
        self._calls += 1

    def succeeded(self) -> None:
        """Count a try that succeeded."""
        if self._state == "half_open":
            self._count += 1
            self._calls -= 1
            if self._count >= self._policy.success_threshold:
                self._become("closed")
        else:
            self._count = 0

    def failed(self) -> None:
        """Count a try that failed."""
        self._count += 1
        if self._state == "half_open" or self._count >= self._policy.failure_threshold:
            self._become("open")

    def _remaining(self) -> float:
        return self._opened_at + self._policy.timeout_seconds - self._clock()

    def _become(self, state: str) -> None:
        old, self._state = self._state, state
        self._count = self._calls = 0
        if state == "open":
            self._opened_at = self._clock()
        self._on_change(old, state)
