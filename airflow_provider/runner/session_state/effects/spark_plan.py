"""Reads from the root of an executed plan what it did: did it write, and where? Did it touch session variables?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider.runner.session_state.effects.statement_kinds import is_nondeterministic

UNKNOWN_TARGET = "?"
"""Somewhere that the plan does not tell, such as a table of another database or a topic."""

_NO_PLAN = re.compile(r"Found \d+ WholeStageCodegen subtrees")
_VARIABLE = re.compile(r"(Create|Set|Drop)Variable\b")
_OF_SCRIPT = ("[local.", "[variablereference(local.")
_NAME = r"(?:system\.)?session\.(`(?:[^`]|``)+`|\w+)"
_DECLARED = re.compile(rf"\[{_NAME}\]")
_SET = re.compile(rf"variablereference\({_NAME}=")

# Commands that change nothing outside of the session. A command that is in neither list counts as a write.
_HARMLESS_COMMAND = re.compile(
    r"Execute (Show|Describe|List|Explain|Set|Reset|Refresh|Cache|Uncache|ClearCache|Analyze|Stream|Add(Jar|File|Arch)"
    r"|CreateUserDefined|DropTemp|CreateTempView)"
)
_WRITING_OPERATOR = re.compile(
    r"(Append|Overwrite|Create|Replace|Drop|Alter|Delete|Update|Merge|Truncate|Rename|Write|Insert|Add|Recover|Repair"
    r"|Load|Call|Atomic|Save)\w*"
)
_SESSION_OPERATOR = re.compile(r"(CreateVariable|DropVariable|SetVariable|SetCatalogAndNamespace)\b")

# Whether these commands act in the session only follows from their arguments.
_TEMP_VIEW = re.compile(r", (?:Local|Global)TempView, ")
_TEMP_FUNCTION = {
    "CreateFunctionCommand": re.compile(r"[^,.]+, .*, true, (?:true|false), (?:true|false)\Z"),
    "CreateSQLFunctionCommand": re.compile(r".*, (?:true|false), true, (?:true|false), (?:true|false)\Z", re.DOTALL),
    "DropFunctionCommand": re.compile(r"[^,]+, (?:true|false), true\Z"),
}
_TEMP_NAME = re.compile(r"`(?:[^`]|``)+`, |`global_temp`\.")  # a persistent view is named with its catalog
_DROPPED_VIEW = re.compile(r".*, (?:true|false), true, (?:true|false)\Z", re.DOTALL)
_DEFAULT = re.compile(r", sql='(.*)'\), replace=(?:true|false)\Z", re.DOTALL)
_PERSISTENT_VIEW = " (persistent view)"
_SESSION_CATALOG = "V2SessionCatalog(spark_catalog), "
_JAVA_FUNCTION = re.compile(r"Execute (CreateFunctionCommand|AddJar)")
_ADDED = {"AddFile": "a file", "AddArch": "an archive", "AddJar": "a jar"}

_QUOTED = r"`(?:[^`]|``)+`"
_TABLE = re.compile(rf"{_QUOTED}(?:\.{_QUOTED})*")
_PATH = re.compile(r"(.+?), (?:false|true), ", re.DOTALL)
_OPTION_PATH = re.compile(r"[\[ ]path=(.*?)(?:, \w[\w.]*=|\](?:, |\Z))", re.DOTALL)
_LOCATION = re.compile(r"Location: (.*?)(?:\)|, \w+: )", re.DOTALL)
_CATALOG = re.compile(r"\w+\((\w+)\), ([^,\[\]]+|\[[^\]]*\])")


@dataclass(frozen=True)
class ExecutedPlan:
    """What is known of one SQL execution.

    :param root: first operator of its physical plan
    :param arguments: what the plan says of it
    :param ran: whether it had a job
    :param python: whether Python code of a person may be part of it
    :param reflection: whether it calls Java methods by name
    """

    root: str
    arguments: str
    ran: bool = False
    python: bool = False
    reflection: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether there is a plan at all: a Spark that explains the code that it generates shows none."""
        return bool(self.root) and _NO_PLAN.match(self.root) is None

    @property
    def touches_variables(self) -> bool:
        """Whether it declared, set or dropped a session variable. Those of a script are gone with it."""
        return _VARIABLE.match(self.root) is not None and not self.arguments.startswith(_OF_SCRIPT)

    @property
    def declares(self) -> str | None:
        """The variable that it declared, None if it declared none."""
        found = _DECLARED.match(self.arguments) if self.root.startswith("CreateVariable") else None
        return found.group(1) if found else None

    @property
    def sets(self) -> tuple[str, ...]:
        """The variables that it set."""
        return tuple(_SET.findall(self.arguments)) if self.root.startswith("SetVariable") else ()

    @property
    def changes_names_only(self) -> bool:
        """Whether all that it changed are names in the session's own catalog: it made a view or a database there."""
        if self.root.startswith("CreateNamespace "):
            return self.arguments.startswith(_SESSION_CATALOG)
        return self.wrote is not None and self.wrote.endswith(_PERSISTENT_VIEW)

    @property
    def wrote(self) -> str | None:
        """What it wrote, in a word; None if nothing."""
        if self.root.startswith("Execute "):
            command = self.root.split()[1]
            if _HARMLESS_COMMAND.match(self.root):
                return None
            if command == "CreateViewCommand":
                temporary = _TEMP_VIEW.search(self.arguments) and "PersistedView" not in self.arguments
                return None if temporary else f"{command}{_PERSISTENT_VIEW}"
            if command == "AlterViewAsCommand":
                return None if _TEMP_NAME.match(self.arguments) else f"{command}{_PERSISTENT_VIEW}"
            if command == "DropTableCommand" and _DROPPED_VIEW.match(self.arguments):
                return f"{command}{_PERSISTENT_VIEW}"
            if command in _TEMP_FUNCTION:
                return None if _TEMP_FUNCTION[command].match(self.arguments) else f"{command} (persistent function)"
            return command
        if _SESSION_OPERATOR.match(self.root) or "noop-table" in self.root:
            return None
        found = _WRITING_OPERATOR.match(self.root)
        return found.group(0) if found else None

    @property
    def targets(self) -> tuple[str, ...]:
        """Where it wrote: paths as Spark spells them, tables with backticks; :data:`UNKNOWN_TARGET` if not known."""
        if self.wrote is None:
            return ()
        found = set(_TABLE.findall(self.arguments))
        if "InsertIntoHadoopFsRelation" in self.root:
            path = _PATH.match(self.arguments)
        else:
            path = _OPTION_PATH.search(self.arguments) or _LOCATION.search(self.arguments)
        if path:
            found.add(path.group(1))
        if not found and (named := _CATALOG.match(self.arguments)):
            parts = [named.group(1), *re.split(r"[.,] ?", named.group(2).strip("[]"))]
            found.add(".".join(f"`{part}`" for part in parts))
        return tuple(sorted(found)) or (UNKNOWN_TARGET,)

    @property
    def java(self) -> str | None:
        """How Java code was called whose effects are not known; None if it was not."""
        return "called a Java method by name" if self.reflection and self.ran else None

    @property
    def brought_java(self) -> str | None:
        """How functions in Java came in that later statements may call; None if none did."""
        if found := _JAVA_FUNCTION.match(self.root):
            return "registered a function in Java" if "Function" in found.group(1) else "added a jar"
        return None

    @property
    def added(self) -> str | None:
        """What it gave the session that Spark forgets with it: a file, an archive, a jar; None if nothing."""
        return next((what for start, what in _ADDED.items() if self.root.startswith(f"Execute {start}")), None)

    @property
    def varying(self) -> str | None:
        """Why the variable that it declared would get another value the next time; None if it would not."""
        default = _DEFAULT.search(self.arguments) if self.root.startswith("CreateVariable") else None
        if default is None or not is_nondeterministic(default.group(1)):
            return None
        return "declared a variable whose value differs each time"
