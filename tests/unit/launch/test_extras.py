"""What each extra of a connection does when Spark runs in the task, on a server, or behind spark-submit."""

from __future__ import annotations

import ast
import base64
import inspect
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.apache.spark.hooks.spark_connect import SparkConnectHook
from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook

from airflow_provider.errors import SparkConfigError
from airflow_provider.launch import extras
from airflow_provider.launch.extras import OF_CONNECT, OF_SPARK
from airflow_provider.launch.in_process import InProcessSpark, connection_conf
from airflow_provider.launch.spark_connect import ConnectSpark
from airflow_provider.operators.submit.target import connection_keytab, connection_properties

KEYTAB = base64.b64encode(b"not a keytab").decode()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Define a connection as an environment variable, as Airflow reads it; nobody has been warned of its extras."""
    monkeypatch.setattr(extras, "_warned", set())

    def define(extra: dict[str, Any], conn_id: str = "cluster", conn_type: str = "spark", host: str = "yarn") -> str:
        definition = {"conn_type": conn_type, "host": host, "extra": extra}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(definition))
        return conn_id

    return define


def test_every_extra_that_the_spark_provider_reads_is_known() -> None:
    """A new version of it may read more: then the table in docs/reference/spark.md has to say what becomes of that."""
    assert _extras_read_by(SparkSubmitHook) == OF_SPARK
    assert _extras_read_by(SparkConnectHook) == OF_CONNECT


def _extras_read_by(hook: type) -> set[str]:
    tree = ast.parse(inspect.getsource(inspect.getmodule(hook)))  # type: ignore[arg-type]
    constants = {
        target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""): node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            key: Any = node.args[0]
            if "extra" in ast.unparse(node.func.value):
                found.add(key.value if isinstance(key, ast.Constant) else constants[key.attr])
    return {str(key) for key in found}


def test_principal_and_keytab_are_both_used_and_the_file_is_this_users_only(connect: Any) -> None:
    """And it is gone when the attempt ends, however it ends."""
    conn_id = connect({"principal": "etl@EXAMPLE", "keytab": KEYTAB, "queue": "etl"})
    for error in (None, RuntimeError(), KeyboardInterrupt()):
        with InProcessSpark(conn_id, None, {}, "test") as spark:
            keytab = Path(spark.conf["spark.kerberos.keytab"])
            assert (spark.conf["spark.kerberos.principal"], keytab.read_bytes()) == ("etl@EXAMPLE", b"not a keytab")
            assert stat.S_IMODE(keytab.stat().st_mode) == 0o600
            assert stat.S_IMODE(keytab.parent.stat().st_mode) == 0o700
            spark.__exit__(type(error), error, None)
        assert not keytab.parent.exists()


def test_a_keytab_of_several_lines_is_read_as_base64_prints_it(connect: Any) -> None:
    """The form for connections advises the output of that command."""
    content = bytes(range(200))
    conn_id = connect({"principal": "a@B", "keytab": base64.encodebytes(content).decode()})
    with InProcessSpark(conn_id, None, {}, "test") as spark:
        assert Path(spark.conf["spark.kerberos.keytab"]).read_bytes() == content


@pytest.mark.parametrize("keytab", ["/etc/security/etl.keytab", "/etc/keytab/etl1", "???", "hunter2"])
def test_a_keytab_that_is_no_base64_is_refused(connect: Any, keytab: str) -> None:
    """A path, for one: the Spark provider would make a file of nonsense of it. What it is stays a secret."""
    conn_id = connect({"principal": "a@B", "keytab": keytab})
    for read in (connection_conf, connection_keytab):
        with pytest.raises(SparkConfigError, match="'keytab' is not a keytab in base64") as refused:
            read(conn_id)
        assert keytab not in str(refused.value)


@pytest.mark.parametrize(
    ("extra", "missing"),
    [({"principal": "a@B"}, "keytab"), ({"keytab": KEYTAB}, "principal")],
    ids=["principal", "keytab"],
)
def test_half_a_login_is_refused_for_a_cluster_and_told_where_spark_is_local(
    connect: Any, extra: dict[str, Any], missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Spark wants both or neither where Kerberos is in use; plain local Spark takes one and ignores it."""
    with pytest.raises(SparkConfigError, match=f"no {missing}, and Spark needs both"):
        _ = InProcessSpark(connect(extra), None, {}, "test").conf
    with InProcessSpark(connect(extra, host="local[1]"), None, {}, "test") as spark:
        assert spark.conf["spark.master"] == "local[1]"
    assert f"no {missing}" in caplog.text


