"""Components as their author wrote them for pyspark-pipeline-framework, not for this package."""

from __future__ import annotations

from typing import Any

from pyspark_pipeline_framework.runtime.dataflow.base import DataFlow

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
