"""Accepts the config files of ``pyspark-pipeline-framework`` 1.0.0 unchanged.

Most of their fields are ours. The other ones are exactly those below: each is mapped, or dropped with a log line that
says what to use instead, or reported as a problem. A field that neither package knows stays and is refused like any
other.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider.errors import ConfigProblem
from airflow_provider.runner.config.problems import component_name, kind_in_words, suggestion
from airflow_provider.runner.config.sections import CircuitBreakerConfig, RetryConfig, SparkSection

logger = logging.getLogger(__name__)

_PACKAGE = "pyspark_pipeline_framework."

_COMPONENT = ("component_type", "class_path", "depends_on", "circuit_breaker")
_HOOKS = {
    "logging": ("level", "format", "output", "structured"),
    "metrics": ("enabled", "backend", "push_gateway_url", "export_interval_seconds"),
    "audit": ("enabled", "include_data_samples", "audit_trail_path", "retention_days"),
}
_SECRETS = (
    "provider",
    "vault_url",
    "vault_token",
    "vault_namespace",
    "aws_region",
    "secret_prefix",
    "cache_ttl_seconds",
)

_INSTEAD = {
    "logging": "the runner uses Python's logging, which goes to the task log in Airflow; set level and format there",
    "metrics": "the figures go to Airflow's own metrics; without Airflow pass MetricsHooks as hooks=",
    "audit": "the runner writes no audit trail; pass AuditHooks or your own hooks as hooks= to the operator or runner",
}
"""Section of ``hooks`` to what to use in its place. Their runner reads none of them either."""

_IN_A_SERVER = (
    "master",
    "deploy_mode",
    "driver_memory",
    "driver_cores",
    "executor_memory",
    "executor_cores",
    "num_executors",
    "dynamic_allocation",
)
"""What a Spark Connect server has decided when a client comes. Their session ignores it, too."""

_SECRET = re.compile(r"secret://([^/]+)/.+")


def _fields_of(source: Any) -> Any:
    """Return the fields of a pipeline built with that package's classes; anything else unchanged."""
    if not dataclasses.is_dataclass(source) or not type(source).__module__.startswith(_PACKAGE):
        return source
    written: dict[str, Any] = dataclasses.asdict(source)  # type: ignore[arg-type]
    for name in ("hooks", "secrets"):  # always there, and never read
        written.pop(name, None)
    for component in written.get("components", ()):
        component.pop("resilience", None)  # the other two fields already have it
    return _unquoted(written)


def _unquoted(value: Any) -> Any:
    """Return plain data. Their loader leaves the quotes of ``"spark.sql.ansi.enabled" = true`` in the key."""
    if isinstance(value, Mapping):
        return {key.strip('"') if isinstance(key, str) else key: _unquoted(item) for key, item in value.items()}
    return [_unquoted(item) for item in value] if isinstance(value, (list, tuple)) else value


def from_peer_config(source: Any) -> tuple[Any, list[ConfigProblem]]:
    """Return the fields of a pipeline with the other package's fields mapped to ours, and problems with the rest.

    A log line names each dropped field.

    :param source: the fields as the author wrote them, which stay unchanged; or an object of the other package's class.
        Anything else is returned unchanged
    """
    written = _fields_of(source)
    if not isinstance(written, Mapping):
        return source, []
    pipeline = dict(written)
    problems: list[ConfigProblem] = []
    mode = pipeline.get("mode")
    if mode == "batch":
        del pipeline["mode"]  # every pipeline is a batch here
    elif mode == "streaming":
        del pipeline["mode"]
        problems.append(ConfigProblem(_STREAMING, None, "mode"))
    if "hooks" in pipeline:
        problems += _drop_hooks(pipeline.pop("hooks"))
    if "secrets" in pipeline:
        problems += _drop_secrets(pipeline.pop("secrets"))
    if isinstance(pipeline.get("spark"), Mapping):
        pipeline["spark"], wrong = _spark(pipeline["spark"])
        problems += wrong
    components = pipeline.get("components")
    if isinstance(components, (list, tuple)):
        pipeline["components"] = [_component(item) if isinstance(item, Mapping) else item for item in components]
    return pipeline, problems


_STREAMING = (
    "is 'streaming', but a component is complete when its run() returns, and that of an endless query never does; let "
    "the queries end by themselves (trigger availableNow) and remove this field"
)


