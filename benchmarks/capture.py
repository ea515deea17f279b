"""What the evidence of each component costs: watching it and looking into its session, its code and what it did.

    python benchmarks/capture.py [--components 60] [--views 10 200] [--tables 0 500]

Every component replaces one lazy view, reads no files and is not saved: the case in which looking is all that this
package does with the session. For each number of views and of tables in the session, the work of the components and
what is done before and after it are measured apart. Times are medians of the wall clock; CPU is that of Python and
the JVM together, on average. What counts on a loaded machine is the number of calls to the JVM and the CPU.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # its components are named by their path
LIMIT = 5.0  # milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", type=int, default=60)
    parser.add_argument("--views", type=int, nargs="+", default=[10, 200])
    parser.add_argument("--tables", type=int, nargs="+", default=[0, 500])
    options = parser.parse_args()

    from airflow_provider.runner.spark.session import open_session

    spark = open_session({"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}, "benchmark")
    spark.range(10).count()
    jvm = Jvm(spark)
    print("ms per component       plain Spark  evidence   most   CPU plain  CPU evidence   calls   begin   first")
    worst = 0.0
    made = 0
    for tables in sorted(options.tables):
        for number in range(made, tables):
            spark.sql(f"CREATE TABLE t{number} (id BIGINT, name STRING, price DOUBLE) USING parquet")
        made = max(made, tables)
        for views in options.views:
            found = measure(spark.newSession(), jvm, options.components, views)
            worst = max(worst, statistics.median(found.capture.times))
            print(f"{views:>4} views {tables:>4} tables {found}", flush=True)
    for number in range(made):
        spark.sql(f"DROP TABLE t{number}")
    spark.stop()
    print(f"{'holds ' if worst <= LIMIT else 'FAILS '} evidence: {worst:.1f} ms (aim: at most {LIMIT:.1f})")


class Jvm:
    """The JVM of a session: how often it is called, and how much it works."""

    def __init__(self, spark: Any) -> None:
        gateway = spark.sparkContext._gateway
        self.calls = 0
        self._stat = Path(f"/proc/{gateway.proc.pid}/stat")
        client = gateway._gateway_client
        send = client.send_command

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return send(*args, **kwargs)

        client.send_command = counted

    def cpu(self) -> float:
        """Seconds of CPU that the JVM has taken."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Of one kind of work, once for each component."""

    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)

    @contextmanager
    def watch(self, jvm: Jvm) -> Iterator[None]:
        calls, worked, began = jvm.calls, jvm.cpu() + time.process_time(), time.perf_counter()
        yield
        self.times.append((time.perf_counter() - began) * 1000)
        self.cpu.append((jvm.cpu() + time.process_time() - worked) * 1000)
        self.calls.append(jvm.calls - calls)

    @contextmanager
    def goes_on(self, jvm: Jvm) -> Iterator[None]:
        """Add to what was watched last."""
        with self.watch(jvm):
            yield
        for measured in (self.times, self.cpu, self.calls):
            more = measured.pop()
            measured[-1] += more


@dataclass
class Found:
    """What was measured in one session."""

    begin: Cost = field(default_factory=Cost)
    plain: Cost = field(default_factory=Cost)
    capture: Cost = field(default_factory=Cost)

    def __str__(self) -> str:
        plain, capture = self.plain, self.capture
        return (
            f"{statistics.median(plain.times):>11.1f} {statistics.median(capture.times):>9.1f}"
            f" {max(capture.times[1:]):>6.1f}"
            f" {statistics.mean(plain.cpu):>11.1f} {statistics.mean(capture.cpu):>13.1f}"
            f" {statistics.median(capture.calls):>7.0f} {self.begin.times[0]:>7.0f} {capture.times[0]:>7.1f}"
        )


def measure(spark: Any, jvm: Jvm, components: int, views: int) -> Found:
    """Run so many components in a session with so many views, and watch each of them."""
    from airflow_provider.runner import ComponentConfig, PipelineConfig
    from airflow_provider.runner.session_state.probes.probe import probe_for
    from airflow_provider.runner.session_state.tracker import ComponentTiming, SessionStateTracker

    for number in range(views):
        component(spark, number, views)
    found = Found()
    with found.begin.watch(jvm):
        probe = probe_for(spark)
        if probe is None:
            raise RuntimeError(f"{spark!r} is no Spark session")
        steps = [ComponentConfig(name=f"c{n}", class_path="capture.component") for n in range(components)]
        config = PipelineConfig(name="p", components=steps)
        tracker = SessionStateTracker(spark, probe, config, None)
    for number, step in enumerate(config.components):
        watching = tracker.watching(step.name)
        with found.capture.watch(jvm):
            watching.__enter__()
        with found.plain.watch(jvm):
            component(spark, number, views)
        with found.capture.goes_on(jvm):
            watching.__exit__(None, None, None)
            record = tracker.after_success(step, number, ComponentTiming(0.0)).session_state
        if (
            record is None
            or [v.name for v in record.left_views] != [f"v{number % views}"]
            or record.handling != "replay"
        ):
            raise RuntimeError(f"component {number} left {record!r}")
    return found


def component(spark: Any, number: int, views: int) -> None:
    frame = spark.range(number).selectExpr("id", "id % 7 AS part").where("part < 5")
    frame.createOrReplaceTempView(f"v{number % views}")


if __name__ == "__main__":
    main()
