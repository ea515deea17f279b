"""What the provider adds to Airflow's UI (entry point ``airflow.plugins``)."""
