"""What is known to have no side effects, and what is known to come out differently each time: read it as a table.

A name stands for itself and for everything below it; the longest name that fits decides. What is not here is not known.
Authors add their own with ``harmless_modules``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownNames:
    """Names that are judged alike.

    :param why: the reason, in words that fit into a log line
    :param names: dotted names of modules, classes or functions
    """

    why: str
    names: tuple[str, ...]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _in(module: str, text: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for name in text.split())


ANNOUNCED = KnownNames(
    "files that it opens are announced, so what it does to them is seen when it runs",
    _names(
        "builtins.open io pathlib gzip bz2 lzma zipfile tarfile tomllib configparser fileinput "
        "importlib.resources pkgutil.get_data glob"
    ),
)
"""Harmless on the driver. On executors no audit hook hears what Python announces."""

HARMLESS = (
    KnownNames("computes", ("builtins",)),
    KnownNames(
        "computes, in Python's standard library",
        _names(
            "__future__ abc array ast base64 binascii bisect calendar cmath codecs collections colorsys "
            "contextlib contextvars copy copyreg csv dataclasses datetime decimal difflib email enum errno "
            "fnmatch fractions functools graphlib hashlib heapq hmac html inspect ipaddress itertools json "
            "keyword math numbers operator pprint re reprlib shlex statistics string stringprep struct textwrap "
            "token tokenize traceback types typing unicodedata urllib.parse uuid warnings weakref zlib "
            "http.HTTPStatus xml.etree gc.collect random secrets time pickle.dumps pickle.dump "
            "pickle.PicklingError"
        ),
    ),
    ANNOUNCED,
    KnownNames(
        "runs the author's own functions, which are read as well, in threads that are watched",
        _names("asyncio concurrent.futures queue threading"),
    ),
    KnownNames("writes to the log; where its handlers write is looked at", ("logging",)),
    KnownNames(
        "only asks the system", _in("os", "path sep linesep pathsep curdir pardir fspath fsdecode fsencode PathLike")
    ),
    KnownNames(
        "only asks the system",
        _in(
            "os",
            "environ getenv getcwd listdir scandir walk stat lstat access cpu_count getpid getppid uname "
            "urandom name stat_result DirEntry error getlogin",
        ),
    ),
    KnownNames(
        "only asks the system",
        _names(
            "sys.version sys.version_info sys.platform sys.maxsize sys.argv sys.stdout sys.stderr sys.exit "
            "sys.exc_info sys.byteorder sys.float_info sys.getsizeof sys.executable sys.implementation "
            "sys.getrecursionlimit platform socket.gethostname socket.getfqdn getpass.getuser locale zoneinfo "
            "importlib.metadata.version tempfile.gettempdir importlib.util.find_spec"
        ),
    ),
    KnownNames(
        "changes what session state is looked at for",
        _names(
            "os.chdir os.fchdir os.putenv os.unsetenv sys.path sys.setrecursionlimit locale.setlocale time.tzset "
            "contextlib.chdir"
        ),
    ),
    KnownNames(
        "Spark: what it writes and runs is seen in its executions",
        _names(
            "pyspark.sql pyspark.pandas pyspark.ml pyspark.errors pyspark.Row pyspark.StorageLevel "
            "pyspark.storagelevel pyspark.broadcast pyspark.Broadcast pyspark.accumulators "
            "pyspark.AccumulatorParam pyspark.SparkContext pyspark.context pyspark.SparkConf pyspark.conf "
            "pyspark.SparkFiles pyspark.files pyspark.rdd pyspark.RDD pyspark.serializers pyspark.TaskContext "
            "pyspark.taskcontext pyspark.statcounter pyspark.util.InheritableThread pyspark.InheritableThread "
            "pyspark.inheritable_thread_target"
        ),
    ),
    KnownNames("computes arrays", ("numpy",)),
    KnownNames("computes tables; what it writes is seen or has a name of its own", ("pandas",)),
    KnownNames(
        "computes columns in memory",
        _in(
            "pyarrow",
            "Table RecordBatch Array ChunkedArray Schema Field DataType Scalar array chunked_array table "
            "record_batch schema field scalar compute types lib.Table lib.RecordBatch lib.Array "
            "lib.ChunkedArray lib.Schema lib.Field lib.DataType lib.array lib.schema lib.field int8 int16 int32 "
            "int64 float32 float64 string bool_ binary date32 date64 timestamp decimal128 list_ struct map_ "
            "dictionary null concat_tables",
        ),
    ),
    KnownNames(
        "computes, in a package that is known",
        _names(
            "pydantic pydantic_core annotated_types typing_extensions attr attrs dateutil pytz tzdata packaging "
            "toolz more_itertools cloudpickle.dumps yaml.safe_load yaml.safe_dump yaml.YAMLError"
        ),
    ),
    KnownNames(
        "a part of this package that only describes or runs a component",
        _names(
            "airflow_provider.components airflow_provider.errors airflow_provider.runner.DataFlow "
            "airflow_provider.runner.config airflow_provider.runner.ComponentConfig"
        ),
    ),
)

NOT_KNOWN = (
    KnownNames(
        "runs code that cannot be read", _names("builtins.exec builtins.eval builtins.compile builtins.__import__")
    ),
    KnownNames("runs code that cannot be read", _in("types", "FunctionType CodeType")),
    KnownNames(
        "looks things up by name", _names("builtins.globals builtins.locals builtins.vars inspect.currentframe")
    ),
    KnownNames("looks things up by name", _in("inspect", "getmodule stack trace getouterframes getinnerframes")),
    KnownNames("asks a person", _names("builtins.input builtins.breakpoint")),
    KnownNames("sets what holds for the whole process", _names("time.clock_settime time.clock_settime_ns")),
    KnownNames("runs an expression that is not read", _names("pandas.eval numexpr")),
    KnownNames("runs later", _names("weakref.finalize asyncio.run_coroutine_threadsafe")),
    KnownNames(
        "starts processes",
        _names(
            "concurrent.futures.ProcessPoolExecutor concurrent.futures.process "
            "concurrent.futures.InterpreterPoolExecutor asyncio.create_subprocess_exec "
            "asyncio.create_subprocess_shell asyncio.subprocess platform.popen"
        ),
    ),
    KnownNames(
        "talks to the network",
        _in("asyncio", "open_connection start_server open_unix_connection start_unix_server streams transports"),
    ),
    KnownNames("writes the log elsewhere", _in("logging", "FileHandler StreamHandler config handlers basicConfig")),
    KnownNames(
        "writes files in C", _in("numpy", "memmap ctypeslib f2py distutils DataSource core.memmap _core.memmap")
    ),
    KnownNames(
        "writes files", _in("numpy", "save savez savez_compressed savetxt lib.format testing load fromfile lib.npyio")
    ),
    KnownNames(
        "reads or writes data elsewhere", ("pandas.io", "pandas.HDFStore", "pandas.ExcelWriter", "pandas.ExcelFile")
    ),
    KnownNames(
        "reads data elsewhere",
        _in(
            "pandas",
            "read_clipboard read_excel read_feather read_gbq read_hdf read_html read_iceberg read_orc "
            "read_parquet read_pickle read_sas read_spss read_sql read_sql_query read_sql_table read_stata "
            "read_xml to_pickle",
        ),
    ),
    KnownNames("looks for settings in the environment", ("pydantic.BaseSettings",)),
    KnownNames("is the bridge to the JVM", _names("pyspark.java_gateway pyspark.sql.context.SQLContext._jvm")),
    KnownNames("streams", _names("pyspark.sql.streaming pyspark.streaming")),
)
"""Inside of what is harmless, or worth a word of its own."""

TO_EXECUTORS = _names(
    "udf pandas_udf arrow_udf udtf arrow_udtf mapInPandas mapInArrow applyInPandas applyInArrow applyInPandasWithState "
    "transformWithState transformWithStateInPandas cogroup rdd parallelize mapPartitions pandas_api dataSource"
)
"""Names with which Python code gets to the executors."""

UNSEEN_ON_EXECUTORS = _names(
    "to_csv to_json to_html to_latex to_markdown to_string to_xml read_csv read_json read_fwf read_table"
)
"""Names of pandas that are harmless where the files that they open are seen."""

SPARK_ACTS = {
    "DataFrameWriter": "writes",
    "DataFrameWriterV2": "writes",
    "DataStreamReader": "streams",
    "DataStreamWriter": "streams",
    "MergeIntoWriter": "writes",
    "StreamingQuery": "streams",
    "StreamingQueryManager": "streams",
    "foreach": "runs code on executors",
    "foreachPartition": "runs code on executors",
    "java_method": "calls Java methods by name",
    "reflect": "calls Java methods by name",
    "try_reflect": "calls Java methods by name",
    "registerJavaFunction": "runs functions in Java",
    "registerJavaUDAF": "runs functions in Java",
}
"""Names that keep a part of pyspark from being harmless, wherever in it they stand."""

VARYING = (
    KnownNames(
        "reads the clock",
        _names(
            "datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today "
            "time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns "
            "time.process_time time.process_time_ns time.thread_time time.thread_time_ns time.clock_gettime "
            "time.clock_gettime_ns time.localtime time.gmtime time.ctime time.asctime time.strftime time.tzname "
            "time.timezone pandas.Timestamp.now pandas.Timestamp.utcnow pandas.Timestamp.today dateutil.parser "
            "dateutil.utils.today email.utils.localtime email.utils.formatdate email.utils.make_msgid"
        ),
    ),
    KnownNames("draws random numbers", _names("random secrets numpy.random os.urandom")),
    KnownNames("makes an id of its own", _names("uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7 uuid.uuid8 uuid.getnode")),
    KnownNames("reads the environment", _names("os.environ os.environb os.getenv os.getenvb sys.argv")),
    KnownNames("reads the environment", _in("os.path", "expandvars expanduser abspath realpath")),
    KnownNames(
        "asks where it runs",
        _names(
            "os.getpid os.getppid os.uname os.getcwd os.cpu_count os.getlogin platform socket.gethostname "
            "socket.getfqdn getpass.getuser locale sys.executable threading.get_ident threading.get_native_id "
            "threading.current_thread tempfile.gettempdir pathlib.Path.cwd pathlib.Path.home"
        ),
    ),
    KnownNames("looks at files", _names("os.listdir os.scandir os.walk os.stat os.lstat os.access glob")),
    KnownNames(
        "looks at files",
        _in("os.path", "exists lexists isfile isdir islink ismount getsize getmtime getctime getatime"),
    ),
    KnownNames("asks a person", ("builtins.input",)),
    KnownNames("depends on the process", _names("builtins.id builtins.hash")),
    KnownNames("takes the order of a set, which differs from process to process", ("builtins.set.__iter__",)),
)
"""What a value comes from that another run would not get."""

ONLY_SETS = _names("os.putenv os.unsetenv locale.setlocale")
"""Inside of what varies: it asks for nothing."""

ACTING_ATTRIBUTES = {
    **dict.fromkeys(
        _names("_jvm _jsc _gateway _jsparkSession _jdf _jrdd _jreader _jwrite _sc _jc _ssql_ctx"),
        "is the bridge to the JVM",
    ),
    **dict.fromkeys(_names("registerJavaFunction registerJavaUDAF"), "runs functions in Java"),
    **dict.fromkeys(_names("readStream writeStream foreachBatch"), "streams"),
    **dict.fromkeys(_names("stop copyFromLocalToFs"), "changes the Spark application"),
    **dict.fromkeys(
        _names(
            "create_connection create_datagram_endpoint create_server create_unix_connection sock_connect "
            "subprocess_exec subprocess_shell post put patch delete request urlopen send sendall sendto "
            "sendmail send_message publish produce connect cursor execute executemany executescript commit "
            "upload upload_file upload_fileobj upload_blob upload_from_string upload_from_filename put_object "
            "delete_object delete_objects put_item put_record insert_one insert_many update_one update_many "
            "delete_one delete_many system popen"
        ),
        "may act elsewhere",
    ),
    **dict.fromkeys(
        _names(
            "tofile to_clipboard to_excel to_feather to_gbq to_hdf to_iceberg to_orc to_parquet to_pickle "
            "to_sql to_stata"
        ),
        "writes data, also in C",
    ),
    **dict.fromkeys(
        _names(
            "__globals__ __builtins__ __subclasses__ __loader__ __code__ __closure__ f_globals f_back tb_frame "
            "forName loadClass getClassByName getClassByNameOrNull"
        ),
        "leads to code that cannot be followed",
    ),
    **dict.fromkeys(_names("eval query"), "runs an expression that is not read"),
    "addHandler": "writes the log elsewhere",
}
"""Names of attributes that count whatever object they belong to. Spark's own writers are seen in its executions."""

