"""The channel layer of one web process: frames from `hub` to its sockets.

Channels' own in-memory layer copies every message and looks through all channels at each one; with
sixteen screens that was a quarter of the process. Frames here are small, are never changed, and
grow old in no queue: a socket that lags further than `capacity` misses the newest and pulls later.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from channels.layers import BaseChannelLayer

Frame = dict[str, Any]


class LocalLayer(BaseChannelLayer):  # type: ignore[misc]
    extensions = ("groups",)

    def __init__(self, capacity: int = 1_000, **_: Any) -> None:
        super().__init__(capacity=capacity)
        self._mailboxes: dict[str, asyncio.Queue[Frame]] = {}
        self._needless: dict[str, Callable[[Frame], bool]] = {}
        self._groups: dict[str, set[str]] = {}

    async def new_channel(self, prefix: str = "local") -> str:
        return f"{prefix}.{uuid4().hex}"

    async def send(self, channel: str, message: Frame) -> None:
        self._put(channel, message)

    def skip(self, channel: str, needless: Callable[[Frame], bool]) -> None:
        """Ask before each frame to this channel whether it may be left out."""
        self._needless[channel] = needless

    def forget(self, channel: str) -> None:
        self._mailboxes.pop(channel, None)
        self._needless.pop(channel, None)

    def _put(self, channel: str, message: Frame) -> None:
        if channel in self._needless and self._needless[channel](message):
            return
        mailbox = self._mailboxes.setdefault(channel, asyncio.Queue(self.capacity))
        if not mailbox.full():
            mailbox.put_nowait(message)

    async def receive(self, channel: str) -> Frame:
        mailbox = self._mailboxes.setdefault(channel, asyncio.Queue(self.capacity))
        try:
            return await mailbox.get()
        except asyncio.CancelledError:
            # Nobody waits any more; who comes back finds a fresh mailbox.
            if mailbox.empty():
                self._mailboxes.pop(channel, None)
            raise

    async def group_add(self, group: str, channel: str) -> None:
        self._groups.setdefault(group, set()).add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        members = self._groups.get(group)
        if members is None:
            return
        members.discard(channel)
        if not members:
            del self._groups[group]

    async def group_send(self, group: str, message: Frame) -> None:
        self.tell(group, message)

    def tell(self, group: str, message: Frame) -> None:
        """`group_send`, for whoever is on the event loop and waits for nothing."""
        for channel in tuple(self._groups.get(group, ())):
            self._put(channel, message)

    async def flush(self) -> None:
        self._mailboxes.clear()
        self._needless.clear()
        self._groups.clear()
