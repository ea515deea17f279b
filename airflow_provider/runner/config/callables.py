"""What a class or function shows without running: that a call runs none of its code, or is impossible."""

from __future__ import annotations

import functools
import inspect
from inspect import Parameter, Signature
from typing import Any

from pydantic import BaseModel

_NO_SESSION = "add a method set_spark_session(self, spark)"


def runs_nothing(target: Any, name: str) -> str | None:
    """Say why calling a component would run none of its code; None if it would.

    :param name: its name for people
    """
    if not inspect.isclass(target):
        if inspect.isclass(inspect.unwrap(target)):
            return (
                f"{name!r} is a class that a decorator turns into a function, so its run() is never called; remove "
                f"the decorator"
            )
        return _runs_nothing(target, f"function {name!r}")
    for method in ("run", "open", "close", "from_config", "set_spark_session"):
        function = inspect.getattr_static(target, method, None)
        what = f"the method {method}() of class {name!r}"
        if found := function and _runs_nothing(function, what):
            return found
        if method in ("from_config", "set_spark_session") and inspect.iscoroutinefunction(_innermost(function)):
            return f"{what} is async, but its result is needed at once; only run(), open() and close() may be async"
    return None


def _runs_nothing(function: Any, what: str) -> str | None:
    function = _innermost(function)
    if _is_context_manager(function):
        return (
            f"{what} is a context manager, which the runner does not enter; remove the decorator, or enter it in "
            f"a function"
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return (
            f"{what} contains 'yield', so a call only creates a generator and runs none of its code; remove the "
            f"'yield', or loop over the generator in another function"
        )
    return None


def runs_nothing_inside(target: Any, name: str) -> str | None:
    """Say if a decorator wraps a function with a ``yield``: then everything depends on what the decorator does."""
    function = _innermost(inspect.getattr_static(target, "run") if inspect.isclass(target) else target)
    if not hasattr(function, "__wrapped__") or not inspect.isgeneratorfunction(inspect.unwrap(function)):
        return None
    return (
        f"{name!r} contains 'yield' and has a decorator; none of its code runs unless the decorator loops over "
        f"the generator"
    )


def _is_context_manager(function: Any) -> bool:
    made_by = getattr(function, "__globals__", {}).get("__name__")
    return made_by == "contextlib" and hasattr(function, "__wrapped__")


def _innermost(function: Any) -> Any:
    """Return the function that a call enters first. What a decorator does with the wrapped function is unknown."""
    while True:
        if isinstance(function, (functools.partial, functools.partialmethod)):
            function = function.func
        elif isinstance(function, (staticmethod, classmethod)) or inspect.ismethod(function):
            function = function.__func__
        elif inspect.isroutine(function) or inspect.isclass(function) or not callable(function):
            return function
        else:
            function = type(function).__call__


def run_takes(target: type) -> str | None:
    """Say which arguments a class's ``run`` requires; None if it can be called without any."""
    run = inspect.getattr_static(target, "run")
    bound = not isinstance(run, staticmethod)
    plain = run.__func__ if isinstance(run, (staticmethod, classmethod)) else run
    if not inspect.isfunction(plain):
        return None
    try:
        signature = inspect.signature(plain, follow_wrapped=False)
    except (TypeError, ValueError):
        return None
    positional = (None,) if bound else ()
    try:
        signature.bind(*positional)
    except TypeError as error:
        names = [p.name for p in list(signature.parameters.values())[bound:] if _is_required(p)]
        if not names:
            return f"its run{signature} cannot be called: {error}; define it as run(self)"
        session = "; the session is self.spark" if {"spark", "session", "spark_session"} & set(names) else ""
        return (
            f"its run() takes {', '.join(names)}, but the runner calls run() without arguments; move "
            f"{'them' if len(names) > 1 else 'it'} to __init__, which receives the config{session}"
        )
    return None


def _is_required(parameter: Parameter) -> bool:
    named = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return parameter.default is Parameter.empty and parameter.kind in named


def cannot_take_session(target: type) -> str | None:
    """Say why the runner cannot set the attribute ``spark`` of a class's objects; None if it can, or need not."""
    if callable(getattr(target, "set_spark_session", None)) or has_own_session(target):
        return None
    attribute = inspect.getattr_static(target, "spark", None)
    if isinstance(attribute, property):
        return None
    if issubclass(target, BaseModel):
        return _of_a_model(target)
    if any(getattr(vars(kind).get("__dataclass_params__"), "frozen", False) for kind in target.__mro__):
        return f"is a frozen dataclass, so the runner cannot set its session; {_NO_SESSION}, or remove frozen=True"
    if getattr(target.__setattr__, "__name__", "") == "_frozen_setattrs":
        return f"is a frozen attrs class, so the runner cannot set its session; {_NO_SESSION}, or remove frozen"
    if issubclass(target, tuple):
        return f"is a named tuple, so the runner cannot set its session; {_NO_SESSION}, or write a class"
    if not target.__dictoffset__ and not inspect.ismemberdescriptor(attribute):
        return (
            f"has __slots__ without 'spark', so the runner cannot set its session; add 'spark' to them, or "
            f"{_NO_SESSION}"
        )
    return None


def _of_a_model(target: type[BaseModel]) -> str | None:
    field = target.model_fields.get("spark")
    takes = field is not None and not field.frozen if field else target.model_config.get("extra") == "allow"
    if takes and not target.model_config.get("frozen"):
        return None
    return (
        f"is a pydantic model, so the runner cannot set its session; {_NO_SESSION} that keeps it in a private attribute"
    )


def has_own_session(target: type) -> bool:
    """Return whether a class finds its session itself, with a read-only property ``spark``."""
    attribute = inspect.getattr_static(target, "spark", None)
    return isinstance(attribute, functools.cached_property) or (
        isinstance(attribute, property) and attribute.fset is None
    )


def signature_of(target: Any) -> tuple[Signature, bool]:
    """Return the signature that a config must match, and whether a decorator may add arguments.

    :raises ValueError: Python knows no signature
    :raises TypeError: it cannot be called
    """
    own = inspect.signature(target, follow_wrapped=False)
    if not hasattr(target, "__wrapped__") or inspect.isclass(target):
        return inspect.signature(target), False
    if not any(p.kind is Parameter.VAR_KEYWORD for p in own.parameters.values()):
        return own, False  # its declared signature counts, not the wrapped function's
    inside = inspect.signature(target)
    named = {p.name: p for p in inside.parameters.values()}
    added = [
        p.replace(kind=Parameter.KEYWORD_ONLY)
        for p in own.parameters.values()
        if p.kind in (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        and p.name not in named
        and p.default is not Parameter.empty
    ]
    last = [p for p in inside.parameters.values() if p.kind is Parameter.VAR_KEYWORD]
    first = [p for p in inside.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
    return inside.replace(parameters=[*first, *added, *last]), True
