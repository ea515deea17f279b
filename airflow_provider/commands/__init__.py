"""The command lines: ``python -m airflow_provider`` and ``airflow pyspark-pipeline``."""