VARYING_ATTRIBUTES = {
    **dict.fromkeys(_names("now utcnow today"), "reads the clock"),
    **dict.fromkeys(_names("applicationId startTime uiWebUrl defaultParallelism"), "asks which Spark it is"),
    **dict.fromkeys(_names("sample randomSplit takeSample"), "draws a sample, with a seed that is not known"),
    **dict.fromkeys(
        _names("exists is_file is_dir iterdir rglob st_size st_mtime st_mtime_ns st_ctime st_atime"), "looks at files"
    ),
}

HELD = (
    KnownNames("an open file", _names("io _io gzip bz2 lzma zipfile tarfile tempfile mmap")),
    KnownNames("a queue that something else may read", _names("queue asyncio multiprocessing concurrent.futures")),
    KnownNames("a thread", ("threading.Thread", "threading.Timer")),
    KnownNames("a handler of the log", ("logging.Handler", "logging.StreamHandler", "logging.FileHandler")),
    KnownNames("a Spark context", ("pyspark.context", "pyspark.SparkContext", "pyspark.rdd", "pyspark.java_gateway")),
    KnownNames(
        "code in a form that cannot be read", ("types.CodeType", "types.FrameType", "builtins.code", "builtins.frame")
    ),
)
"""Values that were made before the component ran: with them it can act without being seen."""

