"""Code that reading cannot follow: computed names, and code that is created at run time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BY_NAME = {
    "builtins.exec": "exec",
    "builtins.eval": "eval",
    "builtins.compile": "compile() of text",
    "builtins.globals": "globals()",
    "builtins.locals": "locals()",
    "builtins.vars": "vars()",
    "sys.modules": "sys.modules",
    "runpy.run_path": "a file run by its path",
    "runpy.run_module": "a module run by its name",
    "importlib.util.spec_from_file_location": "a module loaded from a path",
    "importlib.reload": "a reloaded module",
    "inspect.getmembers": "inspect.getmembers",
}
"""Foreign names, and what to say of them."""

OF_THIS_MODULE = frozenset({"builtins.exec", "builtins.eval", "builtins.globals", "sys.modules"})
"""What may use anything in the module that it stands in."""

INSIDES = frozenset({"__subclasses__", "__globals__", "__code__", "__builtins__", "__getattribute__"})
"""Attributes that lead past all names."""

MODULE_BY_NAME = ("builtins.__import__", "importlib.import_module", "importlib.__import__")
"""What imports the module that a text names."""

ATTRIBUTE_BY_NAME = ("builtins.getattr", "operator.attrgetter", "operator.methodcaller")
"""What takes an attribute by the name that a text says."""

_TOGETHER = {("_jsc", "hadoopConfiguration")}
"""Attributes that mean something else together than the first one alone."""


def together(attributes: Sequence[str]) -> Iterator[str]:
    """Yield attributes that follow each other, and as one name those that belong together."""
    position = 0
    while position < len(attributes):
        pair = tuple(attributes[position : position + 2])
        yield ".".join(pair) if pair in _TOGETHER else attributes[position]
        position += 2 if pair in _TOGETHER else 1
