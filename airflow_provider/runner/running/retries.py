"""A component's own retries with their backoff, inside one attempt."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from airflow_provider.errors import CircuitOpenError, ComponentTimeoutError, NothingRanError, SparkLostError
from airflow_provider.runner.config.model import RetryConfig
from airflow_provider.runner.running.circuit_breaker import CircuitBreaker


def backoff(policy: RetryConfig) -> wait_exponential:
    """Return the rule for the pause before each further try: it grows by a factor up to a limit."""
    return wait_exponential(
        multiplier=policy.initial_delay_seconds, exp_base=policy.backoff_multiplier, max=policy.max_delay_seconds
    )


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
        wait=backoff(policy),
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
    if isinstance(error, ComponentTimeoutError) and error.still_running:
        return False
    names = [_RENAMED.get(name.removeprefix("builtins."), name) for name in names]
    return any(
        name in (kind.__name__, f"{kind.__module__}.{kind.__qualname__}")
        for kind in type(error).__mro__
        for name in names
    )


_RENAMED = {"IOError": "OSError", "EnvironmentError": "OSError"}
"""Old names of built-in exceptions, which are still names of the same classes."""
