"""What a component's code is: everything of the author's own that it reaches, and what lies beyond it.

:func:`read_code` reads a class or function; :func:`changes` compares a reading with what was recorded. Nothing is run
and nothing imported for it.
"""

from airflow_provider.runner.fingerprint.code.code_changes import RecordedCode, changes
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading, Reference, Unseen
from airflow_provider.runner.fingerprint.code.reader import read_code

__all__ = ["CodeReading", "RecordedCode", "Reference", "Unseen", "changes", "read_code"]
