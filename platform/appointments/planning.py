"""Which slots a schedule gives on which days: pure, in the hospital's wall time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from appointments.models import PartOfDay, Schedule
from appointments.policy import part_of_day
from hospital.hours import Rule, SpecialDay, Timetable


@dataclass(frozen=True)
class Planned:
    """A slot that should be there."""

    starts_at: datetime
    ends_at: datetime
    day: date  # of the start; of a night clinic, the later slots are the next day's
    part: PartOfDay


def planned_slots(
    schedule: Schedule,
    days: Iterable[date],
    *,
    special_days: Mapping[date, SpecialDay],
    zone: ZoneInfo,
) -> Iterator[Planned]:
    """What a schedule gives on these days. Special hours leave out what does not fit in whole.

    The last stretch of a session that is shorter than a slot is no slot.
    """
    rule = Rule(schedule.weekday, schedule.starts, schedule.ends, schedule.on_holidays)
    timetable = Timetable((rule,), special_days, zone)
    length = timedelta(minutes=schedule.minutes_per_slot)
    for day in days:
        if not schedule.is_valid_on(day):
            continue
        for opens, closes in timetable.hours_on(day):
            # From the usual start, so that special hours do not shift the grid. In UTC: minutes
            # are added, not moved over a change of the clock.
            starts = datetime.combine(day, schedule.starts, zone).astimezone(UTC)
            while starts + length <= closes:
                if starts >= opens:
                    local = starts.astimezone(zone)
                    yield Planned(starts, starts + length, local.date(), part_of_day(local.time()))
                starts += length