@pytest.mark.parametrize("layer", ["extra", "spark_conf", "pipeline"])
def test_the_other_half_of_a_login_may_come_from_elsewhere(connect: Any, layer: str) -> None:
    """The property is Spark's own, so a file of the worker may be named in any place."""
    other = {"spark.kerberos.keytab": "/etc/etl.keytab"}
    conn_id = connect({"principal": "a@B", **(other if layer == "extra" else {})})
    spark = InProcessSpark(
        conn_id, other if layer == "spark_conf" else None, other if layer == "pipeline" else {}, "test"
    )
    assert spark.conf["spark.kerberos.keytab"] == "/etc/etl.keytab"


def test_a_keytab_for_spark_submit_is_this_users_only(connect: Any) -> None:
    """The Spark provider would leave it in /tmp, where everybody may read it."""
    path = connection_keytab(connect({"principal": "a@B", "keytab": KEYTAB}))
    assert path is not None
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert connection_keytab(connect({"queue": "x"})) is None
    assert connection_keytab("not_there") is None


@pytest.mark.parametrize("empty", [None, "", " "])
def test_an_extra_that_is_empty_is_not_set(connect: Any, empty: Any) -> None:
    """A form leaves the fields empty that nobody filled in."""
    names = ("queue", "namespace", "principal", "keytab", "deploy-mode", "spark-home", "spark-binary", "rest-port")
    assert connection_conf(connect(dict.fromkeys(names, empty))) == {"spark.master": "yarn"}


@pytest.mark.parametrize("value", [None, "None", ["a"], {"a": 1}])
def test_a_property_among_the_extras_has_a_value_that_is_text(connect: Any, value: Any) -> None:
    """As in spark_conf and in a pipeline; the error names connection and property."""
    told = r"connection 'cluster', extras: property 'spark\.yarn\.tags'"
    conn_id = connect({"spark.yarn.tags": value})
    with pytest.raises(SparkConfigError, match=told):
        connection_conf(conn_id)
    with pytest.raises(SparkConfigError, match=told):
        connection_properties("t", conn_id)
    conn_id = connect({"spark.yarn.tags": value}, conn_type="spark_connect", host="h")
    with pytest.raises(SparkConfigError, match=told):
        _ = ConnectSpark(conn_id, None, {}, run="r").conf


def test_another_spark_in_a_connection_is_refused(connect: Any) -> None:
    """The Spark provider refuses it, too; it would have no effect."""
    with pytest.raises(SparkConfigError, match="'spark-home' is refused"):
        connection_conf(connect({"spark-home": "/opt/spark"}))


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("deploy_mode", "did you mean 'deploy-mode'?"),
        ("Queue", "did you mean 'queue'?"),
        ("keytabs", "did you mean 'keytab'?"),
        ("extra__spark__namespace", "did you mean 'namespace'?"),
        ("master", "the master is the connection's host"),
        ("executor.memory", "write the full name"),
    ],
)
def test_an_extra_that_nobody_reads_is_warned_of_once(
    connect: Any, key: str, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With what was probably meant."""
    conn_id = connect({key: "x"})
    connection_conf(conn_id)
    connection_conf(conn_id)
    connection_properties("t", conn_id)
    (told,) = [record.getMessage() for record in caplog.records if key in record.getMessage()]
    assert told.startswith(f"connection 'cluster': the extra {key!r} has no effect")
    assert hint in told


def test_what_is_for_spark_submit_alone_is_told_unless_the_form_filled_it_in(
    connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Airflow's form has "spark-submit" in each connection."""
    with caplog.at_level("INFO"):
        connection_conf(connect({"spark-binary": "spark-submit", "rest-port": 6066}))
        assert "no effect" not in caplog.text
        connection_conf(connect({"spark-binary": "spark3-submit"}))
    assert "the extra 'spark-binary' has no effect when Spark runs in the task" in caplog.text


@pytest.mark.parametrize("key", ["spark.master", "spark.remote"])
def test_a_spark_connect_connection_and_another_place_to_run_are_refused(connect: Any, key: str) -> None:
    """The pipeline's own section may say it for other connections."""
    conn_id = connect({}, conn_type="spark_connect", host="h")
    assert ConnectSpark(conn_id, None, {key: "local[1]"}, run="r").conf == {}
    with pytest.raises(SparkConfigError, match=f"leads to a Spark Connect server.*remove {key}"):
        _ = ConnectSpark(conn_id, {key: "local[1]"}, {}, run="r").conf


def test_a_token_among_the_extras_of_a_spark_connect_connection_is_warned_of(
    connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is the password there."""
    conn_id = connect({"token": "hunter2", "use_ssl": False}, conn_type="spark_connect", host="h")
    _ = ConnectSpark(conn_id, None, {}, run="r").conf
    assert "'token' has no effect: the token is the connection's password" in caplog.text
    assert "hunter2" not in caplog.text
