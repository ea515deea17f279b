"""Reads HOCON as people write it: constants, includes, properties without quotes, sizes and times as text.

pyhocon turns ``10s`` and ``512m`` into durations and ``07763`` into another number. So while it parses, the functions
that convert values are replaced by ones that keep the text.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from airflow_provider.runner.config.scalars import WrittenFloat

_TOP_LEVEL_OF_PEER = frozenset({"mode", "hooks", "secrets"})
"""What also means something at the top of a pipeline file of ``pyspark-pipeline-framework``."""

_READY_MADE = "airflow_provider.components."
_SUBSTITUTION = re.compile(r"\$\{\??\s*\"?([^}.\"\s]+)")
_STRING_OR_COMMENT = r'"""(?:.|\n)*?"""|"(?:[^"\\\n]|\\.)*"|(?:#|//)[^\n]*'
_INCLUDE = re.compile(
    rf"{_STRING_OR_COMMENT}|"
    r'\binclude[ \t]+(?:required[ \t]*\()?[ \t]*(?:(?:file|url)[ \t]*\()?[ \t]*"(?P<file>[^"]+)"'
)
_INCLUDE_LINE = re.compile(r"^[ \t{,]*include[ \t][^\n]*", re.MULTILINE)
_ASSIGNED = re.compile(r"(?:^|[{,\n])[ \t]*(?P<key>spark(?:\.[\w-]+)+)[ \t]*(?:=|:)[ \t]*(?![{$ \t])", re.MULTILINE)
_REFERRED = re.compile(r"(?:^|[{,\n])[ \t]*(?P<key>[\w-]+(?:\.[\w-]+)+)[ \t]*[=:][ \t]*\$\{[^}]*\}", re.MULTILINE)
_LOCK = threading.Lock()


class HoconError(Exception):
    """A text is not valid HOCON, or an included file is missing; the message says where."""


def parse_hocon(text: str, source: Path, read: Callable[[Path], str], fields: Collection[str]) -> Any:
    """Parse a HOCON file.

    :param text: its content
    :param source: its path, where includes start
    :param read: reads an included file, or raises an error that names it
    :param fields: names of the fields of a pipeline, which are no constants, whatever refers to them
    :return: its content as plain data, without constants that the file only refers to
    :raises ImportError: pyhocon is not installed
    :raises HoconError: the text is not valid HOCON
    """
    from pyhocon import ConfigFactory
    from pyparsing import ParseBaseException

    whole = [text, *(content for _, content in included(text, source, read))]
    for one in whole:
        _check_prefixes(one)
    try:
        with _keeping_text():
            tree = ConfigFactory.parse_string(text, basedir=str(source.parent))
    except ParseBaseException as error:
        found = repr(there) if (there := error.pstr[error.loc : error.loc + 1]) else "end of text"
        # For some mistakes what is "expected" is the whole grammar, over many lines.
        problem = f"{error.msg}, found {found}" if len(error.msg) <= 60 else f"unexpected {found}"
        hint = f"; put text that contains {there} in quotes" if there and there in "^`+?!@*&" else ""
        raise HoconError(f"line {error.lineno}, column {error.column}: {problem}{hint}") from None
    except RecursionError:
        raise HoconError("it is nested too deeply, or a substitution refers to itself") from None
    except Exception as error:
        raise HoconError(str(error)) from error
    content = _plain(tree) if text.strip() else None
    if not isinstance(content, dict):
        return content
    constants = {name for one in whole for name in _SUBSTITUTION.findall(one)} | _keys_of(whole[1:], source)
    known = _TOP_LEVEL_OF_PEER.union(fields)
    return _flattened({k: v for k, v in content.items() if k in known or k not in constants})


def included(text: str, source: Path, read: Callable[[Path], str]) -> Iterator[tuple[Path, str]]:
    """Yield path and content of each file that a HOCON text includes, directly or not.

    :raises HoconError: one is missing, or includes itself
    """
    return _included(text, source, read, (source.resolve(),))


def _included(
    text: str, source: Path, read: Callable[[Path], str], above: tuple[Path, ...]
) -> Iterator[tuple[Path, str]]:
    for match in _INCLUDE.finditer(text):
        name = match["file"]
        if name is None:
            continue
        line = text.count("\n", 0, match.start("file")) + 1
        if text[: match.start()].rstrip(" \t")[-1:] not in ("", "\n", "{", ","):
            raise HoconError(f"line {line} of {source}: 'include' inside a value; put that text in quotes")
        if "://" in name or "*" in name or "?" in name:
            raise HoconError(f"line {line} of {source}: {name!r} cannot be included; include each file by its path")
        path = source.parent / name
        if path.resolve() in above:
            raise HoconError(f"line {line} of {source}: {name!r} includes itself")
        if not path.is_file():
            raise HoconError(f"line {line} of {source}: the included file {str(path)!r} does not exist")
        found = read(path)
        yield path, found
        yield from _included(found, path, read, (*above, path.resolve()))


def _check_prefixes(text: str) -> None:
    """Refuse ``a.b = 1`` beside ``a.b.c = 2``: HOCON keeps only the later one, although properties may be both."""
    bare = re.sub(r'"""(?:.|\n)*?"""|"(?:[^"\\\n]|\\.)*"', lambda found: "\n" * found[0].count("\n") or '""', text)
    bare = re.sub(r"(?:#|//)[^\n]*", "", bare)
    _check_references(bare)
    appended = re.search(r"\+=\s*(?![\s\[])", bare)
    if appended:
        line = bare.count("\n", 0, appended.start()) + 1
        raise HoconError(f"line {line}: '+=' with a single item drops the earlier ones; write += [ … ]")
    lines = {
        match["key"].removeprefix("spark.spark_conf."): bare.count("\n", 0, match.start("key")) + 1
        for match in _ASSIGNED.finditer(bare)
    }
    for key, line in lines.items():
        longer = next((other for other in lines if other.startswith(f"{key}.")), None)
        if longer is not None:
            raise HoconError(
                f"line {max(line, lines[longer])}: {key!r} and {longer!r} both have a value, and HOCON keeps only "
                f"one of them; "
                "put both names in quotes"
            )


def _check_references(bare: str) -> None:
    """Refuse ``a.b = ${c}`` that is extended further down: pyhocon loses what it refers to if the name has a dot."""
    for first in _REFERRED.finditer(bare):
        key = re.escape(first["key"])
        for second in re.compile(rf"(?:^|[{{,\n])[ \t]*{key}(?:\.|[ \t]*[{{])", re.MULTILINE).finditer(
            bare, first.end()
        ):
            depth = 0
            depths = [
                depth := depth + {"{": 1, "}": -1}.get(letter, 0) for letter in bare[first.end() : second.start()]
            ]
            if min(depths, default=0) >= 0:
                line = bare.count("\n", 0, second.end()) + 1
                name = first["key"]
                raise HoconError(
                    f"line {line}: {name!r} refers to another part and is extended later; write {name} "
                    f"= ${{…}} {{ … }} in one"
                )


def _keys_of(included: list[str], source: Path) -> set[str]:
    """Return the top-level keys of included files: constants for other pipelines are not a mistake in this one."""
    from pyhocon import ConfigFactory, ConfigTree
    from pyhocon.config_parser import NO_SUBSTITUTION

    found: set[str] = set()
    for text in included:
        with _keeping_text():
            tree = ConfigFactory.parse_string(
                _INCLUDE_LINE.sub("", text), basedir=str(source.parent), resolve=False, unresolved_value=NO_SUBSTITUTION
            )
        if isinstance(tree, ConfigTree):
            found.update(str(key).strip('"') for key in tree)
    return found


def _number(text: str, base: int) -> int:
    if text != str(int(text, base)):
        raise ValueError(text)
    return int(text, base)


def _decimal(text: str) -> float | str:
    whole = text.lstrip("-").partition(".")[0]
    plain = re.fullmatch(r"-?\d*\.\d+(?:[eE][-+]?\d+)?", text)
    return WrittenFloat(text) if plain and (whole in ("", "0") or whole[0] != "0") else text


def _open(path: str, mode: str, encoding: str) -> IO[Any]:
    return Path(path).open(mode, encoding="utf-8-sig")


@contextmanager
def _keeping_text() -> Iterator[None]:
    """Context manager in which pyhocon keeps text that it would read as a duration or as another number."""
    from pyhocon import config_parser
    from pyparsing import NoMatch

    kept: Mapping[str, Any] = {
        "get_period_expr": lambda: NoMatch(),
        "int": _number,
        "float": _decimal,
        "codecs": SimpleNamespace(open=_open),  # for included files
    }
    with _LOCK:
        before = {name: vars(config_parser)[name] for name in kept if name in vars(config_parser)}
        vars(config_parser).update(kept)
        try:
            yield
        finally:
            for name in kept:
                vars(config_parser).pop(name, None)
            vars(config_parser).update(before)


def _plain(value: Any) -> Any:
    from pyhocon.config_tree import NoneValue

    if isinstance(value, Mapping):
        return {str(key).strip('"'): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, NoneValue) else value


def _flattened(content: dict[str, Any]) -> dict[str, Any]:
    """Make one flat mapping of the properties that HOCON took apart at their dots."""
    spark = content.get("spark")
    if isinstance(spark, dict) and isinstance(spark.get("spark_conf"), dict):
        content["spark"] = {**spark, "spark_conf": dict(_flat(spark["spark_conf"]))}
    for component in content.get("components") or []:
        if not isinstance(component, dict) or not str(component.get("class_path")).startswith(_READY_MADE):
            continue
        config = component.get("config")
        if isinstance(config, dict) and isinstance(config.get("options"), dict):
            component["config"] = {**config, "options": dict(_flat(config["options"]))}
    return content


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
