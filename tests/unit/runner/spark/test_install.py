"""What pip leaves in pyspark's directory when pyspark and pyspark-client are of two versions."""

from __future__ import annotations

import base64
import hashlib
import importlib
import sys
from pathlib import Path

import pytest

from airflow_provider.errors import NotRetriableError, SparkInstallError, SparkSessionError
from airflow_provider.runner.spark.install import refuse_mixed_install

SHARED = ("__init__.py", "sql/udf.py", "sql/session.py")


class Site:
    """A directory that pip installs into, as Python sees it instead of the real one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, version: str, *, only: tuple[str, ...] = SHARED) -> None:
        """Unpack a distribution of pyspark's files; as with pip, the last one wins.

        :param only: the files that are unpacked, of those that the distribution lists
        """
        record = []
        for file in SHARED:
            content = f"VERSION = {version!r}  # {file}\n".encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"pyspark/{file},sha256={digest},{len(content)}")
            if file in only:
                path = self.folder / "pyspark" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text("\n".join([*record, f"{info.name}/RECORD,,"]))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    for module in [name for name in sys.modules if name.partition(".")[0] == "pyspark"]:
        monkeypatch.delitem(sys.modules, module)
    others = [path for path in sys.path if "site-packages" not in path and not Path(path, "pyspark").exists()]
    monkeypatch.setattr(sys, "path", [str(tmp_path), *others])
    importlib.invalidate_caches()
    return Site(tmp_path)


def mended_by(*requirements: str) -> str:
    return f"{sys.executable} -m pip install --force-reinstall --no-deps {' '.join(requirements)}"


def test_one_version_of_both(site: Site) -> None:
    """What pip installs by the package's own requirements."""
    site.install("pyspark", "4.2.0")
    site.install("pyspark-client", "4.2.0")

    refuse_mixed_install()


def test_the_client_over_an_other_pyspark(site: Site) -> None:
    """One line: both versions, a file, and the command that mends it; a retry cannot help."""
    site.install("pyspark", "4.3.0")
    site.install("pyspark-client", "4.2.0", only=("sql/udf.py",))

    with pytest.raises(SparkInstallError) as raised:
        refuse_mixed_install()

    assert isinstance(raised.value, NotRetriableError)
    assert isinstance(raised.value, SparkSessionError)
    assert str(raised.value) == (
        "pyspark 4.3.0 and pyspark-client 4.2.0 are installed over each other, and pyspark/sql/udf.py does not belong "
        f"to pyspark; fix it with: {mended_by('pyspark==4.2.0', 'pyspark-client==4.2.0')}"
    )


def test_a_newer_client(site: Site) -> None:
    """Who pins pyspark gets the newest client; there is one of pyspark's version."""
    site.install("pyspark", "4.9.0")
    site.install("pyspark-client", "4.10.0")

    with pytest.raises(SparkInstallError) as raised:
        refuse_mixed_install()

    assert str(raised.value).endswith(mended_by("pyspark==4.9.0", "pyspark-client==4.9.0"))


def test_pyspark_unpacked_over_everything(site: Site) -> None:
    """The versions differ and the files are one version: that works."""
    site.install("pyspark-client", "4.2.0")
    site.install("pyspark", "4.3.0")

    refuse_mixed_install()


def test_the_client_was_removed_and_took_files_along(site: Site) -> None:
    """That is what pip does with files that two distributions list."""
    site.install("pyspark", "4.2.0", only=("sql/session.py",))

    with pytest.raises(SparkInstallError) as raised:
        refuse_mixed_install()

    assert str(raised.value) == (
        f"files of pyspark 4.2.0 are missing, such as pyspark/__init__.py; fix it with: {mended_by('pyspark==4.2.0')}"
    )


@pytest.mark.parametrize("installed", [(), ("pyspark",), ("pyspark-client",)])
def test_only_one_of_them(site: Site, installed: tuple[str, ...]) -> None:
    """Also the Connect client alone, and a Spark that no pip has installed."""
    for name in installed:
        site.install(name, "4.2.0")

    refuse_mixed_install()


def test_a_file_that_somebody_has_mended_by_hand(site: Site) -> None:
    """It is nobody else's version."""
    site.install("pyspark", "4.2.0")
    site.install("pyspark-client", "4.2.0")
    (site.folder / "pyspark" / "sql" / "udf.py").write_text("# a hot fix\n")

    refuse_mixed_install()


def test_another_spark_is_imported(site: Site, tmp_path: Path) -> None:
    """On a cluster Spark's own Python files come before those of a distribution that happens to be there."""
    site.install("pyspark", "4.3.0")
    site.install("pyspark-client", "4.2.0")
    own = tmp_path / "spark" / "python"
    (own / "pyspark").mkdir(parents=True)
    (own / "pyspark" / "__init__.py").touch()
    sys.path.insert(0, str(own))  # of the list that the fixture takes away again

    refuse_mixed_install()
