"""The kinds of session state: what a component leaves for later ones that is gone with the process.

A new kind is a file in this folder with one :class:`SessionStateKind`, and a line in :data:`KINDS`.
"""

from __future__ import annotations

from typing import Any

from airflow_provider.runner.session_state.kinds.added_files import ADDED_FILES
from airflow_provider.runner.session_state.kinds.author_state import AUTHOR_STATE
from airflow_provider.runner.session_state.kinds.cached_views import CACHED_VIEWS
from airflow_provider.runner.session_state.kinds.catalog_objects import CATALOG_OBJECTS
from airflow_provider.runner.session_state.kinds.checkpoint_directory import CHECKPOINT_DIRECTORY
from airflow_provider.runner.session_state.kinds.current_database import CURRENT_DATABASE
from airflow_provider.runner.session_state.kinds.current_directory import CURRENT_DIRECTORY
from airflow_provider.runner.session_state.kinds.data_sources import DATA_SOURCES
from airflow_provider.runner.session_state.kinds.environment_variables import ENVIRONMENT_VARIABLES
from airflow_provider.runner.session_state.kinds.hadoop_configuration import HADOOP_CONFIGURATION
from airflow_provider.runner.session_state.kinds.import_path import IMPORT_PATH
from airflow_provider.runner.session_state.kinds.library_attributes import LIBRARY_ATTRIBUTES
from airflow_provider.runner.session_state.kinds.local_properties import LOCAL_PROPERTIES
from airflow_provider.runner.session_state.kinds.process_settings import PROCESS_SETTINGS
from airflow_provider.runner.session_state.kinds.process_state_kind import ProcessStateKind
from airflow_provider.runner.session_state.kinds.session_state_kind import (
    SessionStateKind,
)
from airflow_provider.runner.session_state.kinds.session_variables import SESSION_VARIABLES
from airflow_provider.runner.session_state.kinds.sql_path import SQL_PATH
from airflow_provider.runner.session_state.kinds.sql_settings import SQL_SETTINGS
from airflow_provider.runner.session_state.kinds.temp_functions import TEMP_FUNCTIONS
from airflow_provider.runner.session_state.kinds.temp_views import TEMP_VIEWS

__all__ = [
    "ADDED_FILES",
    "AUTHOR_STATE",
    "CACHED_VIEWS",
    "CATALOG_OBJECTS",
    "CHECKPOINT_DIRECTORY",
    "CURRENT_DATABASE",
    "CURRENT_DIRECTORY",
    "DATA_SOURCES",
    "ENVIRONMENT_VARIABLES",
    "HADOOP_CONFIGURATION",
    "IMPORT_PATH",
    "KINDS",
    "LIBRARY_ATTRIBUTES",
    "LOCAL_PROPERTIES",
    "PROCESS_SETTINGS",
    "PROCESS_STATE",
    "SESSION_VARIABLES",
    "SQL_PATH",
    "SQL_SETTINGS",
    "TEMP_FUNCTIONS",
    "TEMP_VIEWS",
]

PROCESS_STATE: tuple[ProcessStateKind, ...] = (
    ENVIRONMENT_VARIABLES,
    IMPORT_PATH,
    CURRENT_DIRECTORY,
    AUTHOR_STATE,
    LIBRARY_ATTRIBUTES,
)
"""The kinds of what a component leaves in Python's process, which no record brings back."""

KINDS: tuple[SessionStateKind[Any, Any], ...] = (
    PROCESS_SETTINGS,
    *PROCESS_STATE,
    TEMP_FUNCTIONS,
    DATA_SOURCES,
    HADOOP_CONFIGURATION,
    LOCAL_PROPERTIES,
    CHECKPOINT_DIRECTORY,
    CATALOG_OBJECTS,
    SQL_SETTINGS,
    SESSION_VARIABLES,
    ADDED_FILES,
    CURRENT_DATABASE,
    SQL_PATH,
    TEMP_VIEWS,
    CACHED_VIEWS,
)
"""All kinds, in the order in which they are restored: a cached view needs the view, and a view may need a setting."""
