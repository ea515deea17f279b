"""What a component can leave for later ones, and what a later attempt makes of it: one row each.

The tests run every row, and the table of the docs is made from it. A row is one entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

THINGS = "tests.integration.spark.left_behind.things"


class Verdict(StrEnum):
    """What becomes of what a completed component left, in an attempt after a failure."""

    RESTORED = "comes back"
    REPLAYED = "replayed"
    REFUSED = "refused"
    EXPLAINED = "missing, and said"
    UNNEEDED = "not needed"


RESTORED, REPLAYED, REFUSED, EXPLAINED, UNNEEDED = Verdict


@dataclass(frozen=True)
class LeftThing:
    """Something that a component leaves.

    Texts are filled in: ``{db}`` is a database, ``{file}`` a text file, ``{archive}`` an archive with one file,
    ``{python}`` a Python file, ``{package}`` a zip with a Python module, ``{jar}`` a jar, ``{dir}`` a directory,
    ``{parquet}`` and ``{csv}`` data.

    :param what: what is left, for people
    :param how: how, in code
    :param alone: the verdict where the component only leaves it
    :param writing: the verdict where it also writes a table, and so must not run again
    :param because: what the reason, the refusal or the hint says
    :param sql: statements that leave it
    :param leaves: or a function in :mod:`things` that does
    :param given: arguments of that function
    :param reads: a query, or a function in :mod:`things`, that reads it in a later component
    :param earlier: statements of a component before it
    :param remedy: what helps where it does not come back, for people
    :param connect: the verdict on Spark Connect; None if a client cannot leave it
    :param is_new: whether only Spark 4.2 has it
    :param forgets: whether it is in ``{db}_more``, which a catalog in memory forgets while the files stay
    """

    what: str
    how: str
    alone: Verdict
    writing: Verdict
    reads: str
    because: str = ""
    sql: tuple[str, ...] = ()
    leaves: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    remedy: str = ""
    connect: Verdict | None = None
    is_new: bool = False
    forgets: bool = False

    def __str__(self) -> str:
        return self.what


def by_sql(what: str, *sql: str, reads: str, alone: Verdict, writing: Verdict, **fields: object) -> LeftThing:
    """A row whose component runs statements."""
    return LeftThing(what, "; ".join(sql), alone, writing, reads, sql=sql, **fields)  # type: ignore[arg-type]


def by_code(
    what: str, how: str, leaves: str, *, reads: str, alone: Verdict, writing: Verdict, **fields: object
) -> LeftThing:
    """A row whose component calls Spark's API."""
    return LeftThing(what, how, alone, writing, reads, leaves=leaves, **fields)  # type: ignore[arg-type]


SPLIT = "leave it in a component of its own that writes nothing"
PROPERTY = "give the Spark property {} to every attempt"

