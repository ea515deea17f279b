"""What components of random pipelines leave beside views, functions and variables, and how later ones use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.samples.harness.releases import SPARK

GIVEN = "{dir}/given"


@dataclass(frozen=True)
class Left:
    """Something that a component leaves, beside views, and how a later one uses it. Functions are in ``random_left``.

    :param leave: function that leaves it
    :param use: function that uses it
    :param leaves_with: its arguments; one of several that are in a tuple
    :param used_with: those of the other, or which of the first ones to take
    :param of_source: whether it is made of a view
    :param on_source: whether it is used on a view
    """

    leave: str
    use: str
    leaves_with: Mapping[str, Any] = field(default_factory=dict)
    used_with: Mapping[str, str] = field(default_factory=dict)
    of_source: bool = False
    on_source: bool = False


NAMES = ("RANDOM_MODE", "RANDOM_PLACE", "RANDOM_PASSWORD")
KEYS = {
    "parquet.block.size": ("1048576", "2097152"),
    "my.day": ("2026-01-01", "2026-01-02"),
    "my.country": ("DE", "FR"),
    "fs.s3a.endpoint": ("http://one.example", "http://two.example"),
}
PROPERTIES = {"spark.scheduler.pool": ("fast", "slow"), "my.country": ("DE", "FR", None)}
MORE = (
    *(
        Left("set_environment", use, {"name": name, "value": ("a", "b")}, with_what)
        for name in NAMES
        for use, with_what in (("use_environment", {"name": "name"}), ("use_environments", {"prefix": "RANDOM_M"}))
    ),
    Left("unset_environment", "use_environment", {"name": "RANDOM_GIVEN"}, {"name": "name"}),
    *[Left("add_import_path", "use_import_path", {"folder": (f"{GIVEN}/folder0", f"{GIVEN}/folder1")})] * 2,
    *[Left("change_directory", "use_directory", {"folder": (f"{GIVEN}/folder0", f"{GIVEN}/folder1")})] * 2,
    *[Left("fill_cache", "use_cache", {"key": ("a", "b"), "value": (1, 2, 3)}, {"key": "key"})] * 2,
    *[Left("keep_frame", "use_frame", {"key": ("a", "b")}, {"key": "key"}, of_source=True)] * 2,
    Left("set_rate", "use_rate", {"value": (2, 3)}),
    Left("count_up", "use_counts"),
    Left("set_class_attribute", "use_class_attribute", {"value": (2, 3)}),
    Left("add_method", "use_method", on_source=True),
    Left("replace_method", "use_replaced_method"),
    *[Left("register_source", "use_source", {"format": ("given0", "given1"), "value": (1, 2)}, {"format": "format"})]
    * 3,
    *(
        Left("set_hadoop_entry", "use_hadoop_entry", {"key": key, "value": values}, {"key": "key"})
        for key, values in KEYS.items()
    ),
    *(
        Left("set_local_property", "use_local_property", {"key": key, "value": values}, {"key": "key"})
        for key, values in PROPERTIES.items()
    ),
    *[Left("set_checkpoint_directory", "use_checkpoint_directory", {"path": "{dir}/spark"}, on_source=True)] * 2,
    *[Left("add_file", "use_file", {"path": f"{GIVEN}/rates.txt"}, {"name": "rates.txt"})] * 2,
    *[Left("add_python_file", "use_python_file", {"path": f"{GIVEN}/random_packed.py"}, on_source=True)] * 2,
    Left(
        "declare_number", "use_number", {"variable": ("xn", "my_password"), "value": (1, 2)}, {"variable": "variable"}
    ),
    *[Left("declare_list", "use_list", {"variable": "xs", "value": (1, 2)}, {"variable": "variable"})] * 2,
    *[Left("set_sql_path", "use_sql_path", {"database": ("{db}", "{other}")})] * (2 if SPARK >= (4, 2) else 0),
)
"""Those of which there are more are drawn more often."""
