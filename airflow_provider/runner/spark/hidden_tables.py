"""Tables that a temp view hides although their names have a database."""

from __future__ import annotations

import logging
from typing import Any

from airflow_provider.errors import describe

logger = logging.getLogger(__name__)

_SINCE = (4, 2)


def warn_of_hidden_tables(spark: Any) -> None:
    """Warn of a database that has the name in which Spark looks for temp views.

    :param spark: the session
    """
    try:
        version = tuple(int(part) for part in str(spark.version).split(".")[:2])
        if version < _SINCE or not spark.catalog.databaseExists("session"):
            return
    except Exception as error:  # noqa: BLE001 - whatever a catalog raises; the component will say what matters to it
        logger.debug("cannot look for a database that is called 'session': %s", describe(error))
        return
    logger.warning(
        "there is a database called 'session'. Since Spark 4.2 a temp view t hides its table session.t, and "
        "DROP TABLE session.t may drop the view; write %s.session.t in SQL",
        spark.catalog.currentCatalog(),
    )
