"""Which components a restart request runs again, and why a request cannot be carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_provider.errors import RestartRefusedError
from airflow_provider.runner.config.graph import descendants
from airflow_provider.runner.config.model import PipelineConfig
from airflow_provider.runner.config.problems import suggestion
from airflow_provider.runner.config.restart_from import RestartFrom
from airflow_provider.runner.planning.plan import Action, Decision
from airflow_provider.runner.record.checkpoint_state import CheckpointState, ComponentRecord
from airflow_provider.runner.record.requests import IN_THE_FILE, RestartRequest
from airflow_provider.runner.session_state.kinds.recorded_state import left_names, left_something
from airflow_provider.runner.session_state.sources.paths import writes_into

_LEFT_SHOWN = 3


def pending_config_restart(config: PipelineConfig, checkpoint: CheckpointState | None) -> RestartRequest | None:
    """Return the request of the config's ``restart_from``, None if there is none or this run has carried it out.

    :param config: the pipeline
    :param checkpoint: the record of the earlier attempts
    """
    if config.restart_from is None:
        return None
    request = RestartRequest.from_config_value(config.restart_from, IN_THE_FILE)
    return None if checkpoint is not None and checkpoint.settled(request.id) else request


def why_impossible(config: PipelineConfig, restart: RestartFrom) -> str | None:
    """Return why a request makes no sense for a pipeline, whatever has completed; None if it does.

    :param config: the pipeline as it is today
    :param restart: the request
    """
    names = [component.name for component in config.ordered]
    for name in restart.names:
        if name not in names:
            return f"unknown or disabled component {name!r}{suggestion(name, names)}"
    if restart.until is None:
        return None
    if restart.until not in _with_descendants(config, restart.components):
        which = "does" if len(restart.components) == 1 else "do"
        return f"{restart.until!r}, where it should end, {which} not depend on {_listed(restart.components)}"
    late = [name for name in restart.components if names.index(name) > names.index(restart.until)]
    return f"{late[0]!r} comes after {restart.until!r}, where it should end" if late else None


def run_again(config: PipelineConfig, restart: RestartFrom) -> set[str]:
    """Return the components that a request runs again.

    :param config: the pipeline as it is today, for which the request is possible
    :param restart: the request
    """
    if restart.only:
        return set(restart.components)
    names = [component.name for component in config.ordered]
    last = names.index(restart.until) if restart.until is not None else len(names)
    return _with_descendants(config, restart.components).intersection(names[: last + 1])


def refuse_old_results(
    config: PipelineConfig,
    restarts: Iterable[RestartFrom],
    checkpoint: CheckpointState,
    decisions: Sequence[Decision],
) -> None:
    """Refuse a request that leaves out what has read, or may have read, what runs again.

    :param config: the pipeline as it is today
    :param restarts: the requests
    :param checkpoint: the record of the earlier attempts
    :param decisions: the whole plan
    :raises RestartRefusedError: a component that is reused would keep a result made from what is replaced
    """
    kept = {decision.component for decision in decisions if decision.action is not Action.RUN}
    done = set(checkpoint.completed_components)
    for restart in restarts:
        if not restart.partial:
            continue
        for name in sorted(run_again(config, restart) & done):
            below = _with_descendants(config, [name])
            for other in [component.name for component in config.ordered if component.name in kept]:
                why = _why_it_read(checkpoint.components, name, other, depends=other in below)
                if why is not None:
                    raise RestartRefusedError(config.name, str(restart), other, why)


def _why_it_read(records: Mapping[str, ComponentRecord], writer: str, reader: str, *, depends: bool) -> str | None:
    """Return why a component has read what another one leaves, or may have, None if it has not.

    What components leave in the session, or outside Spark, is meant for those that depend on them. What Spark wrote and
    read is known of all.
    """
    wrote, read = records.get(writer), records.get(reader)
    sources = read.sources if read is not None else []
    writes = wrote.writes if wrote is not None else []
    for source in sources:
        if writes_into(writes, source):
            return f"it read {source.name}, where {writer!r} writes"
    if not depends:
        return None
    state = wrote.session_state if wrote is not None else None
    if state is None:
        return f"it depends on {writer!r}, and the checkpoint does not say what that left"
    if left_something(state):
        left = left_names(state)
        what = f" ({', '.join(left[:_LEFT_SHOWN])})" if left else ""
        return f"it depends on {writer!r} and may have read what that left in the session{what}"
    if not state.harmless and not writes:
        return f"it depends on {writer!r}, which changed something outside Spark"
    return None


def _with_descendants(config: PipelineConfig, names: Iterable[str]) -> set[str]:
    return descendants(config.dependencies, set(names))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
