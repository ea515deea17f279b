"""Every exception of this package, in one tree.

::

    PySparkPipelineError
    ├── NotRetriableError            trying again cannot help: somebody has to do what the message says
    │   ├── PipelineConfigError      the config is wrong; lists every problem at once
    │   ├── ConfigChangedError       the config differs from the checkpoint's and the policy is to fail
    │   ├── CodeChangedError         code differs from what completed components ran with and the policy is to fail
    │   ├── SessionStateNotSavedError  what a component left is needed, was not saved, and it must not run again
    │   ├── RestartRefusedError      a request to restart would keep results of what it replaces
    │   ├── SourceChangedError       what a completed component had read has changed, and it must not go on like that
    │   ├── SparkConfigError         what was configured for Spark is wrong (also a SparkSessionError)
    │   ├── SparkInstallError        pyspark and pyspark-client are installed over each other (also a SparkSessionError)
    │   └── DriverSetupError         where the driver runs something is missing, or the task is set up wrongly for it
    │                                (also a DriverError)
    ├── DagNotReadError              a task cannot be read from outside: its DAG file, its run or its templates
    ├── SourceNotListedError         a source cannot be looked at within bounds; it counts as "not listed"
    ├── SparkSessionError            no Spark session could be opened, or it was lost
    │   └── SparkLostError           Spark ended while a component ran: not that component's fault
    ├── DriverError                  a driver that spark-submit started did not do what it should
    ├── ViewNotSavedError            a temp view cannot be saved
    ├── ClearError                   a task cannot be cleared from the command line
    ├── NotRestoredError             what a record says of a session is not used; its component is replayed instead
    ├── ComponentError
    │   ├── ComponentFailedError     a component failed and so did the attempt
    │   ├── ReplayDiffersError       a component that was replayed left something else than before
    │   ├── NothingRanError          a component returned a generator or the like, of which nothing has run
    │   ├── CircuitOpenError         a component failed too often and is not tried again for now
    │   ├── DataCheckError           a data check did not hold
    │   ├── DataReadError            data cannot be read as the config says
    │   ├── SqlStatementError        a statement, or its file, cannot be taken as it is written
    │   └── WriteRefusedError        a write would take away what is still needed; nothing was deleted
    └── CheckpointError              progress can no longer be relied on; never swallowed by hooks
        ├── CheckpointWriteError     the store could not save
        ├── CheckpointReadError      the store could not be read
        │   └── UnreadableRequestError  what was left in it as a request to restart is none
        ├── CheckpointCorruptError   the stored text is no checkpoint; stores set it aside
        ├── CheckpointFormatError    written by a newer version of this package
        ├── CheckpointInUseError     an attempt may be running, so the checkpoint is not deleted
        └── StaleAttemptError        a newer attempt has taken over

    AttemptStopped                   no Exception: the attempt must end now, and components must not swallow it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider.masking import mask


class PySparkPipelineError(Exception):
    """Root of every exception that this package raises on purpose."""


class NotRetriableError(PySparkPipelineError):
    """Trying again cannot help: the task fails without using up retries, a driver ends with status 2.

    The message says what somebody has to do first.
    """


@dataclass(frozen=True)
class ConfigProblem:
    """One thing that is wrong with a config.

    :param message: what is wrong and what to do about it
    :param component: name of the component, or ``#3`` for the third one if it has no usable name;
        None for the pipeline itself
    :param field: dotted path of the field, None if the problem has no single field
    """

    message: str
    component: str | None = None
    field: str | None = None

    def __str__(self) -> str:
        place = []
        if self.component is not None:
            place.append(f"component {self.component if self.component[:1] == '#' else repr(self.component)}")
        if self.field is not None:
            place.append(f"field {self.field!r}")
        return f"{', '.join(place)}: {self.message}" if place else self.message


class PipelineConfigError(NotRetriableError):
    """The pipeline config is wrong.

    :param problems: every problem that was found, at least one
    :param source: the file the config came from, None if it was built in Python
    """

    def __init__(self, problems: Sequence[ConfigProblem], source: str | None = None) -> None:
        self.problems = tuple(problems)
        self.source = source
        where = f"pipeline config {source}" if source else "pipeline config"
        if len(self.problems) == 1:
            text = f"{where}: {self.problems[0]}"
        else:
            lines = "".join(f"\n  - {problem}" for problem in self.problems)
            text = f"{where} has {len(self.problems)} problems:{lines}"
        super().__init__(text)


class ConfigChangedError(NotRetriableError):
    """The config has changed since the checkpoint, and ``on_config_change`` is ``fail``.

    :param run_id: the run
    :param pipeline_name: name of the pipeline
    :param what: what changed, without values
    """

    def __init__(self, run_id: str, pipeline_name: str, what: str = "another fingerprint") -> None:
        self.run_id = run_id
        self.pipeline = self.pipeline_name = pipeline_name
        super().__init__(
            f"pipeline {pipeline_name!r}, run {run_id!r}: config changed since the checkpoint: {what}; change it back, "
            "or set on_config_change to 'restart' or 'rerun_affected', or delete the checkpoint"
        )


class CodeChangedError(NotRetriableError):
    """The code of completed components has changed, and ``on_code_change`` is ``fail``.

    :param run_id: the run
    :param pipeline_name: name of the pipeline
    :param what: which components, and what in their code
    """

    def __init__(self, run_id: str, pipeline_name: str, what: str) -> None:
        self.run_id = run_id
        self.pipeline = self.pipeline_name = pipeline_name
        super().__init__(
            f"pipeline {pipeline_name!r}, run {run_id!r}: code of completed components changed: {what}; change it "
            "back, or set on_code_change to 'rerun_affected', 'restart' or 'reuse', or restart from the first of them"
        )


class SessionStateNotSavedError(NotRetriableError):
    """What a component left in the session is needed, could not be saved, and the component must not run again.

    :param pipeline: name of the pipeline
    :param lost: for each such component its name, why, and what to do
    """

    def __init__(self, pipeline: str, lost: Sequence[tuple[str, str, str]]) -> None:
        self.pipeline = self.pipeline_name = pipeline
        self.components = tuple(name for name, _, _ in lost)
        lines = "".join(f"\n  - component {name!r}: {why}; {remedy}" for name, why, remedy in lost)
        super().__init__(
            f"pipeline {pipeline!r} cannot go on, because later components need what completed ones left in the "
            f"Spark session:{lines}\nNothing ran again. Do as it says there, or restart the run from the first of them."
        )


class RestartRefusedError(NotRetriableError):
    """A request to restart from components leaves out one that would keep a result of what is replaced.

    :param pipeline: name of the pipeline
    :param what: the request, in words
    :param component: the one that would keep its result
    :param why: why it would
    """

    def __init__(self, pipeline: str, what: str, component: str, why: str) -> None:
        self.pipeline = self.pipeline_name = pipeline
        self.component = component
        super().__init__(
            f"pipeline {pipeline!r}: {what} would leave {component!r} with an old result: {why}; name {component!r}, "
            "too, or restart with all descendants"
        )


class SourceChangedError(NotRetriableError):
    """What completed components had read has changed since, and nothing right can be made of what they left.

    :param pipeline: name of the pipeline
    :param changes: a line for each source: which components, which source and what changed
    :param remedy: what to do
    """

    def __init__(self, pipeline: str, changes: Sequence[str], remedy: str) -> None:
        self.pipeline = self.pipeline_name = pipeline
        self.changes = tuple(changes)
        super().__init__(f"pipeline {pipeline!r}: {'; '.join(changes)}; {remedy}")


class DagNotReadError(PySparkPipelineError):
    """A task's pipeline cannot be read from outside of the task. The message says why."""


