"""Progress documents as an attempt writes them, made without Spark: what the tab shows of them is tested with these."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

ORDERS: dict[str, list[str]] = {
    "read_orders": [],
    "read_customers": [],
    "read_rates": [],
    "clean_orders": ["read_orders"],
    "clean_customers": ["read_customers"],
    "convert_currency": ["clean_orders", "read_rates"],
    "join_customers": ["convert_currency", "clean_customers"],
    "daily_totals": ["join_customers"],
    "top_customers": ["join_customers"],
    "check_totals": ["daily_totals"],
    "publish_totals": ["check_totals"],
    "publish_top": ["top_customers"],
}
"""A pipeline of twelve components: name to what it depends on."""

SECONDS = (412.0, 95.0, 3.2, 310.0, 41.0, 640.0, 905.0, 122.0, 88.0, 12.0, 34.0, 21.0)
"""What each of them usually takes."""

HOSTILE = (
    '<img src=x onerror="window.hacked=1">',
    "日本の注文",
    "long_" + "x" * 295,
    'it\'s "quoted" & <b>bold</b>',
    "javascript:alert(1)",
    "../../etc/passwd",
    "{{ ti.run_id }}",
    "مرحبا",
)
"""Names that people may give to components."""


def iso(moment: datetime) -> str:
    """Return a time as the document writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def run_lengths(letters: str) -> str:
    """Return the run-length code of a plan, such as ``5r3x``."""
    return "".join(f"{len(list(group))}{letter}" for letter, group in groupby(letters))


