"""Components as people write them that run nothing, cannot be run, or look as if: named in tests by class path."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DONE: list[Any] = []
"""What was really done."""

CONTEXT: contextvars.ContextVar[str] = contextvars.ContextVar("context", default="none")


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def with_logger(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(spark: Any, **kwargs: Any) -> Any:
        return function(spark, "logger", **kwargs)

    return inner


def drained(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> None:
        for _ in function(*args, **kwargs):
            pass

    return inner


def without_wraps(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


async def work(spark: Any, value: str = "async") -> None:
    DONE.append((value, CONTEXT.get()))


async def fails(spark: Any) -> None:
    raise ValueError("inside")


async def makes_generator(spark: Any) -> Any:
    return generator(spark)


def generator(spark: Any) -> Iterator[int]:
    DONE.append("generator")
    yield 1


async def async_generator(spark: Any) -> AsyncIterator[int]:
    DONE.append("async generator")
    yield 1


@contextlib.contextmanager
def manager(spark: Any) -> Iterator[None]:
    DONE.append("manager")
    yield


@logged
def logged_generator(spark: Any) -> Iterator[int]:
    DONE.append("generator")
    yield 1


@drained
def drained_generator(spark: Any) -> Iterator[int]:
    DONE.append("drained")
    yield 1


partial_of_generator = functools.partial(generator)


class CallGenerator:
    def __call__(self, spark: Any) -> Iterator[int]:
        yield 1


callable_generator = CallGenerator()


def returns_coroutine(spark: Any) -> Any:
    return work(spark, "returned")


def returns_future(spark: Any) -> Any:
    future: Future[None] = Future()
    DONE.append("future")
    future.set_result(None)
    return future


def returns_failed_future(spark: Any) -> Any:
    future: Future[None] = Future()
    future.set_exception(ValueError("inside"))
    return future


def returns_generator(spark: Any) -> Any:
    return (DONE.append(i) for i in range(3))


def returns_map(spark: Any) -> Any:
    return map(DONE.append, [1])


def returns_manager(spark: Any) -> Any:
    return manager(spark)


def returns_rows(spark: Any) -> Any:
    DONE.append("rows")
    return [1, 2]


def returns_function(spark: Any) -> Any:
    return returns_rows


class RunAsync:
    async def run(self) -> None:
        DONE.append("RunAsync")


class RunGenerator:
    def run(self) -> Iterator[int]:
        yield 1


class RunReturnsGenerator:
    def run(self) -> Any:
        return generator(None)


class OpenAsync:
    async def open(self) -> None:
        import asyncio

        self.loop = asyncio.get_running_loop()
        DONE.append("open")

    async def run(self) -> None:
        import asyncio

        DONE.append(("same loop", self.loop is asyncio.get_running_loop()))

    async def close(self) -> None:
        DONE.append("close")


class OpenReturnsGenerator(RunReturnsGenerator):
    def open(self) -> None:
        DONE.append("open")

    def close(self) -> None:
        DONE.append("close")


@logged
def load(spark: Any, path: str) -> None:
    DONE.append(path)


@with_logger
def with_injected(spark: Any, logger: Any, path: str) -> None:
    DONE.append((logger, path))


@without_wraps
def hidden(spark: Any, path: str) -> None: ...


class Model(BaseModel):
    def run(self) -> None: ...


class FrozenModelWithField(BaseModel):
    model_config = ConfigDict(frozen=True)
    spark: Any = None

    def run(self) -> None: ...


class ModelWithField(BaseModel):
    spark: Any = None

    def run(self) -> None:
        DONE.append(self.spark is not None)


@dataclasses.dataclass(frozen=True)
class Frozen:
    def run(self) -> None: ...


class FrozenWithMethod(Frozen):
    def set_spark_session(self, spark: Any) -> None:
        DONE.append("session")


@dataclasses.dataclass(slots=True)
class Slotted:
    path: str = ""

    def run(self) -> None: ...


@dataclasses.dataclass(slots=True)
class SlottedWithSpark:
    spark: Any = None

    def run(self) -> None:
        DONE.append(self.spark is not None)


class Named(NamedTuple):
    path: str = ""

    def run(self) -> None: ...


class OwnSession:
    @property
    def spark(self) -> str:
        return "own"

    def run(self) -> None:
        DONE.append(self.spark)


class RunTakesSpark:
    def run(self, spark: Any) -> None: ...


class RunTakesMore:
    def run(self, day: str, *, limit: int) -> None: ...


class RunTakesNothing:
    def run() -> None: ...  # type: ignore[misc]


class RunMayTake:
    def run(self, *args: Any, limit: int = 1, **more: Any) -> None:
        DONE.append("may take")


class RunIsStatic:
    @staticmethod
    def run() -> None:
        DONE.append("static")


class RunOfClass:
    @classmethod
    def run(cls) -> None:
        DONE.append("class")


class RunInjected:
    @with_logger
    def run(self, logger: Any) -> None:
        DONE.append(logger)


def typed(
    spark: Any,
    country: str = "",
    overwrite: bool = False,
    either: str | bool = "",
    codes: list[str] | None = None,
    anything: Any = None,
    by_default=True,  # type: ignore[no-untyped-def]
) -> None:
    DONE.append((country, overwrite, either, codes, anything, by_default))


class OpenGenerator:
    def open(self) -> Iterator[None]:
        yield

    def run(self) -> None: ...

    def close(self) -> None: ...


class AsyncFromConfig:
    @classmethod
    async def from_config(cls, config: dict[str, Any]) -> Any:
        return cls()

    def run(self) -> None: ...


class AsyncSession:
    async def set_spark_session(self, spark: Any) -> None: ...

    def run(self) -> None: ...


def singleton(kind: type) -> Callable[..., Any]:
    @functools.wraps(kind)
    def get(*args: Any, **kwargs: Any) -> Any:
        return kind(*args, **kwargs)

    return get


@singleton
class Single:
    def run(self) -> None: ...


def returns_component(spark: Any) -> Any:
    return RunMayTake()


class OpenReturnsCoroutine:
    def open(self) -> Any:
        return work(None, "opened")

    def run(self) -> None:
        DONE.append("run")

    def close(self) -> None:
        DONE.append("close")


class ModelWithSetter(BaseModel):
    @property
    def spark(self) -> Any:
        return None

    @spark.setter
    def spark(self, spark: Any) -> None:
        DONE.append("set")

    def run(self) -> None: ...


def with_lists(
    spark: SparkSession,
    tables: list[str] | None = None,
    names: Sequence[str] = (),
    options: dict[str, Any] | None = None,
    text: str = "",
    either: str | list[str] = "",
    anything: Any = None,
    default=[],  # type: ignore[no-untyped-def]  # noqa: B006
) -> None: ...


class WithLists:
    def __init__(self, tables: tuple[str, ...] = ()) -> None: ...

    def run(self) -> None: ...
