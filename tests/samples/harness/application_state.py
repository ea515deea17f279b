"""What components leave in the Spark application itself, so that a test can let it begin anew as a new process does."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class ApplicationState:
    """The state of the application now: :meth:`put_back` lets it be so again.

    Python workers that Spark uses again go on with the modules that they have imported; a new process forgets them.
    """

    def __init__(self, spark: SparkSession) -> None:
        from pyspark import SparkFiles

        self._context: Any = spark.sparkContext
        self._java: Any = self._context._jsc.sc()
        self._files = Path(SparkFiles.getRootDirectory())
        self._java.hadoopConfiguration().size()  # lets it read its files
        self._hadoop = {name: self._read_hadoop(name).clone() for name in ("properties", "overlay")}
        self._properties = self._java.getLocalProperties().clone()
        self._packages = list(self._context._python_includes)
        self._path = list(sys.path)

    def put_back(self) -> None:
        """Forget what came since."""
        for name, saved in self._hadoop.items():
            # py4j clears a map entry by entry, which takes longer than the rest of most tests.
            self._hadoop_field(name).set(self._java.hadoopConfiguration(), saved.clone())
        self._java.setLocalProperties(self._properties.clone())
        no_directory = self._context._jvm.scala.Option.empty()
        getattr(self._java, "checkpointDir_$eq")(no_directory)
        for added in (self._java.addedFiles(), self._java.addedArchives(), self._java.addedJars()):
            added.clear()
        self._served_jars().keySet().clear()  # it takes a second one of the same name only from the same path
        for file in self._files.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        self._context._python_includes[:] = self._packages
        sys.path[:] = self._path
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(f"{self._files}/"):
                del sys.modules[name]

    def _served_jars(self) -> Any:
        """What Spark hands out to executors: paths by name."""
        environment = self._context._jvm.Class.forName("org.apache.spark.SparkEnv").getDeclaredField("rpcEnv")
        environment.setAccessible(True)  # a method of that class cannot be looked up in 4.3, which misses another class
        server = environment.get(self._java.env()).fileServer()
        field = server.getClass().getDeclaredField("jars")
        field.setAccessible(True)
        return field.get(server)

    def _read_hadoop(self, name: str) -> Any:
        return self._hadoop_field(name).get(self._java.hadoopConfiguration())

    def _hadoop_field(self, name: str) -> Any:
        field = self._java.hadoopConfiguration().getClass().getDeclaredField(name)
        field.setAccessible(True)
        return field
