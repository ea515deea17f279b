"""Reads from the text of an executed plan what it did: did it write, did it touch session variables?"""

from __future__ import annotations

import re

_SAMPLE_OR_RDD = re.compile(r"^[\s:+|-]*(Sample|LogicalRDD)\b", re.MULTILINE)
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


def computed_outside_of_sql(analysed: str) -> bool:
    """Whether a logical plan holds a sample, which depends on the order of rows, or rows that some code computed."""
    return _SAMPLE_OR_RDD.search(analysed) is not None


def touches_variables(description: str) -> bool:
    """Whether an execution declared, set or dropped a session variable."""
    return _VARIABLE.match(_root(description)) is not None


def written_by(description: str) -> str | None:
    """Return what an execution wrote, judged by the root of its physical plan; None if nothing."""
    root = _root(description)
    if root.startswith("Execute "):
        command = root.split()[1]
        if not _HARMLESS_COMMAND.match(root):
            return command
        if command == "CreateViewCommand" and "PersistedView" in description:
            return "CreateViewCommand (persistent view)"
        return None
    if _SESSION_OPERATOR.match(root):
        return None
    found = _WRITING_OPERATOR.match(root)
    return found.group(0) if found else None


def _root(description: str) -> str:
    # Adaptive execution wraps the plan: AdaptiveSparkPlan, +- == Final Plan ==, ResultQueryStage, and then the root.
    for line in description.splitlines():
        text = line.lstrip(" +-:*|")
        if text and not text.startswith(("==", "AdaptiveSparkPlan", "ResultQueryStage")):
            return text
    return ""
