"""Reads ages on a command line. Imports next to nothing: Airflow builds its parser for every command."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta

AGE = "30d, 12h or 90m"
"""How to write one, for help texts and errors."""


def parse_age(text: str) -> timedelta:
    """Read an age such as ``30d``."""
    found = re.fullmatch(r"(\d{1,6})([dhm])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age; write it as {AGE}")
    unit = {"d": "days", "h": "hours", "m": "minutes"}[found.group(2)]
    return timedelta(**{unit: int(found.group(1))})
