"""A house of one page that speaks docs/protocol.md to patients, and breaks it where told to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Frame = dict[str, Any]


class FakeHouse:
    """`faults` break one promise each: see where they are looked at."""

    def __init__(self, *faults: str) -> None:
        self.faults = set(faults)
        self.rows: dict[str, list[Frame]] = {}  # by token
        self.owners: dict[str, str] = {}
        self.open: dict[str, set[ServerConnection]] = {}
        self.sends = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeHouse"]:
        async with serve(self._talk, "127.0.0.1", self.port) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def drop_everybody(self) -> None:
        for connection in [c for some in self.open.values() for c in some]:
            connection.transport.abort()
        await asyncio.sleep(0)

    async def _talk(self, connection: ServerConnection) -> None:
        token = ""
        try:
            async for raw in connection:
                frame = json.loads(raw)
                if frame["type"] == "hello":
                    token = frame.get("token") or str(uuid4())
                    self.open.setdefault(token, set()).add(connection)
                    await self._welcome(connection, token)
                elif frame["type"] == "pull":
                    await self._show(connection, token, frame["after"])
                elif frame["type"] == "send":
                    await self._take_in(connection, token, frame)
        except ConnectionClosed:
            pass
        finally:
            self.open.get(token, set()).discard(connection)

    async def _welcome(self, connection: ServerConnection, token: str) -> None:
        rows = self.rows.setdefault(token, [])
        owner = self.owners.get(token, "assistant")
        welcome = {"type": "welcome", "token": token, "last_seq": len(rows), "owner": owner}
        await _send(connection, welcome | {"limits": {}})

    async def _show(self, connection: ServerConnection, token: str, after: int) -> None:
        rows = [row for row in self.rows[token] if row["seq"] > after]
        last = self.rows[token][-1]["seq"] if self.rows[token] else 0
        some = rows[:3]  # few, so that `more` is needed
        frame = {"items": some, "last_seq": last, "more": len(rows) > len(some)}
        await _send(connection, {"type": "messages", **frame})

    async def _take_in(self, connection: ServerConnection, token: str, frame: Frame) -> None:
        self.sends += 1
        rows, client_id, text = self.rows[token], frame["client_id"], frame["text"]
        known = next((row["seq"] for row in rows if row.get("client_id") == client_id), 0)
        if "too fast once" in self.faults and self.sends == 1:
            error = {"type": "error", "code": "too_fast", "message": "…", "client_id": client_id}
            await _send(connection, error)
        elif known and "forgets client ids" not in self.faults:
            await _send(connection, _ack(client_id, known))
        elif "loses the second" in self.faults and self.sends == 2:
            await _send(connection, _ack(client_id, len(rows) + 1))
        elif "dies before the ack" in self.faults and self.sends == 1:
            self._append(token, author="patient", text=text, client_id=client_id)
            self._append(token, author="assistant", text="好的")
            connection.transport.abort()
        else:
            for _ in range(2 if "stores twice" in self.faults else 1):
                row = self._append(token, author="patient", text=text, client_id=client_id)
            await _send(connection, _ack(client_id, row["seq"]))
            await self._respond(token, text)

    async def _respond(self, token: str, text: str) -> None:
        if "护士" in text:
            self.owners[token] = "queue"
            event = {"event": "queued"}
            self._append(token, author="system", kind="event", text="", details=event)
            for connection in self.open[token]:
                await _send(connection, {"type": "owner", "owner": "queue"})
        elif "never answers" not in self.faults:
            self._append(token, author="assistant", text="好的")
        if "answers twice" in self.faults:
            self._append(token, author="assistant", text="好的")
        if "leaves a gap" in self.faults:
            self.rows[token][-1]["seq"] += 1
        for connection in list(self.open[token]):
            if "shows nothing live" not in self.faults:
                items = self.rows[token][-2:]
                if "shows other words" in self.faults:
                    items = [{**item, "text": "别的"} for item in items]
                last = self.rows[token][-1]["seq"]
                await _send(
                    connection,
                    {"type": "messages", "items": items, "last_seq": last, "more": False},
                )

    def _append(self, token: str, **fields: Any) -> Frame:
        row = {"seq": len(self.rows[token]) + 1, "kind": "text", "at": "", "details": {}, **fields}
        self.rows[token].append(row)
        return row


def _ack(client_id: str, seq: int) -> Frame:
    return {"type": "ack", "client_id": client_id, "seq": seq, "at": ""}


async def _send(connection: ServerConnection, frame: Frame) -> None:
    await connection.send(json.dumps(frame))


@pytest.fixture
def fake_house() -> type[FakeHouse]:
    return FakeHouse
