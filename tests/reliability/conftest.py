"""What the reliability tests share."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.reliability.every_failure.attempts import Failures, attempt
from tests.reliability.every_failure.warm_jvm import WarmJvm


@pytest.fixture(scope="session")
def jvm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmJvm]:
    """A JVM that attempts share, one after the other."""
    warm = WarmJvm(tmp_path_factory.mktemp("jvm"))
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def failures(tmp_path_factory: pytest.TempPathFactory, jvm: WarmJvm) -> Failures:
    """Compares with a run that never failed and had a JVM of its own."""
    outcome = attempt(tmp_path_factory.mktemp("reference"))
    assert outcome["status"] == "success"
    return Failures(outcome["outputs"], jvm)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    """What random choices of this test come from; printed, and taken from ``TORTURE_SEED`` if that is set.

    Otherwise they are new ones each time in the long tests, and always the same in those that everything waits for.
    """
    drawn = str(random.SystemRandom().getrandbits(32)) if request.node.get_closest_marker("torture") else "7"
    number = os.environ.get("TORTURE_SEED") or drawn
    print(f"{request.node.name}: TORTURE_SEED={number}", flush=True)
    return f"{number} {request.node.name}"
