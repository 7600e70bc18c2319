"""Days in both languages, around month ends, leap days, holidays, midnight and Sundays."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assistant.reading.dates import DayMention, find_days
from assistant.reading.day_words import Kind
from assistant.reading.times import HOURS, TimeMention

THURSDAY = date(2026, 11, 26)


def _table() -> Iterator[tuple[date, bool, str, str]]:
    today, back = THURSDAY, False
    for line in Path(__file__).with_name("days.txt").read_text("utf-8").splitlines():
        if line.startswith("= "):
            today, back = date.fromisoformat(line[2:12]), line[12:].startswith(" back")
        elif " | " in line and not line.startswith("#"):
            said, meant = line.split(" | ")
            yield today, back, said, meant


def _written(mention: DayMention) -> str:
    days = str(mention.first)
    if mention.kind is Kind.OPEN:
        days = "soon"
    elif mention.last is None:
        days += ".."
    elif mention.last != mention.first or mention.kind is Kind.RANGE:
        days += f"..{mention.last}"
    return " ".join(
        filter(None, ["" if mention.wanted else "!", days, *_time(mention.time)])
    ).replace("! ", "!")


def _time(time: TimeMention | None) -> Iterator[str]:
    if time is None:
        return
    if time.part:
        yield time.part
    if time.clock:
        yield f"{time.clock:%H:%M}"
    elif time.part is None or (time.start, time.end) != HOURS[time.part]:
        yield f"{time.start:%H:%M}-{time.end:%H:%M}"


def _once(meant: str) -> str:
    """A day of one is written once, whether it is what is left of a range or not."""
    first, dots, last = meant.partition("..")
    return first if dots and last == first.removeprefix("!") else meant


@pytest.mark.parametrize(
    ("today", "back", "said", "meant"),
    [pytest.param(*row, id=f"{row[0]:%m-%d}-{row[2]}") for row in _table()],
)
def test_days_are_read(today: date, back: bool, said: str, meant: str) -> None:
    mentions = find_days(said, today=today, back=back)

    read = sorted(_once(_written(mention)) for mention in mentions)
    assert read == sorted(_once(one) for one in meant.split("; ") if one != "-")
