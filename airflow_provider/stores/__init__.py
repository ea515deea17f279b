"""Checkpoint stores that need Airflow or an address: the task state store, object storage, and the store at an "
"address."""