HELD_VARYING = (
    KnownNames("goes on drawing where the last one stopped", _names("random numpy.random secrets")),
    KnownNames(
        "goes on where the last one stopped",
        _names("itertools builtins.generator builtins.map builtins.filter builtins.zip builtins.enumerate"),
    ),
)
"""Values that remember how often they were asked: in a new process they begin anew."""

HELD_HARMLESS = _names("io.StringIO io.BytesIO _io.StringIO _io.BytesIO _thread")

SAME = {
    "os.environ.__setitem__": "os.putenv",
    "posixpath": "os.path",
    "ntpath": "os.path",
    "genericpath": "os.path",
    "posix": "os",
    "_io": "io",
    "_io.open": "builtins.open",
    "io.open": "builtins.open",
    "codecs.open": "builtins.open",
    "_datetime": "datetime",
    "_random": "random",
    "_socket": "socket",
    "_thread": "threading",
    "_operator": "operator",
    "_functools": "functools",
    "_collections": "collections",
    "_collections_abc": "collections.abc",
    "_decimal": "decimal",
    "_pydatetime": "datetime",
    "_hashlib": "hashlib",
    "_json": "json",
    "_csv": "csv",
    "_struct": "struct",
    "_weakref": "weakref",
    "_uuid": "uuid",
    "_contextvars": "contextvars",
    "_heapq": "heapq",
    "_bisect": "bisect",
    "_statistics": "statistics",
    "_sre": "re",
    "_abc": "abc",
    "_ast": "ast",
    "_pickle": "pickle",
    "_queue": "queue",
    "_asyncio": "asyncio",
    "_strptime": "datetime",
    "pathlib._local": "pathlib",
    "pyspark.core.broadcast": "pyspark.broadcast",
    "pandas._libs.tslibs.timestamps.Timestamp": "pandas.Timestamp",
    "pandas.core": "pandas",
    "pandas._libs": "pandas",
}
"""Other names of the same."""
