"""The parameters of the operators: from their signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from docstrings import parameters, sentence, summary

from airflow_provider.operators.pyspark_pipeline import PySparkPipelineOperator
from airflow_provider.operators.pyspark_pipeline_submit import PySparkPipelineSubmitOperator

OPERATORS = (PySparkPipelineOperator, PySparkPipelineSubmitOperator)


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operator, as its docstring describes it.

    :param default: as Python spells it, None if the parameter must be given
    """

    name: str
    default: str | None
    templated: bool
    text: str


def parameters_of(operator: type) -> dict[str, Parameter]:
    """Return the operator's own parameters, in the order of its signature; Airflow's are left out."""
    described: dict[str, str] = {}
    taken: dict[str, inspect.Parameter] = {}
    for kind in operator.__mro__:
        if not kind.__module__.startswith("airflow_provider"):
            continue
        described = parameters(kind) | described
        if "__init__" in vars(kind):
            taken |= {
                name: found
                for name, found in inspect.signature(vars(kind)["__init__"]).parameters.items()
                if found.kind is found.KEYWORD_ONLY and name not in taken
            }
    names = [*taken, *(name for name in described if name not in taken)]
    templated = set(operator.template_fields)
    return {
        name: Parameter(name, _default(taken.get(name)), name in templated, described.get(name, ""))
        for name in names
        if described.get(name)
    }


def operators_page() -> str:
    """Return a page with what both operators share, then what only one of them has."""
    first, second = (parameters_of(operator) for operator in OPERATORS)
    shared = [parameter for name, parameter in first.items() if second.get(name) == parameter]
    names = {parameter.name for parameter in shared}
    lines = ["## Parameters of both operators\n", *_listed(shared, "operator")]
    for operator, own in zip(OPERATORS, (first, second), strict=True):
        lines += [f"## `{operator.__name__}`\n", f"{summary(operator)}\n"]
        lines += _listed([found for name, found in own.items() if name not in names], operator.__name__.lower())
    return "\n".join(lines)


def _listed(found: list[Parameter], prefix: str) -> Iterator[str]:
    for parameter in found:
        notes = [{None: "required", "None": "optional"}.get(parameter.default, f"default `{parameter.default}`")]
        if parameter.templated:
            notes.append("templated")
        yield f"({prefix}-{parameter.name})="
        yield f"### `{parameter.name}`\n"
        yield f"{' · '.join(notes)}\n"
        yield f"{sentence(parameter.text.removesuffix('(templated)'))}\n"


def _default(found: inspect.Parameter | None) -> str | None:
    if found is None:
        return "None"
    return None if found.default is found.empty else repr(found.default)
