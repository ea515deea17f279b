"""What a reading of a component's code covers, what it depends on, and what it says that it cannot see."""

# ruff: noqa: E501 - a module in one line can be seen at a glance
from __future__ import annotations

import compileall
import functools
import importlib
import importlib.util
import linecache
import sys
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider.components import ReadData, RunSql
from airflow_provider.runner.fingerprint.code import CodeChange, CodeReading, compare_code, read_code
from tests.samples.components.shop import process, write


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Write files, and return what a dotted path names in them."""
    with process(tmp_path):

        def load(path: str, **files: str) -> Any:
            write(tmp_path, {f"{name}.py": text for name, text in files.items()})
            importlib.invalidate_caches()
            module, _, name = path.rpartition(".")
            return getattr(importlib.import_module(module), name)

        yield load


def _foreign(reading: CodeReading) -> set[str]:
    return {reference.name for reference in reading.foreign}


def _unseen(reading: CodeReading) -> str:
    return "; ".join(map(str, reading.unseen))


FOREIGN = {
    "import requests\n\ndef run(spark):\n    requests.post('x')": "requests.post",
    "import requests as r\n\ndef run(spark):\n    r.sessions.Session().post('x')": "requests.sessions.Session",
    "from requests.sessions import Session\n\ndef run(spark):\n    Session.post(1)": "requests.sessions.Session.post",
    "def run(spark):\n    import os.path as p\n    p.join('a')": "os.path.join",
    "def run(spark):\n    from urllib.request import urlopen as u\n    u('x')": "urllib.request.urlopen",
    "def run(spark):\n    open('x')": "builtins.open",
    "def run(spark):\n    getattr(__import__('os'), 'remove')('x')": "os",
    "import importlib\n\ndef run(spark):\n    importlib.import_module('smtplib').SMTP()": "smtplib",
    "import os\n\ndef run(spark):\n    getattr(os, 'remove')('x')": "os.remove",
    "import os\nremove = os.remove\n\ndef run(spark):\n    remove('x')": "os.remove",
    "import os\n\ndef run(spark, remove=os.remove):\n    remove('x')": "os.remove",
    "import subprocess as s\n\nclass Base:\n    def go(self):\n        s.run('x')\n\nclass run(Base):\n    def run(self):\n        self.go()": (
        "subprocess.run"
    ),
    "from functools import partial\nimport shutil\nmove = partial(shutil.move, 'a')\n\ndef run(spark):\n    move('x')": "shutil.move",
    "import smtplib\n\ndef run(spark):\n    return [smtplib.SMTP(x) for x in 'a']": "smtplib.SMTP",
    "import smtplib\n\ndef run(spark):\n    return (lambda: smtplib.SMTP('x'))()": "smtplib.SMTP",
    "import ctypes\n\ndef run(spark):\n    ctypes.CDLL('libc.so.6')": "ctypes.CDLL",
    "import socket\n\ndef deco(f):\n    return lambda *a: socket.create_connection(1)\n\n@deco\ndef run(spark):\n    pass": "socket.create_connection",
    "import socket\n\nclass Meta(type):\n    def __call__(cls):\n        socket.socket()\n\nclass run(metaclass=Meta):\n    def run(self):\n        pass": "socket.socket",
}


@pytest.mark.parametrize("number", range(len(FOREIGN)), ids=FOREIGN.values())
def test_what_is_not_the_authors_own_is_named(project: Callable[..., Any], number: int) -> None:
    """Whatever way the code takes to something foreign, the reading names it by module and attributes."""
    text, name = list(FOREIGN.items())[number]
    reading = read_code(project(f"orders{number}.run", **{f"orders{number}": text}))
    assert name in _foreign(reading)


def test_an_import_that_nothing_uses_is_not_reached(project: Callable[..., Any]) -> None:
    """What a file happens to import is not what the component refers to."""
    reading = read_code(
        project("orders.run", orders="import requests\nimport smtplib\n\ndef run(spark):\n    return 1")
    )
    assert _foreign(reading) == set()
    assert reading.distributions == {}


def test_where_says_file_line_and_function(project: Callable[..., Any]) -> None:
    """A reference says where it is, in the words of the file."""
    reading = read_code(
        project(
            "orders.Job",
            orders="class Job:\n    def run(self):\n        def inner():\n            open('x')\n        inner()",
        )
    )
    assert [str(reference) for reference in reading.foreign] == ["builtins.open (orders.py:4 in Job.run.inner)"]


def test_attributes_of_unknown_values_are_reported(project: Callable[..., Any]) -> None:
    """Attributes of values that only the run knows are listed; the component's own methods are not."""
    text = (
        "class Job:\n    def __init__(self, x):\n        self.x = x\n    def run(self):\n        self.helper()\n"
        "        self.spark._jvm.java.lang.System.exit(1)\n        self.x.rdd.foreachPartition(print)\n"
        "        (self.x or 1).writeStream\n    def helper(self):\n        super().more()\n"
    )
    reading = read_code(project("orders.Job", orders=text))
    names = {reference.name for reference in reading.attributes}
    assert names == {
        "spark",
        "_jvm",
        "java",
        "lang",
        "System",
        "exit",
        "rdd",
        "foreachPartition",
        "writeStream",
        "more",
    }


