"""What a component did in Spark, as Spark has noted it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider.runner.record.progress_record import SparkUsage


@dataclass(frozen=True)
class SparkEffects:
    """What was done in a session since a mark.

    :param wrote: a few words such as "wrote data (…)"; None if nothing was written
    :param certain: False if it may as well not have written
    :param variables: whether session variables were declared or set
    :param targets: where SQL wrote: paths as Spark spells them, tables with backticks, ``?`` for what a plan does not
        tell
    :param outside_sql: names of jobs that belong to no SQL execution and are not Spark's own
    :param ran_python: whether an action ran, or may have run, Python code of a person on executors. It may be code of
        an earlier component, in a view that was used
    :param java: how Java code came in whose effects are not known
    :param brought_java: how functions in Java came in that a statement may call, empty if none did
    :param added: files and archives that were given to the session, in words or by name; empty if none were
    :param registered: the data sources that were registered, where only a client tells of them
    :param sets_path: whether the SQL path was set, where only a client tells of it
    :param declared: the session variables, if all that was done to any was to declare these and to set them
    :param varying: why a session variable would get another value if it were set again
    :param cpu_seconds: CPU time of executors
    :param task_seconds: time that tasks took
    :param usage: what that took, for people; None if it is not known
    :param complete: False if there may be more than this
    :param computed: whether an action computed something, so that the component knows what it read; True if that is
        not known
    """

    wrote: str | None = None
    certain: bool = True
    variables: bool = False
    targets: tuple[str, ...] = ()
    outside_sql: tuple[str, ...] = ()
    ran_python: bool = False
    java: tuple[str, ...] = ()
    brought_java: str = ""
    added: tuple[str, ...] = ()
    registered: tuple[str, ...] = ()
    sets_path: bool = False
    declared: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    task_seconds: float = 0.0
    usage: SparkUsage | None = None
    complete: bool = True
    computed: bool = True

    @classmethod
    def unknown(cls, why: str) -> SparkEffects:
        """Return what counts as done where that is not known."""
        wrote = f"may have written data, which Spark did not tell ({why})"
        return cls(wrote, certain=False, variables=True, ran_python=True, complete=False)
