"""Checkpoint stores beyond those of the engine: Airflow's own, object storage, Hadoop file systems."""