UNSEEN = {
    "exec('x')": "exec",
    "eval('x')": "eval",
    "getattr(spark, what)": "getattr by a computed name",
    "globals()[what]()": "globals()",
    "__import__(what)": "a module that is imported by a computed name",
    "importlib.import_module(what)": "a module that is imported by a computed name",
    "importlib.import_module('.x', what)": "a module that is imported by a computed name",
    "sys.modules[what].go()": "sys.modules",
    "operator.attrgetter(what)(spark)": "attrgetter by a computed name",
    "runpy.run_path(what)": "a file run by its path",
    "[f for f in (getattr,)]": "getattr by a computed name",
    "object.__subclasses__()": "__subclasses__",
    "nowhere()": "the name 'nowhere', which is defined nowhere",
    "hand_on(helpers)": "how the module helpers is used",
}


@pytest.mark.parametrize("code", UNSEEN, ids=UNSEEN)
def test_what_cannot_be_followed_is_said(project: Callable[..., Any], code: str) -> None:
    """What reading cannot follow is named, with its place."""
    text = (
        "import importlib, operator, runpy, sys\nimport helpers\n\ndef hand_on(x):\n    return x\n\n"
        f"def run(spark, what):\n    {code}\n"
    )
    reading = read_code(project("orders.run", orders=text, helpers="def f():\n    pass\n"))
    assert f"{UNSEEN[code]}" in _unseen(reading)
    assert "orders.py:8 in run" in _unseen(reading)


def test_getattr_by_a_literal_is_an_attribute(project: Callable[..., Any]) -> None:
    """A name that stands there can be followed, however it is looked up."""
    reading = read_code(
        project("orders.run", orders="import os\n\ndef run(spark):\n    getattr(spark, 'table')('x')\n")
    )
    assert reading.unseen == ()
    assert [reference.name for reference in reading.attributes] == ["table"]


# --- where the code is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("component", [ReadData, RunSql])
def test_a_ready_made_component_has_no_code_that_counts(component: type) -> None:
    """Of this package's own components the config counts; an upgrade of the package makes nothing run again."""
    reading = read_code(component)
    assert (reading.functions, reading.constants, reading.distributions, reading.unseen) == ({}, {}, {}, ())


def _install(site: Path, version: str, text: str) -> None:
    for old in site.glob("fakelib-*"):
        (old / "RECORD").unlink()
        old.rmdir()
    write(site, {"fake_lib/__init__.py": text, f"fakelib-{version}.dist-info/RECORD": "fake_lib/__init__.py,,\n"})


def test_of_a_distribution_name_and_version_count(tmp_path: Path) -> None:
    """An installed distribution counts by its version, found by the files that it installed, not by its code."""
    site, own = tmp_path / "site-packages", tmp_path / "own"
    write(own, {"orders.py": "import fake_lib\n\ndef run(spark):\n    return fake_lib.f()\n"})
    _install(site, "1.0", "def f():\n    return 1\n")
    with process(own, site):
        before = read_code(importlib.import_module("orders").run)
        write(site, {"fake_lib/__init__.py": "def f():\n    return 2\n"})
    with process(own, site):
        assert compare_code(before, read_code(importlib.import_module("orders").run)) == []
        _install(site, "1.1", "def f():\n    return 1\n")
        today = read_code(importlib.import_module("orders").run)
    assert before.distributions == {"fakelib": "1.0"}
    assert compare_code(before, today) == [CodeChange("distribution", "fakelib", "changed", "1.0", "1.1")]


