"""``airflow pyspark-pipeline``: see, steer and clean up the runs of an Airflow deployment."""
