"""Tables that a temp view hides although their names have a database."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider.errors import describe
from airflow_provider.runner.config.model import ComponentConfig, PipelineConfig

logger = logging.getLogger(__name__)

_SINCE = (4, 2)
_NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|TABLE|UPDATE|OVERWRITE|EXISTS)\s+`?session`?\s*\.", re.IGNORECASE)


def warn_of_hidden_tables(spark: Any, config: PipelineConfig) -> None:
    """Warn of statements that name tables of a database in whose name Spark looks for temp views.

    The catalog is asked only if there is such a statement, in the config of a component or its code.

    :param spark: the session
    """
    naming = [component.name for component in config.ordered if any(map(_NAMED.search, _texts(component)))]
    if not naming:
        return
    try:
        version = tuple(int(part) for part in str(spark.version).split(".")[:2])
        if version < _SINCE or not spark.catalog.databaseExists("session"):
            return
    except Exception as error:  # noqa: BLE001 - whatever a catalog raises; the component will say what matters to it
        logger.debug("cannot look for a database that is called 'session': %s", describe(error))
        return
    logger.warning(
        "%s: tables of the database 'session' are named without their catalog. Since Spark 4.2 a temp view t hides the "
        "table session.t, and a statement that drops the one may drop the other; write %s.session.t",
        ", ".join(naming),
        spark.catalog.currentCatalog(),
    )


def _texts(component: ComponentConfig) -> Iterator[str]:
    yield from _strings(component.config)
    yield from component.texts.values()
    try:
        yield inspect.getsource(inspect.unwrap(component.target()))
    except (LookupError, OSError, TypeError):
        return  # not importable, or without a file


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        yield value
