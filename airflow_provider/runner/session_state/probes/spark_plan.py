"""Reads from the root of an executed plan what it did: did it write, did it touch session variables?"""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"(Create|Set|Drop)Variable\b")

# Commands that change nothing outside of the session. A command that is in neither list counts as a write.
_HARMLESS_COMMAND = re.compile(
    r"Execute (Show|Describe|List|Explain|Set|Reset|Refresh|Cache|Uncache|ClearCache|Analyze|Stream|Add(Jar|File|Arch)"
    r"|CreateFunction|CreateSQLFunction|DropFunction|CreateUserDefined|DropTemp|CreateTempView|CreateView)"
)
_WRITING_OPERATOR = re.compile(
    r"(Append|Overwrite|Create|Replace|Drop|Alter|Delete|Update|Merge|Truncate|Rename|Write|Insert|Add|Recover|Repair"
    r"|Load|Call|Atomic|Save)\w*"
)
_SESSION_OPERATOR = re.compile(r"(CreateVariable|DropVariable|SetVariable|SetCatalogAndNamespace)\b")


def touches_variables(root: str) -> bool:
    """Whether an execution declared, set or dropped a session variable.

    :param root: first operator of its physical plan
    """
    return _VARIABLE.match(root) is not None


def written_by(root: str) -> str | None:
    """Return what an execution wrote; None if nothing.

    :param root: first operator of its physical plan
    """
    if root.startswith("Execute "):
        command = root.split()[1]
        if not _HARMLESS_COMMAND.match(root):
            return command
        if command == "CreateViewCommand" and "PersistedView" in root:
            return "CreateViewCommand (persistent view)"
        return None
    if _SESSION_OPERATOR.match(root):
        return None
    found = _WRITING_OPERATOR.match(root)
    return found.group(0) if found else None
