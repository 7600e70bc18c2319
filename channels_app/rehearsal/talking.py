"""python -m channels_app.rehearsal.talking: patients who talk with every skill at a steady rate.

Like `rehearsal.load` a process of its own; one JSON (`Talking`) in, one (`Heard`) out. Open loop:
so many messages a second go out, whatever the house makes of the last ones, each from a patient
who has had the answer to the one before. Measured is the time from a message to the answer on the
patient's screen: model, skill, rows and delivery together.
"""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any
from uuid import uuid4

import uvloop

from channels_app.rehearsal.load import Frame, Line, greet, open_line

WITHIN_S = 20.0  # for one answer; beyond, it counts as missed
REFERENCE = "greeting"  # the same road without a model or a skill that keeps anything

# What is said, turn by turn; "@2" taps the second thing that was offered. Nobody is handed over: a
# nurse's answer is another measurement. The first service is what the others are measured against.
SCRIPTS: dict[str, tuple[str, ...]] = {
    REFERENCE: ("~menu", "~menu", "~menu"),
    "guide": ("停车在哪里，怎么收费？", "医保卡忘带了怎么办？", "Where do I park?"),
    "triage": ("我头疼三天了，一阵一阵的", "35岁，男", "都没有", "都没有", "都没有"),
    "booking": (
        "我想挂皮肤科，下周三上午", "@1", "李建国", "13812345678", "换到下午", "@2", "算了不挂了",
    ),
    "visits": ("我的预约", "帮我挂个骨科的号", "@2", "@1"),
    "report": ("查一下我的报告", "李建国", "13812345678", "123456", "算了"),
    "medicine": ("布洛芬饭前吃还是饭后吃？", "阿莫西林怎么保存？"),
    "reminder": ("每天早上八点提醒我吃降压药", "@1", "算了"),
    "feedback": ("我要表扬李护士，特别耐心", "~feedback", "排队的地方能不能多放几把椅子"),
}  # fmt: skip


@dataclass(frozen=True)
class Talking:
    url: str
    rate: float  # messages a second
    seconds: float
    patients: int  # lines that stand open; each talks through a script, then the next takes over


@dataclass
class Heard:
    took_s: float = 0.0  # until the last message was said
    sent: int = 0
    missed: int = 0
    late: int = 0  # messages that nobody was free to say: the house was too slow for this rate
    answered_s: dict[str, list[float]] = field(default_factory=dict)  # by service


class Patient:
    """One line, and what its patient says next."""

    def __init__(self, line: Line, service: str) -> None:
        self.line, self.service = line, service
        self.said = 0
        self._offered: list[dict[str, str]] = []

    @property
    def is_done(self) -> bool:
        return self.said >= len(SCRIPTS[self.service])

    async def say_next(self, heard: Heard) -> None:
        words = SCRIPTS[self.service][self.said]
        self.said += 1
        frame = self._frame(words)
        answered = self.line.hear(_is_answer)
        began = time.perf_counter()
        await self.line.say(type="send", client_id=str(uuid4()), **frame)
        try:
            answer = await answered
        except TimeoutError:
            heard.missed += 1
            return
        heard.answered_s.setdefault(self.service, []).append(time.perf_counter() - began)
        last = [item for item in answer["items"] if _is_ours(item)][-1]
        self._offered = last.get("details", {}).get("choices", [])

    def _frame(self, words: str) -> dict[str, str]:
        if words.startswith("~"):
            return {"text": words[1:], "tap": words[1:]}
        if words.startswith("@") and self._offered:
            number = min(int(words[1:]), len(self._offered)) - 1
            return {"text": self._offered[number]["text"], "tap": self._offered[number]["tap"]}
        return {"text": words.removeprefix("@")}


def _is_ours(item: Frame) -> bool:
    return item.get("author") in ("assistant", "system") and item.get("kind") == "text"


def _is_answer(frame: Frame) -> bool:
    return frame["type"] == "messages" and any(_is_ours(item) for item in frame["items"])


async def run(talking: Talking) -> Heard:
    heard = Heard()
    async with AsyncExitStack() as lines:
        services = cycle(SCRIPTS)
        waiting = [await _open(lines, talking.url, next(services)) for _ in range(talking.patients)]
        free: asyncio.Queue[Patient] = asyncio.Queue()
        for patient in waiting:
            free.put_nowait(patient)
        began = time.perf_counter()
        saying: set[asyncio.Task[None]] = set()
        for number in range(int(talking.rate * talking.seconds)):
            await asyncio.sleep(max(0.0, began + number / talking.rate - time.perf_counter()))
            try:
                patient = free.get_nowait()
            except asyncio.QueueEmpty:
                heard.late += 1
                continue
            heard.sent += 1
            task = asyncio.create_task(_turn(patient, heard, free))
            saying.add(task)
            task.add_done_callback(saying.discard)
        heard.took_s = time.perf_counter() - began
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*saying), WITHIN_S)
    return heard


async def _turn(patient: Patient, heard: Heard, free: "asyncio.Queue[Patient]") -> None:
    await patient.say_next(heard)
    if not patient.is_done:
        free.put_nowait(patient)


async def _open(lines: AsyncExitStack, url: str, service: str) -> Patient:
    line = await lines.enter_async_context(await open_line(url, "/ws/chat/web/"))
    await greet(line, {"after": 0, "lang": "zh-hans"})
    return Patient(line, service)


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    sys.stdout.write(json.dumps(asdict(uvloop.run(run(Talking(**given))))))


if __name__ == "__main__":
    main()