@dataclass
class SamplePipeline:
    """A pipeline, and what an attempt at it has done so far.

    :param needs: name to names it depends on, in the order of the plan
    :param usual: seconds that each component usually takes, -1 if that is not known
    """

    needs: Mapping[str, Sequence[str]]
    usual: Sequence[float]
    name: str = "orders"
    run_id: str = "manual"
    details: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.needs)

    @property
    def indices(self) -> list[list[int]]:
        """What each component depends on, by place in the plan."""
        place = {name: index for index, name in enumerate(self.needs)}
        return [[place[need] for need in needs] for needs in self.needs.values()]

    def descendants(self, start: int) -> set[int]:
        """Return the components that cannot run without this one."""
        found = {start}
        for index, needs in enumerate(self.indices):
            if found & set(needs):
                found.add(index)
        return found - {start}

    def plan_from(self, start: int, completed: set[int]) -> str:
        """Return what the next attempt does if it restarts from a component."""
        again = {start} | self.descendants(start)
        letters = ""
        for index in range(len(self.needs)):
            if index in again or index not in completed:
                letters += "x"
            else:
                letters += "p" if index % 5 == 4 else "r"
        return run_lengths(letters)

    def what_if(self, completed: set[int], at: datetime, most: int = 200) -> dict[str, Any]:
        """Return what each request would make of the next attempt."""
        every = range(min(len(self.needs), most))
        rest = "".join("r" if index in completed else "x" for index in range(len(self.needs)))
        alone = {}
        for index in every:
            letters = "".join(
                "x" if place == index else "r" if place in completed else "s" for place in range(len(self.needs))
            )
            missing = [need for need in self.indices[index] if need not in completed]
            alone[str(index)] = (
                {"refused": f"{self.names[missing[0]]!r} has not completed in this run; restart from it instead"}
                if missing
                else run_lengths(letters)
            )
        return {
            "as_of": iso(at),
            "resume": run_lengths(rest),
            "beginning": f"{len(self.needs)}x",
            "from": {str(index): self.plan_from(index, completed) for index in every},
            "only": alone,
        }

    def document(
        self,
        states: str,
        *,
        number: int = 1,
        state: str = "running",
        began: datetime | None = None,
        ended: datetime | None = None,
        at: datetime | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Return the document of an attempt.

        :param states: a letter per component, as the document writes them
        :param at: when the document was written; default: now
        :param more: fields of the attempt, and of the document if they are named so
        """
        now = at or datetime.now(UTC)
        began = began or now - timedelta(seconds=sum(max(second, 0) for second in self.usual[: len(states)]) / 3)
        starts, took = self._times(states, (now - began).total_seconds())
        attempt = {
            "number": number,
            "try_number": number,
            "began_at": iso(began),
            "state": state,
            "how": "the first attempt" if number == 1 else "an automatic retry; it resumes",
            **{key: value for key, value in more.items() if key not in _OF_DOCUMENT},
        }
        if ended is not None:
            attempt["ended_at"] = iso(ended)
        reasons = [f"completed in attempt {number - 1}", "it has not run yet", "switched off in the config"]
        actions = "".join({"r": "r", "p": "p", "s": "s"}.get(letter, "x") for letter in states)
        document = {
            "format": 1,
            "pipeline": self.name,
            "run_id": self.run_id,
            "written_at": iso(now),
            "attempt": attempt,
            "names": self.names,
            "needs": self.indices,
            "states": states,
            "actions": actions,
            "reason_texts": reasons,
            "reasons": [0 if letter in "rp" else 2 if letter == "s" else 1 for letter in actions],
            "began": starts,
            "seconds": took,
            "usual": list(self.usual),
            "usual_of": [10 if second >= 0 else 0 for second in self.usual],
            "folded": 0,
            "details": {str(self.names.index(name)): value for name, value in self.details.items()},
            "earlier": [],
            "requests": [],
            **{key: value for key, value in more.items() if key in _OF_DOCUMENT},
        }
        if ended is not None:
            completed = {index for index, letter in enumerate(states) if letter in "crp"}
            document.setdefault("what_if", self.what_if(completed, ended, 200 if len(states) <= 200 else 8))
        return document

    def _times(self, states: str, elapsed: float) -> tuple[list[float], list[float]]:
        starts: list[float] = []
        took: list[float] = []
        randomly = random.Random(7)
        free, spent = [0.0, 0.0], 0.0
        work = [index for index, letter in enumerate(states) if letter in "cpfx"]
        total = sum(max(self.usual[index], 1.0) for index in work) or 1.0
        scale = min(1.0, 1.8 * elapsed / total)
        for index, letter in enumerate(states):
            usual = max(self.usual[index], 1.0)
            if letter == "r":
                starts.append(-1)
                took.append(round(usual * 1.02, 1))
            elif letter in "cpfx":
                lane = free.index(min(free))
                ready = max(
                    (starts[need] + max(took[need], 0) for need in self.indices[index] if starts[need] >= 0), default=0
                )
                start = min(max(free[lane], ready), max(elapsed - 1, 0))
                second = usual * scale * randomly.uniform(0.9, 1.1)
                starts.append(round(start, 1))
                took.append(-1 if letter == "x" else round(second, 1))
                free[lane] = start + second
                spent += second
            else:
                starts.append(-1)
                took.append(-1)
        return starts, took


_OF_DOCUMENT = {"details", "earlier", "requests", "what_if", "folded", "names", "reason_texts", "reasons", "format"}

ERROR = {
    "component": 5,
    "headline": "AnalysisException: column 'rate' cannot be resolved. Did you mean one of: currency, rate_eur?",
    "where": "jobs/orders.py:42 in convert_currency",
    "detail": (
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `rate` cannot be "
        "resolved. Did you mean one of the following? [`currency`, `rate_eur`, `day`]. SQLSTATE: 42703;\n"
        "'Project [order_id#12, amount#14, ('amount * 'rate) AS amount_eur#31]\n"
        "+- Join LeftOuter, (currency#15 = currency#22)\n   :- SubqueryAlias clean_orders\n   +- SubqueryAlias rates"
    ),
    "remedy": "read_rates left no column 'rate' in the view 'rates'; correct the name, then resume.",
}

COSTS = {
    "cpu_seconds": 1310.4,
    "run_seconds": 1502.0,
    "tasks": 412,
    "failed_tasks": 2,
    "input_rows": 48_120_331,
    "input_bytes": 9_812_331_004,
    "output_rows": 47_998_120,
    "output_bytes": 4_100_233_881,
    "shuffle_read_bytes": 6_210_000_000,
    "shuffle_write_bytes": 6_180_000_000,
    "spilled_bytes": 4_294_967_296,
    "peak_memory_bytes": 2_147_483_648,
}


def orders(run_id: str = "manual") -> SamplePipeline:
    """Return the pipeline of twelve components, with details of some."""
    return SamplePipeline(
        ORDERS,
        SECONDS,
        run_id=run_id,
        details={
            "read_orders": {
                "costs": {"tasks": 64, "input_rows": 48_120_331, "input_bytes": 9_812_331_004, "cpu_seconds": 388.0},
                "left": [
                    {
                        "kind": "view",
                        "name": "orders",
                        "kept": "saved",
                        "pinned": "a copy as of then",
                        "bytes": 4_100_233_881,
                    }
                ],
                "sources": ["s3a://shop/orders/day=2026-11-29"],
                "config": "ab12f0c3",
                "code": "cd34aa01",
                "sql": 3,
            },
            "clean_orders": {
                "costs": COSTS,
                "saving_seconds": 11.5,
                "against_usual": "3.1 × its usual time; spilled 4 GB, never before",
                "suspicion": {
                    "kind": "spill",
                    "text": "It spilled 4 GB to disk: give it more memory per task, or more partitions "
                    "(spark.sql.shuffle.partitions).",
                },
                "left": [
                    {
                        "kind": "view",
                        "name": "clean_orders",
                        "kept": "replayed",
                        "why": "it is harmless and cheap to run again",
                        "pinned": "reads what is there now",
                    }
                ],
                "sources": ["view orders"],
                "config": "11aa22bb",
                "code": "0099ffee",
                "changed": ["config.path", "jobs.orders.clean"],
                "sql": 9,
            },
            "convert_currency": {
                "retries": 1,
                "sources": ["view clean_orders", "view rates"],
                "code": "7744aa00",
                "sql": 17,
            },
        },
    )


def earlier(number: int, states: str, began: datetime, seconds: float, **more: Any) -> dict[str, Any]:
    """Return an attempt before this one, as far as the document has room for it."""
    return {
        "number": number,
        "try_number": number,
        "began_at": iso(began),
        "ended_at": iso(began + timedelta(seconds=seconds)),
        "state": "failed",
        "how": "the first attempt" if number == 1 else "an automatic retry; it resumes",
        "states": states,
        "began": [
            -1.0 if letter in "nwrs" else round(index * seconds / len(states), 1) for index, letter in enumerate(states)
        ],
        "seconds": [-1.0 if letter in "nwrs" else round(seconds / len(states), 1) for letter in states],
        **more,
    }


def grid(components: int, width: int = 10, name: str = "orders", run_id: str = "manual") -> SamplePipeline:
    """Return a pipeline of many components in layers, each of which depends on up to three of the layer before."""
    randomly = random.Random(components)
    needs: dict[str, list[str]] = {}
    names = [
        f"{('load', 'clean', 'join', 'score', 'check', 'publish')[index % 6]}_{index:04}" for index in range(components)
    ]
    for index, component in enumerate(names):
        before = names[max(0, (index // width - 1) * width) : (index // width) * width]
        needs[component] = sorted(randomly.sample(before, min(len(before), randomly.choice((1, 1, 2, 3)))))
    return SamplePipeline(needs, [round(randomly.lognormvariate(2.2, 1.0), 1) for _ in names], name, run_id)


WORK = {
    "component": 6,
    "description": "insertInto at join.py:31",
    "stages": 4,
    "stages_done": 1,
    "tasks": 200,
    "tasks_done": 130,
}
"""What Spark does for ``join_customers``."""


def running_document(
    run_id: str, states: str = "rrrrrcxwwwww", work: Mapping[str, Any] = WORK, **more: Any
) -> dict[str, Any]:
    """Return the progress of a second attempt that runs; the first one failed."""
    now = datetime.now(UTC)
    return orders(run_id).document(
        states,
        number=2,
        began=now - timedelta(minutes=21),
        how="cleared by alice; it resumes at 'convert_currency'",
        asked_by="alice",
        saved_seconds=861.2,
        work=dict(work),
        earlier=[earlier(1, "cccccfnnnnnn", now - timedelta(minutes=80), 1900, error=ERROR)],
        requests=[
            {
                "text": "restart from 'convert_currency'",
                "by": "alice",
                "at": iso(now - timedelta(minutes=22)),
                "source": "the Spark pipeline tab",
                "outcome": "carried out by attempt 2",
            }
        ],
        **more,
    )
