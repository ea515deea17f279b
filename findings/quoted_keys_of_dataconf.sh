#!/bin/sh
# pyspark-pipeline-framework 1.0.0 with dataconf 3.7.0: a quoted HOCON key keeps its quotes.
#
# Expected: { "spark.sql.shuffle.partitions" = "7" } sets the property spark.sql.shuffle.partitions. In HOCON quotes are how
# a dot is written in a key, and the package's own examples write Spark properties like this.
# Seen: the key is '"spark.sql.shuffle.partitions"', quotes included, so Spark is given a property that it does not know.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyspark-pipeline-framework==1.0.0' 'dataconf==3.7.0'
cd "$work"
cat > pipeline.conf <<'CONF'
name = example
version = "1.0.0"
spark {
  app_name = example
  spark_conf { "spark.sql.shuffle.partitions" = "7" }
}
components = [{ name = one, component_type = source, class_path = "steps.One" }]
CONF
"$work/venv/bin/python" - <<'PY'
from pyspark_pipeline_framework.core.config.loader import load_from_file
from pyspark_pipeline_framework.core.config.pipeline import PipelineConfig

config = load_from_file("pipeline.conf", PipelineConfig)
print(config.spark.spark_conf)
assert list(config.spark.spark_conf) == ['"spark.sql.shuffle.partitions"']
PY
echo "as described"
