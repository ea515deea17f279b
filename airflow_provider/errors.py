"""Every exception of this package, in one tree.

::

    PySparkPipelineError
    ├── NotRetriableError              a retry cannot help: the message says what to do first
    │   ├── PipelineConfigError        the config is wrong; lists every problem at once
    │   ├── RefusedByPolicyError       something has changed, and the policy for that is 'fail'
    │   │   ├── ConfigChangedError     the config has, and on_config_change is 'fail'
    │   │   └── CodeChangedError       the code of completed components has, and on_code_change is 'fail'
    │   ├── SessionStateNotSavedError  needed session state was not saved, and its component must not run again
    │   ├── RestartRefusedError        a restart would leave another component with an old result
    │   ├── SourceChangedError         data that completed components read has changed
    │   ├── SparkConfigError           a connection or setting for Spark is wrong (also a SparkSessionError)
    │   ├── SparkInstallError          two versions of Spark are installed over each other (also a SparkSessionError)
    │   └── DriverSetupError           the driver lacks something, or the task's setup does not fit (also a DriverError)
    ├── DagNotReadError                a command cannot read a task: its DAG file, its run or its templates
    ├── SparkSessionError              no Spark session could be opened, or it was lost
    │   └── SparkLostError             Spark ended while a component ran, which is not the component's fault
    ├── DriverError                    a driver that spark-submit started failed
    ├── ClearError                     a command cannot clear a task
    ├── ComponentError
    │   ├── ComponentFailedError       a component failed, and so did the attempt
    │   ├── ReplayDiffersError         a replayed component left different session state
    │   ├── NothingRanError            a component returned a generator or the like, which never ran
    │   ├── ComponentCancelledError    a component was cancelled while it ran, because another one had failed
    │   ├── LeftByBothError            two components without an order between them left the same in the session
    │   ├── ComponentTimeoutError      one try of a component took longer than its timeout_seconds
    │   ├── CircuitOpenError           a component failed too often; its circuit breaker blocks further tries for now
    │   ├── DataCheckError             data breaks a rule of a data check
    │   ├── DataReadError              data cannot be read the way the config says
    │   ├── SqlStatementError          an SQL statement or its file is unusable
    │   └── WriteRefusedError          a write would destroy or hide data that is still needed; nothing was deleted
    ├── CheckpointError                progress can no longer be relied on; never swallowed by hooks
    │   ├── CheckpointWriteError       the store could not save
    │   ├── CheckpointReadError        the store could not be read
    │   │   └── UnreadableRequestError a stored restart request cannot be parsed
    │   ├── CheckpointCorruptError     the stored text is not a checkpoint; stores set it aside
    │   ├── CheckpointFormatError      a newer version of this package wrote the checkpoint
    │   ├── CheckpointInUseError       the checkpoint is kept, because an attempt may still be running
    │   └── StaleAttemptError          a newer attempt has taken over
    └── InternalSignal                 the engine raises and handles it itself; no caller ever sees one
        ├── ViewNotSavedError          a temp view cannot be saved
        ├── NotRestoredError           recorded session state is not restored; its component is replayed instead
        └── SourceNotListedError       a source is too large or too slow to list

    AttemptStopped                     not an Exception: the attempt must end now, and components must not swallow it

Each keeps what it was built from as attributes, and comes out of ``pickle`` and ``copy`` with its text and attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider.masking import mask


class PySparkPipelineError(Exception):
    """Root of every exception that this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # By default a copy calls the class with the text alone, which subclasses with arguments of their own refuse.
        return _without_init, (type(self), self.args), self.__dict__


def _without_init(kind: type[PySparkPipelineError], args: tuple[Any, ...]) -> PySparkPipelineError:
    return kind.__new__(kind, *args)


