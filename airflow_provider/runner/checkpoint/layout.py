"""The layout of a checkpoint in files: which name means what.

::

    <scope…>/<run id>/<pipeline>/
        ~fences/000002~000003~<owner>.json         attempt 3 has taken over, with fence 2
        000002~000003~<owner>/
            000000.checkpoint.json                 the whole record, as it was when the attempt began
            000001.component.clean.json            component clean has completed
            000002.status.failed.json              a component has failed
        ~request.json                              a request to the next attempt to restart from a component
        ~progress/000003.json                      how far try 3 is, for people; no part of the checkpoint

Only the number in front and the kind count; the rest of a name is for people.

The directory of one run key may lie inside another's: scope ``(a,)``, run ``b`` below scope ``()``, run ``a``, pipeline
``b``. So what a checkpoint keeps in its own directory has names that no scope, run id or pipeline is encoded as:
:func:`~airflow_provider.runner.record.file_names.file_name` writes ``~`` only near the end of a name that is cut, and
there once.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from airflow_provider.runner.record.checkpoint_state import LAST_NUMBER, CheckpointUpdate
from airflow_provider.runner.record.file_names import file_name

FENCES = "~fences"
REQUEST = "~request.json"
PROGRESS = "~progress"

_RANK = re.compile(r"(\d{6,9})~(\d{6,9})~(.*)")
_DOCUMENT = re.compile(r"(\d{6,12})\.(checkpoint|component|status)(\..*)?\.json")
_LEFTOVER = re.compile(r"\.(.*\.json)\b.*\.tmp")
_LONGEST_LABEL = 60


@dataclass(frozen=True, order=True)
class AttemptRank:
    """The rank of an attempt, which names its files. The highest owns the checkpoint.

    :param fence: grows by one with each takeover
    :param attempt: number of the attempt
    :param owner: random id of the attempt, as in a file name; decides between two that took over at the same instant
    """

    fence: int
    attempt: int
    owner: str

    @property
    def name(self) -> str:
        return f"{self.fence:06}~{self.attempt:06}~{self.owner}"

    @property
    def fence_path(self) -> str:
        return f"{FENCES}/{self.name}.json"

    def is_same_attempt(self, other: AttemptRank) -> bool:
        return (self.fence, self.owner) == (other.fence, other.owner)

    @classmethod
    def of(cls, fence: int, attempt: int, owner: str) -> AttemptRank:
        return cls(fence, attempt, file_name(owner))

    @classmethod
    def of_leftover(cls, name: str) -> AttemptRank | None:
        """Return the rank in the temporary name of a fence that a kill interrupted, None for another name."""
        found = _LEFTOVER.fullmatch(name)
        return cls.parse(found[1]) if found else None

    @classmethod
    def parse(cls, name: str) -> AttemptRank | None:
        """Return the rank in the name of a fence or of an attempt's directory, None for another name."""
        found = _RANK.fullmatch(name.removesuffix(".json"))
        return cls(int(found[1]), int(found[2]), found[3]) if found else None


@dataclass(frozen=True, order=True)
class RecordDocument:
    """One file of an attempt, as its name describes it. Sorts in the order of writing.

    :param number: counts what the attempt has written
    :param kind: ``checkpoint``, the whole record, or what has changed since: ``component`` or ``status``
    :param name: its file name
    """

    number: int
    kind: str
    name: str

    @classmethod
    def parse(cls, name: str) -> RecordDocument | None:
        found = _DOCUMENT.fullmatch(name)
        return cls(int(found[1]), found[2], name) if found else None

    @classmethod
    def is_whole(cls, path: str) -> bool:
        """Return whether a file is a whole record, by its path."""
        found = cls.parse(path.rpartition("/")[2])
        return found is not None and found.kind == "checkpoint"

    @classmethod
    def of_checkpoint(cls, number: int) -> RecordDocument:
        return cls(number, "checkpoint", f"{number:06}.checkpoint.json")

    @classmethod
    def of_update(cls, number: int, update: CheckpointUpdate) -> RecordDocument:
        kind = "status" if update.component is None else "component"
        label = update.status if update.component is None else update.component
        return cls(number, kind, f"{number:06}.{kind}.{file_name(label or 'other')[:_LONGEST_LABEL]}.json")


def is_absurd(rank: AttemptRank) -> bool:
    """Return whether the number is out of any attempt's reach, so that the file was made by hand."""
    return max(rank.fence, rank.attempt) >= LAST_NUMBER


def encode(data: Any) -> bytes:
    """Return data as a JSON document that a person can read."""
    try:
        return to_json(data, indent=1)  # ten times as fast as Python's own
    except (PydanticSerializationError, UnicodeEncodeError):  # half a character in a name, which file systems allow
        return json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def decode(content: bytes) -> str:
    """Return the text of a document.

    :raises UnicodeDecodeError: it is not text
    """
    return content.decode("utf-8", "surrogatepass")
