"""What the pages show works: their commands and pipelines run in one Spark, with real data."""

from __future__ import annotations

import contextlib
import http.server
import io
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from airflow_provider.commands.standalone.cli import run_command_line
from airflow_provider.runner import PipelineResultStatus, SimplePipelineRunner, load_pipeline_config
from tests.unit.docs.pages import ROOT, Example, examples, in_place, write_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DOCS = ROOT / "docs"


@pytest.fixture(autouse=True)
def _in_a_folder(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The examples are in a folder of their own, whose modules no other test finds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    forget_modules(tmp_path)


def forget_modules(folder: Path) -> None:
    """Import again what lies in the folder, as the next process would."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def run_page(page: Path, folder: Path, replaced: dict[str, str]) -> None:
    """Do what the page says, from top to bottom, and compare what it shows of the output."""
    write_files(page, folder, replaced)
    printed = ""
    for example in examples(page):
        text = in_place(example.text, replaced)
        if example.mark.startswith("run"):
            status = int((re.findall(r"status (\d)", example.mark) or ["0"])[0])
            printed = run_commands(text, folder, status, example)
        elif example.mark == "output":
            missing = lines_not_in(printed, text)
            assert missing == [], f"{example}: not printed: {missing}\n{printed}"


def run_commands(text: str, folder: Path, status: int, example: Example) -> str:
    """Run a block of commands; those of this package run in this process, in the Spark that is there."""
    printed, shell = io.StringIO(), []
    for line in [*text.splitlines(), "python -m airflow_provider"]:
        words = shlex.split(line, comments=True) if line.startswith("python") else []
        if words[:3] != ["python", "-m", "airflow_provider"]:
            shell.append(line)
            continue
        done = subprocess.run(
            ["sh", "-eu"], input="\n".join(shell) + "\n", text=True, cwd=folder, stdout=subprocess.PIPE
        )
        assert done.returncode == 0, str(example)
        printed.write(done.stdout)
        shell = []
        if words[3:]:
            forget_modules(folder)
            with contextlib.redirect_stdout(printed):
                assert run_command_line(words[3:]) == status, f"{example}: {line}"
    return printed.getvalue()


def lines_not_in(printed: str, shown: str) -> list[str]:
    """Return the lines of an example that were not printed; ``…`` stands for anything."""
    patterns = {line: ".*".join(re.escape(part.strip()) for part in line.split("…")) for line in shown.splitlines()}
    return [line for line, pattern in patterns.items() if not re.search(pattern, printed)]


def run_python(
    page: Path, session: SparkSession, folder: Path, replaced: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run the Python of a page from top to bottom; return its names."""
    write_files(page, folder, replaced)
    names: dict[str, Any] = {"__name__": "example", "spark": session}
    for example in examples(page):
        if example.language == "python":
            exec(compile(example.text, str(example), "exec"), names)
    return names


def pipelines(page: Path) -> list[str]:
    """Return the pipelines of a page, whole or a list of components, as text."""
    found = [example.text for example in examples(page) if example.language == "yaml" and "fields" not in example.mark]
    return [text if "components:" in text else f"name: example\ncomponents:\n{text}" for text in found]


def test_the_tutorial_by_the_letter(tmp_path: Path) -> None:
    run_page(DOCS / "tutorial" / "index.md", tmp_path, {"/tmp/tutorial": str(tmp_path)})


def test_the_pipeline_of_the_readme(tmp_path: Path, spark: SparkSession) -> None:
    replaced = {"/tmp/sales": str(tmp_path)}
    write_files(ROOT / "README.md", tmp_path, replaced)
    (made,) = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("mkdir")]
    subprocess.run(["sh", "-eu", "-c", in_place(made, replaced)], check=True)
    assert run_command_line(["run", "sales.yaml", "--var", "ds=2026-01-31"]) == 0
    rows = spark.read.parquet(str(tmp_path / "totals" / "2026-01-31")).collect()
    assert {row.shop: row.total for row in rows} == {"north": 15.5, "south": 7.25}