class NotRetriableError(PySparkPipelineError):
    """A retry cannot help: the task fails at once and uses up no retries; a driver ends with status 2.

    The message says what to do first.
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

    :param problems: all of them, at least one
    :param source: the file that the config comes from, None if it was built in Python
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


class RefusedByPolicyError(NotRetriableError):
    """Something has changed since the checkpoint, and the policy for that is ``fail``.

    :param what: what changed: ``the config has changed since the checkpoint: version``
    :param remedy: what to do: ``change it back, or …``
    """

    def __init__(self, run_id: str, pipeline_name: str, what: str, remedy: str) -> None:
        self.run_id = run_id
        self.pipeline = self.pipeline_name = pipeline_name
        self.what = what
        self.remedy = remedy
        super().__init__(f"pipeline {pipeline_name!r}, run {run_id!r}: {what}; {remedy}")


class ConfigChangedError(RefusedByPolicyError):
    """The config has changed since the checkpoint, and ``on_config_change`` is ``fail``.

    :param what: what changed, without values
    """

    def __init__(self, run_id: str, pipeline_name: str, what: str = "another fingerprint") -> None:
        super().__init__(
            run_id,
            pipeline_name,
            f"the config has changed since the checkpoint: {what}",
            "change it back, or set on_config_change to 'restart' or 'rerun_affected', or delete the checkpoint",
        )


class CodeChangedError(RefusedByPolicyError):
    """The code of completed components has changed, and ``on_code_change`` is ``fail``.

    :param what: which components, and what in their code
    """

    def __init__(self, run_id: str, pipeline_name: str, what: str) -> None:
        super().__init__(
            run_id,
            pipeline_name,
            f"the code of completed components has changed: {what}",
            "change it back, or set on_code_change to 'rerun_affected', 'restart' or 'reuse', or restart from the "
            "first of these components",
        )


class SessionStateNotSavedError(NotRetriableError):
    """Later components need session state that was not saved, and the components that left it must not run again.

    :param lost: for each of these components its name, why it must not run again, and what to do
    """

    def __init__(self, pipeline: str, lost: Sequence[tuple[str, str, str]]) -> None:
        self.pipeline = self.pipeline_name = pipeline
        self.lost = tuple(lost)
        self.components = tuple(name for name, _, _ in lost)
        lines = "".join(f"\n  - component {name!r}: {why}; {remedy}" for name, why, remedy in lost)
        super().__init__(
            f"pipeline {pipeline!r} cannot go on: later components need session state that was not saved:{lines}\n"
            "No component was re-run. Follow the remedy above, or restart from the first component listed."
        )


class RestartRefusedError(NotRetriableError):
    """A restart would leave another component with a result that was made from what the restart replaces.

    :param what: the request, in words
    :param component: the one that would keep its old result
    :param why: what makes its result an old one
    """

    def __init__(self, pipeline: str, what: str, component: str, why: str) -> None:
        self.pipeline = self.pipeline_name = pipeline
        self.what = what
        self.component = component
        self.why = why
        super().__init__(
            f"pipeline {pipeline!r}: {what} would leave {component!r} with an old result: {why}; name {component!r} as "
            "well, or restart with all descendants"
        )


class SourceChangedError(NotRetriableError):
    """Data that completed components read has changed, so that what they left no longer fits.

    :param changes: a line for each source: which components read it, and what changed
    :param remedy: what to do
    """

    def __init__(self, pipeline: str, changes: Sequence[str], remedy: str) -> None:
        self.pipeline = self.pipeline_name = pipeline
        self.changes = tuple(changes)
        self.remedy = remedy
        super().__init__(f"pipeline {pipeline!r}: {'; '.join(changes)}; {remedy}")


class DagNotReadError(PySparkPipelineError):
    """A command cannot read the pipeline of a task. The message says why."""


class SparkSessionError(PySparkPipelineError):
    """No Spark session could be opened, or it was lost. The message says which and where."""


class SparkLostError(SparkSessionError):
    """Spark or its executors ended while a component ran.

    :param message: what ended and how, what it logged last, and which setting to raise
    :param session_is_gone: whether nothing else can run in the session
    """

    def __init__(self, message: str, *, session_is_gone: bool = False) -> None:
        self.session_is_gone = session_is_gone
        super().__init__(message)


class SparkConfigError(NotRetriableError, SparkSessionError):
    """The Spark configuration is wrong: a connection that is missing or does not fit, or a deploy mode."""


class SparkInstallError(NotRetriableError, SparkSessionError):
    """Two versions of Spark are installed in one directory. The message has the command that repairs it."""


class DriverError(PySparkPipelineError):
    """A driver that spark-submit started failed. The message is what it reported."""


class DriverSetupError(NotRetriableError, DriverError):
    """The driver lacks something where it runs, or the task's setup does not fit it. The message says what."""


