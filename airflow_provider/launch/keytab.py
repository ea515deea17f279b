"""The keytab of a connection, in a file that only this user can read, for as long as Spark needs it."""

from __future__ import annotations

import atexit
import base64
import binascii
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider.errors import SparkConfigError

_written: set[str] = set()

PRINCIPALS = ("spark.kerberos.principal", "spark.yarn.principal")
KEYTABS = ("spark.kerberos.keytab", "spark.yarn.keytab")
"""Each property under its current and its former name; Spark takes both."""


def keytab_file(content: Any, conn_id: str) -> str:
    """Write a keytab, and return the path. :func:`remove_keytab` or the end of the process removes it.

    :param content: base64, as Airflow's Spark provider has it in the extra ``keytab``
    :param conn_id: the connection, for messages
    :raises SparkConfigError: it is not base64
    """
    text = "".join(str(content).split())
    try:
        data = b"" if text.startswith("/") else base64.b64decode(text, validate=True)  # not a path by chance
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise SparkConfigError(
            f"connection {conn_id!r}: the extra 'keytab' is not a keytab in base64, as Airflow's Spark provider "
            "expects it; run `base64 <keytab>` and use its output, or name a file of the worker in the extra "
            "'spark.kerberos.keytab'"
        )
    folder = tempfile.mkdtemp(prefix="pyspark-pipeline-keytab-")  # mode 0700
    path = os.path.join(folder, "keytab")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    if not _written:
        atexit.register(_remove_all)
    _written.add(path)
    return path


def remove_keytab(path: str | None) -> None:
    """Remove a keytab that :func:`keytab_file` has written; anything else is left alone.

    :param path: its path, None for none
    """
    if path in _written:
        _written.discard(path)
        shutil.rmtree(Path(path).parent, ignore_errors=True)


def half_of_a_login(conf: Mapping[str, str], also: Mapping[str, str]) -> str | None:
    """Return what is missing if there is a principal without a keytab, or a keytab without a principal, and what to do.

    Where Kerberos is in use Spark wants both or neither; elsewhere it accepts one of them.

    :param conf: the Spark properties
    :param also: properties that Spark has from elsewhere
    """
    known = {**also, **conf}
    has = [any(known.get(key) for key in keys) for keys in (PRINCIPALS, KEYTABS)]
    if has[0] == has[1]:
        return None
    there, missing = ("principal", "keytab") if has[0] else ("keytab", "principal")
    return (
        f"there is a Kerberos {there} but no {missing}, and Spark needs both; set the extra {missing!r} of the "
        f"connection or the property spark.kerberos.{missing}, or remove the {there}"
    )


def _remove_all() -> None:
    for path in list(_written):
        remove_keytab(path)
