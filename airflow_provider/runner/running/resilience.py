"""A component's own retries and circuit breaker, inside one attempt."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from airflow_provider.errors import CircuitOpenError, NothingRanError, SparkLostError
from airflow_provider.runner.config.model import CircuitBreakerConfig, RetryConfig


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


def run_with_retries(
    work: Callable[[], object],
    policy: RetryConfig | None,
    breaker: CircuitBreaker | None,
    on_retry: Callable[[int, float, BaseException], None],
    sleep: Callable[[float], None],
) -> int:
    """Call ``work`` until it succeeds or the policy gives up.

    :param work: one try
    :param policy: how often and when to try again; None for a single try
    :param breaker: asked before each try and told how it went
    :param on_retry: called as ``on_retry(failed_try, pause_seconds, error)`` before a pause
    :param sleep: pauses for so many seconds
    :return: number of tries after the first
    :raises CircuitOpenError: the breaker refused a try; the error of the try before it is the cause
    """
    last: BaseException | None = None

    def once() -> None:
        nonlocal last
        if breaker is not None:
            try:
                breaker.admit()
            except CircuitOpenError as refused:
                raise refused from last
        try:
            work()
        except Exception as error:
            last = error
            if breaker is not None:
                breaker.failed()
            raise
        if breaker is not None:
            breaker.succeeded()

    def before_sleep(state: RetryCallState) -> None:
        if state.outcome is None or state.next_action is None:
            return
        error = state.outcome.exception()
        if error is not None:
            on_retry(state.attempt_number, state.next_action.sleep, error)

    if policy is None:
        once()
        return 0
    retrying = Retrying(
        stop=stop_after_attempt(policy.max_attempts),
        wait=wait_exponential(
            multiplier=policy.initial_delay_seconds,
            exp_base=policy.backoff_multiplier,
            max=policy.max_delay_seconds,
        ),
        retry=retry_if_exception(lambda error: _is_worth_a_retry(error, policy.retry_on_exceptions)),
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )
    retrying(once)
    return int(retrying.statistics["attempt_number"]) - 1


def _is_worth_a_retry(error: BaseException, names: list[str]) -> bool:
    if isinstance(error, (CircuitOpenError, NothingRanError)) or not isinstance(error, Exception):
        return False
    if isinstance(error, SparkLostError):
        return not error.session_is_gone
    names = [_RENAMED.get(name.removeprefix("builtins."), name) for name in names]
    return any(
        name in (kind.__name__, f"{kind.__module__}.{kind.__qualname__}")
        for kind in type(error).__mro__
        for name in names
    )


_RENAMED = {"IOError": "OSError", "EnvironmentError": "OSError"}
"""Old names of built-in exceptions, which are still names of the same classes."""
