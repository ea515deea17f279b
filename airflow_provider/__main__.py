# PYTHON_ARGCOMPLETE_OK
"""``python -m airflow_provider``: try, run and look after pipelines without Airflow."""

import sys

from airflow_provider.commands.standalone.cli import run_command_line

if __name__ == "__main__":
    sys.exit(run_command_line())
