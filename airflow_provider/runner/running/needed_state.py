"""Whether something that is to run needs session state that cannot be brought back, as far as code and config show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from airflow_provider.runner.config.component_context import LaterComponent
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.running.component_contexts import later_component
from airflow_provider.runner.session_state.kinds.kind_context import MissingState
from airflow_provider.runner.session_state.kinds.recorded_state import missing_state


def readers_of_missing_state(
    config: PipelineConfig, decisions: Sequence[Decision], left_out: Collection[str] = ()
) -> dict[str, dict[str, str]]:
    """Return who needs what the records of a plan do not bring back.

    :param decisions: the whole plan
    :param left_out: components that do not run
    :return: component that left something, to its name as in the record's ``lost``, to the component that needs it
    """
    found = {}
    for index, decision in enumerate(decisions):
        state = decision.session_state
        if decision.restore and state is not None:
            found[decision.component] = find_readers(config, missing_state(state), decisions[index + 1 :], left_out)
    return {component: readers for component, readers in found.items() if readers}


def find_readers(
    config: PipelineConfig,
    missing: Iterable[MissingState],
    later: Sequence[Decision],
    left_out: Collection[str] = (),
) -> dict[str, str]:
    """Return who needs something that is missing, by its name.

    :param later: what becomes of the components after the one that left it
    :param left_out: components that do not run
    """
    by_name = {component.name: component for component in config.components}

    def running(item: MissingState) -> Iterator[LaterComponent]:
        for decision in later:
            if decision.action is not Action.REUSE and decision.component not in left_out:
                yield later_component(by_name[decision.component])
            if decision.session_state is not None and item.is_renewed_by(decision.session_state):
                return

    readers = {item.name: item.find_reader(tuple(running(item)), config.base_dir) for item in missing}
    return {name: reader for name, reader in readers.items() if reader is not None}
