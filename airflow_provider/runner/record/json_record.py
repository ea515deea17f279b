"""The base of what checkpoints keep as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class JsonRecord(BaseModel):
    """A frozen record that ignores fields of newer versions."""

    model_config = ConfigDict(frozen=True, extra="ignore")
