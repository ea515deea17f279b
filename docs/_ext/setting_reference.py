"""The settings in Airflow's configuration, from the provider's metadata."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider.provider_info import get_provider_info


def settings_page() -> str:
    """Return a page with every setting, its default and an example."""
    return "\n".join(_settings())


def _settings() -> Iterator[str]:
    for section, found in get_provider_info()["config"].items():
        for name, option in found["options"].items():
            yield f"(setting-{name})="
            yield f"## `{name}`\n"
            default = f"default `{option['default']}`" if option["default"] else "default: empty"
            yield f"{option['type']} · {default} · `AIRFLOW__{section.upper()}__{name.upper()}`\n"
            yield f"{option['description']}\n"
            if option["example"]:
                yield f"```ini\n[{section}]\n{name} = {option['example']}\n```\n"
