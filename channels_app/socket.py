"""What every socket of ours has in common."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer

from channels_app.frames import Frame

_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

ABNORMAL = 1006  # a line that ended without a goodbye

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A consumer that takes what the browser says and what the house says by turns.

    Channels begins two tasks and a wait for each frame, and closes old connections before it, by
    the one database thread, behind whatever is stored there. Here two loops stand for the whole
    line; `channels_app.database` looks after its connections itself.
    """

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self.base_send = scope, send
        self._left = False
        self.channel_layer = get_channel_layer(self.channel_layer_alias)
        self.channel_name = await self.channel_layer.new_channel()
        self.channel_layer.skip(self.channel_name, self.is_needless)
        self._turn = asyncio.Lock()
        loops = [
            asyncio.create_task(self._take(receive)),
            asyncio.create_task(self._take(lambda: self.channel_layer.receive(self.channel_name))),
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in done:
                loop.result()
        finally:
            for loop in loops:
                loop.cancel()
                with suppress(asyncio.CancelledError, Exception):  # the first one is told above
                    await loop
            if not self._left:  # a line that broke, or a server that stops
                await self.disconnect(ABNORMAL)
            self.channel_layer.forget(self.channel_name)

    def is_needless(self, frame: Frame) -> bool:
        """Whether this screen knows already, or will know without being told."""
        return False

    async def _take(self, source: Receive) -> None:
        with suppress(StopConsumer):
            while True:
                message = await source()
                async with self._turn:
                    await self.dispatch(message)

    async def dispatch(self, message: dict[str, Any]) -> None:
        handler = getattr(self, get_handler_name(message), None)
        if handler is not None:  # else a newer process shows what this one does not know
            await handler(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        self._left = True
        await super().websocket_disconnect(message)

    async def send_frame(self, frame: Frame) -> None:
        await self.base_send({"type": "websocket.send", "text": _encoded(frame)})
