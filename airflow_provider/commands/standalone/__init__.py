"""``python -m airflow_provider``: validate, plan, run and clean up pipelines without Airflow."""
