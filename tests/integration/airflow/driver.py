"""Runs DAGs with ``dag.test()`` in a process of its own, because Airflow reads ``AIRFLOW_HOME`` when it is imported.

Each line of standard input is one request, ``{"file": …, "dag_id": …, "conf": …, "output": …}``; each line of standard
output is its answer. What Airflow and the task print goes to the file ``output``.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import traceback
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.listeners import hookimpl
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk.listener import get_listener_manager
from airflow.utils.session import create_session
from sqlalchemy import select


class Witness(logging.Handler):
    """Notes every try of every task: how it ended, what it raised and what this package logged meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.tries: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if self.tries:
            self.tries[-1]["log"].append([record.levelname, record.getMessage()])

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        self.tries.append(
            {
                "task": task_instance.task_id,
                "map_index": -1 if task_instance.map_index is None else task_instance.map_index,
                "number": task_instance.try_number,
                "state": "running",
                "error": None,
                "log": [],
            }
        )

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        self.tries[-1]["state"] = "success"

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: BaseException) -> None:
        self.tries[-1] |= {"state": task_instance.state.value, "error": chain(error)}


def chain(error: BaseException | None) -> dict[str, Any] | None:
    if error is None:
        return None
    where = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    return {
        "type": type(error).__name__,
        "message": str(error),
        "functions": where,
        "cause": chain(error.__cause__),
    }


def run(witness: Witness, file: str, dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    bag = DagBag(file)
    if bag.import_errors:
        return {"problem": "\n".join(bag.import_errors.values())}
    witness.tries = []
    ended = bag.dags[dag_id].test(run_conf=conf)
    with create_session() as session:
        of_run = {"dag_id": dag_id, "run_id": ended.run_id}
        instances = session.scalars(select(TaskInstance).filter_by(**of_run)).all()
        # Through the model: which tables XComs are in differs between releases of Airflow.
        pushed = session.scalars(select(XComModel).filter_by(**of_run)).all()
        return {
            "state": str(ended.state),
            "run_id": ended.run_id,
            "tries": witness.tries,
            "instances": [[i.task_id, i.map_index, str(i.state), i.try_number] for i in instances],
            "pushed": [[x.task_id, x.map_index, x.key, XComModel.deserialize_value(x)] for x in pushed],
        }


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    witness = Witness()
    logging.getLogger("airflow_provider").addHandler(witness)
    get_listener_manager().add_listener(witness)
    for line in sys.stdin:
        request = json.loads(line)
        output = os.open(request.pop("output"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.close(output)
        try:
            answer = run(witness, **request)
        except BaseException:
            answer = {"problem": traceback.format_exc()}
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOBase):
                stream.flush()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
