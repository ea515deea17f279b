"""Components that read and write files on the driver's host."""

from __future__ import annotations

import csv
import logging
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow.fs

JOURNAL = logging.getLogger("shop.journal")
"""A logger of the author's own; the test gives it a handler before the first attempt."""


def free_name(directory: str, kind: str) -> str:
    """Return a path that does not exist yet, so that every call makes one file more."""
    return f"{directory}/{kind}-{len(os.listdir(directory))}"


def rename(spark: Any, *, outbox: str) -> None:
    name = free_name(outbox, "new")
    Path(name).touch()
    os.rename(name, f"{name}.done")
    spark.range(5).createOrReplaceTempView("v")


def move_the_input(spark: Any, *, source: str, target: str) -> None:
    os.rename(source, target)
    spark.range(5).createOrReplaceTempView("v")


def remove_the_input(spark: Any, *, source: str) -> None:
    os.remove(source)
    spark.range(5).createOrReplaceTempView("v")


def copy(spark: Any, *, source: str, outbox: str) -> None:
    shutil.copy(source, free_name(outbox, "copy"))
    spark.range(5).createOrReplaceTempView("v")


def make_a_directory(spark: Any, *, outbox: str) -> None:
    os.mkdir(free_name(outbox, "directory"))
    spark.range(5).createOrReplaceTempView("v")


def link(spark: Any, *, source: str, outbox: str) -> None:
    os.symlink(source, free_name(outbox, "link"))
    spark.range(5).createOrReplaceTempView("v")


def leave_a_temp_file(spark: Any, *, outbox: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=outbox, delete=False) as file:
        file.write("line\n")
    spark.range(5).createOrReplaceTempView("v")


def log_with_a_handler_of_its_own(spark: Any, *, path: str) -> None:
    handler = logging.FileHandler(path)
    logger = logging.getLogger("shop.own")
    logger.addHandler(handler)
    logger.warning("done")
    logger.removeHandler(handler)
    handler.close()
    spark.range(5).createOrReplaceTempView("v")


def log_to_a_journal(spark: Any) -> None:
    """The handler was there before, and its file is open: no audit event tells of the line."""
    JOURNAL.warning("order 1 booked")
    spark.range(5).createOrReplaceTempView("v")


def log_as_everybody_does(spark: Any) -> None:
    logging.getLogger(__name__).warning("5 orders")
    spark.range(5).createOrReplaceTempView("v")


def open_to_append(spark: Any, *, path: str) -> None:
    with open(path, "a") as file:
        file.write("line\n")
    spark.range(5).createOrReplaceTempView("v")


def open_to_append_in_a_thread(spark: Any, *, path: str) -> None:
    def work() -> None:
        with open(path, "a") as file:
            file.write("line\n")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    spark.range(5).createOrReplaceTempView("v")


def open_to_append_later(spark: Any, *, path: str) -> None:
    """Its thread goes on when the component has finished."""

    def work() -> None:
        time.sleep(1)
        with open(path, "a") as file:
            file.write("line\n")

    threading.Thread(target=work, name="later").start()
    spark.range(5).createOrReplaceTempView("v")


def open_to_write(spark: Any, *, outbox: str) -> None:
    with open(free_name(outbox, "written"), "w") as file:
        file.write("line\n")
    spark.range(5).createOrReplaceTempView("v")


def os_open(spark: Any, *, path: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(descriptor, b"line\n")
    os.close(descriptor)
    spark.range(5).createOrReplaceTempView("v")


def write_text(spark: Any, *, outbox: str) -> None:
    Path(free_name(outbox, "text")).write_text("line\n")
    spark.range(5).createOrReplaceTempView("v")


def append_silently(spark: Any, *, path: str) -> None:
    """Arrow writes with code of its own: no audit event tells of it."""
    with pyarrow.fs.LocalFileSystem().open_append_stream(path) as stream:
        stream.write(b"line\n")
    spark.range(5).createOrReplaceTempView("v")


def insert_with_sqlite(spark: Any, *, path: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER)")
        connection.execute("INSERT INTO orders VALUES (1)")
    connection.close()
    spark.range(5).createOrReplaceTempView("v")


def nothing_in_the_session(spark: Any, *, path: str) -> None:
    with open(path, "a") as file:
        file.write("line\n")


def open_to_read(spark: Any, *, source: str) -> None:
    with open(source) as file:
        rows = [(int(row[0]), row[1]) for row in csv.reader(file)]
    spark.createDataFrame(rows, "id long, name string").createOrReplaceTempView("v")


def read_text(spark: Any, *, source: str) -> None:
    names = Path(source).read_text().split()
    spark.createDataFrame([(name,) for name in names], "name string").createOrReplaceTempView("v")


def list_a_directory(spark: Any, *, directory: str) -> None:
    names = sorted(os.listdir(directory))
    spark.createDataFrame([(name,) for name in names], "name string").createOrReplaceTempView("v")


def print_a_line(spark: Any) -> None:
    print("5 orders")
    spark.range(5).createOrReplaceTempView("v")
