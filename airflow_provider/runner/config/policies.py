"""The policies that an author chooses from: their values, the default first."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

OnConfigChange = Literal["restart", "rerun_affected", "fail"]

OnCodeChange = Literal["rerun_affected", "restart", "reuse", "fail"]

OnSourceChange = Literal["auto", "keep", "rerun_affected", "fail"]

OnClear = Literal["auto", "resume", "restart"]

SessionStatePolicy = Literal["auto", "save", "replay", "none"]

OnFailure = Literal["finish_running", "cancel_running", "continue"]

ParallelComponents = Annotated[int, Field(ge=1)] | Literal["auto"]
