"""What the text of a plan tells of a view, where there is no JVM to ask."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider.runner.record.view_names import ViewName
from airflow_provider.runner.session_state.probes import connect_probe
from airflow_provider.runner.session_state.probes.connect_probe import ConnectProbe

PLAN = """\
== Parsed Logical Plan ==
'UnresolvedRelation [v], [], false

== Analyzed Logical Plan ==
x: bigint
SubqueryAlias v
+- View (`v`, [x])
   +- {} 4
      +- Project [(id + cast(1 as bigint)) AS x]
         +- Filter (id > cast(2 as bigint))
            +- Sort [id DESC NULLS LAST], {}
               +- Range (0, 9, step=1)
"""


@pytest.mark.parametrize(
    ("operator", "is_global", "ordered"),
    [("GlobalLimit", "true", True), ("GlobalLimit", "false", False), ("Aggregate", "true", False)],
)
def test_a_view_is_ordered_if_nothing_mixes_the_rows_that_it_sorts(
    monkeypatch: pytest.MonkeyPatch, operator: str, is_global: str, ordered: bool
) -> None:
    monkeypatch.setattr(connect_probe, "plan_text", lambda spark, view: PLAN.format(operator, is_global))
    client = SimpleNamespace(execute_command=None, register_data_source=None, add_artifacts=None)
    probe = ConnectProbe(SimpleNamespace(_client=client))  # type: ignore[arg-type]
    assert probe.view_facts(ViewName("v"), 0).ordered is ordered
