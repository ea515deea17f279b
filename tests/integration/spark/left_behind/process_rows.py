"""What a component can leave in Python's process, in the form of :mod:`rows`.

Functions are those of :mod:`process_steps`. In their arguments ``{path}`` is a folder of modules, ``{folder}`` another
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.integration.spark.left_behind.rows import (
    EXPLAINED,
    REFUSED,
    REPLAYED,
    RESTORED,
    SPLIT,
    UNNEEDED,
    LeftThing,
    Verdict,
)


@dataclass(frozen=True)
class ProcessThing(LeftThing):
    """Something that a component leaves in the process.

    :param used_with: arguments of the function that reads it
    :param between: functions that run as components between the two
    """

    used_with: Mapping[str, str] = field(default_factory=dict)
    between: tuple[str, ...] = ()


def in_process(what: str, how: str, verdicts: tuple[Verdict, Verdict], **fields: object) -> ProcessThing:
    """A row: what is left, how, and the verdicts where the component only leaves it and where it also writes."""
    alone, writing = verdicts
    remedy = SPLIT if writing in (REFUSED, EXPLAINED) else ""
    return ProcessThing(what, how, alone, writing, remedy=remedy, **fields)  # type: ignore[arg-type]


PROCESS_ROWS = (
    in_process(
        "an environment variable",
        "os.environ['MODE'] = 'fast'",
        (REPLAYED, REFUSED),
        leaves="set_variable",
        reads="use_variable",
        because="LEFT_MODE",
    ),
    in_process(
        "an environment variable that is unset",
        "os.environ.pop('MODE')",
        (REPLAYED, REFUSED),
        leaves="unset_variable",
        reads="use_unset_variable",
        because="LEFT_GIVEN",
    ),
    in_process(
        "a secret in an environment variable",
        "os.environ['PASSWORD'] = …",
        (REPLAYED, REFUSED),
        leaves="set_secret",
        reads="use_secret",
        because="LEFT_PASSWORD",
    ),
    in_process(
        "an environment variable, where the code of a later component does not tell which it reads",
        "os.environ['MODE'] = 'fast'",
        (REPLAYED, REFUSED),
        leaves="set_variable",
        reads="use_any_variable",
        because="may use",
        used_with={"prefix": "LEFT_M"},
    ),
    in_process(
        "an environment variable that nobody uses",
        "os.environ['MODE'] = 'fast'",
        (UNNEEDED, UNNEEDED),
        leaves="set_unused",
        reads="use_nothing",
    ),
    in_process(
        "a folder of Python modules",
        "sys.path.insert(0, folder)",
        (REPLAYED, REFUSED),
        leaves="add_path",
        reads="use_path",
        because="sys.path",
        given={"folder": "{path}"},
    ),
    in_process(
        "the working directory",
        "os.chdir(folder)",
        (REPLAYED, REFUSED),
        leaves="change_directory",
        reads="use_directory",
        because="working directory",
        given={"folder": "{folder}"},
    ),
    in_process(
        "locale and recursion limit",
        "locale.setlocale(…); sys.setrecursionlimit(4321)",
        (RESTORED, RESTORED),
        leaves="change_locale",
        reads="use_locale",
    ),
    in_process(
        "a number in a dict of a module",
        "jobs.CACHE['rows'] = df.count()",
        (REPLAYED, REFUSED),
        leaves="fill_cache",
        reads="use_cache",
        because="process_jobs.CACHE",
    ),
    in_process(
        "a DataFrame in a dict of a module",
        "jobs.FRAMES['orders'] = df",
        (REPLAYED, REFUSED),
        leaves="keep_frame",
        reads="use_frame",
        because="process_jobs.FRAMES",
    ),
    in_process(
        "a broadcast in a dict of a module",
        "jobs.RATES['eur'] = sc.broadcast(rates)",
        (REPLAYED, REFUSED),
        leaves="keep_broadcast",
        reads="use_broadcast",
        because="process_jobs.RATES",
    ),
    in_process(
        "a global",
        "jobs.RATE = 9",
        (REPLAYED, REFUSED),
        leaves="set_global",
        reads="use_global",
        because="process_jobs.RATE",
    ),
    in_process(
        "a list of a module that grows",
        "jobs.COUNTS.append(1)",
        (REFUSED, REFUSED),
        leaves="count_up",
        reads="use_counts",
        because="process_jobs.COUNTS",
    ),
    in_process(
        "class attributes",
        "Shop.rate = 9",
        (REPLAYED, REFUSED),
        leaves="set_class_attribute",
        reads="use_class_attribute",
        because="Shop",
    ),
    in_process(
        "an object of a module",
        "jobs.SETTINGS.mode = 'fast'",
        (REPLAYED, REFUSED),
        leaves="set_object",
        reads="use_object",
        because="process_jobs.SETTINGS",
    ),
    in_process(
        "a method added to a class of a library",
        "DataFrame.doubled = doubled",
        (REPLAYED, REFUSED),
        leaves="add_method",
        reads="use_method",
        because="left_doubled",
    ),
    in_process(
        "a method that a helper adds to a class of a library",
        "setattr(owner, name, function)",
        (REPLAYED, REFUSED),
        leaves="extend_class",
        reads="use_method",
        because="left_doubled",
    ),
    in_process(
        "a method replaced in a class of a library",
        "DataFrame.isEmpty = other",
        (REPLAYED, REFUSED),
        leaves="replace_method",
        reads="use_replaced_method",
        because="isEmpty",
    ),
    in_process(
        "a method added to a class of a library, where a later component takes it by a computed name",
        "DataFrame.doubled = doubled",
        (REPLAYED, EXPLAINED),
        leaves="add_method",
        reads="use_unnamed_method",
        because="left_doubled",
        used_with={"name": "left_doubled"},
    ),
    in_process(
        "what another component makes of it",
        "os.environ['NEXT'] = str(jobs.CACHE['first'] + 1)",
        (REPLAYED, REFUSED),
        leaves="chain_first",
        reads="use_chain",
        because="process_jobs.CACHE",
        between=("chain_second",),
    ),
)