class SourceNotListedError(PySparkPipelineError):
    """A source cannot be listed within bounds.

    :param why: what there is too much of
    :param more_than: how many files it exceeds, if it has too many
    """

    def __init__(self, why: str, more_than: int | None = None) -> None:
        super().__init__(why)
        self.more_than = more_than


class ViewNotSavedError(PySparkPipelineError):
    """A temp view cannot be saved. The message says why."""


class NotRestoredError(PySparkPipelineError):
    """What a record says of a session is not brought back. The message says why; its component is replayed."""


class SparkSessionError(PySparkPipelineError):
    """No Spark session could be opened, or it was lost. The message says which and where."""


class SparkLostError(SparkSessionError):
    """Spark, or the executors of it, ended while a component ran.

    The message says what ended, how, what it said last and which setting to raise.

    :param message: that
    :param session_is_gone: whether nothing else can run in the session
    """

    def __init__(self, message: str, *, session_is_gone: bool = False) -> None:
        self.session_is_gone = session_is_gone
        super().__init__(message)


class SparkConfigError(NotRetriableError, SparkSessionError):
    """What was configured for Spark is wrong: a connection that is missing or does not fit, a deploy mode."""


class SparkInstallError(NotRetriableError, SparkSessionError):
    """What is installed of Spark are two versions in one directory. The message has the command that mends it."""


class DriverError(PySparkPipelineError):
    """A driver that spark-submit started did not do what it should. The message is what it reported."""


class DriverSetupError(NotRetriableError, DriverError):
    """Where the driver runs something is missing, or the task is set up wrongly for it."""


class ComponentError(PySparkPipelineError):
    """Something about one component went wrong while it ran."""


class ComponentFailedError(ComponentError):
    """A component failed, so the attempt failed.

    The message is all that people need: the log ends with it. :attr:`cause` is what the component raised, None if
    that was in another process. It is no ``__cause__``, or Airflow would log a second traceback.

    :param pipeline: name of the pipeline
    :param component: name of the component
    :param position: its place in the order of execution, from 1
    :param total: how many enabled components the pipeline has
    :param what: what went wrong
    :param details: further lines: the author's line of code, what is complete, what comes next
    """

    def __init__(
        self, pipeline: str, component: str, position: int, total: int, what: str, details: Sequence[str] = ()
    ) -> None:
        self.pipeline = self.pipeline_name = pipeline
        self.component = component
        self.position = position
        self.total = total
        self.cause: BaseException | None = None
        first = f"pipeline {pipeline!r}: component {component!r} ({position} of {total}) failed: {mask(what)}"
        super().__init__("\n".join([first, *map(mask, details)]))


