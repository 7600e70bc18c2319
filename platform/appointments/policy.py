"""What we decide without asking anybody: how long a seat waits, and what is next best. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from appointments.models import PartOfDay

NOON = time(12)
EVENING = time(18)


@dataclass(frozen=True)
class Rules:
    """A hospital's own rules of booking, from its settings."""

    days_ahead: int  # for which slots are made, today included
    hold: timedelta  # how long a chosen seat waits for a yes
    max_holds: int  # seats that one person may hold at a time, for all they write for
    offer: timedelta  # how long a seat waits for somebody on the waitlist
    night: tuple[time, time]  # who is offered a seat in between has not read it yet
    offer_wakes: time  # … and has until then
    offer_lead: timedelta  # an offer ends so long before the visit, to have time to come
    cancel_lead: timedelta  # a patient cancels and moves until so long before the visit
    missed_after: timedelta  # after the end of the slot, somebody who did not come
    checks_in: bool  # False: nobody is checked in here, so nobody can be missed

    @classmethod
    def from_settings(cls) -> "Rules":
        given: Mapping[str, Any] = settings.BOOKING
        return cls(
            days_ahead=given["days_ahead"],
            hold=timedelta(seconds=given["hold_s"]),
            max_holds=given["max_holds"],
            offer=timedelta(seconds=given["offer_s"]),
            night=(time.fromisoformat(given["night"][0]), time.fromisoformat(given["night"][1])),
            offer_wakes=time.fromisoformat(given["offer_wakes"]),
            offer_lead=timedelta(seconds=given["offer_lead_s"]),
            cancel_lead=timedelta(seconds=given["cancel_lead_s"]),
            missed_after=timedelta(seconds=given["missed_after_s"]),
            checks_in=given["checks_in"],
        )


def part_of_day(at: time) -> PartOfDay:
    if at < NOON:
        return PartOfDay.MORNING
    return PartOfDay.AFTERNOON if at < EVENING else PartOfDay.EVENING


def offer_until(
    starts_at: datetime, *, now: datetime, zone: ZoneInfo, rules: Rules
) -> datetime | None:
    """How long an offer made now stands; None where it could not be read and used in time.

    One that would lapse unread at night stands until the morning.
    """
    until = now + rules.offer
    if _is_night(now.astimezone(zone).time(), rules) or _is_night(
        until.astimezone(zone).time(), rules
    ):
        until = _next(rules.offer_wakes, after=now.astimezone(zone))
    return until if until <= starts_at - rules.offer_lead else None


def _is_night(at: time, rules: Rules) -> bool:
    begins, ends = rules.night
    return begins <= at < ends if begins < ends else at >= begins or at < ends


def _next(at: time, *, after: datetime) -> datetime:
    today = datetime.combine(after.date(), at, after.tzinfo)
    return today if today > after else today + timedelta(days=1)


@dataclass(frozen=True)
class Choice:
    """What the order of alternatives is made from."""

    doctor_id: int | None
    day_number: int
    part: str
    starts_at: datetime
    visit_type: str


def how_far(wanted: Choice, other: Choice) -> tuple[int, int, float]:
    """How far an alternative is from what was wanted, the least first.

    The same doctor on the same day; another doctor in the same half day; the same doctor within a
    week; the same day; then the rest, the sooner the better. Who waits for a chief physician
    rather sees another one than the general clinic.
    """
    same_doctor = wanted.doctor_id == other.doctor_id
    days = abs(other.day_number - wanted.day_number)
    if same_doctor and days == 0:
        rank = 0
    elif days == 0 and other.part == wanted.part:
        rank = 1
    elif same_doctor and days <= 7:
        rank = 2
    elif days == 0:
        rank = 3
    else:
        rank = 4
    minutes = abs((other.starts_at - wanted.starts_at).total_seconds())
    return rank, int(other.visit_type != wanted.visit_type), minutes
