"""Works with a Spark Connect server under watch and prints, as JSON, what was seen of each piece of work."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from airflow_provider.runner.session_state.effects.audit_watch import spark_footprint, watch_driver
from airflow_provider.runner.session_state.probes.connect_probe import ConnectProbe

url, folder = sys.argv[1], Path(sys.argv[2])
spark = SparkSession.builder.remote(url).create()
(folder / "shipped.py").write_text("x = 1\n")

plus_one = F.udf(lambda x: x + 1, "long")
WORK: dict[str, Callable[[], object]] = {
    "collect": lambda: spark.range(3).collect(),
    "toPandas": lambda: spark.range(3).toPandas(),
    "createDataFrame": lambda: spark.createDataFrame(pd.DataFrame({"a": range(9)})).count(),
    "toLocalIterator": lambda: list(spark.range(3).toLocalIterator()),
    "a UDF": lambda: spark.range(3).select(plus_one("id")).show(),
    "a view": lambda: spark.range(3).createOrReplaceTempView("v"),
    "a cache": lambda: spark.range(3).cache().count(),
    "a module": lambda: spark.addArtifacts(str(folder / "shipped.py"), pyfile=True),
    "a file of its own": lambda: (folder / "out").write_text(str(spark.range(3).count())),
}
facts = spark_footprint(spark)
seen: dict[str, list[str]] = {}
for name, work in WORK.items():
    watch = watch_driver(facts)
    with watch:
        work()
    seen[name] = [act.what if act.kind != "thread" else str(act) for act in watch.seen.acts]
effects = ConnectProbe(spark).effects_since(None)
print(json.dumps({"seen": seen, "certain": effects.certain, "complete": effects.complete}))
