"""Where frames from every process reach the sockets of this one."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable

from channels.layers import get_channel_layer

from conversations.models import Message
from live import show, watch

_watching: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


def ensure_watching() -> None:
    """Start this process' watcher with its first socket; one per event loop."""
    loop = asyncio.get_running_loop()
    task = _watching.get(loop)
    if task is None or task.done():
        _watching[loop] = loop.create_task(watch.watch(_deliver))


KEPT = 512  # conversations whose newest messages this process still has at hand
KEPT_EACH = 8
_newest: OrderedDict[int, deque[Message]] = OrderedDict()


def remember(messages: Iterable[Message]) -> None:
    """Keep what this process just committed, so that its own sockets need not read it again."""
    for message in messages:
        kept = _newest.setdefault(message.conversation_id, deque(maxlen=KEPT_EACH))
        kept.append(message)
        _newest.move_to_end(message.conversation_id)
        if len(_newest) > KEPT:
            _newest.popitem(last=False)


def recall(conversation_id: int, *, after: int, up_to: int) -> list[Message]:
    """The messages after one seq up to another, if all of them are at hand; else none."""
    kept = {m.seq: m for m in _newest.get(conversation_id, ()) if after < m.seq <= up_to}
    return [kept[seq] for seq in sorted(kept)] if len(kept) == up_to - after else []


async def stop_watching() -> None:
    """End the watcher of this event loop; a test does, a server just ends."""
    task = _watching.pop(asyncio.get_running_loop(), None)
    while task is not None and not task.done():
        task.cancel()  # again if need be: a Redis client's own time-out may take one for its own
        await asyncio.wait([task], timeout=1)


def _deliver(group: str, frame: show.Frame) -> None:
    get_channel_layer().tell(group, frame)
