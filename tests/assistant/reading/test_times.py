"""Times of the day in both languages, and what only sounds like one."""

from pathlib import Path

import pytest

from assistant.reading.times import HOURS, TimeMention, find_times

TABLE = [
    line.split(" | ")
    for line in Path(__file__).with_name("times.txt").read_text("utf-8").splitlines()
    if " | " in line and not line.startswith("#")
]


def written(time: TimeMention) -> str:
    words = ["" if time.wanted else "!", time.part or ""]
    if time.clock:
        words.append(f" {time.clock:%H:%M}")
    elif time.part is None or (time.start, time.end) != HOURS[time.part]:
        words.append(f" {time.start:%H:%M}-{time.end:%H:%M}")
    return "".join(words).strip()


@pytest.mark.parametrize(("said", "meant"), TABLE)
def test_times_are_read(said: str, meant: str) -> None:
    assert "; ".join(map(written, find_times(said))) == ("" if meant == "-" else meant)