def test_an_editable_install_and_a_root_are_own(tmp_path: Path) -> None:
    """What lies outside of site-packages is the author's own, and so is what lies in a root inside."""
    outside, site = tmp_path / "checkout" / "src", tmp_path / "site-packages"
    write(outside, {"mylib/__init__.py": "def f():\n    return 1\n"})
    write(
        site,
        {"checkout.pth": str(outside), "jobs/orders.py": "import mylib\n\ndef run(spark):\n    return mylib.f()\n"},
    )
    with process(site, outside):
        run = importlib.import_module("jobs.orders").run
        assert set(read_code(run, roots=[site / "jobs"]).functions) == {"jobs.orders.run", "mylib.f"}
        assert read_code(run).functions == {}


def test_a_dag_file_keeps_its_names_whatever_airflow_calls_its_module(tmp_path: Path) -> None:
    """The hash that Airflow puts into a DAG file's module name is not in the record."""
    readings = []
    for folder, mangled in (("v1", "unusual_prefix_0a1b2c_sales"), ("v2", "unusual_prefix_ffee99_sales")):
        write(
            tmp_path / folder,
            {"sales.py": "RATE = 1\n\ndef run(spark):\n    return helper() * RATE\n\ndef helper():\n    return 1\n"},
        )
        spec = importlib.util.spec_from_file_location(mangled, tmp_path / folder / "sales.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[mangled] = module
        spec.loader.exec_module(module)
        readings.append(read_code(module.run, also=["sales.helper"]))
        del sys.modules[mangled]
    assert set(readings[0].functions) == {"sales.run", "sales.helper"}
    assert set(readings[0].constants) == {"sales.RATE"}
    assert readings[0].fingerprint == readings[1].fingerprint
    assert compare_code(readings[0], readings[1]) == []


def test_a_zip_of_py_files_is_own(tmp_path: Path) -> None:
    """What was shipped as a zip archive is read like any file of the author's."""
    archive = tmp_path / "deps.zip"

    def pack(number: int) -> None:
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("shipped/__init__.py", "")
            opened.writestr(
                "shipped/orders.py", f"def run(spark):\n    return helper()\n\ndef helper():\n    return {number}\n"
            )

    pack(1)
    with process(archive):
        before = read_code(importlib.import_module("shipped.orders").run)
    pack(22)
    sys.path_importer_cache.clear()
    import zipimport

    zipimport._zip_directory_cache.clear()  # type: ignore[attr-defined]
    with process(archive):
        today = read_code(importlib.import_module("shipped.orders").run)
    assert set(before.functions) == {"shipped.orders.run", "shipped.orders.helper"}
    assert before.python is None
    assert compare_code(before, today) == [CodeChange("function", "shipped.orders.helper")]


def test_a_module_without_source_counts_by_its_bytecode(tmp_path: Path) -> None:
    """A ``.pyc`` is compared as such; then the version of Python counts, and the reading says so."""
    readings = []
    for number in (1, 1, 2):
        write(tmp_path, {"legacy.py": f"# {'x' * number}\n" * number + f"def run(spark):\n    return {number}\n"})
        compileall.compile_file(str(tmp_path / "legacy.py"), legacy=True, quiet=2, force=True)
        (tmp_path / "legacy.py").unlink()
        with process(tmp_path):
            readings.append(read_code(importlib.import_module("legacy").run))
    assert readings[0].python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "without source" in _unseen(readings[0])
    assert compare_code(readings[0], readings[1]) == []
    assert compare_code(readings[0], readings[2]) == [CodeChange("function", "legacy.<module>")]


def test_code_from_exec_counts_by_its_bytecode() -> None:
    """A function that no file has is compared by what the interpreter runs, and its helpers are found."""

    def made(text: str) -> Any:
        module = types.ModuleType("made_up")
        sys.modules["made_up"] = module
        exec(text, vars(module))
        return module.run

    try:
        one = read_code(
            made("import os\ndef run(spark):\n    return helper(os.remove)\ndef helper(x):\n    return 1\n")
        )
        same = read_code(
            made("import os\n\n\ndef run(spark):\n    return helper(os.remove)\ndef helper(x):\n    return 1\n")
        )
        other = read_code(
            made("import os\ndef run(spark):\n    return helper(os.remove)\ndef helper(x):\n    return 2\n")
        )
    finally:
        del sys.modules["made_up"]
    assert set(one.functions) == {"made_up.run", "made_up.helper"}
    assert "os.remove" in _foreign(one)
    assert one.python is not None
    assert compare_code(one, same) == []
    assert compare_code(one, other) == [CodeChange("function", "made_up.helper")]


def test_a_notebook_is_read_cell_by_cell() -> None:
    """A function of a notebook is read from its cell, and what it uses from the cells that defined that last."""
    notebook = types.ModuleType("__main__")
    main, sys.modules["__main__"] = sys.modules["__main__"], notebook

    def cell(number: int, text: str) -> None:
        file = f"<ipython-input-{number}-test>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec", dont_inherit=True), vars(notebook))

    try:
        cell(1, "RATE = 1\ndef helper(x):\n    # one\n    return x\n")
        cell(2, "class Job:\n    def run(self):\n        return helper(RATE)\n")
        before = read_code(notebook.Job)
        cell(3, "def helper(x):\n    return x + 1\n")
        today = read_code(notebook.Job)
    finally:
        sys.modules["__main__"] = main
    assert {"__main__.Job", "__main__.Job.run", "__main__.helper"} == set(before.functions)
    assert set(before.constants) == {"__main__.RATE"}
    assert before.python is None
    assert compare_code(before, today) == [CodeChange("function", "__main__.helper")]


