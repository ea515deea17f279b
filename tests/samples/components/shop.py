"""A small project of several modules, whose code the tests edit: what each component reaches is known."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_provider.runner import CheckpointState, PipelineConfig, compute_pipeline_fingerprint
from airflow_provider.runner.fingerprint.code.component_code import read_code_of_components
from airflow_provider.runner.fingerprint.config_hashes import ConfigHashes
from airflow_provider.runner.record.checkpoint_state import ComponentRecord
from airflow_provider.runner.record.code_record import CodeRecord
from tests.samples.sketches import COMPLETED_AT

ORDERS = '''"""Orders."""
import datetime
import decimal
import enum
import functools
import json
import logging
import math
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import clock
import helpers as h
import plugins
import settings
from helpers import tidy
from math import floor as cut
from shapes import *

try:
    from quick import speed
except ImportError:
    from slow import speed

if TYPE_CHECKING:
    from models import Row

SQL = "SELECT * FROM orders"
RATE = 0.2
DISCOUNT = RATE / 2
LIMITS = {"low": 1, "high": 10}
CODES = {"a", "b", "c"}
PATTERN = re.compile(r"^[0-9]+$")
SINCE = datetime.date(2024, 1, 1)
PRICE = decimal.Decimal("1.10")
UNUSED = 1
LOADED = json.loads((Path(__file__).parent / "rates.json").read_text())
STARTED = time.time()
SEEN = []
TABLE = {}
TABLE["x"] = 1
COUNT = 0
log = logging.getLogger(__name__)


class Status(enum.Enum):
    NEW = "new"
    OLD = "old"


@dataclass
class Options:
    size: int = 3
    name: str = "x"


def loud(function):
    """Print."""

    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


def read(spark, limit=LIMITS):
    """Read the orders."""
    # the first
    global COUNT
    COUNT += 1
    SEEN.append(COUNT)
    rows = [cut(x * RATE) for x in range(3)]
    return SQL, rows, limit, f"{RATE:.2f} per order"


def clean(spark):
    def nested(x):
        return x + 1

    key = lambda row: row[0]
    return tidy(nested(1)), h.trim(" a "), key


class Base:
    kind = "base"

    def prepare(self):
        return 1


class Mixin:
    def mixed(self):
        return 2


class Enrich(Mixin, Base):
    batch = 10

    def run(self):
        self.prepare()
        return self.mixed() + self.wide + Enrich.made()

    @property
    def wide(self):
        return 3

    @classmethod
    def made(cls):
        return 4

    @staticmethod
    def plain():
        return 5

    def never_called(self):
        return 6


@loud
def side(spark):
    import lazy

    log.info("side")
    options = Options()
    found = Status.NEW, CODES, PATTERN, SINCE, PRICE, DISCOUNT, TABLE, LOADED, STARTED
    return lazy.late(), circle_area(2), speed(), clock.tick(), settings.current.depth, options, found


def numbers():
    yield 1


async def waits():
    return 1


def streams(spark):
    return list(numbers()), waits()


@functools.singledispatch
def convert(x):
    return x


@convert.register
def _(x: int):
    return x + 1


def dispatch(spark, kind="one"):
    from registry import HANDLERS

    try:
        from optional import extra
    except ImportError:
        extra = None
    return HANDLERS[kind](1), convert(1), extra() if extra else None, plugins.CHOSEN
'''

MORE = """
import decimal
import settings
import kinds
import pkg.sub
import pkg
from registries import Plugin, Registry

settings.LIMIT = 3
decimal.getcontext().prec = 12
first, *rest = 1, 2, 3
HANDLERS = {"a": lambda x: x + 1}

if rest:

    def either():
        return 1
else:

    def either():
        return 2


def outside(self):
    return 4


class Job:
    from tools import borrowed

    moved = outside
    size = property(lambda self: 5)

    def run(self):
        match self.size:
            case [one, *_] if (n := one):
                return n
        return Registry.items["First"]().go(), Plugin.known[0]().go(), pkg.exported(1), pkg.sub.direct()


def fill(table, value):
    table["b"] = value


fill(HANDLERS, 1)
setattr(Job, "late", 1)


def values(spark):
    return rest, HANDLERS["a"](1), either(), settings.LIMIT


def hints(spark):
    import udfs

    return udfs.pandas_udf(udfs.plus, "int")
