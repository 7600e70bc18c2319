"""A browser at the end of a patient's socket, that remembers nothing but what it was sent."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.db import connections
from django.urls import path

from channels_app import hub
from channels_app.patient import PatientChat

HOST = b"testserver"
SOON_S = 30  # on a busy machine; no test waits this long when all is well

Frame = dict[str, Any]


class Line:
    """A WebSocket, played to the application itself; Channels' own needs a server we don't use."""

    def __init__(
        self, application: Any, path_: str, headers: list[tuple[bytes, bytes]], address: str
    ) -> None:
        scope = {"type": "websocket", "path": path_, "query_string": b"", "headers": headers}
        self._play = ApplicationCommunicator(application, {**scope, "client": [address, 40_000]})

    async def connect(self) -> bool:
        await self._play.send_input({"type": "websocket.connect"})
        answer = await self._play.receive_output(SOON_S)
        return bool(answer["type"] == "websocket.accept")

    async def give(self, *, text: str | None = None, data: bytes | None = None) -> None:
        await self._play.send_input({"type": "websocket.receive", "text": text, "bytes": data})

    async def take(self) -> Frame:
        output: Frame = await self._play.receive_output(SOON_S)
        return output

    async def silence(self) -> bool:
        return bool(await self._play.receive_nothing(timeout=0.3))

    async def hang_up(self) -> None:
        await self._play.send_input({"type": "websocket.disconnect", "code": 1001})
        await self._play.wait(SOON_S)


class Browser:
    """Speaks frames."""

    def __init__(
        self,
        *,
        channel: str = "web",
        origin: str | None = "http://testserver",
        address: str = "127.0.0.1",
    ) -> None:
        headers = [(b"host", HOST)]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        # The router alone: sessions and hosts are the outer layers' business.
        house = URLRouter([path("ws/chat/<slug:channel>/", PatientChat.as_asgi())])
        self.line = Line(house, f"/ws/chat/{channel}/", headers, address)
        self.token = ""
        self.is_open = False

    async def say(self, type_: str, **fields: Any) -> None:
        await self.say_text(json.dumps({"type": type_, **fields}))

    async def say_text(self, text: str) -> None:
        await self.line.give(text=text)

    async def hear(self, *types: str) -> Frame:
        """The next frame of one of these types; others are passed over."""
        while True:
            output = await self.line.take()
            assert output["type"] == "websocket.send", output
            frame: Frame = json.loads(output["text"])
            if not types or frame["type"] in types:
                return frame

    async def hello(self, token: str = "", *, after: int = 0, lang: str = "zh-hans") -> Frame:
        await self.say("hello", token=token, after=after, lang=lang)
        frame = await self.hear()
        self.token = frame.get("token", "")
        return frame

    async def send(self, text: str, *, client_id: str = "", **fields: Any) -> Frame:
        await self.say("send", text=text, client_id=client_id or str(uuid4()), **fields)
        return await self.hear("ack", "error")

    async def messages(self, *, after: int = 0) -> list[Frame]:
        await self.say("pull", after=after)
        items: list[Frame] = (await self.hear("messages"))["items"]
        return items

    async def silence(self) -> bool:
        return await self.line.silence()


@pytest.fixture
async def browser(
    transactional_db: None, web: Any, hospital: Any
) -> AsyncIterator[Callable[..., Awaitable[Browser]]]:
    opened: list[Browser] = []

    async def open_(**fields: Any) -> Browser:
        new = Browser(**fields)
        new.is_open = await new.line.connect()
        if new.is_open:
            opened.append(new)
        return new

    yield open_
    for each in opened:
        await each.line.hang_up()
    await hub.stop_watching()
    hub._newest.clear()  # ids are used again from test to test
    channel_layers.backends.clear()
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def visitor(browser: Callable[..., Awaitable[Browser]]) -> Browser:
    """One who has said hello, and nothing yet."""
    new = await browser()
    await new.hello()
    return new