VIEWS = (
    by_sql(
        "a temp view",
        "CREATE TEMPORARY VIEW v AS SELECT 1 AS x",
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_code(
        "a temp view over a DataFrame",
        "df.createOrReplaceTempView('v')",
        "view_of_frame",
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a global temp view",
        "CREATE OR REPLACE GLOBAL TEMPORARY VIEW left_global AS SELECT 2 AS x",
        reads="SELECT * FROM global_temp.left_global",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a temp view that replaces another one",
        "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 2 AS x",
        earlier=("CREATE TEMPORARY VIEW v AS SELECT 1 AS x",),
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "that a temp view is gone",
        "DROP VIEW v",
        earlier=("CREATE TEMPORARY VIEW v AS SELECT 1 AS x",),
        reads="SHOW VIEWS LIKE 'v'",
        alone=RESTORED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a temp view over files",
        "CREATE TEMPORARY VIEW v USING csv OPTIONS (path '{csv}')",
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_code(
        "a temp view whose columns share a name",
        "df.select('id', 'id').createOrReplaceTempView('v')",
        "view_of_same_names",
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a temp view over a temp function",
        "CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x + 1",
        "CREATE TEMPORARY VIEW v AS SELECT f(1) AS x",
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a temp view over a session variable",
        "DECLARE n INT DEFAULT 3",
        "CREATE TEMPORARY VIEW v AS SELECT n AS x",
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a temp view of an array and a map",
        "CREATE TEMPORARY VIEW v AS SELECT array(1, NULL) AS a, map('k', 1.5) AS m",
        reads="SELECT * FROM v",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a cached temp view",
        "CREATE TEMPORARY VIEW v AS SELECT 1 AS x",
        "CACHE TABLE v",
        reads="view_is_cached",
        alone=REPLAYED,
        writing=RESTORED,
    ),
)

FUNCTIONS = (
    by_sql(
        "a temp function in SQL",
        "CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x * 2",
        reads="SELECT f(21)",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="temp function `f`",
        remedy=SPLIT,
        connect=EXPLAINED,
    ),
    by_sql(
        "a temp table function in SQL",
        "CREATE TEMPORARY FUNCTION f(n INT) RETURNS TABLE(a INT) RETURN SELECT n",
        reads="SELECT * FROM f(3)",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="temp function `f`",
        remedy=SPLIT,
        connect=EXPLAINED,
    ),
    by_sql(
        "a temp function in Java",
        "CREATE TEMPORARY FUNCTION f AS 'org.apache.hadoop.hive.ql.udf.generic.GenericUDFUpper'",
        reads="DESCRIBE FUNCTION f",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="temp function `f`",
        remedy=SPLIT,
    ),
    by_sql(
        "a temp function that replaces another one",
        "CREATE OR REPLACE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x * 3",
        earlier=("CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x",),
        reads="SELECT f(1)",
        alone=REPLAYED,
        writing=REFUSED,
        because="hides another one",
        remedy=SPLIT,
    ),
    by_code(
        "a Python function for SQL",
        "spark.udf.register('f', …)",
        "python_function",
        reads="SELECT f(20)",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="temp function `f`",
        remedy=SPLIT,
        connect=EXPLAINED,
    ),
    by_code(
        "a Python table function",
        "spark.udtf.register('f', …)",
        "python_table_function",
        reads="SELECT * FROM f(2)",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="temp function `f`",
        remedy=SPLIT,
        connect=EXPLAINED,
    ),
    by_code(
        "a Python data source",
        "spark.dataSource.register(Dice)",
        "data_source",
        reads="read_dice",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="data source `dice`",
        remedy=SPLIT,
        connect=EXPLAINED,
    ),
    by_code(
        "a Python data source that replaces another one",
        "spark.dataSource.register(LoadedDice)",
        "other_data_source",
        earlier=("dice",),
        reads="read_dice",
        alone=REPLAYED,
        writing=REFUSED,
        because="replaces another one",
        remedy=SPLIT,
    ),
)

SETTINGS = (
    by_sql(
        "a setting of Spark SQL",
        "SET spark.sql.shuffle.partitions = 7",
        reads="SET spark.sql.shuffle.partitions",
        alone=RESTORED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "the time zone",
        "SET TIME ZONE 'Asia/Tokyo'",
        reads="SELECT current_timezone()",
        alone=RESTORED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a setting of the author's own that is a date",
        "SET my.day = 2026-01-01",
        reads="SET my.day",
        alone=REPLAYED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a setting of the author's own that is a text",
        "SET my.country = DE",
        reads="SET my.country",
        alone=REPLAYED,
        writing=REFUSED,
        because="setting 'my.country'",
        remedy=SPLIT,
        connect=REFUSED,
    ),
    by_sql(
        "a setting that is unset",
        "RESET spark.sql.shuffle.partitions",
        earlier=("SET spark.sql.shuffle.partitions = 7",),
        reads="SET spark.sql.shuffle.partitions",
        alone=RESTORED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "a setting that looks like a secret",
        "SET my.password = hunter2",
        reads="read_password",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="setting 'my.password'",
        remedy="let each component that needs it set it, from the connection",
        connect=EXPLAINED,
    ),
    by_sql(
        "a catalog",
        "SET spark.sql.catalog.lake = org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
        reads="read_catalog",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="catalog `lake`",
        remedy=PROPERTY.format("spark.sql.catalog.…"),
    ),
    by_sql(
        "the current database",
        "USE {db}",
        reads="SELECT current_database()",
        alone=RESTORED,
        writing=RESTORED,
        connect=RESTORED,
    ),
    by_sql(
        "the SQL path",
        "SET PATH = spark_catalog.{db}, current_schema, system.builtin",
        reads="SELECT current_path()",
        alone=RESTORED,
        writing=RESTORED,
        is_new=True,
    ),
)

VARIABLES = (
    *(
        by_sql(
            f"a session variable of type {kind}",
            f"DECLARE n {kind} DEFAULT {value}",
            reads="SELECT n, typeof(n)",
            alone=RESTORED,
            writing=RESTORED,
            connect=EXPLAINED,
            because="variable `n`",
            remedy=SPLIT,
        )
        for kind, value in {
            "INT": "42",
            "STRING": "'it''s'",
            "DECIMAL(10,2)": "1.50",
            "DATE": "DATE'2026-01-01'",
            "TIMESTAMP": "TIMESTAMP'2026-01-01 12:00:00'",
        }.items()
    ),
    by_sql(
        "another value of a session variable",
        "SET VAR n = 2",
        earlier=("DECLARE n INT DEFAULT 1",),
        reads="SELECT n",
        alone=RESTORED,
        writing=RESTORED,
        connect=REFUSED,
        because="set a session variable",
        remedy=SPLIT,
    ),
    by_sql(
        "that a session variable is gone",
        "DROP TEMPORARY VARIABLE n",
        earlier=("DECLARE n INT DEFAULT 1",),
        reads="variables_are_gone",
        alone=RESTORED,
        writing=RESTORED,
    ),
    by_sql(
        "a session variable of another type",
        "DECLARE n ARRAY<INT> DEFAULT array(1, 2)",
        reads="SELECT n",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="variable `n`",
        remedy=SPLIT,
        connect=EXPLAINED,
    ),
    by_sql(
        "a session variable whose default is computed",
        "DECLARE n INT DEFAULT length('four')",
        reads="SELECT n",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="variable `n`",
        remedy=SPLIT,
        connect=EXPLAINED,
    ),
    by_sql(
        "a session variable that looks like a secret",
        "DECLARE db_password STRING DEFAULT 'hunter2'",
        reads="SELECT length(db_password)",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="variable `db_password`",
        remedy="let each component that needs it set it, from the connection",
        connect=EXPLAINED,
    ),
)

TABLES = (
    by_sql(
        "a database of a catalog in memory",
        "CREATE DATABASE {db}_more",
        reads="SHOW DATABASES LIKE '{db}_more'",
        alone=RESTORED,
        writing=RESTORED,
        connect=UNNEEDED,
        forgets=True,
    ),
    by_sql(
        "a table of a catalog in memory",
        "CREATE DATABASE {db}_more",
        "CREATE TABLE {db}_more.t USING parquet AS SELECT 1 AS x",
        reads="SELECT * FROM {db}_more.t",
        alone=RESTORED,
        writing=RESTORED,
        connect=UNNEEDED,
        forgets=True,
    ),
    by_sql(
        "a view of a catalog in memory",
        "CREATE DATABASE {db}_more",
        "CREATE VIEW {db}_more.left_view AS SELECT 1 AS x",
        reads="SELECT * FROM {db}_more.left_view",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="left_view",
        remedy=SPLIT,
        connect=UNNEEDED,
        forgets=True,
    ),
)

HADOOP = (
    *(
        by_code(
            f"Hadoop's {key}",
            f"spark._jsc.hadoopConfiguration().set({key!r}, {value!r})",
            "hadoop_entry",
            given={"key": key, "value": value},
            reads=f"hadoop:{key}",
            alone=RESTORED,
            writing=RESTORED,
        )
        for key, value in {
            "parquet.block.size": "1048576",
            "mapreduce.fileoutputcommitter.algorithm.version": "2",
            "textinputformat.record.delimiter": "\n\n",
            "parquet.compression": "ZSTD",
            "my.day": "2026-01-01",
        }.items()
    ),
    *(
        by_code(
            what,
            f"spark._jsc.hadoopConfiguration().set({key!r}, {value!r})",
            "hadoop_entry",
            given={"key": key, "value": value},
            reads=f"hadoop:{key}",
            alone=REPLAYED,
            writing=REFUSED,
            because=f"Hadoop's {key!r}",
            remedy=PROPERTY.format(f"spark.hadoop.{key}"),
        )
        for what, key, value in (
            ("where a file system is", "fs.s3a.endpoint", "http://store.example"),
            ("which code reads a file system", "fs.lake.impl", "org.example.LakeFileSystem"),
            ("a text of the author's own in Hadoop's configuration", "my.country", "DE"),
        )
    ),
    by_code(
        "a credential in Hadoop's configuration",
        "spark._jsc.hadoopConfiguration().set('fs.s3a.secret.key', …)",
        "hadoop_entry",
        given={"key": "fs.s3a.secret.key", "value": "hunter2"},
        reads="hadoop_loud:fs.s3a.secret.key",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="Hadoop's 'fs.s3a.secret.key'",
        remedy=PROPERTY.format("spark.hadoop.fs.s3a.secret.key"),
    ),
    by_code(
        "that an entry of Hadoop's is gone",
        "spark._jsc.hadoopConfiguration().unset('io.file.buffer.size')",
        "no_hadoop_entry",
        given={"key": "io.file.buffer.size"},
        reads="hadoop:io.file.buffer.size",
        alone=RESTORED,
        writing=RESTORED,
    ),
)

PROPERTIES = (
    *(
        by_code(
            what,
            f"sc.setLocalProperty({key!r}, {value!r})",
            "local_property",
            given={"key": key, "value": value},
            reads=f"property:{key}",
            alone=RESTORED,
            writing=RESTORED,
        )
        for what, key, value in (
            ("the scheduler pool", "spark.scheduler.pool", "nightly"),
            ("a local property of the author's own", "my.country", "DE"),
        )
    ),
    by_code(
        "the description of jobs",
        "sc.setJobDescription('load')",
        "job_description",
        reads="property:spark.job.description",
        alone=RESTORED,
        writing=RESTORED,
    ),
    by_code(
        "a local property of the author's own in a task",
        "sc.setLocalProperty('my.country', 'DE')",
        "local_property",
        given={"key": "my.country", "value": "DE"},
        reads="property_in_task",
        alone=RESTORED,
        writing=RESTORED,
    ),
    by_code(
        "a local property that means something to Spark",
        "sc.setLocalProperty('spark.sql.ansi.enabled', 'false')",
        "local_property",
        given={"key": "spark.sql.ansi.enabled", "value": "false"},
        reads="property:spark.sql.ansi.enabled",
        alone=REPLAYED,
        writing=REFUSED,
        because="local property 'spark.sql.ansi.enabled'",
        remedy=SPLIT,
    ),
    by_code(
        "a local property that looks like a secret",
        "sc.setLocalProperty('my.password', …)",
        "local_property",
        given={"key": "my.password", "value": "hunter2"},
        reads="property:my.password",
        alone=REPLAYED,
        writing=REFUSED,
        because="local property 'my.password'",
        remedy=SPLIT,
    ),
    by_code(
        "the checkpoint directory",
        "sc.setCheckpointDir('/data/checkpoints')",
        "checkpoint_directory",
        given={"path": "{dir}"},
        reads="checkpointed",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="checkpoint directory",
        remedy=PROPERTY.format("spark.checkpoint.dir"),
    ),
)

FILES = (
    by_sql(
        "a file added by SQL",
        "ADD FILE '{file}'",
        reads="read_added:{file}",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="rates.txt",
        remedy=PROPERTY.format("spark.files"),
    ),
    by_sql(
        "an archive added by SQL",
        "ADD ARCHIVE '{archive}'",
        reads="read_added:{archive}",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="more.zip",
        remedy=PROPERTY.format("spark.archives"),
    ),
    by_sql(
        "a jar added by SQL",
        "ADD JAR '{jar}'",
        reads="list_jars",
        alone=REPLAYED,
        writing=EXPLAINED,
        because="jar `more.jar`",
        remedy=PROPERTY.format("spark.jars"),
    ),
    *(
        by_code(
            what,
            how,
            leaves,
            given={"path": f"{{{path}}}"},
            reads=reads,
            alone=REPLAYED,
            writing=EXPLAINED,
            because=because,
            remedy=PROPERTY.format(prop),
            connect=connect,
        )
        for what, how, leaves, path, reads, because, prop, connect in (
            (
                "an added file",
                "sc.addFile('rates.txt')",
                "added_file",
                "file",
                "read_added:{file}",
                "rates.txt",
                "spark.files",
                None,
            ),
            (
                "an added archive",
                "sc.addArchive('more.zip')",
                "added_archive",
                "archive",
                "read_added:{archive}",
                "more.zip",
                "spark.archives",
                None,
            ),
            (
                "an added Python file",
                "sc.addPyFile('left_module.py')",
                "added_python_file",
                "python",
                "call_module",
                "Python file `left_module.py`",
                "spark.submit.pyFiles",
                None,
            ),
            (
                "an added Python package",
                "sc.addPyFile('left_package.zip')",
                "added_python_file",
                "package",
                "call_package",
                "Python file `left_package.zip`",
                "spark.submit.pyFiles",
                None,
            ),
            (
                "a file as an artifact",
                "spark.addArtifact('rates.txt', file=True)",
                "file_artifact",
                "file",
                "read_added_on_executor",
                "rates.txt",
                "spark.files",
                EXPLAINED,
            ),
            (
                "a Python file as an artifact",
                "spark.addArtifact('left_module.py', pyfile=True)",
                "python_artifact",
                "python",
                "call_module",
                "left_module",
                "spark.submit.pyFiles",
                EXPLAINED,
            ),
            (
                "an archive as an artifact",
                "spark.addArtifact('more.zip', archive=True)",
                "archive_artifact",
                "archive",
                "read_archive_on_executor",
                "more.zip",
                "spark.archives",
                EXPLAINED,
            ),
        )
    ),
)

NOTHING = (
    by_code(
        "a job group",
        "sc.setJobGroup('load', 'daily load')",
        "job_group",
        reads="property:spark.job.description",
        alone=RESTORED,
        writing=RESTORED,
    ),
    by_code(
        "a tag of jobs",
        "sc.addJobTag('load')",
        "job_tag",
        reads="SELECT 1",
        alone=UNNEEDED,
        writing=UNNEEDED,
    ),
    by_code(
        "the log level",
        "sc.setLogLevel('ERROR')",
        "log_level",
        reads="SELECT 1",
        alone=UNNEEDED,
        writing=UNNEEDED,
    ),
)

ROWS = (*VIEWS, *FUNCTIONS, *SETTINGS, *VARIABLES, *TABLES, *HADOOP, *PROPERTIES, *FILES, *NOTHING)
