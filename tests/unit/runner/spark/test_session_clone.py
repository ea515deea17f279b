"""A session that cannot be cloned is refused with the reason."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider.errors import SparkConfigError
from airflow_provider.runner.spark.session_clone import clone_session


def test_a_session_of_spark_connect_is_refused_with_the_reason() -> None:
    client: Any = SimpleNamespace(_client=None)
    with pytest.raises(SparkConfigError, match=r"on Spark Connect.*set max_parallel_components to 1"):
        clone_session(client)
