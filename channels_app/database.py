"""The database, asked from the event loop.

Channels' `database_sync_to_async` has one thread for all and closes the connection around each
call; so a bell waited behind every message that was stored, and SQLite was opened anew for each.
Here writers and readers have threads of their own, which keep their connections until an error.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Barrier
from typing import Generic, ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

# SQLite has one writer at a time, and a queue of ours is fairer than its lock.
WRITERS = 4 if settings.REDIS_URL else 1
READERS = 2

_writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="database-write")
_readers = ThreadPoolExecutor(READERS, thread_name_prefix="database-read")


async def write(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an act in a thread that writes."""
    return await _run(_writers, partial(act, *args, **kwargs))


async def read(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a question in a thread that reads."""
    return await _run(_readers, partial(question, *args, **kwargs))


class Gathering(Generic[T, R]):
    """What comes in while the writers are busy is written at once, by the next that is free.

    With one at a time a batch is one; under load a commit, and on SQLite its lock, serve many.
    """

    def __init__(
        self, act: Callable[[Sequence[T]], Sequence[R | Exception]], *, at_once: int
    ) -> None:
        """`act` says of each how it ended."""
        self._act, self._at_once = act, at_once
        self._waiting: deque[tuple[T, Future[R]]] = deque()

    async def write(self, item: T) -> R:
        """Raises what the act said of this one, or what it raised."""
        done: Future[R] = Future()
        self._waiting.append((item, done))
        await write(self._write_all)
        # A call before ours may have taken it, and be still at work in another thread.
        return done.result() if done.done() else await asyncio.wrap_future(done)

    def _write_all(self) -> None:
        batch: list[tuple[T, Future[R]]] = []
        with suppress(IndexError):  # none waits any more
            while len(batch) < self._at_once:
                batch.append(self._waiting.popleft())
        if not batch:
            return
        outcomes: Sequence[R | Exception]
        try:
            outcomes = _guarded(partial(self._act, [item for item, _ in batch]))
        except Exception as error:
            outcomes = [error] * len(batch)
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if not done.set_running_or_notify_cancel():
                continue  # nobody waits for the answer; what was stored is stored
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)


def hang_up() -> None:
    """Close every thread's connection; the next call opens it again. A test's end needs that."""
    for pool, size in ((_writers, WRITERS), (_readers, READERS)):
        together = Barrier(size)  # so that no thread is asked twice

        def close(together: Barrier = together) -> None:
            together.wait()
            connection.close()

        wait([pool.submit(close) for _ in range(size)])


async def _run(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    context = copy_context()  # of the caller; the language is set inside, see `Visit._read`
    return await asyncio.get_running_loop().run_in_executor(pool, context.run, _guarded, call)


def _guarded(call: Callable[[], T]) -> T:
    try:
        return call()
    except (OperationalError, InterfaceError):
        connection.close()  # it may be broken: the next call gets a new one
        raise
