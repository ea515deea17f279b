"""What a component's code is: everything of the author's own that it reaches, and what lies beyond it.

:func:`read_code` reads a class or function, and :func:`compare_code` compares a reading with the recorded one. Neither
runs or imports anything.
"""

from airflow_provider.runner.fingerprint.code.code_changes import CodeChange, RecordedCode, compare_code
from airflow_provider.runner.fingerprint.code.code_reader import read_code
from airflow_provider.runner.fingerprint.code.code_reading import CodeReading, CodeReference, UnseenCode

__all__ = ["CodeChange", "CodeReading", "CodeReference", "RecordedCode", "UnseenCode", "compare_code", "read_code"]
