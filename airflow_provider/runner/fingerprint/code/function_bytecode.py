"""Code without source: its bytecode without line numbers, which is the same for one version of Python only."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType

from airflow_provider.runner.fingerprint.code.code_reading import short_hash

_OF_THE_CODE = 0xFFFF
"""Those flags of a code object that say what it is; the others are the ``__future__`` imports around it."""


def bytecode_hash(code: CodeType) -> str:
    """Return a short hash of a function's code, independent of its lines and file."""
    return short_hash(_parts(code))


def same_code(one: CodeType, other: CodeType) -> bool:
    """Return whether two functions do the same, apart from their lines."""
    return list(_parts(one)) == list(_parts(other))


def global_names(code: CodeType) -> Iterator[tuple[str, list[str]]]:
    """Yield the global names that a function and those inside it use, each with the attributes that follow.

    Modules that it imports come as their own names.
    """
    for one in _nested(code):
        root: str | None = None
        attributes: list[str] = []
        for instruction in dis.get_instructions(one):
            if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and root is not None:
                attributes.append(str(instruction.argval))
                continue
            if instruction.opname in ("CACHE", "PRECALL", "PUSH_NULL") and root is not None:
                continue
            if root is not None:
                yield root, attributes
            root, attributes = None, []
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "IMPORT_NAME"):
                root = str(instruction.argval)
        if root is not None:
            yield root, attributes


def computed_names(code: CodeType) -> Iterator[str]:
    """Yield the attributes that a function and those inside it use of values that are not known."""
    for one in _nested(code):
        for instruction in dis.get_instructions(one):
            if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR"):
                yield str(instruction.argval)


def _nested(code: CodeType) -> Iterator[CodeType]:
    stack = [code]
    while stack:
        one = stack.pop()
        yield one
        stack += [constant for constant in one.co_consts if isinstance(constant, CodeType)]


def _parts(code: CodeType) -> Iterator[str]:
    for one in _nested(code):
        yield one.co_name
        yield one.co_code.hex()
        yield repr((one.co_argcount, one.co_posonlyargcount, one.co_kwonlyargcount, one.co_flags & _OF_THE_CODE))
        yield repr((one.co_names, one.co_varnames, one.co_freevars, one.co_cellvars))
        yield one.co_exceptiontable.hex()
        for constant in one.co_consts:
            if isinstance(constant, frozenset):
                yield f"frozenset {sorted(map(repr, constant))}"
            elif not isinstance(constant, CodeType):
                yield f"{type(constant).__name__}:{constant!r}"
