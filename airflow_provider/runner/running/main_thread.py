"""What threads of components ask of the main thread: to call hooks, and to take what became of their work."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from airflow_provider.errors import AttemptStopped

Ended = TypeVar("Ended")


@dataclass(frozen=True)
class _Announcement:
    call: Callable[[], None]
    done: Future[None] = field(default_factory=Future)


class MainThread(Generic[Ended]):
    """Lets other threads have something done in the main thread, which waits for them meanwhile."""

    def __init__(self) -> None:
        self._posts: queue.SimpleQueue[_Announcement | Ended] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_over = False

    def announce(self, call: Callable[[], None]) -> None:
        """Let the main thread call something, and wait for that.

        :raises AttemptStopped: the main thread no longer listens
        :raises Exception: what the call raises
        """
        announcement = _Announcement(call)
        with self._lock:
            if self._is_over:
                raise AttemptStopped("the attempt has ended")
            self._posts.put(announcement)
        announcement.done.result()

    def post(self, ended: Ended) -> None:
        """Hand over what became of a component's work."""
        self._posts.put(ended)

    def wait(self) -> Ended:
        """Return what became of the work that ends next; do meanwhile what is announced. Only for the main thread."""
        while True:
            post = self._posts.get()
            if not isinstance(post, _Announcement):
                return post
            try:
                post.call()
            except BaseException as error:
                post.done.set_exception(error)
                if not isinstance(error, Exception):
                    raise  # of a signal handler
            else:
                post.done.set_result(None)

    def close(self) -> None:
        """Listen no more; whoever still waits is stopped."""
        with self._lock:
            self._is_over = True
        while True:
            try:
                post = self._posts.get_nowait()
            except queue.Empty:
                return
            if isinstance(post, _Announcement):
                post.done.set_exception(AttemptStopped("the attempt has ended"))