class ReplayDiffersError(ComponentError):
    """A component that was replayed left something else in the session than when it completed.

    :param component: its name
    :param differences: what is not the same
    """

    def __init__(self, component: str, differences: Sequence[str]) -> None:
        self.component = component
        self.differences = tuple(differences)
        super().__init__(
            f"component {component!r} was replayed and did not leave what it had left: {'; '.join(differences)}; what "
            f"was made of it no longer fits: set its session_state to 'save', and restart from {component!r}"
        )


class NothingRanError(ComponentError):
    """A component returned something that runs only when somebody uses it, so nothing of it has run.

    :param what: what it returned
    :param why: why nothing of it runs, and what to do
    """

    def __init__(self, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__(f"it returned {what}, of which nothing has run: {why}")

    def __reduce__(self) -> tuple[type[NothingRanError], tuple[str, str]]:
        return type(self), (self.what, self.why)


class CircuitOpenError(ComponentError):
    """The component's circuit breaker is open: it failed too often and is left alone for a while.

    :param component: name of the component
    :param seconds: time until one more try is allowed
    """

    def __init__(self, component: str, seconds: float) -> None:
        self.component = component
        self.seconds = seconds
        super().__init__(
            f"component {component!r}: circuit breaker is open after repeated failures; "
            f"the next try is allowed in {seconds:.0f} s"
        )


class DataCheckError(ComponentError):
    """A data check did not hold. The message lists every rule that failed with the counts it saw."""


class DataReadError(ComponentError):
    """Data cannot be read as a component is told to. The message says why, and what to change."""


class SqlStatementError(ComponentError):
    """A statement cannot be taken as it is written: its file is not there or not UTF-8, or it holds none or several."""


class WriteRefusedError(ComponentError):
    """A write would take away what is still needed, or hide it. Nothing was deleted.

    :param component: name of the component that was to write
    :param target: where, in words
    :param why: what would be lost
    :param remedy: what to do
    """

    def __init__(self, component: str, target: str, why: str, remedy: str) -> None:
        self.component = component
        self.target = target
        self.why = why
        self.remedy = remedy
        super().__init__(
            f"component {component!r} must not write to {target}: {why}; nothing was deleted\nremedy: {remedy}"
        )

    def __reduce__(self) -> tuple[type[WriteRefusedError], tuple[str, str, str, str]]:
        return type(self), (self.component, self.target, self.why, self.remedy)


class ClearError(PySparkPipelineError):
    """A task cannot be cleared from the command line. The message says why, and what to do instead."""


class CheckpointError(PySparkPipelineError):
    """The record of progress cannot be relied on. The attempt fails; no hook wrapper swallows this."""


class CheckpointWriteError(CheckpointError):
    """The store could not save the checkpoint, also after trying again."""


class CheckpointReadError(CheckpointError):
    """The store could not be read, so it is unknown what has completed."""


class UnreadableRequestError(CheckpointReadError):
    """What somebody left in a store as a request to restart is none. The message says what is wrong with it."""


class CheckpointCorruptError(CheckpointError):
    """What is stored is not a checkpoint (truncated, torn or edited). Stores set it aside."""


class CheckpointFormatError(CheckpointError):
    """The checkpoint was written by a newer version of this package.

    :param found: format version of the stored checkpoint
    :param supported: newest format version that this package reads
    """

    def __init__(self, found: int, supported: int) -> None:
        self.found = found
        self.supported = supported
        super().__init__(
            f"the checkpoint has format version {found}, this version of "
            f"airflow-provider-pyspark-pipeline reads up to {supported}; "
            f"upgrade the package where this task runs, or delete the checkpoint to start afresh"
        )


class CheckpointInUseError(CheckpointError):
    """The checkpoint is not deleted, because an attempt that may be running would write it again."""


class StaleAttemptError(CheckpointError):
    """A newer attempt of the same run has taken over, so this one must stop.

    :param message: which attempt, and by which it was replaced
    :param run_id: the run, None if it is not known
    :param pipeline_name: name of the pipeline, None if it is not known
    """

    def __init__(self, message: str, run_id: str | None = None, pipeline_name: str | None = None) -> None:
        self.run_id = run_id
        self.pipeline_name = pipeline_name
        super().__init__(message)


class AttemptStopped(BaseException):
    """The attempt must end now: Airflow stops the task, or its time is over. What completed stays recorded.

    Not an ``Exception``, so that a component's ``except Exception`` does not turn it into going on.
    """


_PY4J = "An error occurred while calling "


def describe(error: BaseException) -> str:
    """Return ``Type: first line`` for a log line, secrets masked; the full text stays in the traceback."""
    lines = [line for line in mask(str(error)).strip().splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith(_PY4J):  # what Java said comes after it
        lines = [lines[1].removeprefix(": ")]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
