"""Components that start a program, or call the system past Python."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shlex
import subprocess
from typing import Any


def run_a_program(spark: Any, *, path: str) -> None:
    subprocess.run(["sh", "-c", f"echo line >> {shlex.quote(path)}"], check=True)
    spark.range(5).createOrReplaceTempView("v")


def run_with_os_system(spark: Any, *, path: str) -> None:
    os.system(f"echo line >> {shlex.quote(path)}")
    spark.range(5).createOrReplaceTempView("v")


def run_with_popen_and_leave(spark: Any, *, path: str) -> None:
    with os.popen(f"echo line >> {shlex.quote(path)}") as output:
        output.read()
    spark.range(5).createOrReplaceTempView("v")


def run_in_a_process(spark: Any, *, path: str) -> None:
    process = multiprocessing.get_context("spawn").Process(target=append_line, args=(path,))
    process.start()
    process.join()
    spark.range(5).createOrReplaceTempView("v")


def append_line(path: str) -> None:
    with open(path, "a") as file:
        file.write("line\n")


def call_the_c_library(spark: Any, *, path: str) -> None:
    libc = ctypes.CDLL(None)
    descriptor = libc.open(path.encode(), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    libc.write(descriptor, b"line\n", 5)
    libc.close(descriptor)
    spark.range(5).createOrReplaceTempView("v")
