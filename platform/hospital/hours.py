"""When something is open: pure, in the hospital's own wall time.

A rule says a weekday's hours. Hours that close at or before they open end on the next day, so a
night clinic is 18:00–02:00 and round the clock is 00:00–00:00 on all seven days.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Longer than the longest holiday with the weekends around it; who opens less often is closed.
HORIZON = timedelta(days=60)


@dataclass(frozen=True)
class Rule:
    """The hours of one weekday."""

    weekday: int  # 0 Monday to 6 Sunday
    opens_at: time
    closes_at: time
    on_holidays: bool = False  # open on holidays just the same, like an emergency department


@dataclass(frozen=True)
class SpecialDay:
    """A day that is not like its weekday.

    `hours` shorten the usual ones, `like_weekday` borrows another day's (a Sunday worked instead
    of a Monday, 调休). With neither, only what is open on holidays is open.
    """

    hours: tuple[time, time] | None = None
    like_weekday: int | None = None


@dataclass(frozen=True)
class Timetable:
    """The rules of one place, department or team, with the special days of the hospital."""

    rules: tuple[Rule, ...]
    special_days: Mapping[date, SpecialDay]
    time_zone: ZoneInfo

    def hours_on(self, day: date) -> list[tuple[datetime, datetime]]:
        """The stretches that begin on a day. What special hours leave nothing of ends first."""
        special, weekday = self.special_days.get(day), day.weekday()
        if special is not None and special.like_weekday is not None:
            weekday, special = special.like_weekday, None
        hours = []
        for rule in self.rules:
            if rule.weekday != weekday:
                continue
            usual = self._moments(day, rule.opens_at, rule.closes_at)
            if special is None or rule.on_holidays:
                hours.append(usual)
            elif special.hours:
                hours.append(_overlap(usual, self._moments(day, *special.hours)))
        return hours

    def is_open(self, now: datetime) -> bool:
        local = now.astimezone(self.time_zone)
        # Yesterday's hours may reach over midnight.
        days = (local.date() - timedelta(days=1), local.date())
        return any(start <= local < end for day in days for start, end in self.hours_on(day))

    def next_opening(self, now: datetime) -> datetime | None:
        """The first moment from `now` on at which it is open: `now` itself when it is."""
        if self.is_open(now):
            return now
        local = now.astimezone(self.time_zone)
        for day in _days(local.date(), until=(local + HORIZON).date()):
            starts = [start for start, end in self.hours_on(day) if local < start < end]
            if starts:
                return min(starts)
        return None

    def _moments(self, day: date, opens_at: time, closes_at: time) -> tuple[datetime, datetime]:
        last_day = day if closes_at > opens_at else day + timedelta(days=1)
        return (
            datetime.combine(day, opens_at, self.time_zone),
            datetime.combine(last_day, closes_at, self.time_zone),
        )


def _overlap(
    one: tuple[datetime, datetime], other: tuple[datetime, datetime]
) -> tuple[datetime, datetime]:
    """What two stretches share; one that ends before it starts, so never open, if nothing."""
    return max(one[0], other[0]), min(one[1], other[1])


def _days(first: date, *, until: date) -> Iterator[date]:
    for number in range((until - first).days + 1):
        yield first + timedelta(days=number)
