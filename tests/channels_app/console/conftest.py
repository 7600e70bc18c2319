"""A nurse's screen as the house sees it: a real session, a real socket, real rows."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import path

from channels_app import hub
from channels_app.console import NurseConsole
from harness import access_log
from staff.models import StaffMember
from tickets.models import Ticket
from vault.models import AccessHead

Frame = dict[str, Any]

SOON_S = 30.0  # on a busy machine; no test waits this long when all is well

application = AuthMiddlewareStack(URLRouter([path("ws/console/", NurseConsole.as_asgi())]))


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


class Screen:
    """One open console. `expect` reads on until a frame of that type comes."""

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        scope = {
            "type": "websocket",
            "path": "/ws/console/",
            "query_string": b"",
            "headers": headers,
        }
        self.line = ApplicationCommunicator(application, {**scope, "subprotocols": []})
        self.heard: list[Frame] = []

    async def connect(self) -> bool:
        await self.line.send_input({"type": "websocket.connect"})
        answer = await self.line.receive_output(timeout=SOON_S)
        return bool(answer["type"] == "websocket.accept")

    async def say(self, type: str, **fields: Any) -> None:
        await self.say_raw(json.dumps({"type": type, **fields}))

    async def say_raw(self, text: str) -> None:
        await self.line.send_input({"type": "websocket.receive", "text": text})

    async def hear(self, within: float = SOON_S) -> Frame:
        output = await self.line.receive_output(timeout=within)
        assert output["type"] == "websocket.send", output
        frame: Frame = json.loads(output["text"])
        self.heard.append(frame)
        return frame

    async def expect(self, type: str, within: float = SOON_S, **fields: Any) -> Frame:
        async with asyncio.timeout(within):
            while True:
                frame = await self.hear(within)
                if frame["type"] == type and fields.items() <= frame.items():
                    return frame

    async def closed_with(self, within: float = SOON_S) -> int:
        async with asyncio.timeout(within):
            while True:
                output = await self.line.receive_output(timeout=within)
                if output["type"] == "websocket.close":
                    return int(output.get("code", 1000))

    async def do(self, act: str, ticket: Ticket, **fields: Any) -> None:
        await self.say("do", act=act, ticket=ticket.pk, **fields)

    async def settle(self) -> None:
        """Wait until everything asked before has been answered."""
        await self.say("ping")
        await self.expect("pong")

    async def leave(self) -> None:
        await self.line.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.line.wait(timeout=SOON_S)


OpenScreen = Callable[..., Awaitable[Screen]]


@pytest.fixture
async def open_screen(transactional_db: None) -> AsyncIterator[OpenScreen]:
    """Sign somebody in and open her console; `hello=False` stops before the first frame."""
    # The one row that a migration wrote, and that a test of real transactions flushes.
    await AccessHead.objects.aget_or_create(pk=1)
    opened: list[Screen] = []
    channel_layers.backends.clear()

    async def open_one(
        member: StaffMember | None,
        *,
        hello: bool = True,
        origin: bytes = b"http://testserver",
        language: bytes = b"en",
        connects: bool = True,
    ) -> Screen:
        session = await database_sync_to_async(_sign_in)(member) if member else ""
        screen = Screen(
            [
                (b"host", b"testserver"),
                (b"origin", origin),
                (b"accept-language", language),
                (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()),
            ]
        )
        opened.append(screen)
        assert await screen.connect() is connects
        if hello and connects:
            await screen.say("hello")
            await screen.expect("alarms")
            await screen.settle()
        return screen

    yield open_one
    for screen in opened:
        await screen.leave()
    await hub.stop_watching()
    await database_sync_to_async(access_log.wipe)()


def _sign_in(member: StaffMember) -> str:
    client = Client()
    client.force_login(member)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
