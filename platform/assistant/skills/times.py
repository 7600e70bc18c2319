"""Which times are offered: those that were wished for, a spread of them, or the nearest and why."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from appointments.models import Appointment, PartOfDay, Slot, SlotQuerySet, Status
from appointments.policy import Rules, part_of_day
from appointments.slots import find_slots
from assistant.reading.dates import find_days
from assistant.skills.clinics import GENERAL_CLINIC, Clinic
from assistant.skills.days import Window, Wish, day_in_words
from assistant.skills.sheet import label_of
from assistant.skills.whom import known_patient
from assistant.talk import ANY, NONE_OF_THEM, Ask, Found, Option, Talk
from hospital.models import Holiday, HolidayKind

OFFERED = 5  # times on one screen
SEARCHED = 300  # slots looked at, to offer a spread of days and doctors
OTHER_DAY, WAITLIST = "other_day", "waitlist"
NIGHT = time(18)
_EARLIEST = re.compile(
    r"最(?:早|快|近)|\b(?:earliest|soonest|first available|as (?:soon|early) as possible|asap)\b",
    re.IGNORECASE,
)
_LATEST = re.compile(r"最晚|\blatest\b", re.IGNORECASE)
_CHEAPEST = re.compile(r"便宜|\bcheap(?:er|est)?\b", re.IGNORECASE)
_WAITS = re.compile(
    r"候补|排队等|等号|有(?:了)?号(?:了)?(?:再|就|时|的话)?(?:通知|告诉|叫|提醒)|(?:通知"
    r"|告诉|提醒)我.{0,4}有号|有人退"
    r"|\bwait(?:ing)?[ -]?list\b|\b(?:let me know|tell me|notify me) (?:when|if)\b",
    re.IGNORECASE,
)
_OTHER_DAY = re.compile(
    r"(?:换|改)(?:一|个|一个)?(?:天|日子|日期)|改天|(?:别的|其他|其它)(?:的)?(?:日子|天"
    r"|日期|时间|时候)"
    r"|\b(?:another|other|different) (?:days?|dates?)\b",
    re.IGNORECASE,
)


def read_time(talk: Talk, asked: bool) -> Found | None:
    """What somebody says of the times on the screen, besides their number."""
    if found := _WAITS.search(talk.words):
        return Found(WAITLIST, [found.span()])
    if not asked:
        return None
    if not any(day.wanted for day in find_days(talk.words, today=talk.today)) and (
        found := _OTHER_DAY.search(talk.words)
    ):
        return Found(OTHER_DAY, [found.span()])
    offered = talk.facts.get("offered") or []
    slots = sorted(Slot.objects.filter(pk__in=offered), key=lambda slot: (slot.starts_at, slot.pk))
    if not slots:
        return None
    if found := _EARLIEST.search(talk.words):
        return Found(slots[0].pk, [(0, len(talk.words))])
    if found := _LATEST.search(talk.words):
        return Found(slots[-1].pk, [found.span()])
    if found := _CHEAPEST.search(talk.words):
        return Found(min(slots, key=lambda slot: slot.fee).pk, [(0, len(talk.words))])
    return None


def wish_of(facts: dict[str, Any]) -> Wish:
    return Wish.from_json(facts["day"]) if facts.get("day") else Wish()


def fitting(talk: Talk, wish: Wish, clinic: Clinic) -> list[Slot]:
    """Free times as they were wished for, the soonest first."""
    facts = talk.facts
    first, last = wish.days
    found = find_slots(
        now=talk.now,
        department=clinic.department,
        doctor=clinic.doctor,
        first_day=first,
        last_day=last,
        visit_type="" if clinic.doctor else facts.get("kind", ""),
        limit=SEARCHED,
    )
    without = facts.get("without", [])
    zone = talk.hospital.zone
    busy = _busy(talk)
    slots = [
        slot
        for slot in found
        if (slot.doctor_id or GENERAL_CLINIC) not in without
        and not any(slot.starts_at < ends and begins < slot.ends_at for begins, ends in busy)
        and wish.fits(slot.starts_at.astimezone(zone))
    ]
    if facts.get("cheap") and slots:
        least = min(slot.fee for slot in slots)
        slots = [slot for slot in slots if slot.fee == least]
    return slots


def _busy(talk: Talk) -> list[tuple[datetime, datetime]]:
    """When the patient is seen elsewhere, as far as it was booked from here."""
    patient = known_patient(talk)
    booked = Appointment.objects.filter(
        patient=patient,
        contact_point=talk.conversation.contact_point,
        status=Status.BOOKED,
        slot__ends_at__gt=talk.now,
    )
    return list(booked.values_list("slot__starts_at", "slot__ends_at")) if patient else []


def exactly(slots: Sequence[Slot], wish: Wish, talk: Talk) -> Slot | None:
    """The one time that was named to the minute, where only one clinic has it."""
    zone = talk.hospital.zone
    named = [slot for slot in slots if wish.names(slot.starts_at.astimezone(zone))]
    shown = [slot for slot in named if slot.pk in talk.facts.get("offered", ())]
    if len(shown) == 1:
        return shown[0]
    return named[0] if len(named) == 1 else None


def spread(slots: Iterable[Slot], *, over_days: bool = False) -> list[Slot]:
    """A few of many: first one of each half day and doctor (of each day), then others far apart."""
    slots = list(slots)
    kept: list[Slot] = []
    if over_days:
        kept = _first_of_each(slots, lambda slot: slot.day)
    kept += [
        slot
        for slot in _first_of_each(slots, lambda slot: (slot.day, slot.part, slot.doctor_id))
        if slot not in kept
    ]
    kept = kept[:OFFERED]
    left = [slot for slot in slots if slot not in kept]
    while left and len(kept) < OFFERED:
        farthest = max(left, key=lambda slot: (_distance(slot, kept), -slot.pk))
        kept.append(farthest)
        left.remove(farthest)
    return sorted(kept, key=lambda slot: (slot.starts_at, slot.pk))


def _first_of_each(slots: Sequence[Slot], group: Any) -> list[Slot]:
    first: dict[Any, Slot] = {}
    for slot in slots:
        first.setdefault(group(slot), slot)
    return list(first.values())


def _distance(slot: Slot, others: Iterable[Slot]) -> float:
    return min(
        (
            abs((slot.starts_at - other.starts_at).total_seconds())
            for other in others
            if other.doctor_id == slot.doctor_id
        ),
        default=0,
    )


def nearest(slots: Sequence[Slot], wish: Wish, talk: Talk) -> list[Slot]:
    """The few that come closest to a wish that none of them meets."""
    zone = talk.hospital.zone
    by_distance = sorted(
        slots, key=lambda slot: (wish.distance(slot.starts_at.astimezone(zone)), slot.starts_at)
    )
    first = _first_of_each(by_distance, lambda slot: (slot.day, slot.part, slot.doctor_id))
    return sorted(first[:OFFERED], key=lambda slot: (slot.starts_at, slot.pk))


def ask_time(text: str, slots: Sequence[Slot], talk: Talk, *, more: Option) -> Ask:
    talk.facts["offered"] = [slot.pk for slot in slots]
    return Ask(
        "time",
        text,
        [*(Option(label_of(slot, talk), slot.pk) for slot in slots), more],
        again=_("Please choose one of the times, or name another day."),
    )


def chosen(talk: Talk) -> Slot | None:
    """The slot that was picked from what was offered."""
    picked = talk.facts.get("time")
    if picked == ANY:
        picked = talk.facts["time"] = (talk.facts.get("offered") or [None])[0]
    if not isinstance(picked, int):
        return None
    return Slot.objects.with_all().filter(pk=picked).first()


def wants_other_day(talk: Talk) -> bool:
    return talk.facts.get("time") in (OTHER_DAY, NONE_OF_THEM)


def is_full(talk: Talk, wish: Wish, clinic: Clinic) -> bool:
    """Whether there are times as wished for, all taken: then waiting may help."""
    return any(slot.closed_at is None for slot in _there(talk, wish, clinic))


def why_none(talk: Talk, wish: Wish, clinic: Clinic) -> str:
    """Why nothing is offered as it was wished for, in one sentence."""
    first, last = wish.days
    end = talk.today + timedelta(days=Rules.from_settings().days_ahead - 1)
    if last is not None and last < talk.today:
        return _("That day is over.")
    if first is not None and first > end:
        return _("Visits can be booked until %(day)s at the moment.") % {
            "day": day_in_words(end, english=talk.is_english)
        }
    there = _there(talk, wish, clinic)
    if any(slot.closed_at is None for slot in there):
        return _("All seats of that time are taken.")
    if there:
        why = there[0].in_language("closed_why", talk.lang)
        return _("There is no clinic at that time: %(why)s.") % {"why": why} if why else _closed()
    if _over(talk, wish, clinic):
        return _("That time is over for today.")
    if holiday := _holiday(first, last, talk):
        return _("That is a holiday (%(name)s), and this clinic is closed.") % {"name": holiday}
    if clinic.doctor is not None:
        return _("%(who)s has no clinic then.") % {
            "who": clinic.doctor.in_language("name", talk.lang)
        }
    return _closed()


def _closed() -> str:
    return _("There is no clinic at that time.")


def at_night(wish: Wish) -> bool:
    return bool(wish.wanted) and all(window.start >= NIGHT for window in wish.wanted)


def _there(talk: Talk, wish: Wish, clinic: Clinic) -> list[Slot]:
    """The slots to come as wished for, whether free, taken or closed."""
    return _of(Slot.objects.to_come(talk.now), talk, wish, clinic)


def _over(talk: Talk, wish: Wish, clinic: Clinic) -> bool:
    began = Slot.objects.filter(day=talk.today, starts_at__lte=talk.now)
    return bool(_of(began, talk, wish, clinic))


def _of(slots: SlotQuerySet, talk: Talk, wish: Wish, clinic: Clinic) -> list[Slot]:
    slots = slots.filter(department=clinic.department)
    if clinic.doctor is not None:
        slots = slots.filter(doctor=clinic.doctor)
    elif kind := talk.facts.get("kind"):
        slots = slots.filter(visit_type=kind)
    first, last = wish.days
    if first is not None:
        slots = slots.filter(day__gte=first)
    if last is not None:
        slots = slots.filter(day__lte=last)
    zone = talk.hospital.zone
    found = slots.order_by("starts_at", "id")[:SEARCHED]
    return [slot for slot in found if wish.fits(slot.starts_at.astimezone(zone))]


def _holiday(first: date | None, last: date | None, talk: Talk) -> str:
    if first is None or first != last:
        return ""
    day = Holiday.objects.filter(date=first, kind=HolidayKind.CLOSED).first()
    return day.in_language("name", talk.lang) if day else ""


def part_of(wish: Wish) -> PartOfDay | str:
    """The one part of the day that was wished for, for the waitlist; empty: any."""
    parts = {_part(window) for window in wish.wanted}
    return parts.pop() if len(parts) == 1 else ""


def _part(window: Window) -> PartOfDay | str:
    begins, ends = part_of_day(window.start), part_of_day(_just_before(window.end))
    return begins if begins == ends else ""


def _just_before(at: time) -> time:
    return (datetime.combine(date.min, at) - timedelta(minutes=1)).time() if at > time(0) else at
