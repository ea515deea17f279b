"""Run a pipeline of PySpark components in one Airflow task that resumes where it stopped.

Nothing heavy is imported here: Airflow loads this package whenever it parses a DAG file.
"""

__version__ = "0.1.0"
