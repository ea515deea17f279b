"""Draws pipelines and what goes wrong with them. Everything follows from a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reliability.random_pipelines.random_more import MORE, Left
from tests.reliability.random_pipelines.random_story import SOURCES, Failure, Mode, Step, Story

TABLES = ("{db}.t0", "{other}.t1")
NOTES = "{dir}/notes"
ZONE = "spark.sql.session.timeZone"
CACHES = ("cached_frame", "cached_table", "persisted_frame")
ZONES = ("Asia/Tokyo", "America/New_York", "Europe/Berlin")


def draw(seed: str, kills: bool = False) -> Story:
    """Draw a pipeline and what goes wrong with it.

    :param seed: where it comes from
    :param kills: the attempts are processes that are killed
    """
    rng = random.Random(seed)
    author = Author(rng)
    size = rng.randint(4, 10)
    while len(author.steps) < size:
        author.add()
    for step in author.steps.values():
        step.fields.update(_policies(step, rng))
    names = list(author.steps)
    edges: dict[str, list[str]] = {}
    for index, name in enumerate(names):
        needed = [other for other in names[:index] if author.leaves[other] & author.steps[name].needs]
        edges[name] = [other for other in needed if rng.random() < 0.7]
    costly = rng.random() < 0.4
    fields: dict[str, Any] = {"replay_below_cpu_seconds": 0} if costly else {}
    modes: list[Mode] = ["kill"] if kills else ["error", "error", "error", "late error", "once", "stop"]
    failures = tuple(Failure(rng.random() ** 0.7, rng.choice(modes)) for _ in range(rng.choice((1, 1, 2, 2, 3))))
    return Story(seed, author.steps, edges, fields, failures)


def beyond(story: Story) -> str | None:
    """Return why a story is one of those that are known to end otherwise; see ``test_hard_stories.py``.

    :param story: the pipeline and what goes wrong with it
    """
    writes = Counter(place for step in story.steps.values() if step.acts and (place := _place(step)))
    read = {place for step in story.steps.values() for place in _read_in(step)} - {NOTES}
    if any(step.kind in CACHES for step in story.steps.values()) and read & writes.keys():
        return "cached data follows what is written"
    often = {place for place, count in writes.items() if count > 1 or story.fields}
    if read & often & {*TABLES, "{db}.t2"}:
        return "a view of a table follows what is written"
    return None


def _place(step: Step) -> str | None:
    return step.config.get("table") or step.config.get("path")


def _read_in(step: Step) -> set[str]:
    """Return the directories and tables that a step reads itself."""
    keys = ("source", "first", "second", "input_view", *(() if step.acts else ("table", "path")))
    read = {step.config[key] for key in keys if key in step.config}
    if step.acts and "view" in step.config:
        read.add(str(_place(step)))
    return read


@dataclass(frozen=True)
class View:
    """What a view is read from whenever it is looked at.

    :param directories: where the files are
    :param names: views that it looks up by their name
    """

    directories: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Used:
    """How something that was left is used.

    :param what: what was left
    :param using: arguments of the function that uses it
    :param reads: directories that are read with it
    """

    what: Left
    using: dict[str, Any]
    reads: frozenset[str]


class Author:
    """Draws one component after the other, and knows what is there when it runs.

    What it knows is not exact. A pipeline that fails without anything going wrong is no pipeline to judge by.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.steps: dict[str, Step] = {}
        self.leaves: dict[str, set[str]] = {}
        self._views: dict[str, View] = {}
        self._tables = list(TABLES)
        self._functions: set[str] = set()
        self._variables: set[str] = set()
        self._directories = dict(SOURCES)
        self._broken: set[str] = set()
        self._wide = ""
        self._more: dict[str, Used] = {}

    def add(self) -> None:
        draw_one = self._weighted()
        step = draw_one(self)
        if step is None:
            return
        name = f"c{len(self.steps)}"
        self.steps[name] = step
        self.leaves[name] = {
            str(step.config[key])
            for key in ("view", "output_view", "function", "variable")
            if step.config.get(key) and not (key in ("function", "variable") and step.kind.startswith("use_"))
        } | step.leaves

    def _weighted(self) -> Callable[[Author], Step | None]:
        if not self._views:
            return Author._reads
        kinds, weights = zip(*DRAWN.items(), strict=True)
        return self._rng.choices(kinds, weights)[0]  # type: ignore[no-any-return]

    # Choices

    def _new_view(self, *sources: str, late: bool = False, reads: frozenset[str] = frozenset()) -> str:
        """Return the name of a view that is made of these.

        :param sources: views, and functions
        :param late: it looks up its sources by their name
        :param reads: directories that it reads itself
        """
        names = [f"v{number}" for number in range(5)]
        if late:  # a view must not come to itself on any way
            names = [name for name in names if name not in self._behind(*sources)] or ["v5"]
        name = self._rng.choice(names)
        known = frozenset(source for source in sources if source in self._views or source in self._functions)
        self._views[name] = View(reads, known) if late else View(reads | self._read_by(*sources))
        return name

    def _behind(self, *names: str) -> set[str]:
        """Return these views and all that they look up by name."""
        found = set(names)
        while more := {n for name in found & self._views.keys() for n in self._views[name].names} - found:
            found |= more
        return found

    def _read_by(self, *names: str) -> frozenset[str]:
        """Return the directories that are read with these views."""
        behind = self._behind(*names) & self._views.keys()
        return frozenset(place for name in behind for place in self._views[name].directories)

    def _source(self) -> str:
        """A view, or sometimes a table."""
        if not self._views or self._rng.random() < 0.1:
            return self._rng.choice(self._tables)
        return self._rng.choice(sorted(self._views))

    def _maybe_view(self, *sources: str, reads: frozenset[str] = frozenset()) -> dict[str, str]:
        return {"view": self._new_view(*sources, reads=reads)} if self._rng.random() < 0.6 else {}

    # Kinds

    def _reads(self) -> Step | None:
        if self._rng.random() < 0.3:
            table = self._rng.choice(self._tables)
            view = self._new_view(table)
            if self._rng.random() < 0.3:
                return Step("ReadData", {"table": table, "output_view": view})
            return Step("read_table", {"table": table, "view": view})
        place = self._rng.choice(sorted(self._directories))
        kind, path = self._directories[place], f"{{dir}}/{place}"
        view = self._new_view(reads=frozenset({place}))
        choice = self._rng.random()
        if choice < 0.2 and kind == "parquet":
            return Step("read_directory_by_sql", {"path": path, "view": view})
        if choice < 0.35:
            schema = "id long, v long, tag string"
            return Step("ReadData", {"path": path, "format": kind, "schema": schema, "output_view": view})
        return Step("read_directory", {"path": path, "kind": kind, "view": view})

    def _derives(self) -> Step | None:
        source = self._source()
        kind = self._rng.choice(("sql_view", "sql_view", "frame_view", "frame_view", "totals", "RunSql", "hours"))
        if kind == "frame_view" and self._rng.random() < 0.3 and source in self._views:
            view = source
        else:
            view = self._new_view(source, late=kind == "sql_view")
        if kind == "RunSql":
            sql = f"SELECT id, v + 11 AS v, tag FROM {source} WHERE id <> 2"
            return Step(kind, {"sql": sql, "output_view": view}, needs=frozenset({source}))
        add = {"add": self._rng.randrange(10)} if kind in ("sql_view", "frame_view") else {}
        return Step(kind, {"source": source, "view": view, **add}, needs=frozenset({source}))

    def _unites(self) -> Step | None:
        first, second = self._source(), self._source()
        config = {"first": first, "second": second, "view": self._new_view(first, second)}
        return Step("union_views", config, needs=frozenset({first, second}))

    def _caches(self) -> Step | None:
        source = self._source()
        kind = self._rng.choice(CACHES)
        if kind != "cached_table":
            return Step(kind, {"source": source, "view": self._new_view(source)}, needs=frozenset({source}))
        view = f"v{self._rng.randrange(6, 9)}"
        if view in self._views:  # CACHE TABLE does not replace one
            return None
        self._views[view] = View(names=frozenset({source} & self._views.keys()))
        return Step(kind, {"source": source, "view": view}, needs=frozenset({source}))

    def _computes(self) -> Step | None:
        source = self._source()
        kind = self._rng.choice(("counted", "collected", "checked", "CheckData"))
        if kind == "checked":
            return Step(kind, {"source": source}, needs=frozenset({source}))
        if kind == "CheckData":
            return Step(kind, {"input_view": source, "not_null": ["id"]}, needs=frozenset({source}))
        return Step(kind, {"source": source, "view": self._new_view()}, needs=frozenset({source}))

    def _registers(self) -> Step | None:
        kind = self._rng.choice(("python_function", "sql_function"))
        name = f"{kind[0]}{self._rng.randrange(2)}"  # one kind of function cannot replace the other
        self._functions.add(name)
        return Step(kind, {"function": name, "add": self._rng.randrange(1, 50)})

    def _uses_function(self) -> Step | None:
        if not self._functions:
            return self._registers()
        function, source = self._rng.choice(sorted(self._functions)), self._source()
        kind = self._rng.choice(("use_function", "use_function_in_frame"))
        view = self._new_view(source, *[function] * (kind == "use_function"), late=kind == "use_function")
        config = {"function": function, "source": source, "view": view}
        return Step(kind, config, needs=frozenset({function, source}))

    def _sets(self) -> Step | None:
        choice = self._rng.random()
        if choice < 0.4:
            return Step("setting", {"key": ZONE, "value": self._rng.choice((*ZONES, None))})
        if choice < 0.5:
            return Step("use_database", {"database": self._rng.choice(("{db}", "{other}"))})
        if choice < 0.7 or not self._variables:
            name = f"x{self._rng.randrange(2)}"
            self._variables.add(name)
            return Step("variable", {"variable": name, "value": self._rng.randrange(50)})
        name, source = self._rng.choice(sorted(self._variables)), self._source()
        if choice > 0.95:
            self._variables.discard(name)
            return Step("left.drop_variable", {"variable": name}, needs=frozenset({name}))
        if choice > 0.91:
            config = {"variable": name, "value": self._rng.randrange(50)}
            return Step("left.set_variable", config, needs=frozenset({name}))
        config = {"variable": name, "source": source, "view": self._new_view(source)}
        return Step("use_variable", config, needs=frozenset({name, source}))

    def _bakes(self) -> Step | None:
        baked = ("bake_time", "bake_uuid", "bake_random", "bake_environment", "bake_length")
        kind = self._rng.choice((*baked, "random_rows", "random_sql_view", "current_time"))
        if kind == "bake_length":
            return Step(kind, {"path": NOTES, "view": self._new_view()})
        source = self._source()
        config = {"source": source, "view": self._new_view(source, late=kind == "random_sql_view")}
        if kind == "bake_environment":
            config["name"] = f"c{len(self.steps)}"
        return Step(kind, config, needs=frozenset({source}))

    def _writes_directory(self) -> Step | None:
        source = self._source()
        kind = self._rng.choice(("append_directory", "append_directory", "overwrite_directory", "WriteData"))
        place = self._rng.choice(sorted({*self._directories, "out0", "out1"}))
        overwrites = kind in ("overwrite_directory", "WriteData")
        if overwrites and place in self._read_by(source):
            return None
        data = self._directories.setdefault(place, "parquet")
        path = f"{{dir}}/{place}"
        if overwrites:  # a view that pins the files that were there can no longer be read
            self._break(*[name for name in self._views if place in self._read_by(name)])
        if kind == "WriteData":
            config = {"input_view": source, "path": path, "format": data}
            return Step(kind, config, acts=True, needs=frozenset({source}))
        config = {"path": path, "kind": data, "source": source}
        config |= self._maybe_view(reads=frozenset({place})) if overwrites else self._maybe_view(source)
        return Step(kind, config, acts=True, needs=frozenset({source}))

    def _writes_table(self) -> Step | None:
        source = self._source()
        kind = self._rng.choice(("insert_by_sql", "insert_frame", "append_table", "overwrite_table"))
        table = self._rng.choice(sorted({*self._tables, "{db}.t2"} if kind == "append_table" else self._tables))
        if table not in self._tables:
            self._tables.append(table)
        config = {"table": table, "source": source}
        config |= self._maybe_view(table) if kind == "insert_frame" else self._maybe_view(source)
        return Step(kind, config, acts=True, needs=frozenset({source}))

    def _acts(self) -> Step | None:
        source = self._source()
        kinds = ("send_partitions", "send_rows", "post", "post", "post_in_thread", "append_line", "run_process")
        kind = self._rng.choice(kinds)
        place = {"url": f"{{url}}/{self._rng.choice('ab')}"} if kind.startswith("post") else {"path": NOTES}
        config = {**place, "source": source, **self._maybe_view(source)}
        return Step(kind, config, acts=True, needs=frozenset({source}))

    def _acts_and_leaves_more(self) -> Step | None:
        source = self._source()
        config = {"url": "{url}/more", "source": source}
        if self._rng.random() < 0.7:
            config["zone"] = self._rng.choice(ZONES)
            return Step("PostAndSet", config, acts=True, needs=frozenset({source}))
        function = f"p{self._rng.randrange(2)}"
        self._functions.add(function)
        return Step("post_and_register", {**config, "function": function}, acts=True, needs=frozenset({source}))

    def _drops(self) -> Step | None:
        if len(self._views) < 3:
            return None
        name = self._rng.choice(sorted(self._views))
        self._break(name)
        return Step("drop_view", {"view": name}, needs=frozenset({name}))

    def _break(self, *names: str) -> None:
        """Forget views that can no longer be read, and those that look them up."""
        gone = {view for view in self._views if self._behind(view) & set(names)} | set(names)
        self._views = {view: made for view, made in self._views.items() if view not in gone}
        self._broken |= {name for name in gone if name.startswith("v")} - self._views.keys()

    def _breaks(self) -> Step | None:
        """Break a view, or let a component ask whether one is broken."""
        broken = sorted(self._broken - self._views.keys())
        if broken and self._rng.random() < 0.6:
            asked = self._rng.choice(broken)
            return Step("broken.ask", {"asked": asked, "view": self._new_view()}, needs=frozenset({asked}))
        choices = [self._stages, self._widens, self._narrows_view, self._removes, self._forgets]
        if self._wide:
            choices += [self._narrows_table] * 3
        return self._rng.choice(choices)()

    def _stages(self) -> Step | None:
        source = self._source()
        view, kept = self._rng.sample([name for name in ("v0", "v1", "v2", "v3", "v4") if name != source], 2)
        config = {"table": "{db}.staged", "source": source, "view": view, "kept": kept}
        config["how"] = self._rng.choice(("frame", "query", "text"))
        reads = self._read_by(source)
        self._break(view)
        self._views[kept] = View(reads)
        return Step("broken.stage", config, acts=True, needs=frozenset({source}), leaves=frozenset({kept}))

    def _widens(self) -> Step | None:
        source = self._source()
        if "wide" in self._read_by(source):  # it is read while it is replaced
            return None
        self._wide = self._new_view(reads=frozenset({"wide"}))
        config = {"table": "{db}.wide", "source": source, "view": self._wide}
        return Step("broken.widen", config, acts=True, needs=frozenset({source}))

    def _narrows_table(self) -> Step | None:
        if not self._wide:
            return None
        self._break(*[name for name in self._views if "wide" in self._read_by(name)])
        self._wide = ""
        return Step("broken.narrow_table", {"table": "{db}.wide"}, acts=True)

    def _narrows_view(self) -> Step | None:
        if len(self._views) < 3:
            return None
        name = self._rng.choice(sorted(self._views))
        self._break(name)
        self._broken.discard(name)
        return Step("broken.narrow_view", {"view": name}, needs=frozenset({name}))

    def _removes(self) -> Step | None:
        place = self._rng.choice(sorted(self._directories))
        if len(self._directories) < 3:
            return None
        del self._directories[place]
        self._break(*[name for name in self._views if place in self._read_by(name)])
        return Step("broken.remove_files", {"path": f"{{dir}}/{place}"}, acts=True) if self._views else None

    def _forgets(self) -> Step | None:
        if not self._functions:
            return None
        name = self._rng.choice(sorted(self._functions))
        self._functions.discard(name)
        self._break(*[view for view in self._views if name in self._behind(view)])
        return Step("broken.drop_function", {"function": name}, needs=frozenset({name}))

    # What else a component can leave

    def _leaves_more(self) -> Step | None:
        what = self._rng.choice(MORE)
        leaving = {key: self._drawn(value) for key, value in what.leaves_with.items()}
        using = {key: leaving.get(value, value) for key, value in what.used_with.items()}
        reads: frozenset[str] = frozenset()
        needs: frozenset[str] = frozenset()
        if what.of_source:
            leaving["source"] = self._source()
            reads, needs = self._read_by(leaving["source"]), frozenset({leaving["source"]})
        writes = self._rng.random() < 0.3
        if writes:
            leaving["writes"] = NOTES
        thing = f"{what.use} {sorted(using.items())}"
        self._more[thing] = Used(what, using, reads)
        return Step(f"left.{what.leave}", leaving, acts=writes, needs=needs, leaves=frozenset({thing}))

    def _uses_more(self) -> Step | None:
        if not self._more:
            return self._leaves_more()
        thing = self._rng.choice(sorted(self._more))
        what, using, reads = self._more[thing].what, dict(self._more[thing].using), self._more[thing].reads
        needs = {thing}
        if what.on_source:
            using["source"] = self._source()
            needs.add(using["source"])
            reads |= self._read_by(using["source"])
        view = self._new_view(reads=reads)
        return Step(f"left.{what.use}", {**using, "view": view}, needs=frozenset(needs))

    def _drawn(self, value: Any) -> Any:
        return self._rng.choice(value) if isinstance(value, tuple) else value


def _policies(step: Step, rng: random.Random) -> dict[str, Any]:
    """Draw what the author says about a component besides its work."""
    fields: dict[str, Any] = {}
    if rng.random() < 0.15:
        fields["retry"] = {"max_attempts": 2, "initial_delay_seconds": 0}
    if step.kind in ("python_function", "sql_function", "variable"):
        if rng.random() < 0.3:
            fields["session_state"] = "replay"
    elif step.kind.startswith("left.") and not step.acts and rng.random() < 0.2:
        fields["session_state"] = "replay"
    elif step.kind != "post_and_register" and rng.random() < 0.1:
        fields["session_state"] = "save"
    return fields


DRAWN: dict[Callable[[Author], Step | None], int] = {
    Author._reads: 4,
    Author._derives: 5,
    Author._unites: 1,
    Author._caches: 2,
    Author._computes: 3,
    Author._registers: 2,
    Author._uses_function: 2,
    Author._sets: 2,
    Author._bakes: 4,
    Author._writes_directory: 3,
    Author._writes_table: 2,
    Author._acts: 5,
    Author._acts_and_leaves_more: 1,
    Author._drops: 1,
    Author._breaks: 5,
    Author._leaves_more: 5,
    Author._uses_more: 10,
}
