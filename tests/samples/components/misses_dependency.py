"""A module that imports something that is not installed."""

import not_installed_anywhere  # noqa: F401


class Component:
    def run(self) -> None: ...
