"""One patient's line to a running house, as docs/protocol.md has it.

It says a message until it is acknowledged, under one client id; it pulls until nothing is missing;
and when the house goes away it comes back, later each time.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from channels_app.rehearsal.ledger import HUMAN, Item, Sent, View, digest

Frame = dict[str, Any]

RETRY_MIN_S = 0.2
RETRY_MAX_S = 5.0
OPEN_WITHIN_S = 8.0
ACK_WITHIN_S = 10.0  # then it is said again on the same line
PULL_EVERY_S = 20.0  # as our own screens do: heals a frame that got lost
LOOK_EVERY_S = 1.0
LATER_S = (1.0, 3.0)  # after an error that means: send it again later
AGAIN = ("too_fast", "failed", "not_ready")


class HouseAway(Exception):
    """Nothing answers at this address."""


class HouseRefuses(Exception):
    """Something answers, and does not let a patient in: a wrong address, channel or origin."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def chat_address(url: str, channel: str) -> tuple[str, str]:
    """The socket's address and its origin, from the house's: http://127.0.0.1:8000."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    secure = parts.scheme in ("https", "wss")
    path = f"{parts.path.rstrip('/')}/ws/chat/{channel}/"
    socket = urlunsplit(("wss" if secure else "ws", parts.netloc, path, "", ""))
    return socket, f"{'https' if secure else 'http'}://{parts.netloc}"


class PatientLine:
    """A patient with a phone. Use it as a context: `async with PatientLine(url) as line`."""

    def __init__(
        self,
        url: str,
        *,
        channel: str = "web",
        lang: str = "zh-hans",
        token: str = "",
        seed: int = 0,
    ) -> None:
        self._address, self._origin = chat_address(url, channel)
        self._lang = lang
        self._chance = random.Random(seed)
        self.token = token
        self.owner = ""
        self.sent: list[Sent] = []
        self.view = View()
        self.reconnects = 0
        self.status: int | None = None  # of a handshake that was refused
        self.promised = 0  # the newest seq that the house spoke of
        self._words: dict[str, str] = {}  # by client id, until acknowledged
        self._socket: ClientConnection | None = None
        self._welcomed = False
        self._pulled_at = 0.0
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._care())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def welcomed(self, *, within_s: float) -> None:
        """Wait for the first welcome. Raises HouseAway, HouseRefuses."""
        await self.until(lambda: self._welcomed or self.status is not None, within_s=within_s)
        if self.status is not None:
            raise HouseRefuses(self.status)
        if not self._welcomed:
            raise HouseAway

    async def say(self, text: str, *, within_s: float) -> Sent:
        """Send a message until it is acknowledged, or until the time is over."""
        now = time.monotonic()
        sent = Sent(str(uuid4()), digest(text), sent_at=now, tried_at=now)
        self.sent.append(sent)
        self._words[sent.client_id] = text
        await self._say_again(sent)
        await self.until(lambda: sent.acked_at is not None, within_s=within_s)
        return sent

    def is_cared_for(self, sent: Sent) -> bool:
        """Whether a message is answered, or a person is answerable for it."""
        return sent.answered_at is not None or (sent.acked_at is not None and self.owner in HUMAN)

    async def until(self, came_true: Callable[[], bool], *, within_s: float) -> bool:
        """Wait until something holds of this line; False when the time is over first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not came_true():
                    self._changed.clear()
                    await self._changed.wait()
        return came_true()

    async def pull(self) -> None:
        self._pulled_at = time.monotonic()
        await self._write({"type": "pull", "after": self.view.last})

    async def _keep(self) -> None:
        """Have a line, until the house refuses it."""
        tries = 0
        while self.status is None:
            try:
                await self._talk()
            except InvalidStatus as refusal:
                # A proxy in front of a house that restarts says 502 or 503.
                if refusal.response.status_code < 500:
                    self.status = refusal.response.status_code
                    self._changed.set()
            except (OSError, WebSocketException, TimeoutError):
                pass  # away; it is called again
            tries = tries + 1 if self._socket is None else 0
            self._socket = None
            ceiling = min(RETRY_MAX_S, RETRY_MIN_S * 2**tries)
            await asyncio.sleep(self._chance.uniform(RETRY_MIN_S / 2, ceiling))

    async def _talk(self) -> None:
        local = urlsplit(self._address).hostname in ("127.0.0.1", "localhost", "::1")
        async with connect(
            self._address,
            origin=self._origin,  # type: ignore[arg-type]
            compression=None,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=1,
            ping_interval=None,  # the protocol has pings of its own
            max_size=None,
            proxy=None if local else True,
        ) as socket:
            await self._say_hello(socket)
            async for raw in socket:
                await self._hear(json.loads(raw), socket)
                self._changed.set()

    async def _say_hello(self, socket: ClientConnection) -> None:
        hello = {"type": "hello", "after": self.view.last, "lang": self._lang}
        await socket.send(json.dumps(hello | ({"token": self.token} if self.token else {})))

    async def _hear(self, frame: Frame, socket: ClientConnection) -> None:
        match frame.get("type"):
            case "welcome":
                self.reconnects += self._welcomed and self._socket is None
                self._socket, self._welcomed = socket, True
                self.token, self.owner = frame["token"], frame["owner"]
                await self._catch_up(frame["last_seq"])
                for sent in self.sent:
                    await self._say_again(sent)
            case "ack":
                self._heard_ack(frame)
            case "messages":
                self._heard_messages(frame["items"])
                if frame.get("more") or self.view.has_gap:
                    await self.pull()
                self.promised = max(self.promised, frame.get("last_seq", 0))
            case "owner":
                self.owner = frame["owner"]
            case "error":
                await self._heard_error(frame, socket)

    async def _catch_up(self, last_seq: int) -> None:
        self.promised = max(self.promised, last_seq)
        if last_seq > self.view.last:
            await self.pull()

    def _heard_ack(self, frame: Frame) -> None:
        for sent in self.sent:
            if sent.client_id == frame["client_id"]:
                sent.acknowledge(frame["seq"], now=time.monotonic())
                self._words.pop(sent.client_id, None)
                # A screen that wrote a message has it: the house need not show it again.
                own = Item(frame["seq"], "patient", "text", sent.digest, sent.client_id)
                self.view.hold(own)

    def _heard_messages(self, shown: list[Frame]) -> None:
        new, now = self.view.take(shown), time.monotonic()
        answers = [item.seq for item in new if item.is_ours]
        for sent in self.sent:
            seq = sent.seq or self._seq_of(sent, new)
            if sent.answered_at is None and seq and any(answer > seq for answer in answers):
                sent.answered_at = now

    def _seq_of(self, sent: Sent, items: list[Item]) -> int:
        """Where a message stands whose acknowledgement is still on its way."""
        return next((item.seq for item in items if item.client_id == sent.client_id), 0)

    async def _heard_error(self, frame: Frame, socket: ClientConnection) -> None:
        code = frame.get("code")
        if code == "bad_token":
            self.token = ""
            await self._say_hello(socket)
        elif code in AGAIN:
            # `_care` says it again, at a moment of its own for every patient.
            for sent in self.sent:
                if sent.acked_at is None:
                    wait = self._chance.uniform(*LATER_S)
                    sent.tried_at = time.monotonic() - ACK_WITHIN_S + wait

    async def _care(self) -> None:
        """What a screen does by the clock: say again, pull; a pull also shows that it is there."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = time.monotonic()
            for sent in self.sent:
                if now - sent.tried_at > ACK_WITHIN_S:
                    await self._say_again(sent)
            if now - self._pulled_at > PULL_EVERY_S:
                await self.pull()

    async def _say_again(self, sent: Sent) -> None:
        if sent.acked_at is None and self._socket is not None:
            sent.tried_at = time.monotonic()
            text = self._words[sent.client_id]
            await self._write({"type": "send", "client_id": sent.client_id, "text": text})

    async def _write(self, frame: Frame) -> None:
        if self._socket is not None:
            with suppress(WebSocketException, OSError):  # `_keep` hears of it as well
                await self._socket.send(json.dumps(frame, ensure_ascii=False))