class ComponentError(PySparkPipelineError):
    """Something went wrong while a component ran."""


class ComponentFailedError(ComponentError):
    """A component failed, so the attempt failed.

    The message is all that people need: the log ends with it. :attr:`cause` is what the component raised. It is None
    in a copy and if the component ran in another process, because it may hold objects that cannot leave its process.
    It is not a ``__cause__``, or Airflow would log a second traceback.

    :param position: the component's place in the order of execution, from 1
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
        self.what = mask(what)
        self.details = tuple(map(mask, details))
        self.cause: BaseException | None = None
        first = f"pipeline {pipeline!r}: component {component!r} ({position} of {total}) failed: {self.what}"
        super().__init__("\n".join([first, *self.details]))

    def __reduce__(self) -> tuple[Any, ...]:
        make, arguments, attributes = super().__reduce__()
        return make, arguments, {**attributes, "cause": None}


class ReplayDiffersError(ComponentError):
    """A replayed component left different session state than when it completed.

    :param differences: what is not the same
    """

    def __init__(self, component: str, differences: Sequence[str]) -> None:
        self.component = component
        self.differences = tuple(differences)
        super().__init__(
            f"component {component!r} left different session state when it was replayed: {'; '.join(differences)}. "
            "Results built on the original no longer match. Set its session_state to 'save', and restart from "
            f"{component!r}"
        )


class NothingRanError(ComponentError):
    """A component returned something that runs only when it is used, such as a generator, so none of its code ran.

    :param what: what it returned
    :param why: why it never runs, and what to do
    """

    def __init__(self, what: str, why: str) -> None:
        self.what = what
        self.why = why
        super().__init__(f"it returned {what}, which never ran: {why}")


class ComponentTimeoutError(ComponentError):
    """One try of a component took longer than its ``timeout_seconds``; its Spark work was cancelled.

    :param seconds: its ``timeout_seconds``
    :param place: the line of its code at which it was when the time was over, None if that is not known
    :param still_running: whether its Python code went on after that, so that nothing else can use its session
    """

    def __init__(
        self, component: str, seconds: float, place: str | None = None, *, still_running: bool = False
    ) -> None:
        self.component = component
        self.seconds = seconds
        self.place = place
        self.still_running = still_running
        went_on = (
            ". Its Python code is still running and could change the session, so nothing else runs in this attempt"
            if still_running
            else ""
        )
        super().__init__(
            f"component {component!r} took longer than its timeout_seconds of {seconds:g}; its Spark work was cancelled"
            f"{went_on}. Raise timeout_seconds, or find out what it waits for"
        )


class ComponentCancelledError(ComponentError):
    """A component was cancelled while it ran, because another one had failed.

    :param because_of: the one that failed, None if the attempt ended
    :param still_running: whether its Python code went on after that
    """

    def __init__(self, component: str, because_of: str | None = None, *, still_running: bool = False) -> None:
        self.component = component
        self.because_of = because_of
        self.still_running = still_running
        failed = f"{because_of!r} failed (on_failure: cancel_running)"
        went_on = "; its Python code is still running, and nothing of it is recorded" if still_running else ""
        super().__init__(
            f"component {component!r} was cancelled, because {failed if because_of else 'the attempt ends'}{went_on}"
        )


class LeftByBothError(ComponentError):
    """Two components without an order between them left the same in the session, with another content.

    :param kind: what kind of session state, such as ``views``
    :param name: its name
    :param components: who left it, in the order of the plan
    """

    def __init__(self, kind: str, name: str, components: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.components = tuple(components)
        names = " and ".join(map(repr, components))
        super().__init__(
            f"{names} both leave {name!r} ({kind}), and neither depends on the other, so it depends on chance which of "
            f"them counts: add {components[0]!r} to depends_on of {components[-1]!r}, or use different names"
        )


class CircuitOpenError(ComponentError):
    """The component failed too often, so its circuit breaker is open and blocks further tries for a while.

    :param seconds: time until the next try is allowed
    """

    def __init__(self, component: str, seconds: float) -> None:
        self.component = component
        self.seconds = seconds
        super().__init__(
            f"component {component!r}: the circuit breaker is open after repeated failures; "
            f"the next try is allowed in {seconds:.0f} s"
        )


class DataCheckError(ComponentError):
    """Data breaks a rule of a data check. The message lists every broken rule with its counts."""


class DataReadError(ComponentError):
    """Data cannot be read the way the config says. The message says why, and what to change."""


class SqlStatementError(ComponentError):
    """An SQL statement is unusable: its file is missing or not UTF-8, or holds no statement or several."""


class WriteRefusedError(ComponentError):
    """A write would destroy or hide data that is still needed. Nothing was deleted.

    :param component: the one that was about to write
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


