"""What several patients send at the same moment is stored in one transaction.

While one batch commits, the next gathers by itself: with one patient a batch is one message, under
load a hop to the database thread and a commit serve many. When one of a batch is refused, each is
stored by itself, so it takes no other with it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from assistant.services import Said, take_in_all
from channels_app import database, hub
from conversations.models import Message

AT_ONCE = 32  # messages in one transaction; more would keep other writers waiting

Outcome = tuple[Said, Message] | Exception


@dataclass(frozen=True)
class _Waiting:
    key: str
    said: Callable[[], Said]
    done: asyncio.Future[tuple[Said, Message]]


class Intake:
    """The batches of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[_Waiting] = []
        self._storing: asyncio.Task[None] | None = None

    async def store(self, key: str, said: Callable[[], Said]) -> tuple[Said, Message]:
        """Take in what `said` returns, in a transaction shared with whoever comes just now.

        `said` runs in that transaction. `key` names whose rows it locks: batches lock in its order,
        so that two processes never wait for each other. Raises what `said` and `take_in_all`
        raise, or why the transaction failed.
        """
        done: asyncio.Future[tuple[Said, Message]] = self._loop.create_future()
        self._waiting.append(_Waiting(key, said, done))
        if self._storing is None:
            self._storing = self._loop.create_task(self._store_all())
        return await done

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                batch.sort(key=lambda each: each.key)
                outcomes: Sequence[Outcome]
                try:
                    outcomes = await database.write(self._outcomes, [each.said for each in batch])
                except Exception as error:
                    outcomes = [error] * len(batch)
                for each, outcome in zip(batch, outcomes, strict=True):
                    if each.done.done():
                        continue  # its socket is gone; what was stored is stored
                    if isinstance(outcome, Exception):
                        each.done.set_exception(outcome)
                    else:
                        each.done.set_result(outcome)
        finally:
            self._storing = None

    def _outcomes(self, batch: Sequence[Callable[[], Said]]) -> Sequence[Outcome]:
        try:
            return self._together(batch)
        except (OperationalError, InterfaceError):
            raise  # the database is ill, not one of them: nobody is helped by trying each
        except Exception as error:
            if len(batch) == 1:
                return [error]
        return [outcome for each in batch for outcome in self._outcomes([each])]

    @transaction.atomic
    def _together(self, batch: Sequence[Callable[[], Said]]) -> list[tuple[Said, Message]]:
        stored: list[Message] = []
        # Before any screen is told of them, as what is done on a commit is done in order.
        transaction.on_commit(lambda: self._remember(stored), robust=True)
        said = [each() for each in batch]
        received = take_in_all(said, now=timezone.now())
        stored += (each.message for each in received)
        return [(each, found.message) for each, found in zip(said, received, strict=True)]

    def _remember(self, stored: list[Message]) -> None:
        self._loop.call_soon_threadsafe(hub.remember, stored)


_intakes: dict[asyncio.AbstractEventLoop, Intake] = {}


def intake() -> Intake:
    """The intake of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _intakes:
        _intakes[loop] = Intake(loop)
    return _intakes[loop]
