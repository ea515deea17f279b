"""Code and variables that earlier components of an attempt brought into the session, and that later ones may use."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider.runner.session_state.effects.harmless import HarmlessVerdict
from airflow_provider.runner.session_state.effects.spark_effects import SparkEffects


class CarriedCode:
    """What the components of one attempt brought, by component."""

    def __init__(self) -> None:
        self._lazy: dict[str, str] = {}  # why the code in a component's views and functions may do harm
        self._java: dict[str, str] = {}  # how a component brought functions in Java
        self._variables: dict[str, str] = {}  # session variables, and the first component that declared each

    @classmethod
    def of(cls, above: Iterable[CarriedCode]) -> CarriedCode:
        """Return what a component finds in its copy of the session.

        :param above: what each of its ancestors found and brought, in the order of the plan
        """
        made = cls()
        for other in above:
            made._lazy.update(other._lazy)
            made._java.update(other._java)
            for name, component in other._variables.items():
                made._variables.setdefault(name, component)
        return made

    def add_lazy_code(self, component: str, why: str | None) -> None:
        """Remember why the code in a component's views and functions may do harm; None if it does none."""
        self._lazy.pop(component, None)
        if why is not None:
            self._lazy[component] = why

    def lazy_code(self, component: str) -> str:
        """Return why such code may do harm; empty if it does none."""
        return self._lazy.get(component, "")

    def own_variables(self, component: str, declared: tuple[str, ...]) -> tuple[str, ...]:
        """Return the variables that a component declared; empty if one of them was another component's.

        That one would have its value again after a failure.
        """
        others = [name for name in declared if self._variables.setdefault(name, component) != component]
        return () if others else declared

    def unknown_java(self, component: str, effects: SparkEffects) -> list[str]:
        """Return why code in Java may have done harm: what computes something may call a function that was brought.

        To bring one does nothing by itself, so a component that does no more can run again.
        """
        if effects.brought_java:
            self._java[component] = effects.brought_java
        if not effects.computed:
            return []
        return [
            how if name == component else f"may have called a function in Java: {name!r} {how}"
            for name, how in self._java.items()
        ][:1]

    def unknown_python(self, component: str, effects: SparkEffects, read: HarmlessVerdict) -> list[str]:
        """Return why Python code that ran on executors may have done harm: it may be that of an earlier view, too."""
        if not effects.ran_python or read.missing:
            return []
        return [
            f"ran Python code on executors, which may be that of {name!r}: {why}"
            for name, why in self._lazy.items()
            if name != component
        ][:1]
