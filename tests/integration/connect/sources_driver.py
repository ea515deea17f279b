"""Finds the sources of views in Spark Connect: ``sources_driver.py <url> <folder>`` prints them as JSON."""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.sources.compare import source_change
from airflow_provider.runner.session_state.sources.look import refresh_source
from airflow_provider.runner.session_state.sources.source_watch import watch_sources

url, folder = sys.argv[1], Path(sys.argv[2])
for name in ("a b", "ü%20"):
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / f"{name}.txt").write_text("x\n")
spark = SparkSession.builder.remote(url).getOrCreate()
reading = watch_sources(spark)
reading.begin()
spark.read.text(str(folder / "in")).createOrReplaceTempView("files")
spark.range(3).union(spark.range(2)).createOrReplaceTempView("numbers")
spark.read.text(str(folder / "in")).limit(0).union(spark.sql("SELECT 'x'")).createOrReplaceTempView("mixed")
found = {}
for view in ("files", "numbers", "mixed"):
    found[view] = reading.collect(view, [ViewName(view)]).sources
before = next(source for source in found["files"] if source.kind == "files")
changes = [source_change(before, refresh_source(before))]
(folder / "in" / "c.txt").write_text("x\n")
changes.append(source_change(before, refresh_source(before)))
remote = before.model_copy(update={"globs": [f"file:{glob}" for glob in before.globs]})
now = refresh_source(remote, lambda: spark)
changes.append(now.why or source_change(before, now))
told = {view: [[s.kind, s.name, s.state, s.files] for s in sources] for view, sources in found.items()}
print(json.dumps({"sources": told, "changes": changes}))
