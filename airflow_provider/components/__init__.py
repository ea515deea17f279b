"""Ready-made components: a pipeline of these needs no Python.

Each reads its config into a pydantic model, so a wrong one is reported before anything runs.
"""

from airflow_provider.components.check import CheckData
from airflow_provider.components.read import ReadData
from airflow_provider.components.sql import RunSql
from airflow_provider.components.write import WriteData

__all__ = ["CheckData", "ReadData", "RunSql", "WriteData"]
