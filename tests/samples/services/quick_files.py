"""Spark's access to local files, without a process for each file and directory that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NAME = "org.example.QuickFiles"
_SOURCE = """
package org.example;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

public class QuickFiles extends LocalFileSystem {
    public QuickFiles() {
        super(new Raw());
    }

    public static class Raw extends RawLocalFileSystem {
        public void setPermission(Path path, FsPermission permission) throws IOException {
            if (permission.getStickyBit()) {
                super.setPermission(path, permission);
                return;
            }
            String text = permission.getUserAction().SYMBOL + permission.getGroupAction().SYMBOL
                + permission.getOtherAction().SYMBOL;
            Files.setPosixFilePermissions(pathToFile(path).toPath(), PosixFilePermissions.fromString(text));
        }
    }
}
"""


def use_quick_files(spark: SparkSession) -> None:
    """Let Hadoop set permissions by a call, as its native library does, which the installed pyspark does not bring.

    Without the library it runs ``chmod`` for each file, each checksum and each directory: some ten processes for each
    table that a test writes.
    """
    jvm: Any = spark._jvm
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.Thread.currentThread().getContextClassLoader())
    compiler.cook(_SOURCE)
    conf = jvm.org.apache.hadoop.conf.Configuration(spark.sparkContext._jsc.hadoopConfiguration())
    conf.setClassLoader(compiler.getClassLoader())
    conf.set("fs.file.impl", _NAME)
    hadoop = jvm.org.apache.hadoop.fs
    hadoop.FileSystem.closeAll()
    used = hadoop.FileSystem.get(jvm.java.net.URI("file:///"), conf)  # it is kept for whoever asks from now on
    assert used.getClass().getName() == _NAME
