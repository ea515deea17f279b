"""Airflow operators. Importing one does not import pyspark: DAG files are parsed all the time."""
