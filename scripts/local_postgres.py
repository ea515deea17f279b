"""A private PostgreSQL server in a directory of its own, for Airflow's database and for components that use one.

Needs the programs, no service.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 60.0
JDBC_DRIVER = Path("/usr/share/java/postgresql.jar")
"""Where Debian's package of it puts the JDBC driver."""


class LocalPostgres:
    """Makes an empty cluster, serves it on a Unix socket, and removes it at the end.

    :param programs: directory with ``initdb`` and ``postgres``, see :func:`find_programs`
    :param tcp: serve it on a port of the loopback address, too; JDBC knows no Unix sockets
    """

    def __init__(self, programs: Path, *, tcp: bool = False) -> None:
        self._programs = programs
        self.port = _free_port() if tcp else None
        self._process: subprocess.Popen[bytes] | None = None
        # Not below a caller's directory: that may be closed to the user that the server runs as, and the path of a
        # Unix socket must be short.
        self.directory = Path(tempfile.mkdtemp(prefix="postgres-"))
        port = "" if self.port is None else f"&port={self.port}"
        self.url = f"postgresql+psycopg2://airflow@/postgres?host={self.directory}{port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def version(self) -> str:
        """What the server says of itself."""
        asked = subprocess.run([self._programs / "postgres", "--version"], check=True, capture_output=True, text=True)
        return asked.stdout.strip()

    def start(self) -> None:
        """Make the cluster and wait until it answers."""
        as_user = _unprivileged(self.directory)
        data = self.directory / "data"
        with open(self.directory / "log", "ab") as log:
            subprocess.run(
                [self._programs / "initdb", "-D", data, "-U", "airflow", "-A", "trust", "-E", "UTF8", "--no-sync"],
                check=True,
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                **as_user,
            )
            settings = {
                "listen_addresses": "" if self.port is None else "127.0.0.1",
                "port": str(self.port or 5432),
                "unix_socket_directories": str(self.directory),
                "max_connections": "200",
                # It is thrown away after the tests.
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
            }
            options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", data, *options],
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **as_user,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._ready(data / "postmaster.pid"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start; see {self.directory / 'log'}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server and remove its directory."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self.directory, ignore_errors=True)

    @staticmethod
    def _ready(lock_file: Path) -> bool:
        try:
            lines = lock_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _unprivileged(directory: Path) -> dict[str, object]:
    """Give the directory to a user that PostgreSQL is willing to run as; return how to start a process as that user."""
    if os.geteuid() != 0:
        return {}
    known = {user.pw_name: user for user in pwd.getpwall()}
    user = known.get("postgres") or known["nobody"]
    os.chown(directory, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def find_programs() -> Path | None:
    """Return the directory with PostgreSQL's programs, None if there is none. Debian keeps them off the PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    return next((path for path in found if (path / "initdb").exists() and (path / "postgres").exists()), None)


def main() -> None:
    """Install Debian's PostgreSQL and its JDBC driver if there is none and we may.

    Not having them is no error: tests use SQLite then, or are skipped and say so.
    """
    missing = [] if find_programs() else ["postgresql"]
    missing += [] if JDBC_DRIVER.exists() else ["libpostgresql-jdbc-java"]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"postgres: installing Debian's {' and '.join(missing)}", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
                subprocess.run(["apt-get", *command], check=True, env=quiet, stdout=subprocess.DEVNULL, timeout=300)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"postgres: it could not be installed: {error}", file=sys.stderr)
    programs = find_programs()
    print(f"postgres: {programs}" if programs else "postgres: none found, the tests will use SQLite", flush=True)
    driver = f"JDBC driver {JDBC_DRIVER}" if JDBC_DRIVER.exists() else "no JDBC driver, its tests will be skipped"
    print(f"postgres: {driver}", flush=True)


if __name__ == "__main__":
    main()
