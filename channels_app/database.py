"""The database, asked from the event loop.

Channels' `database_sync_to_async` has one thread for all and closes the connection around each
call; so a bell waited behind every message that was stored, and SQLite was opened anew for each.
Here writers and readers have threads of their own, which keep their connections until an error.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from threading import Barrier
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

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