def test_what_runs_is_what_was_imported(project: Callable[..., Any], tmp_path: Path) -> None:
    """A file that was changed after the import is not what runs: the earlier source counts, or else the bytecode."""
    run = project("orders.run", orders="def run(spark):\n    return 1\n")
    before = read_code(run)
    write(tmp_path, {"orders.py": "def run(spark):\n    return 1234\n"})
    assert compare_code(before, read_code(run)) == []
    other = project("late.run", late="def run(spark):\n    return 1\n")
    write(tmp_path, {"late.py": "def run(spark):\n    return 1234\n"})
    unread = read_code(other)
    assert unread.python is not None
    del sys.modules["late"]
    importlib.invalidate_caches()
    today = read_code(importlib.import_module("late").run)
    assert compare_code(unread, today) != []


def test_a_decorated_function_is_read_with_what_wraps_it(project: Callable[..., Any]) -> None:
    """A wrapper of another module, with or without ``functools.wraps``, does not hide the function that it calls."""
    deco = "def retry(times):\n    def outer(f):\n        def inner(*a):\n            return f(*a)\n        return inner\n    return outer\n"
    orders = (
        "from deco import retry\n\n@retry(3)\ndef run(spark):\n    return helper()\n\ndef helper():\n    return 1\n"
    )
    run = project("orders.run", orders=orders, deco=deco)
    assert set(read_code(run).functions) == {"orders.run", "orders.helper", "deco.retry"}
    assert set(read_code(run, path="orders.run").functions) == {"orders.run", "orders.helper", "deco.retry"}


@pytest.mark.parametrize(
    "wrapped",
    [
        "functools.lru_cache(maxsize=None)(plain)",
        "functools.partial(plain, 1)",
        "staticmethod(plain)",
        "Job().go",
        "Job()",
    ],
)
def test_other_callables_lead_to_their_function(project: Callable[..., Any], wrapped: str) -> None:
    """Caches, partial functions, bound methods and objects are seen through."""
    text = (
        "import functools\n\ndef plain(spark, x=1):\n    return deep()\n\ndef deep():\n    return 1\n\n"
        f"class Job:\n    def go(self, spark):\n        return deep()\n    __call__ = go\n\nrun = {wrapped}\n"
    )
    reading = read_code(project("orders.run", orders=text))
    assert "orders.deep" in reading.functions


