"""Docstrings in Sphinx's form, as Markdown."""

from __future__ import annotations

import inspect
import re

_ROLE = re.compile(r":(?:py:)?(?:class|func|meth|attr|mod|exc|data):`([^`]*)`")
_FIELD = re.compile(r"^:(?P<kind>\w+)(?: (?P<name>[\w*]+))?:\s*(?P<text>.*)")


def summary(described: object) -> str:
    """Return what a docstring says before its list of fields, as Markdown."""
    text = inspect.getdoc(described) or ""
    return _markdown(re.split(r"^:\w+[^:]*:", text, maxsplit=1, flags=re.MULTILINE)[0])


def parameters(described: object) -> dict[str, str]:
    """Return the ``:param name:`` fields of a docstring, as Markdown."""
    found: dict[str, str] = {}
    name = None
    for line in (inspect.getdoc(described) or "").splitlines():
        match = _FIELD.match(line)
        if match:
            name = match["name"] if match["kind"] == "param" else None
            if name:
                found[name] = match["text"]
        elif name and line.startswith("    "):
            found[name] += " " + line.strip()
        else:
            name = None
    return {name: _markdown(text) for name, text in found.items()}


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    if text[0].islower():
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".:!?" else f"{text}."


def _markdown(text: str) -> str:
    def named(match: re.Match[str]) -> str:
        name = match[1]
        return f"`{name.removeprefix('~').rpartition('.')[2] if name.startswith('~') else name}`"

    return re.sub(r"``([^`]*)``", r"`\1`", _ROLE.sub(named, text)).strip()
