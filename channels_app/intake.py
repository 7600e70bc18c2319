"""What several patients send at the same moment is stored in one transaction.

While one batch commits, the next gathers by itself: with one patient a batch is one message, under
load a hop to the database thread and a commit serve many. Each message has a savepoint of its own,
so one that is refused takes no other with it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction

from channels_app import database

AT_ONCE = 32  # messages in one transaction; more would keep other writers waiting

T = TypeVar("T")


@dataclass(frozen=True)
class _Waiting:
    key: str
    work: Callable[[], Any]
    done: asyncio.Future[Any]


class Intake:
    """The batches of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._storing: asyncio.Task[None] | None = None

    async def store(self, key: str, work: Callable[[], T]) -> T:
        """Run `work` in a transaction, shared with whoever comes at the same moment.

        `key` names whose rows it locks: batches lock in its order, so that two processes never
        wait for each other. Raises what `work` raises, or why the transaction failed.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(key, work, done))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        return await done

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                batch.sort(key=lambda each: each.key)
                await self._store_batch(batch)
        finally:
            self._storing = None

    async def _store_batch(self, batch: list[_Waiting]) -> None:
        try:
            results = await database.write(_together, [each.work for each in batch])
        except Exception as error:
            results = [error] * len(batch)
        for each, result in zip(batch, results, strict=True):
            if each.done.done():
                continue  # its socket is gone; what was stored is stored
            if isinstance(result, Exception):
                each.done.set_exception(result)
            else:
                each.done.set_result(result)


_intakes: dict[asyncio.AbstractEventLoop, Intake] = {}


def intake() -> Intake:
    """The intake of the running event loop."""
    return _intakes.setdefault(asyncio.get_running_loop(), Intake())


@transaction.atomic
def _together(works: list[Callable[[], Any]]) -> list[Any]:
    return [_one(work) for work in works]


def _one(work: Callable[[], Any]) -> Any:
    try:
        with transaction.atomic():
            return work()
    except Exception as error:
        return error
