"""What is judged of a component's code: each case is a module of an author that is read for real."""

from __future__ import annotations

import importlib
import logging
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider.runner.fingerprint.code import read_code
from airflow_provider.runner.session_state.effects.harmless import HarmlessVerdict, judge_code, loggers_to_elsewhere
from airflow_provider.runner.session_state.effects.module_state import module_values


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of modules that can be imported while the test runs."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(tmp_path)):
            del sys.modules[name]


def module(folder: Path, source: str, name: str = "orders") -> ModuleType:
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    importlib.invalidate_caches()
    return importlib.import_module(name)


def verdict(folder: Path, source: str, extra: tuple[str, ...] = ()) -> HarmlessVerdict:
    made: Any = module(folder, source)
    target = made.Run if hasattr(made, "Run") else made.run
    return judge_code(read_code(target, roots=[folder]), extra)


HARMLESS = {
    "a lazy view": "def run(spark): spark.table('a').where('x > 1').createOrReplaceTempView('b')",
    "SQL": "def run(spark): spark.sql('SELECT 1').createOrReplaceTempView('b')",
    "functions": """
        from pyspark.sql import functions as F
        def run(spark): spark.table('a').groupBy('k').agg(F.sum('x')).createOrReplaceTempView('b')
        """,
    "an import inside": """
        def run(spark):
            from pyspark.sql.window import Window
            from pyspark.sql import functions as F
            spark.table('a').select(F.row_number().over(Window.orderBy('x'))).createOrReplaceTempView('b')
        """,
    "a UDF": """
        from pyspark.sql import functions as F
        from pyspark.sql.types import IntegerType
        @F.udf(IntegerType())
        def plus(x): return x + 1
        def run(spark): spark.table('a').select(plus('x')).createOrReplaceTempView('b')
        """,
    "types": """
        from pyspark.sql.types import StructType, StructField, IntegerType
        SCHEMA = StructType([StructField('x', IntegerType())])
        def run(spark): spark.createDataFrame([(1,)], SCHEMA).createOrReplaceTempView('b')
        """,
    "actions": "def run(spark): print(spark.table('a').count(), spark.table('a').collect(), spark.range(1).toPandas())",
    "a cache": "def run(spark): spark.table('a').cache().createOrReplaceTempView('b')",
    "a class": """
        from airflow_provider.runner import DataFlow
        class Run(DataFlow):
            def __init__(self, view): self.view = view
            def run(self):
                self.logger.info('working on %s', self.view)
                self.spark.table(self.view).createOrReplaceTempView('b')
        """,
    "a config model": """
        from pydantic import BaseModel, Field
        from airflow_provider.runner import DataFlow
        class Config(BaseModel):
            view: str = Field(min_length=1)
        class Run(DataFlow):
            config_model = Config
            def __init__(self, config): self.config = config
            def run(self): self.spark.table(self.config.view).createOrReplaceTempView('b')
        """,
    "arithmetic": """
        import math, statistics, itertools, collections, re, json, decimal
        RATE = decimal.Decimal('1.19')
        def run(spark):
            counted = collections.Counter(itertools.chain('abc', re.findall('x', 'xx')))
            return math.sqrt(statistics.mean([1, 2])) + len(json.dumps(counted)) + float(RATE)
        """,
    "dates": """
        from datetime import date, datetime, timedelta, timezone
        def run(spark): return date(2026, 1, 1) + timedelta(days=1), datetime.fromisoformat('2026-01-01'), timezone.utc
        """,
    "an id that follows from its name": """
        import uuid, hashlib
        def run(spark): return uuid.uuid5(uuid.NAMESPACE_URL, 'x'), hashlib.sha256(b'x').hexdigest()
        """,
    "a file that is read": "def run(spark): return open('rates.json').read()",
    "a path": """
        from pathlib import Path
        HERE = Path(__file__).parent
        def run(spark): return (HERE / 'rates.json').read_text()
        """,
    "numpy": "import numpy as np\ndef run(spark): return np.arange(3).sum() + np.linalg.norm([1, 2])",
    "pandas": """
        import pandas as pd
        def run(spark): return pd.DataFrame({'a': [1]}).groupby('a').sum().to_dict()
        """,
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        def work(x): return x + 1
        def run(spark):
            with ThreadPoolExecutor(2) as pool: return list(pool.map(work, range(3)))
        """,
    "asyncio": """
        import asyncio
        async def work(): await asyncio.sleep(0)
        def run(spark): asyncio.run(work())
        """,
    "waiting": "import time\ndef run(spark): time.sleep(20)",
    "a logger": "import logging\nLOG = logging.getLogger(__name__)\ndef run(spark): LOG.info('x')",
    "an import that is not used": """
        import requests
        import subprocess
        def send(): requests.post('http://x')
        def run(spark): spark.table('a').createOrReplaceTempView('b')
        """,
    "a partial": """
        import functools
        def add(x, y): return x + y
        add_one = functools.partial(add, 1)
        def run(spark): return add_one(2)
        """,
    "a dataclass and an enum": """
        import dataclasses, enum
        class Kind(enum.Enum):
            A = 1
        @dataclasses.dataclass(frozen=True)
        class Row:
            kind: Kind = Kind.A
        def run(spark): return Row()
        """,
    "machine learning": """
        from pyspark.ml.feature import VectorAssembler
        def run(spark):
            VectorAssembler(inputCols=['x'], outputCol='f').transform(spark.table('a')).createOrReplaceTempView('b')
        """,
    "pandas on Spark": "import pyspark.pandas as ps\ndef run(spark): return ps.range(3).to_spark().count()",
    "a file without Python on executors": "def run(spark): return open('in').read()",
    "a buffer where Python runs on executors": """
        import io
        from pyspark.sql import functions as F
        def run(spark): F.udf(lambda x: io.StringIO(x).read())
        """,
    "a buffer": "import io\nBUFFER = io.StringIO()\ndef run(spark): BUFFER.write('x')",
}


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS)
def test_code_that_only_computes_is_known_to_be_harmless(modules: Path, source: str) -> None:
    assert verdict(modules, source) == HarmlessVerdict((), ())


NOT_KNOWN = {
    # code, a part of the reason
    "requests": ("import requests\ndef run(spark): requests.post('http://x')", "reaches 'requests.post' (orders.py:2"),
    "an alias": ("from requests import post as send\ndef run(spark): send('x')", "reaches 'requests.post'"),
    "an import inside": ("def run(spark):\n    import boto3\n    boto3.client('s3')", "reaches 'boto3.client'"),
    "urllib": ("import urllib.request\ndef run(spark): urllib.request.urlopen('x')", "'urllib.request.urlopen'"),
    "socket": ("import socket\ndef run(spark): socket.create_connection(('x', 1))", "'socket.create_connection'"),
    "smtplib": ("import smtplib\ndef run(spark): smtplib.SMTP('x')", "'smtplib.SMTP'"),
    "subprocess": ("import subprocess\ndef run(spark): subprocess.run('x')", "'subprocess.run'"),
    "os.system": ("import os\ndef run(spark): os.system('x')", "'os.system'"),
    "os.remove": ("import os\ndef run(spark): os.remove('x')", "'os.remove'"),
    "os.write": ("import os\ndef run(spark): os.write(3, b'x')", "'os.write'"),
    "shutil": ("import shutil\ndef run(spark): shutil.move('x', 'y')", "'shutil.move'"),
    "sqlite3": ("import sqlite3\ndef run(spark): sqlite3.connect('x')", "'sqlite3.connect'"),
    "psycopg2": ("import psycopg2\ndef run(spark): psycopg2.connect('x')", "'psycopg2.connect'"),
    "pyarrow.fs": ("import pyarrow.fs\ndef run(spark): pyarrow.fs.S3FileSystem()", "'pyarrow.fs.S3FileSystem'"),
    "pyarrow.parquet": (
        "import pyarrow.parquet as pq\ndef run(spark): pq.write_table(None, 'x')",
        "'pyarrow.parquet.write_table'",
    ),
    "ctypes": ("import ctypes\ndef run(spark): ctypes.CDLL(None)", "'ctypes.CDLL'"),
    "multiprocessing": ("import multiprocessing\ndef run(spark): multiprocessing.Pool()", "'multiprocessing.Pool'"),
    "processes": (
        "from concurrent.futures import ProcessPoolExecutor\ndef run(spark): ProcessPoolExecutor()",
        "'concurrent.futures.ProcessPoolExecutor', which starts processes",
    ),
    "asyncio in the network": (
        "import asyncio\ndef run(spark): asyncio.run(asyncio.open_connection('x', 1))",
        "which talks to the network",
    ),
    "pickle": ("import pickle\ndef run(spark): pickle.loads(b'x')", "'pickle.loads'"),
    "exec": ("def run(spark): exec('x')", "which runs code that cannot be read"),
    "eval": ("def run(spark): eval('x')", "which runs code that cannot be read"),
    "an attribute by name": ("import math\ndef run(spark): getattr(math, spark)()", "getattr by a computed name"),
    "a module by name": ("import importlib\ndef run(spark): importlib.import_module(spark).run()", "import"),
    "globals": ("def run(spark): globals()[spark]()", "'builtins.globals', which looks things up by name"),
    "sys.modules": ("import sys\ndef run(spark): sys.modules[spark].run()", "'sys.modules'"),
    "numpy to a file": ("import numpy as np\ndef run(spark): np.save('x', [1])", "'numpy.save', which writes files"),
    "an array to a file": ("import numpy as np\ndef run(spark): np.arange(3).tofile('x')", "uses '.tofile'"),
    "pandas to Parquet": ("def run(spark): spark.table('a').toPandas().to_parquet('x')", "uses '.to_parquet'"),
    "pandas from a database": ("import pandas as pd\ndef run(spark): pd.read_sql('x', 'y')", "'pandas.read_sql'"),
    "the JVM": ("def run(spark): spark._jvm.java.lang.System.exit(1)", "uses '._jvm', which is the bridge to the JVM"),
    "a function in Java": ("def run(spark): spark.udf.registerJavaFunction('f', 'x.Y')", "runs functions in Java"),
    "reflection": (
        "from pyspark.sql import functions as F\ndef run(spark): spark.range(1).select(F.reflect(F.lit('x')))",
        "which calls Java methods by name",
    ),
    "a stream": ("def run(spark): spark.readStream.load().writeStream.start()", "uses '.readStream', which streams"),
    "foreachPartition": (
        "from pyspark.sql import DataFrame\ndef run(spark): DataFrame.foreachPartition(spark.table('a'), print)",
        "which runs code on executors",
    ),
    "a writer": (
        "from pyspark.sql.readwriter import DataFrameWriter\ndef run(spark): DataFrameWriter(spark).save('x')",
        "which writes",
    ),
    "logging to a file": (
        "import logging\ndef run(spark): logging.getLogger('x').addHandler(logging.FileHandler('x'))",
        "'logging.FileHandler', which writes the log elsewhere",
    ),
    "Airflow": (
        "def run(spark):\n    from airflow.sdk import Variable\n    Variable.set('x', 'y')",
        "'airflow.sdk.Variable.set'",
    ),
    "pandas to Parquet, by its class": (
        "import pandas as pd\ndef run(spark): pd.DataFrame.to_parquet(spark, 'x')",
        "'pandas.DataFrame.to_parquet', which writes data, also in C",
    ),
    "the JVM, by its class": (
        "from pyspark import SparkContext\ndef run(spark): SparkContext._gateway.jvm.System.exit(1)",
        "which is the bridge to the JVM",
    ),
    "an expression": ("def run(spark): spark.table('a').toPandas().query('@send(x)')", "uses '.query'"),
    "a plugin": (
        "from importlib.metadata import entry_points\ndef run(spark): list(entry_points())[0].load()",
        "'importlib.metadata.entry_points'",
    ),
    "all objects": ("import gc\ndef run(spark): gc.get_objects()[0].go()", "'gc.get_objects'"),
    "a UDF that calls": (
        """
        import requests
        from pyspark.sql import functions as F
        from pyspark.sql.types import IntegerType
        @F.udf(IntegerType())
        def ask(x): return requests.get(x).status_code
        def run(spark): spark.table('a').select(ask('x')).createOrReplaceTempView('b')
        """,
        "'requests.get'",
    ),
    "a lambda": ("import requests\nsend = lambda x: requests.post(x)\ndef run(spark): send('x')", "'requests.post'"),
    "a decorator": (
        """
        import requests
        def told(f):
            def wrapper(spark):
                requests.post('x')
                return f(spark)
            return wrapper
        @told
        def run(spark): pass
        """,
        "'requests.post'",
    ),
    "a base class": (
        """
        import requests
        class Base:
            def finish(self): requests.post('x')
        class Run(Base):
            def run(self): self.finish()
        """,
        "'requests.post'",
    ),
    "a thread": (
        "import threading, requests\ndef run(spark): threading.Thread(target=requests.post, args=('x',)).start()",
        "'requests.post'",
    ),
    "a client that is held": (
        "import requests\nCLIENT = requests.Session()\ndef run(spark): CLIENT.get('x')",
        "'requests.sessions.Session (value of orders.CLIENT)'",
    ),
    "a file that is held": (
        "OUT = open('out', 'a')\ndef run(spark): OUT.write('x')",
        "'_io.TextIOWrapper (value of orders.OUT)', which is an open file",
    ),
    "a file in a default": ("def run(spark, out=open('out', 'a')): out.write('x')", "which is an open file"),
    "a file in a class": (
        "class Run:\n    out = open('out', 'a')\n    def run(self): self.out.write('x')",
        "which is an open file",
    ),
    "a file in a container": (
        "OUT = {'a': [open('out', 'a')]}\ndef run(spark): OUT['a'][0].write('x')",
        "which is an open file",
    ),
    "a file in an object": (
        """
        class Sink:
            def __init__(self): self.file = open('out', 'a')
        SINK = Sink()
        def run(spark): SINK.file.write('x')
        """,
        "which is an open file",
    ),
    "a file in a closure": (
        """
        def made():
            out = open('out', 'a')
            def inner(spark): out.write('x')
            return inner
        run = made()
        """,
        "TextIOWrapper",
    ),
    "a socket that is held": (
        "import socket\nSOCKET = socket.socket()\ndef run(spark): SOCKET.recv(1)",
        "'socket.socket (value of orders.SOCKET)'",
    ),
    "a queue that is held": (
        "import queue\nQUEUE = queue.Queue()\ndef run(spark): QUEUE.put_nowait('x')",
        "which is a queue that something else may read",
    ),
    "a pool that is held": (
        "from concurrent.futures import ThreadPoolExecutor\nPOOL = ThreadPoolExecutor(1)\n"
        "def run(spark): POOL.submit(print)",
        "which is a queue that something else may read",
    ),
    "a database that is held": (
        "import sqlite3\nDB = sqlite3.connect(':memory:')\ndef run(spark): DB.cursor()",
        "'sqlite3.Connection (value of orders.DB)'",
    ),
    "a file on executors": (
        """
        def act(frames):
            for frame in frames:
                open('out', 'a').write('x')
                yield frame
        def run(spark): spark.range(1).mapInPandas(act, 'id long').createOrReplaceTempView('b')
        """,
        "reaches 'builtins.open', which cannot be seen where Python runs on executors (orders.py:4",
    ),
    "a path on executors": (
        """
        from pathlib import Path
        from pyspark.sql.functions import udf
        @udf
        def act(x): return Path(x).write_text(x)
        def run(spark): spark.range(1).select(act('id')).createOrReplaceTempView('b')
        """,
        "reaches 'pathlib.Path', which cannot be seen where Python runs on executors",
    ),
    "a CSV file on executors": (
        """
        def act(frame):
            frame.to_csv('out', mode='a')
            return frame
        def run(spark): spark.range(1).groupBy('id').applyInPandas(act, 'id long').createOrReplaceTempView('b')
        """,
        "uses '.to_csv', which cannot be seen where Python runs on executors",
    ),
    "a handler that is held": (
        "import logging\nHANDLER = logging.FileHandler('out')\ndef run(spark): HANDLER.emit(None)",
        "which is a handler of the log",
    ),
}


@pytest.mark.parametrize(("source", "reason"), NOT_KNOWN.values(), ids=NOT_KNOWN)
def test_code_that_may_act_elsewhere_is_not_known_to_be_harmless(modules: Path, source: str, reason: str) -> None:
    """Invariant 11: whatever is not known counts, with a reason that names it and its line."""
    missing = verdict(modules, source).missing
    assert any(reason in line for line in missing), missing


VARYING = {
    "a generator of random numbers that is held": (
        "import random\nDICE = random.Random(42)\ndef run(spark): return DICE.random()",
        "goes on drawing where the last one stopped: random.Random (value of orders.DICE)",
    ),
    "a counter that is held": (
        "import itertools\nIDS = itertools.count()\ndef run(spark): return next(IDS)",
        "goes on where the last one stopped: itertools.count (value of orders.IDS)",
    ),
    "the application": ("def run(spark): return spark.sparkContext.applicationId", "asks which Spark it is"),
    # code, what it says
    "now": (
        "from datetime import datetime\ndef run(spark): return datetime.now()",
        "reads the clock: datetime.datetime",
    ),
    "utcnow": ("import datetime\ndef run(spark): return datetime.datetime.utcnow()", "reads the clock"),
    "today": ("from datetime import date\ndef run(spark): return date.today()", "reads the clock: datetime.date.today"),
    "time": ("import time\ndef run(spark): return time.time_ns()", "reads the clock: time.time_ns (orders.py:2"),
    "perf_counter": ("from time import perf_counter\ndef run(spark): return perf_counter()", "reads the clock"),
    "now of pandas": ("import pandas as pd\ndef run(spark): return pd.Timestamp.now()", "reads the clock"),
    "random": ("import random\ndef run(spark): return random.random()", "draws random numbers"),
    "numpy.random": ("import numpy as np\ndef run(spark): return np.random.rand(3)", "draws random numbers"),
    "secrets": ("import secrets\ndef run(spark): return secrets.token_hex()", "draws random numbers"),
    "uuid4": ("import uuid\ndef run(spark): return uuid.uuid4()", "makes an id of its own: uuid.uuid4"),
    "environ": ("import os\ndef run(spark): return os.environ['X']", "reads the environment: os.environ"),
    "getenv": ("from os import getenv\ndef run(spark): return getenv('X')", "reads the environment"),
    "getpid": ("import os\ndef run(spark): return os.getpid()", "asks where it runs"),
    "host": ("import socket\ndef run(spark): return socket.gethostname()", "asks where it runs: socket.gethostname"),
    "platform": ("import platform\ndef run(spark): return platform.node()", "asks where it runs"),
    "listdir": ("import os\ndef run(spark): return os.listdir('.')", "looks at files"),
    "exists": ("import os\ndef run(spark): return os.path.exists('x')", "looks at files"),
    "Path.exists": ("from pathlib import Path\ndef run(spark): return Path('x').exists()", "looks at files"),
    "glob": ("import glob\ndef run(spark): return glob.glob('*')", "looks at files"),
    "id": ("def run(spark): return id(spark)", "depends on the process: builtins.id"),
    "hash": ("def run(spark): return hash('x')", "depends on the process: builtins.hash"),
    "a sample": ("def run(spark): spark.table('a').sample(0.1).createOrReplaceTempView('b')", "draws a sample"),
}


@pytest.mark.parametrize(("source", "reason"), VARYING.values(), ids=VARYING)
def test_what_may_come_out_differently_is_told(modules: Path, source: str, reason: str) -> None:
    """A view with such a value in it would be another one after a replay. It does no harm, though."""
    found = verdict(modules, source)
    assert found.missing == ()
    assert any(reason in line for line in found.varying), found.varying


def test_a_helper_three_modules_away_counts(modules: Path) -> None:
    module(modules, "import requests\ndef send(): requests.post('x')", "third")
    module(modules, "import third\ndef forward(): third.send()", "second")
    module(modules, "from second import forward", "first")
    (reason, *_) = verdict(modules, "import first\ndef run(spark): first.forward()").missing
    assert reason == "reaches 'requests.post' (third.py:2 in send)"


def test_an_author_can_vouch_for_modules(modules: Path) -> None:
    """For a module with all that is in it, or for one function; not for its neighbours."""
    source = "import boto3, requests\ndef run(spark): return requests.get('x'), boto3.client('s3')"
    assert verdict(modules, source, ("requests", "boto3.client")).missing == ()
    assert len(verdict(modules, source, ("requests.post", "boto")).missing) == 2


def test_vouching_for_side_effects_does_not_vouch_for_the_value(modules: Path) -> None:
    found = verdict(modules, "import time\ndef run(spark): return time.time()", ("time",))
    assert (found.missing, len(found.varying)) == ((), 1)


def test_a_handler_that_was_added_earlier_counts_for_whoever_logs(modules: Path) -> None:
    """Its file is open already, so nothing is announced when it writes."""
    source = "import logging\nLOG = logging.getLogger('orders')\ndef run(spark): LOG.info('x')"
    handler = logging.FileHandler(modules / "audit")
    logging.getLogger("orders").addHandler(handler)
    try:
        assert "the logger 'orders' writes to a FileHandler" in verdict(modules, source).missing
    finally:
        logging.getLogger("orders").removeHandler(handler)
        handler.close()
    logging.root.addHandler(handler)
    try:
        assert loggers_to_elsewhere() == ()  # that is where this process has its log
    finally:
        logging.root.removeHandler(handler)


def test_a_value_of_a_module_that_was_changed_is_another_one(modules: Path) -> None:
    """Plain data only: what is none, or not there, is left out."""
    made = module(modules, "CALLS = []\nRATE = 2\nLOCK = object()")
    names = ["orders.CALLS", "orders.RATE", "orders.LOCK", "orders.NONE", "elsewhere.X"]
    before = module_values(names)
    made.CALLS.append(1)
    after = module_values(names)
    assert set(before) == set(after) == {"orders.CALLS", "orders.RATE"}
    assert before["orders.CALLS"] != after["orders.CALLS"]
    assert before["orders.RATE"] == after["orders.RATE"]


@pytest.mark.parametrize(
    "work",
    [
        "with path.open('wb') as file: file.write(b'x')",
        "path.open('xb').close()",
        "path.rmdir()",
        "path.rename('b')",
        "path.fs.pipe_file('b', b'x')",
    ],
)
@pytest.mark.parametrize(
    "source",
    [
        """
        from airflow.sdk import ObjectStoragePath
        def run(spark, path):
            path = ObjectStoragePath(path)
            {work}
        """,
        """
        import fsspec
        from upath import UPath
        def run(spark, path):
            path = UPath(path)
            {work}
        """,
        """
        from airflow.sdk import ObjectStoragePath
        TARGET = ObjectStoragePath("file:///tmp/x")
        def run(spark):
            path = TARGET
            {work}
        """,
    ],
    ids=["airflow", "upath", "held by a module"],
)
def test_a_path_on_object_storage_is_a_side_effect(modules: Path, source: str, work: str) -> None:
    """Most of its calls are heard by no audit hook, and some delete or publish what they should not."""
    assert verdict(modules, source.format(work=work)).missing
