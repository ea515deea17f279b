"""The config of `WriteData`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_provider.components.component_base import ComponentModel, FormatOptions
from airflow_provider.components.destination.table_layout import OVERWRITE_MODE

FILE_FORMATS = ("parquet", "orc", "csv", "json", "text", "avro", "xml")
Mode = Literal["overwrite", "overwrite_partitions", "append", "insert_into", "error", "errorifexists", "ignore"]
_SPARKS_NAMES = {"overwritepartitions": "overwrite_partitions", "insertinto": "insert_into"}


class WriteConfig(ComponentModel):
    """Config of :class:`~airflow_provider.components.WriteData`.

    :param input_view: view or table to write
    :param path: where to write; any URL that Spark can write
    :param table: table to write instead of a path. A format that needs neither, such as ``jdbc``, only takes
        ``options``
    :param format: ``parquet``, ``orc``, ``csv``, ``delta``, … any format of the cluster. Default: the format of an
        existing table, otherwise ``parquet``
    :param mode: ``overwrite`` replaces everything and is safe to repeat; ``overwrite_partitions`` replaces only the
        partitions for which the view has rows; ``append`` adds rows, and can add them twice if the task dies while it
        writes; ``insert_into`` adds rows to an existing table and matches columns by name; ``error`` fails if the
        target exists; ``ignore`` then does nothing
    :param partition_by: columns to partition by
    :param options: options of the format
    :param replace: how ``overwrite`` replaces a directory or table of files. ``safely``: write the new data beside the
        old ones and exchange them, where the storage can do that in one step (local, HDFS); ``in_place``: empty the
        target first, as Spark does
    :param replace_table: whether ``overwrite`` may drop partitions for which the view has no rows, and replace a view
        of the catalog that has the table's name
    """

    input_view: str = Field(min_length=1)
    path: str | None = Field(default=None, min_length=1)
    table: str | None = Field(default=None, min_length=1)
    format: str = "parquet"
    mode: Mode = "overwrite"
    partition_by: list[str] = Field(default_factory=list)
    options: FormatOptions = Field(default_factory=dict)
    replace: Literal["safely", "in_place"] = "safely"
    replace_table: bool = False

    @field_validator("mode", mode="before")
    @classmethod
    def _as_spark_spells_it(cls, mode: Any) -> Any:
        return _SPARKS_NAMES.get(mode.lower(), mode) if isinstance(mode, str) else mode

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        needs_neither = self.format.lower() not in FILE_FORMATS and (self.options or self.format == "noop")
        if (self.path is not None) == (self.table is not None) and (self.path or not needs_neither):
            raise ValueError("give either 'path' or 'table'")
        if self.mode == "insert_into" and self.table is None:
            raise ValueError("mode 'insert_into' adds rows to a table; give 'table', or use mode 'append'")
        if self.mode == "overwrite_partitions" and self.path is not None and not self.partition_by:
            raise ValueError("mode 'overwrite_partitions' needs 'partition_by': without it everything is replaced")
        if self.replace_table and self.table is None:
            raise ValueError("'replace_table' applies only to 'table'")
        return self

    @property
    def target(self) -> str:
        """The target of the write, in words."""
        if self.path is not None:
            return f"path {self.path!r}"
        return f"table {self.table!r}" if self.table is not None else f"{self.format} {self._named()!r}"

    def value_of(self, name: str) -> str | None:
        """Return an option whatever the case of its name, None if it is not set."""
        return next((v for k, v in self.options.items() if k.lower() == name.lower()), None)

    def replaces_partitions(self, settings: Mapping[str, str] | Any) -> bool:
        """Return whether the write replaces only the partitions that it has rows for.

        :param settings: the session's settings, which may ask for that in every write
        """
        if self.mode == "overwrite_partitions":
            return True
        asked = self.value_of("partitionOverwriteMode") or settings.get(OVERWRITE_MODE, "static") or "static"
        return self.mode == "overwrite" and asked.lower() == "dynamic"

    def _named(self) -> str:
        return self.value_of("dbtable") or self.value_of("table") or self.value_of("collection") or ""