def test_values_in_a_closure_count(project: Callable[..., Any]) -> None:
    """What a function got from the function around it is compared as a constant; what is no plain data is said."""
    text = "import threading\n\ndef make(n, lock):\n    def run(spark):\n        return n, lock\n    return run\n"
    make = project("orders.make", orders=text)
    lock = __import__("threading").Lock()
    one, same, other = (read_code(make(n, lock)) for n in (1, 1, 2))
    assert compare_code(one, same) == []
    assert compare_code(one, other) == [CodeChange("constant", "orders.make.<locals>.run.n")]
    assert "a lock" in _unseen(one)


def test_no_value_is_in_a_reading(project: Callable[..., Any]) -> None:
    """Constants may be secrets: a reading holds hashes only."""
    reading = read_code(
        project(
            "orders.run",
            orders="PASSWORD = 'hunter2-secret'\n\ndef run(spark):\n    return PASSWORD, 'hunter3-secret'\n",
        )
    )
    assert "hunter" not in repr(reading)
    assert set(reading.constants) == {"orders.PASSWORD"}


def test_state_that_changes_while_components_run_is_no_change(project: Callable[..., Any]) -> None:
    """Caches, counters, clients made at the first call, loggers and locks look the same before and after."""
    text = (
        "import logging, threading, time\nCACHE = {}\nCOUNT = 0\nclient = None\nlog = logging.getLogger('x')\n"
        "lock = threading.Lock()\nSTARTED = time.time()\nTABLE = dict(a=1)\n\ndef run(spark):\n"
        "    global COUNT, client\n    COUNT += 1\n    client = client or object()\n    CACHE[COUNT] = 1\n"
        "    TABLE[COUNT] = 1\n    log.info('x')\n    return lock, STARTED\n"
    )
    run = project("orders.run", orders=text)
    before = read_code(run)
    run(None)
    project("other.run", other="def run(spark):\n    pass\n")
    del sys.modules["orders"]
    assert before.fingerprint == read_code(project("orders.run", orders=text + "\n")).fingerprint


def test_swapped_aliases_are_a_change(project: Callable[..., Any], tmp_path: Path) -> None:
    """Two functions that change places under their aliases change what uses them, also if both have one name."""
    readings = []
    for one, other in (("a", "b"), ("b", "a")):
        run = project(
            "orders.run",
            orders=f"from {one} import f as x\nfrom {other} import f as y\n\ndef run(spark):\n    return x() - y()\n",
            a="def f():\n    return 1\n",
            b="def f():\n    return 2\n",
        )
        readings.append(read_code(run))
        del sys.modules["orders"]
    assert compare_code(*readings) == [CodeChange("function", "orders.run")]


def test_methods_that_swap_their_bodies_are_a_change(project: Callable[..., Any]) -> None:
    """The fingerprint is over names and hashes together."""
    text = "class A:\n    def run(self):\n        return B().run(), {}\n\nclass B:\n    def run(self):\n        return {}\n"
    readings = []
    for values in ((1, 2), (2, 1)):
        readings.append(read_code(project("orders.A", orders=text.format(*values))))
        del sys.modules["orders"]
    assert readings[0].fingerprint != readings[1].fingerprint


# --- how far and how fast -------------------------------------------------------------------------------------------


def test_a_module_of_a_thousand_functions_is_read(project: Callable[..., Any]) -> None:
    """A chain of a thousand calls and an expression of two thousand terms are followed to the end."""
    chain = "".join(f"def f{n}(x):\n    return f{n + 1}(x)\n\n" for n in range(1000))
    deep = " + ".join(["x"] * 2000)
    text = f"{chain}def f1000(x):\n    return f0 if x else {deep}\n\ndef run(spark):\n    return f0(spark)\n"
    reading = read_code(project("orders.run", orders=text))
    assert len(reading.functions) == 1002


def test_an_unchanged_file_is_not_read_again(project: Callable[..., Any]) -> None:
    """The second reading in a process is the first one."""
    run = project("orders.run", orders="def run(spark):\n    return 1\n")
    assert read_code(run) is read_code(run)


