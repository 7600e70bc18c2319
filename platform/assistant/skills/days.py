"""When somebody would like to come: read from their words, kept in a slot, said again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from appointments.models import Appointment, Slot, Status
from assistant.reading.dates import DayMention, find_days
from assistant.reading.spelling import touches
from assistant.reading.times import TimeMention, find_times
from assistant.talk import Found, Talk
from hospital.models import Holiday

LOOK_AHEAD = timedelta(days=60)  # in which we know the hospital's holidays
_WEEKDAY = re.compile(
    r"周|星期|礼拜|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE
)
_ONE_WEEK = re.compile(r"[上下这本]|\b(?:this|next|coming)\b", re.IGNORECASE)
_WEEKDAYS = "一二三四五六日"
_SOONEST = re.compile(
    r"最早|最近|最快|尽[快早]|越[早快]越[好快]|\b(?:soonest|earliest|asap|as soon as)\b",
    re.IGNORECASE,
)
_SAME_DAY = re.compile(r"同一?天|那一?天|\b(?:same|that) day\b", re.IGNORECASE)
_ANY_TIME = (time(0), time(23, 59))
_SLACK, _SLACK_TIME = timedelta(minutes=29), time(0, 29)


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
        return self._earliest <= at.time() <= self.end

    @property
    def is_clock(self) -> bool:
        """Whether one moment was named: "9点半"."""
        return self.start == self.end

    def is_near(self, today: date) -> bool:
        return self.first <= today + LOOK_AHEAD and (self.last is None or self.last >= today)

    @property
    def has_hours(self) -> bool:
        return (self.start, self.end) != _ANY_TIME

    @property
    def _earliest(self) -> time:
        """A visit that has begun a little before the named moment will do as well."""
        if not self.is_clock or self.start < _SLACK_TIME:
            return self.start
        return (datetime.combine(date.min, self.start) - _SLACK).time()

    def distance(self, at: datetime) -> tuple[int, int]:
        """How far a moment is from it: days, then minutes of the clock."""
        day, minute = at.date(), at.hour * 60 + at.minute
        last = self.last or date.max
        days = max((self.first - day).days, (day - last).days, 0)
        if self.weekdays and day.weekday() not in self.weekdays:
            days = max(days, 1)
        start, end = (each.hour * 60 + each.minute for each in (self.start, self.end))
        return days, max(start - minute, minute - end, 0)

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

    @classmethod
    def of_day(cls, day: date) -> "Wish":
        return cls((Window(day, day),))

    def fits(self, at: datetime) -> bool:
        """`at` in the hospital's zone."""
        if any(window.includes(at) for window in self.refused):
            return False
        return not self.wanted or any(window.includes(at) for window in self.wanted)

    def names(self, at: datetime) -> bool:
        """Whether this very moment was named."""
        return any(
            window.is_clock and window.start == at.time() and window.includes(at)
            for window in self.wanted
        )

    def distance(self, at: datetime) -> tuple[int, int]:
        """How far a moment is from what would do; refused days come last."""
        far = min((window.distance(at) for window in self.wanted), default=(0, 0))
        refused = any(window.includes(at) for window in self.refused)
        return (far[0] + 1000 * refused, far[1])

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
    before = Wish.from_json(talk.facts["day"]) if talk.facts.get("day") else Wish()
    picked = talk.facts.get("time")
    slot = Slot.objects.filter(pk=picked).first() if isinstance(picked, int) else None
    if slot is not None:
        before = Wish((Window(slot.day, slot.day),), before.refused)  # "改成下午": of that day
    elif not any(window.is_near(talk.today) for window in before.wanted):
        before = Wish((), before.refused)
    same = _SAME_DAY.search(talk.words)
    if same and not before.wanted and (day := _last_booked(talk)):
        before = Wish((Window(day, day),), before.refused)
        hours = read_wish_from(talk, before)
        spans = [same.span(), *(hours.spans if hours else ())]
        return Found(hours.value if hours else before.as_json(), spans)
    found = read_wish_from(talk, before)
    if found is not None and slot is not None:
        wish = Wish.from_json(found.value)
        if wish.wanted and wish.fits(slot.starts_at.astimezone(talk.hospital.zone)):
            return None  # "好的,明天见": what was chosen, said again
    return found


def _last_booked(talk: Talk) -> date | None:
    """The day of the visit that was booked here last: "再挂个妇科,同一天"."""
    here = Appointment.objects.filter(
        contact_point=talk.conversation.contact_point,
        status=Status.BOOKED,
        slot__starts_at__gt=talk.now,
    )
    return here.order_by("-pk").values_list("slot__day", flat=True).first()


def read_wish_from(talk: Talk, before: Wish) -> Found | None:
    """The same, where `before` holds the days that bare hours are of."""
    days = find_days(talk.words, today=talk.today, holidays=_holidays(talk))
    if days:
        wanted = _wanted(days, talk.words)
        refused = tuple(_refused(day, talk) for day in days if not day.wanted)
        if not wanted:  # "周五不行": what was wished for before, without that
            wanted, refused = before.wanted, (*before.refused, *refused)
        return Found(Wish(wanted, refused).as_json(), [day.span for day in days])
    times = find_times(talk.words)
    if not times:
        return None
    base = before.wanted or (Window(talk.today),)
    wanted = tuple(_at(window, hour) for window in base for hour in times if hour.wanted)
    refused = tuple(_at(window, hour) for window in base for hour in times if not hour.wanted)
    wish = Wish(wanted or before.wanted, (*before.refused, *refused))
    return Found(wish.as_json(), [hour.span for hour in times])


def _wanted(days: Sequence[DayMention], words: str) -> tuple[Window, ...]:
    """ "明天…最早的" wants the earliest of that day; "明天,张三,上午" the morning of it."""
    wanted = [day for day in days if day.wanted]
    named = [day for day in wanted if not _SOONEST.search(words[day.span[0] : day.span[1]])]
    hours = [
        hour
        for hour in find_times(words)
        if hour.wanted and not any(touches(hour.span, day.span) for day in days)
    ]
    windows = [_window(day) for day in named or wanted]
    if len(hours) == 1 and len(windows) == 1 and not windows[0].has_hours:
        windows = [_at(windows[0], hours[0])]
    return tuple(windows)


def _holidays(talk: Talk) -> dict[date, object]:
    ahead = Holiday.objects.filter(date__range=(talk.today, talk.today + LOOK_AHEAD))
    return {each.date: each for each in ahead}


def _window(day: DayMention) -> Window:
    window = Window(day.first, day.last, tuple(sorted(day.weekdays)))
    return _at(window, day.time) if day.time is not None else window


def _refused(day: DayMention, talk: Talk) -> Window:
    """ "除了周五都行" is about every Friday, "下周五不行" about one."""
    window = _window(day)
    words = talk.words[day.span[0] : day.span[1]]
    if day.first != day.last or _ONE_WEEK.search(words) or not _WEEKDAY.search(words):
        return window
    return replace(window, first=talk.today, last=None, weekdays=(day.first.weekday(),))


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
