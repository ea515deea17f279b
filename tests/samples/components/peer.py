"""Components as their author wrote them for pyspark-pipeline-framework, not for this package."""

from __future__ import annotations

from typing import Any, ClassVar

from pyspark_pipeline_framework.runtime.dataflow.base import DataFlow
from pyspark_pipeline_framework.runtime.dataflow.schema import SchemaAwareDataFlow
from pyspark_pipeline_framework.runtime.streaming.base import StreamingPipeline, TriggerConfig, TriggerType
from pyspark_pipeline_framework.runtime.streaming.sinks import FileStreamingSink
from pyspark_pipeline_framework.runtime.streaming.sources import FileStreamingSource

EVENTS: list[str] = []


class CountWithConnection(DataFlow):
    """A peer component that is also a peer Resource: open() before run(), close() after it."""

    def __init__(self, view: str, fail: bool) -> None:
        super().__init__()
        self._view, self._fail = view, fail

    @property
    def name(self) -> str:
        return f"CountWithConnection({self._view})"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CountWithConnection:
        return cls(config["view"], config.get("fail", False))

    def open(self) -> None:
        EVENTS.append("open")

    def run(self) -> None:
        EVENTS.append(f"counted {self.spark.table(self._view).count()}")
        if self._fail:
            raise RuntimeError("the connection broke")

    def close(self) -> None:
        EVENTS.append("close")


class Typed(SchemaAwareDataFlow):
    """Says what it reads and leaves; fails so many times in this process."""

    failures: ClassVar[dict[str, int]] = {}

    def __init__(self, input_view: str, output_view: str, fails: int = 0) -> None:
        super().__init__()
        self._input_view, self._output_view, self._fails = input_view, output_view, fails

    @property
    def name(self) -> str:
        return "typed"

    @property
    def input_schema(self) -> dict[str, str]:
        return {"id": "string", "name": "string"}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Typed:
        return cls(**config)

    def run(self) -> None:
        failed = self.failures.setdefault(self._output_view, 0)
        if failed < self._fails:
            self.failures[self._output_view] += 1
            raise ConnectionError("not yet")
        self.logger.info("%s", self.input_schema)
        self.spark.table(self._input_view).createOrReplaceTempView(self._output_view)


class Stream(StreamingPipeline):
    """Copies what is there and ends."""

    def __init__(self, **places: str) -> None:
        super().__init__()
        self._places = places

    @property
    def name(self) -> str:
        return "stream"

    @property
    def source(self) -> FileStreamingSource:
        from pyspark.sql.types import LongType, StructField, StructType

        schema = StructType([StructField("id", LongType())])
        return FileStreamingSource(path=self._places["in"], file_format="parquet", schema=schema)

    @property
    def sink(self) -> FileStreamingSink:
        return FileStreamingSink(
            path=self._places["out"], file_format="parquet", checkpoint_location=self._places["progress"]
        )

    @property
    def trigger(self) -> TriggerConfig:
        return TriggerConfig(TriggerType.AVAILABLE_NOW)


class Grows(DataFlow):
    """Changes its config while it reads it, as ``pop`` and ``append`` do."""

    seen: ClassVar[list[list[str]]] = []

    def __init__(self, columns: list[str], options: dict[str, str]) -> None:
        super().__init__()
        self._columns = columns
        self._options = options

    @property
    def name(self) -> str:
        return "grows"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Grows:
        config["options"].pop("sep")
        config["columns"].append("loaded_at")
        return cls(**config)

    def run(self) -> None:
        self.seen.append(self._columns)
