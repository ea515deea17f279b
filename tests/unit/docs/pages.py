"""The examples on the pages of the documentation, and how each is marked.

An HTML comment in the line before a fence says what becomes of the example. Without one the language says it.

- ``<!-- example: file NAME -->``: it is a file of this name, which later examples of the page need
- ``<!-- example: run -->``: the tests run it; ``run, status 1`` expects that exit status
- ``<!-- example: output -->``: the commands before it printed this; ``…`` stands for anything
- ``<!-- example: needs spark -->``: Python or SQL that needs a session
- ``<!-- example: fields of ReadData -->``: some fields of that component's config; ``line by line``: each line alone
- ``<!-- example: shown -->``: only looked at for its syntax
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
AT_THE_ROOT = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
PAGES = sorted(
    [ROOT / name for name in AT_THE_ROOT]
    + [path for path in (ROOT / "docs").rglob("*.md") if not path.relative_to(ROOT / "docs").parts[0].startswith("_")]
)

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*).*$")
_MARK = re.compile(r"^\s*<!-- example: (?P<mark>.*) -->\s*$")


@dataclass(frozen=True)
class Example:
    """One fenced block.

    :param page: the file it is in
    :param line: where it begins, from 1
    :param mark: what its comment says; empty without one
    """

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name of the file that it is."""
        return self.mark.removeprefix("file ") if self.mark.startswith("file ") else None


def examples(*pages: Path) -> Iterator[Example]:
    """Return the examples of these pages; default: of all. Directives of Sphinx are none."""
    for page in pages or PAGES:
        lines = page.read_text(encoding="utf-8").splitlines()
        number = 0
        while number < len(lines):
            opened = _FENCE.match(lines[number])
            number += 1
            if not opened:
                continue
            begin = number
            while lines[number].strip() != "```":
                number += 1
            text = textwrap.dedent("\n".join(lines[begin:number])) + "\n"
            number += 1
            marked = _MARK.match(lines[begin - 2]) if begin >= 2 else None
            if not opened["language"].startswith("{"):
                yield Example(page, begin, opened["language"], marked["mark"] if marked else "", text)


def write_files(page: Path, folder: Path, replaced: dict[str, str] | None = None) -> None:
    """Write the files of a page.

    :param replaced: text of the page to what stands for it in the tests, such as the path of a folder
    """
    for example in examples(page):
        if example.file:
            path = folder / example.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(in_place(example.text, replaced), encoding="utf-8")


def in_place(text: str, replaced: dict[str, str] | None) -> str:
    """Return a text with what stands for the paths in it."""
    for old, new in (replaced or {}).items():
        text = text.replace(old, new)
    return text
