"""Checkpoint stores that need Airflow."""