def _drop_hooks(hooks: Any) -> list[ConfigProblem]:
    if hooks is None:
        return []
    if not isinstance(hooks, Mapping):
        message = f"is {kind_in_words(hooks)}; hooks are objects: pass them as hooks= to the operator or the runner"
        return [ConfigProblem(f"{message}, and remove this field", None, "hooks")]
    problems = _unknown(hooks, _HOOKS, "hooks")
    for section in _HOOKS:
        fields = hooks.get(section)
        if isinstance(fields, Mapping):
            problems += _unknown(fields, _HOOKS[section], f"hooks.{section}")
        elif fields is not None:
            problems.append(ConfigProblem(f"expected a mapping, got {kind_in_words(fields)}", None, f"hooks.{section}"))
        if isinstance(fields, Mapping) and fields.get("enabled", True) is not False:
            logger.warning("field 'hooks.%s' has no effect: %s", section, _INSTEAD[section])
    return problems


def _drop_secrets(secrets: Any) -> list[ConfigProblem]:
    if secrets is None:
        return []
    if not isinstance(secrets, Mapping):
        return [
            ConfigProblem(f"is {kind_in_words(secrets)}; {_SECRETS_INSTEAD}, and remove this field", None, "secrets")
        ]
    logger.warning("field 'secrets' has no effect: it looks up no secret; %s", _SECRETS_INSTEAD)
    return _unknown(secrets, _SECRETS, "secrets")


_SECRETS_INSTEAD = (
    "keep secrets in an Airflow connection or variable and write {{ conn.my_db.password }} or {{ var.value.my_key }}"
)


def _spark(written: Mapping[Any, Any]) -> tuple[dict[Any, Any], list[ConfigProblem]]:
    """Return the Spark section, with an address of Spark Connect as the master."""
    spark = dict(_underscored(written, (*SparkSection.model_fields, "connect_string")))
    address = spark.pop("connect_string", None)
    if address is None or address == "":
        return spark, []
    if not isinstance(address, str) or not (address.startswith("sc://") or "{{" in address):
        shown = f"text {address!r}" if isinstance(address, str) and len(address) <= 60 else kind_in_words(address)
        message = f"expected an address such as 'sc://host:15002', got {shown}"
        return spark, [ConfigProblem(message, None, "spark.connect_string")]
    decided = [name for name in _IN_A_SERVER if spark.pop(name, None) is not None]
    logger.warning(
        "field 'spark.connect_string' sets spark.master; a Spark connection of the task overrides it%s",
        f"; the server has already set {', '.join(decided)}, which have no effect here" if decided else "",
    )
    return {**spark, "master": address}, []


def _component(written: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return a component's fields; the same object if nothing is mapped, so that a cycle in it is found where it
    begins."""
    component = _with_policies(_underscored(written, _COMPONENT))
    resilience = component.get("resilience")
    if isinstance(resilience, Mapping):
        mapped = _with_policies(_underscored(resilience, ("circuit_breaker",)))
        if mapped is not resilience:
            component = {**component, "resilience": mapped}
    for path, provider in _secret_references(component.get("config"), "config", set()):
        logger.warning(
            "component %r, field %r: the text secret://%s/… reaches the component unchanged; %s",
            component_name(component),
            path,
            provider,
            _SECRETS_INSTEAD,
        )
    return component


def _with_policies(fields: Mapping[Any, Any]) -> Mapping[Any, Any]:
    for name, section in (("retry", RetryConfig), ("circuit_breaker", CircuitBreakerConfig)):
        written = fields.get(name)
        if isinstance(written, Mapping):
            mapped = _underscored(written, section.model_fields)
            fields = fields if mapped is written else {**fields, name: mapped}
    return fields


def _underscored(written: Mapping[Any, Any], known: Iterable[str]) -> Mapping[Any, Any]:
    """Give known fields underscores: their loader also reads ``app-name`` as ``app_name``. The same object if none
    changes."""
    dashed = {name.replace("_", "-"): name for name in known if "_" in name and name not in written}
    if dashed.keys().isdisjoint(written):
        return written
    return {dashed.get(key, key): item for key, item in written.items()}


def _unknown(written: Mapping[Any, Any], known: Iterable[str], place: str) -> list[ConfigProblem]:
    fields = list(known)
    names = {name for field in fields for name in (field, field.replace("_", "-"))}
    return [
        ConfigProblem(f"is not a known field{suggestion(str(key), fields)}", None, f"{place}.{key}")
        for key in written
        if key not in names
    ]


def _secret_references(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Yield where their references to secrets stand in a config, and the provider of each.

    :param value: the config, or a part of it
    :param path: where that is
    :param seen: the mappings and lists already visited: aliases may multiply them, or form a cycle
    """
    if isinstance(value, str):
        if found := _SECRET.fullmatch(value):
            yield path, found[1]
    elif isinstance(value, (Mapping, list, tuple)) and id(value) not in seen:
        seen.add(id(value))
        inside = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in inside:
            place = f"{path}.{key}" if isinstance(value, Mapping) else f"{path}[{key}]"
            yield from _secret_references(item, place, seen)