@pytest.mark.parametrize(
    "name",
    ["how-to/without-airflow", "how-to/watch-a-run", "reference/spark"],
)
def test_the_python_of_a_page(name: str, session: SparkSession, tmp_path: Path) -> None:
    names = run_python(DOCS / f"{name}.md", session, tmp_path)
    if "result" in names:
        assert names["result"].status is PipelineResultStatus.SUCCESS


def test_a_script_for_the_peer(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("id,amount\n1,10\n2,32\n")
    page = DOCS / "how-to" / "coming-from-pyspark-pipeline-framework.md"
    names = run_python(page, session, tmp_path, {'"sales.csv"': f'"{tmp_path}/sales.csv"'})  # the JVM is elsewhere
    assert names["result"].status is PipelineResultStatus.SUCCESS


def test_components_of_ones_own(session: SparkSession, tmp_path: Path) -> None:
    page = DOCS / "how-to" / "own-components.md"
    write_files(page, tmp_path)
    result = run(pipelines(page)[0], session)
    assert result.status is PipelineResultStatus.SUCCESS
    assert sorted(map(tuple, session.table("enriched").collect())) == [("north", 1, "Kiel"), ("south", 2, "Ulm")]


def run(text: str, session: SparkSession) -> Any:
    return SimplePipelineRunner(load_pipeline_config(yaml.safe_load(text)), spark=session).run()


def test_a_sink_that_can_be_repeated_adds_nothing_the_second_time(session: SparkSession, tmp_path: Path) -> None:
    session.sql("SELECT 'north' AS shop, 3 AS total, DATE'2026-01-31' AS day").createOrReplaceTempView("totals")
    overwrite, partitions, _ = pipelines(DOCS / "how-to" / "repeatable-sinks.md")
    for text in (overwrite, partitions):
        path = tmp_path / ("partitions" if "partition_by" in text else "directory")
        text = text.replace("/data/totals/day={{ ds }}", str(path)).replace("/data/totals", str(path))
        for _ in range(2):
            assert run(text, session).status is PipelineResultStatus.SUCCESS
        assert session.read.parquet(str(path)).count() == 1


def test_a_service_gets_the_key_with_the_rows(session: SparkSession, tmp_path: Path) -> None:
    names = run_python(DOCS / "how-to" / "repeatable-sinks.md", session, tmp_path)
    session.sql("SELECT 'north' AS shop, 3 AS total").createOrReplaceTempView("totals")
    got: list[tuple[str | None, bytes]] = []

    class Service(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.headers["Idempotency-Key"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests readable."""

    with http.server.HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        names["publish"](session, f"http://127.0.0.1:{server.server_port}/", "monday")
        server.shutdown()
        thread.join()
    assert got == [("monday", b'[{"shop": "north", "total": 3}]')]


def test_a_template_in_a_sql_file(session: SparkSession, tmp_path: Path) -> None:
    """The page's two files are rendered and run."""
    write_files(DOCS / "how-to" / "templates-and-paths.md", tmp_path)
    (tmp_path / "p.yaml").write_text(
        "name: totals\ncomponents:\n"
        "- name: sales\n  class_path: airflow_provider.components.RunSql\n"
        "  config: {sql: \"SELECT * FROM VALUES ('a', 2, '2026-01-31'), ('a', 5, 'x') AS t(shop, price, day)\","
        " output_view: sales}\n"
        "- name: totals\n  class_path: airflow_provider.components.RunSql\n  depends_on: [sales]\n"
        "  config: {sql_file: sql/totals.sql, output_view: totals}\n"
        "- name: check\n  class_path: airflow_provider.components.CheckData\n  depends_on: [totals]\n"
        "  config: {input_view: totals, max_rows: 1, conditions: {right: total = 2}}\n"
    )
    assert run_command_line(["run", "p.yaml", "--var", "ds=2026-01-31"]) == 0


def test_sql_of_the_pages(session: SparkSession) -> None:
    for page in sorted(DOCS.rglob("*.md")):
        for example in examples(page):
            if example.language == "sql":
                for statement in re.sub(r"--.*", "", example.text).split(";"):
                    if statement.strip():
                        session.sql(statement)
