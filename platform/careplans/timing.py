"""When to ask: pure, in the patient's own wall time, answered in UTC.

A wall time that a change of clocks leaves out (02:30 in spring) is taken an hour later; one that
comes twice is taken the first time. So no day has a dose too many or too few.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MEALS: dict[str, str] = {
    "breakfast": "07:30",
    "lunch": "12:00",
    "dinner": "18:30",
    "bedtime": "21:30",
}
# Which meals a medicine goes with that is taken so often a day.
_MEALS_OF = {1: ("breakfast",), 2: ("breakfast", "dinner"), 3: ("breakfast", "lunch", "dinner")}
# Of one that goes with no meal: even hours of the day, none of the night.
_HOURS_OF = {1: (8,), 2: (8, 20), 3: (8, 14, 20), 4: (8, 12, 16, 20)}
FROM_MEAL = {"before": timedelta(minutes=-30), "with": timedelta(), "after": timedelta(minutes=30)}
MOST_A_DAY = 4
EDGE = timedelta(minutes=30)  # before the quiet begins, so that it has arrived when it does


class TooOften(ValueError):
    """More often a day than a reminder can help with: a nurse has to talk about it."""


@dataclass(frozen=True)
class Quiet:
    """Hours in which a patient wants to hear nothing; the same hour twice: none."""

    begins: time
    ends: time

    def covers(self, at: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    def after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first moment from this one on that is not quiet."""
        local = moment.astimezone(zone)
        if not self.covers(local.time()):
            return moment
        day = local.date()
        if self.begins > self.ends and local.time() >= self.begins:
            day += timedelta(days=1)
        return instant(day, self.ends, zone)

    def before(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The last good moment up to this one that is not quiet."""
        local = moment.astimezone(zone)
        if not self.covers(local.time()):
            return moment
        day = local.date()
        if self.begins > self.ends and local.time() < self.ends:
            day -= timedelta(days=1)
        return instant(day, self.begins, zone) - EDGE

    def nearest(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The quiet's nearer edge, for a dose that falls into it."""
        earlier, later = self.before(moment, zone), self.after(moment, zone)
        return earlier if moment - earlier <= later - moment else later


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A wall time as a moment."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def dose_times(times_a_day: int, *, meal: str, meals: Mapping[str, str]) -> list[time]:
    """Wall times of a medicine's doses by the patient's own meals. Raises TooOften.

    `meal` is before, with, after, bedtime, or empty for none of them.
    """
    own = {name: time.fromisoformat(meals.get(name) or usual) for name, usual in MEALS.items()}
    if meal == "bedtime":
        return [own["bedtime"]]
    if not 1 <= times_a_day <= MOST_A_DAY:
        raise TooOften
    if not meal:
        return [time(hour) for hour in _HOURS_OF[times_a_day]]
    if times_a_day == MOST_A_DAY:
        return [*dose_times(3, meal=meal, meals=meals), own["bedtime"]]
    return [_shifted(own[name], FROM_MEAL[meal]) for name in _MEALS_OF[times_a_day]]


def _shifted(at: time, by: timedelta) -> time:
    return (datetime.combine(date(2000, 1, 1), at) + by).time()


def doses_between(
    times: Sequence[time],
    *,
    first_day: date,
    last_day: date | None,
    zone: ZoneInfo,
    after: datetime,
    until: datetime,
) -> Iterator[tuple[str, datetime]]:
    """Each dose later than `after` and not later than `until`: its name, unique, and its moment."""
    day = max(first_day, after.astimezone(zone).date())
    end = until.astimezone(zone).date()
    if last_day is not None:
        end = min(end, last_day)
    while day <= end:
        for number, at in enumerate(times):
            moment = instant(day, at, zone)
            if after < moment <= until:
                yield f"{day.isoformat()} {number}", moment
        day += timedelta(days=1)


def step_moment(
    anchor: datetime, *, days: int, hours: int, at: time | None, zone: ZoneInfo
) -> datetime:
    """So many days after the anchor on the patient's calendar: at a wall time, or hours more."""
    local = anchor.astimezone(zone)
    day = local.date() + timedelta(days=days)
    if at is not None:
        return instant(day, at, zone)
    return instant(day, local.time(), zone) + timedelta(hours=hours)
