"""Ready-made components: a pipeline of these needs no Python.

Each reads its config into a pydantic model, so a wrong one is reported before anything runs.
"""

from airflow_provider.components.checking.check_data import CheckData
from airflow_provider.components.reading.read_data import ReadData
from airflow_provider.components.sql.run_sql import RunSql
from airflow_provider.components.writing.write_data import WriteData

__all__ = ["CheckData", "ReadData", "RunSql", "WriteData"]