def test_reading_imports_nothing_and_runs_nothing(project: Callable[..., Any]) -> None:
    """A module that would be imported while the component runs is read, not imported."""
    run = project(
        "orders.run",
        orders="def run(spark):\n    import lazy\n    return lazy.f()\n",
        lazy="raise SystemExit(1)\n\ndef f():\n    return 1\n",
    )
    reading = read_code(run)
    assert "lazy" not in sys.modules
    assert "lazy.f" in reading.functions


def test_a_module_counts_the_same_before_and_after_its_import(project: Callable[..., Any]) -> None:
    """Whether a lazily imported module has been loaded makes no difference to the fingerprint."""
    run = project(
        "orders.run",
        orders="def run(spark):\n    import lazy\n    return lazy.f(), lazy.LIMIT\n",
        lazy="import math\nLIMIT = math.floor(2.5)\nHELD = [print]\n\ndef f():\n    return LIMIT, HELD\n",
    )
    before = read_code(run)
    run(None)
    after = read_code(run)
    assert after is not before
    assert compare_code(before, after) == []


def test_a_circle_of_imports_and_wrappers_ends(project: Callable[..., Any]) -> None:
    """Modules that import each other, names that lead to each other and a function that wraps itself end the reading."""
    run = project(
        "one.run",
        one="from two import *\nimport two\n\ndef run(spark):\n    return a, two.b\n",
        two="from one import *\nimport one\n\ndef b():\n    return one.run\n",
    )
    run.__wrapped__ = run
    reading = read_code(run)
    assert set(reading.functions) == {"one.run", "two.b"}


def test_functions_that_ran_unseen_are_added(project: Callable[..., Any]) -> None:
    """What is known to have run is read, too, with all that it reaches."""
    run = project(
        "orders.run",
        orders="import far\n\ndef run(spark, name='f'):\n    return getattr(spark, name)()\n",
        far="def hidden():\n    return deep()\n\ndef deep():\n    return 1\n",
    )
    assert set(read_code(run).functions) == {"orders.run"}
    assert set(read_code(run, also=["far.hidden", "gone.away"]).functions) == {"orders.run", "far.hidden", "far.deep"}


def test_a_lambda_in_a_constant_is_part_of_its_expression(project: Callable[..., Any]) -> None:
    """What a registry holds is read by itself only where no expression of the module has it."""
    reading = read_code(
        project(
            "orders.run", orders="HANDLERS = {'a': lambda x: x + 1}\n\ndef run(spark):\n    return HANDLERS['a'](1)\n"
        )
    )
    assert set(reading.constants) == {"orders.HANDLERS"}
    assert (reading.unseen, reading.python) == ((), None)


def test_partial_of_a_function_in_a_constant(project: Callable[..., Any]) -> None:
    """``functools.partial`` in a constant leads to its function."""
    run = project(
        "orders.run",
        orders="from functools import partial\n\ndef plain(x):\n    return x\n\nready = partial(plain, 1)\n\ndef run(spark):\n    return ready()\n",
    )
    assert "orders.plain" in read_code(run).functions
    assert functools.partial(run) is not None


def test_modules_off_the_path_are_named_and_read_where_a_folder_is_given(
    project: Callable[..., Any], tmp_path: Path
) -> None:
    """Another component may add their folder when it runs; that is no change of the code that imports them."""
    code = "def run(spark):\n    import rates\n    from prices.steps import low\n    return rates.today() + low()"
    run, away = project("jobs.run", jobs=code), tmp_path / "away"
    package = {"prices/__init__.py": "", "prices/steps.py": "def low():\n    return 2\n"}
    write(away, {"rates.py": "def today():\n    return 1\n", **package})
    without, found = read_code(run), read_code(run, search=[str(away)])
    assert (without.not_found, found.not_found) == (("prices", "rates"), ("prices", "rates"))
    assert ("rates.today" in found.functions, "rates.today" in without.functions) == (True, False)
    sys.path.append(str(away))
    on_path = read_code(run, search=["/another"])
    assert on_path.not_found == ()
    assert compare_code(found, on_path) == []
