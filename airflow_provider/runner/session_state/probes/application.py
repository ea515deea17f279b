"""Which settings of a session belong to the application, so that they are not what a component left in the session.

``SparkSession.builder.appName(...).config(...).getOrCreate()`` in a running session copies every setting into it, also
those that Spark reads when an application starts and never again. Nothing in the session depends on such a copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_UNREGISTERED = re.compile(
    r"spark\.(api|app|archives|authenticate|blockManager|broadcast|cleaner|cores|decommission|deploy|driver"
    r"|dynamicAllocation|eventLog|excludeOnFailure|executor|executorEnv|extraListeners|files|history|io|jars|kryo"
    r"|kryoserializer|kubernetes|local|locality|log|logConf|master|memory|mesos|metrics|network|plugins|port|pyspark"
    r"|pyspark_pipeline"
    r"|python|rdd|reducer|remote|repl|resources|rpc|scheduler|security|serializer|shuffle|speculation|ssl|stage|standalone"
    r"|storage|submit|task|ui|worker|yarn)(\..*)?"
)
"""Areas of names that Spark reads from its ``SparkConf`` only. Not all of them are in its registry of settings, and a
client of Spark Connect cannot ask for that."""


class SessionSettings:
    """Takes the application's settings out of what a session has, each as it was at the first look.

    :param first: the settings at the first look
    :param is_modifiable: whether Spark knows a setting as one that a session can change
    :param is_registered: whether Spark knows a setting at all; False where that cannot be asked
    """

    def __init__(
        self,
        first: Mapping[str, str],
        is_modifiable: Callable[[str], bool],
        is_registered: Callable[[str], bool],
    ) -> None:
        self._first = dict(first)
        self._is_modifiable = is_modifiable
        self._is_registered = is_registered
        self._known: dict[str, bool] = {}

    def of(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the settings with those of the application as they were at the first look.

        :param settings: all that the session has now
        """
        differing = {key for key, value in settings.items() if self._first.get(key) != value}
        differing |= self._first.keys() - settings.keys()
        found = dict(settings)
        for key in differing:
            if self._of_application(key):
                found.pop(key, None)
                found |= {key: self._first[key]} if key in self._first else {}
        return found

    def _of_application(self, key: str) -> bool:
        if key not in self._known:
            known = _UNREGISTERED.fullmatch(key) is not None or self._is_registered(key)
            self._known[key] = known and not self._is_modifiable(key)
        return self._known[key]