"""

FILES = {
    "orders.py": ORDERS,
    "helpers.py": (
        "from far import deeper\n\n\ndef tidy(x):\n    return deeper(x)\n\n\ndef trim(x):\n    return x.strip()\n"
    ),
    "far.py": "import farther\n\n\ndef deeper(x):\n    return farther.deepest(x)\n",
    "farther.py": "STEP = 1\n\n\ndef deepest(x):\n    return x + STEP\n",
    "shapes.py": "PI = 3\n\n\ndef circle_area(r):\n    return PI * r\n\n\ndef square_area(r):\n    return r * r\n",
    "slow.py": "def speed():\n    return 1\n",
    "lazy.py": "DELAY = 1\n\n\ndef late():\n    return DELAY\n\n\ndef unused():\n    return 2\n",
    "clock.py": "def tick():\n    return tock()\n\n\ndef tock():\n    return tick if False else 1\n",
    "settings.py": "class Settings:\n    depth = 1\n\n\ncurrent = Settings()\n",
    "registry.py": "HANDLERS = {}\n\n\ndef register(name):\n    return lambda f: HANDLERS.setdefault(name, f)\n",
    "plugins.py": (
        "from registry import register\n\n\n@register('one')\ndef one(x):\n    return x\n\n\n"
        "@register('two')\ndef two(x):\n    return x\n\n\ndef late_bound():\n    return 2\n\n\nCHOSEN = 'one'\n"
    ),
    "named.py": (
        "import plugins\n\n\ndef by_name(spark, which='late_bound'):\n"
        "    return globals()[which]() + getattr(plugins, which)()\n\n\ndef late_bound():\n    return 1\n"
    ),
    "more.py": MORE,
    "pkg/__init__.py": "from .impl import exported\n",
    "pkg/impl.py": "from .base import low\n\n\ndef exported(x):\n    return low(x)\n",
    "pkg/base.py": "def low(x):\n    return x\n",
    "pkg/sub.py": "def direct():\n    return 1\n",
    "kinds.py": (
        "import registries\n\n\n@registries.Registry.add\nclass First:\n    def go(self):\n        return 1\n\n\n"
        "class Second(registries.Plugin):\n    def go(self):\n        return 2\n"
    ),
    "registries.py": (
        "class Registry:\n    items = {}\n\n    @classmethod\n    def add(cls, kind):\n"
        "        cls.items[kind.__name__] = kind\n        return kind\n\n\n"
        "class Plugin:\n    known = []\n\n    def __init_subclass__(cls):\n        cls.known.append(cls)\n"
    ),
    "udfs.py": "from pyspark.sql.functions import pandas_udf\n\n\ndef plus(x: int) -> int:\n    return x\n",
    "tools.py": "def borrowed(self):\n    return 7\n",
    "optional.py": "def extra():\n    return 1\n",
    "models.py": "class Row:\n    x = 1\n",
    "rates.json": '{"eur": 1.0}\n',
}

PIPELINE: list[dict[str, Any]] = [
    {"name": "read", "class_path": "orders.read"},
    {"name": "clean", "class_path": "orders.clean", "depends_on": ["read"]},
    {"name": "enrich", "class_path": "orders.Enrich", "depends_on": ["clean"]},
    {"name": "side", "class_path": "orders.side"},
    {"name": "streams", "class_path": "orders.streams"},
    {"name": "dispatch", "class_path": "orders.dispatch"},
    {"name": "by_name", "class_path": "named.by_name"},
    {"name": "job", "class_path": "more.Job"},
    {"name": "values", "class_path": "more.values"},
    {"name": "hints", "class_path": "more.hints"},
]


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write files; None removes one."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@contextmanager
def process(*folders: Path) -> Iterator[None]:
    """Behave like a new process whose path begins with these folders: none of their modules has been imported."""
    before, path, bytecode = set(sys.modules), list(sys.path), sys.dont_write_bytecode
    sys.path[:0] = [str(folder) for folder in folders]
    sys.dont_write_bytecode = True  # a .pyc of the same second and size would hide an edit
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            module = sys.modules[name]
            # A folder without __init__.py has no file, and would stand in the way of a module of its name.
            places = [str(getattr(module, "__file__", "")), *map(str, getattr(module, "__path__", ()))]
            if any(place.startswith(tuple(map(str, folders))) for place in places):
                del sys.modules[name]
        sys.path[:] = path
        sys.dont_write_bytecode = bytecode


def pipeline(components: list[dict[str, Any]] | None = None, **fields: Any) -> PipelineConfig:
    """Return the pipeline of the project."""
    return PipelineConfig.model_validate({"name": "shop", "components": components or PIPELINE, **fields})


def completed(config: PipelineConfig, *names: str) -> CheckpointState:
    """Return the record of an attempt that completed these components with the code as it is; none: all."""
    hashes = ConfigHashes.of(config)
    done = names or tuple(component.name for component in config.ordered)
    readings = read_code_of_components(config, {})
    return CheckpointState(
        run_id="r",
        pipeline_name=config.name,
        pipeline_fingerprint=compute_pipeline_fingerprint(config),
        completed_components=list(done),
        components={
            name: ComponentRecord(
                fingerprint=hashes.components[name],
                completed_at=COMPLETED_AT,
                duration_seconds=1,
                attempt=1,
                code=CodeRecord.of(reading) if (reading := readings[name]) is not None else None,
            )
            for name in done
        },
        fields={name: dict(fields) for name, fields in hashes.fields.items()},
    )
