"""When somebody would like to come: read from their words, kept in a slot, said again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from assistant.reading.dates import DayMention, find_days
from assistant.reading.times import TimeMention, find_times
from assistant.talk import Found, Talk
from hospital.models import Holiday

LOOK_AHEAD = timedelta(days=60)  # in which we know the hospital's holidays
_WEEKDAYS = "一二三四五六日"
_ANY_TIME = (time(0), time(23, 59))


@dataclass(frozen=True)
class Window:
    """Some days, and the hours of them. Without a last day from the first on."""

    first: date
    last: date | None = None
    weekdays: tuple[int, ...] = ()  # only these; empty: all
    start: time = _ANY_TIME[0]
    end: time = _ANY_TIME[1]

    def includes(self, at: datetime) -> bool:
        day = at.date()
        if day < self.first or (self.last is not None and day > self.last):
            return False
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        return self.start <= at.time() <= self.end

    def as_json(self) -> list[Any]:
        return [
            self.first.isoformat(),
            self.last.isoformat() if self.last else None,
            list(self.weekdays),
            self.start.isoformat("minutes"),
            self.end.isoformat("minutes"),
        ]

    @classmethod
    def from_json(cls, kept: Sequence[Any]) -> "Window":
        first, last, weekdays, start, end = kept
        return cls(
            date.fromisoformat(first),
            date.fromisoformat(last) if last else None,
            tuple(weekdays),
            time.fromisoformat(start),
            time.fromisoformat(end),
        )


@dataclass(frozen=True)
class Wish:
    """What would do, and what was refused ("除了周五都行")."""

    wanted: tuple[Window, ...] = ()
    refused: tuple[Window, ...] = ()

    def fits(self, at: datetime) -> bool:
        """`at` in the hospital's zone."""
        if any(window.includes(at) for window in self.refused):
            return False
        return not self.wanted or any(window.includes(at) for window in self.wanted)

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day that could do; None where there is no such bound."""
        if not self.wanted:
            return None, None
        lasts = [window.last for window in self.wanted]
        known = [last for last in lasts if last is not None]
        last = max(known) if len(known) == len(lasts) else None
        return min(window.first for window in self.wanted), last

    def as_json(self) -> dict[str, Any]:
        return {
            "wanted": [window.as_json() for window in self.wanted],
            "refused": [window.as_json() for window in self.refused],
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Wish":
        return cls(
            tuple(Window.from_json(each) for each in kept["wanted"]),
            tuple(Window.from_json(each) for each in kept["refused"]),
        )


def read_wish(talk: Talk, asked: bool) -> Found | None:
    """The days and hours in a message; bare hours ("下午") are of the days said before."""
    days = find_days(talk.words, today=talk.today, holidays=_holidays(talk))
    if days:
        wanted = tuple(_window(day) for day in days if day.wanted)
        refused = tuple(_window(day) for day in days if not day.wanted)
        return Found(Wish(wanted, refused).as_json(), [day.span for day in days])
    times = find_times(talk.words)
    if not times:
        return None
    before = Wish.from_json(talk.facts["day"]) if talk.facts.get("day") else Wish()
    base = before.wanted or (Window(talk.today),)
    wanted = tuple(_at(window, hour) for window in base for hour in times if hour.wanted)
    refused = tuple(_at(window, hour) for window in base for hour in times if not hour.wanted)
    wish = Wish(wanted or before.wanted, (*before.refused, *refused))
    return Found(wish.as_json(), [hour.span for hour in times])


def _holidays(talk: Talk) -> dict[date, object]:
    ahead = Holiday.objects.filter(date__range=(talk.today, talk.today + LOOK_AHEAD))
    return {each.date: each for each in ahead}


def _window(day: DayMention) -> Window:
    window = Window(day.first, day.last, tuple(sorted(day.weekdays)))
    return _at(window, day.time) if day.time is not None else window


def _at(window: Window, hours: TimeMention) -> Window:
    return Window(window.first, window.last, window.weekdays, hours.start, hours.end)


def show_wish(kept: dict[str, Any]) -> str:
    """For the nurse's card: the first days that were named."""
    first, last = Wish.from_json(kept).days
    if first is None:
        return _("any day")
    if last == first:
        return first.isoformat()
    return f"{first.isoformat()} – {last.isoformat() if last else ''}"


def day_in_words(day: date, *, english: bool) -> str:
    """ "11月25日 周三", "Wed 25 Nov"."""
    if english:
        return f"{day:%a} {day.day} {day:%b}"
    return f"{day.month}月{day.day}日 周{_WEEKDAYS[day.weekday()]}"


def moment_in_words(at: datetime, *, english: bool) -> str:
    """`at` in the hospital's zone."""
    return f"{day_in_words(at.date(), english=english)} {at:%H:%M}"
