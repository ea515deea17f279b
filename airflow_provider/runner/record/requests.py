"""What a person asks of the next attempt."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field


class RestartRequest(BaseModel):
    """Run this component and all its descendants again.

    :param component: name of the component
    :param id: tells this request from an earlier one for the same component
    :param requested_at: when it was left
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    component: str = Field(min_length=1)
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    requested_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
