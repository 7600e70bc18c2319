"""python -m channels_app.rehearsal.load: patients who write as fast as they are heard.

A process of its own on uvloop, so that no server shares its time, and without Django. It reads one
JSON (`Load`) from stdin and writes one (`Result`) to stdout. Closed loop: a patient writes the next
message when the last is acknowledged and stands on the nurse's screen.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop
from websockets.asyncio.client import ClientConnection, connect

WITHIN_S = 20.0  # for one frame; beyond, a message counts as missed
WORDS = (
    "您好,我想问一下下周二上午的门诊还能不能预约,需要带什么材料?",
    "孩子昨天晚上有点咳嗽,今天早上量了体温是正常的,精神也还好。",
    "上次开的药已经吃完了,想问问复诊的时候是不是要空腹来。",
    "谢谢,我明白了,那我明天上午九点左右过去,先到二楼挂号对吗?",
)

Frame = dict[str, Any]


@dataclass(frozen=True)
class Load:
    url: str
    sessions: list[str]  # of nurses who are signed in; none: a bare chat, which has no nurses
    at_once: int  # patients who write at the same time; each has a nurse's screen
    cases: list[tuple[str, int]]  # a patient's token and conversation; of a bare chat ("", 0)
    each: int  # messages of one patient; more than the house's limit would be refused


@dataclass
class Result:
    took_s: float = 0.0
    missed: int = 0
    seen_s: list[float] = field(default_factory=list)  # patient sends → nurse's socket receives
    acked_s: list[float] = field(default_factory=list)


class Line:
    """One open socket, and who waits for which frame on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._waiting: list[tuple[Callable[[Frame], bool], asyncio.Future[Frame]]] = []
        self.arrivals: dict[str, asyncio.Future[float]] = {}  # by client id
        self._reader = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()
        await self._socket.close()

    async def say(self, **frame: Any) -> None:
        await self._socket.send(json.dumps(frame, ensure_ascii=False))

    def hear(self, wanted: Callable[[Frame], bool]) -> Coroutine[Any, Any, Frame]:
        """Listen from now on; await the answer once the question is said."""
        heard: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, heard))
        return asyncio.wait_for(heard, WITHIN_S)

    def await_arrival(self, client_id: str) -> "asyncio.Future[float]":
        arrival: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.arrivals[client_id] = arrival
        return arrival

    async def _read(self) -> None:
        async for raw in self._socket:
            now = time.perf_counter()
            frame = json.loads(raw)
            if frame["type"] == "ack":
                self._arrived(frame["client_id"], now)
            elif frame["type"] == "messages":
                for item in frame["items"]:
                    self._arrived(item.get("client_id", ""), now)
            for waiting in [w for w in self._waiting if w[0](frame)]:
                self._waiting.remove(waiting)
                if not waiting[1].done():
                    waiting[1].set_result(frame)

    def _arrived(self, client_id: str, now: float) -> None:
        arrival = self.arrivals.pop(client_id, None)
        if arrival is not None and not arrival.done():
            arrival.set_result(now)


Pair = tuple[Line, Line]  # a patient, and the nurse's screen that shows what this patient writes


async def run(load: Load) -> Result:
    """Open every line and every conversation first: the clock runs while messages go, alone."""
    result = Result()
    async with AsyncExitStack() as lines:
        pairs = [await _open_pair(lines, load, number) for number in range(len(load.cases))]
        started = time.perf_counter()
        turns = [pairs[first :: load.at_once] for first in range(load.at_once)]
        await asyncio.gather(*(_work(turn, load.each, result) for turn in turns))
        result.took_s = time.perf_counter() - started
    return result


async def _open_pair(lines: AsyncExitStack, load: Load, number: int) -> Pair:
    token, conversation = load.cases[number]
    patient = await lines.enter_async_context(await open_line(load.url, "/ws/chat/web/"))
    hello = {"after": 0, "lang": "zh-hans"} | ({"token": token} if token else {})
    welcome = await greet(patient, hello)
    nurse = await _open_nurse(lines, load, number)
    shown = nurse.hear(_is("messages"))
    await nurse.say(type="watch", conversation=welcome.get("room", conversation), after=0)
    await shown
    return patient, nurse


async def _work(turn: list[Pair], each: int, result: Result) -> None:
    for patient, nurse in turn:
        for number in range(each):
            await _write(patient, nurse, WORDS[number % len(WORDS)], result)


async def _write(patient: Line, nurse: Line, text: str, result: Result) -> None:
    client_id = str(uuid4())
    acked, seen = patient.await_arrival(client_id), nurse.await_arrival(client_id)
    sent_at = time.perf_counter()
    await patient.say(type="send", client_id=client_id, text=text)
    try:
        await asyncio.wait_for(asyncio.gather(acked, seen), WITHIN_S)
    except TimeoutError:
        result.missed += 1
    else:
        result.acked_s.append(acked.result() - sent_at)
        result.seen_s.append(seen.result() - sent_at)


async def _open_nurse(lines: AsyncExitStack, load: Load, number: int) -> Line:
    sessions = load.sessions
    cookie = {"Cookie": f"sessionid={sessions[number % len(sessions)]}"} if sessions else {}
    nurse = await lines.enter_async_context(await open_line(load.url, "/ws/console/", cookie))
    await greet(nurse, {})
    return nurse


async def open_line(url: str, path: str, headers: dict[str, str] | None = None) -> Line:
    return Line(
        await connect(
            f"ws://{urlsplit(url).netloc}{path}",
            additional_headers=headers or {},
            origin=url,  # type: ignore[arg-type]
            compression=None,
            ping_interval=None,
            max_size=None,
            proxy=None,
        )
    )


async def greet(line: Line, hello: Frame) -> Frame:
    welcome = line.hear(_is("welcome"))
    await line.say(type="hello", **hello)
    return await welcome


def _is(kind: str) -> Callable[[Frame], bool]:
    return lambda frame: bool(frame["type"] == kind)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(uvloop.run(run(Load(**json.load(sys.stdin)))))))