class ClearError(PySparkPipelineError):
    """A command cannot clear a task. The message says why, and what to do instead."""


class CheckpointError(PySparkPipelineError):
    """The record of progress cannot be relied on. The attempt fails, and no hook wrapper swallows the error."""


class CheckpointWriteError(CheckpointError):
    """The store could not save the checkpoint, not even after several tries."""


class CheckpointReadError(CheckpointError):
    """The store could not be read, so what has completed is unknown."""


class UnreadableRequestError(CheckpointReadError):
    """A stored restart request cannot be parsed. The message says what is wrong with it."""


class CheckpointCorruptError(CheckpointError):
    """The stored text is not a checkpoint: it was cut off, torn or edited. Stores set it aside."""


class CheckpointFormatError(CheckpointError):
    """A newer version of this package wrote the checkpoint.

    :param found: format version of the stored checkpoint
    :param supported: newest format version that this package reads
    """

    def __init__(self, found: int, supported: int) -> None:
        self.found = found
        self.supported = supported
        super().__init__(
            f"the checkpoint has format version {found}, but this version of airflow-provider-pyspark-pipeline reads "
            f"only versions up to {supported}; upgrade the package where this task runs, or delete the checkpoint to "
            "start over"
        )


class CheckpointInUseError(CheckpointError):
    """The checkpoint is kept, because an attempt that may still be running would write it again."""


class StaleAttemptError(CheckpointError):
    """A newer attempt of the same run has taken over, so this one must stop.

    :param message: which attempt, and which one replaced it
    :param run_id: None if it is not known
    :param pipeline_name: None if it is not known
    """

    def __init__(self, message: str, run_id: str | None = None, pipeline_name: str | None = None) -> None:
        self.run_id = run_id
        self.pipeline_name = pipeline_name
        super().__init__(message)


class InternalSignal(PySparkPipelineError):
    """The engine raises and handles this itself; no caller ever sees one. The message becomes part of a reason."""


class ViewNotSavedError(InternalSignal):
    """A temp view cannot be saved."""


class NotRestoredError(InternalSignal):
    """Recorded session state is not restored; its component is replayed instead."""


class SourceNotListedError(InternalSignal):
    """A source is too large or too slow to list. Whether it has changed is unknown then.

    :param why: which limit it exceeds
    :param more_than: the number of files that it exceeds, if it has too many
    """

    def __init__(self, why: str, more_than: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.more_than = more_than


class AttemptStopped(BaseException):
    """The attempt must end now: Airflow stops the task, or its time is up. What completed stays recorded.

    It is not an ``Exception``, so that a component's ``except Exception`` does not swallow it.
    """


_PY4J = "An error occurred while calling "


def describe(error: BaseException) -> str:
    """Return ``Type: first line`` for a log line, with secrets masked. The traceback keeps the full text."""
    lines = [line for line in mask(str(error)).strip().splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith(_PY4J):  # the next line is what Java said
        lines = [lines[1].removeprefix(": ")]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
