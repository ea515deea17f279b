"""What the records of a checkpoint have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FrozenRecord(BaseModel):
    """Plain JSON that does not change. Fields that this version does not know are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")
