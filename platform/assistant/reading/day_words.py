"""What a reading of one word for a day gives, before words around it change it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from assistant.reading.almanac import Days, Today, plus
from triage.reading import Span

WORKDAYS = frozenset(range(5))
READ = "\0"  # stands where a day has been read, so that nothing else reads the same letters


class Kind(StrEnum):
    EXACT = "exact"  # one day
    RANGE = "range"  # any day from first to last; without a last, from first on
    OPEN = "open"  # as soon as possible, or whenever you like


@dataclass(frozen=True)
class DayWord:
    """One word for a day. `bare`: how to read it again, seen from the day before it in a list."""

    span: Span
    first: date
    last: date | None
    kind: Kind
    weekdays: frozenset[int] = frozenset()
    bare: Callable[[Today], date | None] | None = None


Reader = Callable[[re.Match[str], Today], Iterator[DayWord]]
Rules = list[tuple[re.Pattern[str], Reader]]


def named(match: re.Match[str], group: str) -> str:
    """What a group of the rule found; empty when it found nothing, or there is no such group."""
    return (match.groupdict().get(group) or "").strip()


def exact(span: Span, day: date | None) -> Iterator[DayWord]:
    if day is not None:
        yield DayWord(span, day, day, Kind.EXACT)


def span_of(span: Span, days: tuple[date | None, date | None] | Days | None) -> Iterator[DayWord]:
    if days is not None and days[0] is not None and days[1] is not None and days[0] <= days[1]:
        kind = Kind.EXACT if days[0] == days[1] else Kind.RANGE
        yield DayWord(span, days[0], days[1], kind)


def bare(span: Span, today: Today, read: Callable[[Today], date | None]) -> Iterator[DayWord]:
    day = read(today)
    if day is not None:
        yield DayWord(span, day, day, Kind.EXACT, bare=read)


def open_end(span: Span, first: date | None) -> Iterator[DayWord]:
    if first is not None:
        yield DayWord(span, first, None, Kind.OPEN)


def weekend(today: Today, monday: date | None, *, named: bool) -> tuple[date | None, date | None]:
    """Saturday and Sunday of a week; of an unnamed one what is left from today."""
    if monday is None:
        return None, None
    saturday, sunday = plus(monday, 5), plus(monday, 6)
    if named or today.back or saturday is None:
        return saturday, sunday
    return max(saturday, today.day), sunday
