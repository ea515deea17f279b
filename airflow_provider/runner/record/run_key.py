"""What identifies a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider.runner.record.file_names import file_name

Scope = tuple[str, ...]
"""What tells apart pipelines that share a run id: ``()`` outside Airflow, ``(dag, task, map index)`` in it. In a loop
over tasks ``(dag, task, map index, region id, region index)``: an unmapped task has map index -1 in each iteration.
"""


@dataclass(frozen=True)
class RunKey:
    """Names one checkpoint.

    :param scope: what tells it apart from others with the same run id and pipeline name
    :param run_id: Airflow's ``run_id``, or any name for the run
    :param pipeline_name: name of the pipeline
    """

    scope: Scope
    run_id: str
    pipeline_name: str

    def __str__(self) -> str:
        where = f" of {'/'.join(self.scope)}" if self.scope else ""
        return f"pipeline {self.pipeline_name!r}{where}, run {self.run_id!r}"

    @property
    def path(self) -> str:
        """A relative path that is unique to this key, separated by ``/``, for names with any characters."""
        return "/".join(map(file_name, (*self.scope, self.run_id, self.pipeline_name)))

    def directory(self, base: str) -> str:
        """Return the directory of this run below ``base``, which may be any url."""
        return f"{base.rstrip('/')}/{self.path}"
