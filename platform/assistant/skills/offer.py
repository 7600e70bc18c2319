"""A seat that got free: told to who waited for it, and taken or left by a yes or a no."""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.booking import HoldLapsed
from appointments.models import Appointment, Status, WaitlistEntry, WaitStatus
from appointments.seats import TooLate
from appointments.waitlist import accept_offer, decline_offer, leave_waitlist
from assistant.reading.choices import find_pick
from assistant.skills.days import Window, Wish
from assistant.skills.sheet import card_of, prepare, sheet, until
from assistant.talk import Ask, Done, Found, Option, Skill, Step, Talk, read_agreement
from assistant.talk import Slot as Needs
from assistant.turn import choice

LEAVE = "leave"
_ANSWERS = (True, False, LEAVE)  # in the order in which they are offered
_LEAVES = re.compile(
    r"(?:不用|不要|不想|别)?(?:再)?(?:不)?(?:等|候补|排)了|取消候补|退出候补|已经(?:看"
    r"|约|挂)(?:过|好|上)?了"
    r"|\bstop waiting\b|\bno longer\b|\bleave the wait",
    re.IGNORECASE,
)


def _read_take(talk: Talk, asked: bool) -> Found | None:
    if found := _LEAVES.search(talk.words):
        return Found(LEAVE, [found.span()])
    if (
        asked
        and (picked := find_pick(talk.words, [""] * len(_ANSWERS)))
        and len(picked.places) == 1
    ):
        return Found(_ANSWERS[picked.places[0]], [picked.span])
    return read_agreement(talk, asked)


def _entry(talk: Talk) -> WaitlistEntry | None:
    """The one that this dialogue is about."""
    return (
        WaitlistEntry.objects.select_related("department", "doctor")
        .filter(pk=talk.facts.get("entry") or 0, contact_point=talk.conversation.contact_point)
        .first()
    )


def offered(entry: WaitlistEntry) -> Appointment | None:
    """The seat that is kept for somebody who waited."""
    return (
        Appointment.objects.with_all().filter(waitlist_entry=entry, status=Status.PENDING).first()
    )


def proceed(talk: Talk) -> Step:
    entry = _entry(talk)
    if entry is None:
        return Done(_("This offer has ended. I look for another time with you."), then="booking")
    taken = Appointment.objects.filter(waitlist_entry=entry, status=Status.BOOKED).first()
    if taken is not None:
        return _booked(taken, talk)
    seat = offered(entry) if entry.status == WaitStatus.OFFERED else None
    take = talk.facts.get("take")
    if take == LEAVE:
        leave_waitlist(entry, now=talk.now)
        what = entry.department.in_language("name", talk.lang)
        return Done(_("You are off the waitlist for %(what)s.") % {"what": what})
    if seat is None or seat.held_until is None or seat.held_until <= talk.now:
        if take is False:
            return Done(_("All right, this seat goes to somebody else."))
        return _look_on(entry)
    if take is None:
        return Ask(
            "take",
            offer_in_words(seat, talk),
            options(),
            again=_("Would you like to take the seat?"),
            details={"appointment": card_of(seat, talk)},
        )
    if not take:
        decline_offer(entry, now=talk.now, keep_waiting=True)
        return Done(_("All right. You stay on the waitlist, and hear of the next one."))
    try:
        booked = accept_offer(entry, now=talk.now)
    except (HoldLapsed, TooLate):
        return _look_on(entry)
    return _booked(booked, talk)


def _booked(appointment: Appointment, talk: Talk) -> Done:
    booked = Appointment.objects.with_all().get(pk=appointment.pk)
    text = _("Booked. Your number is %(number)s.") % {"number": booked.number}
    return Done(
        f"{text}\n{sheet(booked, talk)}\n{prepare(booked, talk)}",
        choices=[
            choice(_("My appointments"), tap="visits"),
            choice(_("Talk to a nurse"), tap="nurse"),
        ],
        details={"appointment": card_of(booked, talk)},
    )


def _look_on(entry: WaitlistEntry) -> Done:
    """Too late for this one: look for another, with all that is known of the wish."""
    facts: dict[str, Any] = {"department": entry.department.code}
    if entry.doctor_id is not None:
        facts["doctor"] = [entry.doctor_id]
    facts["day"] = Wish((Window(entry.first_day, entry.last_day),)).as_json()
    if entry.patient_id != entry.booked_by_id:
        facts["whom"] = {"kind": "other", "gender": "", "patient": entry.patient_id}
    return Done(
        _("I am sorry, the time to take this seat is over. I look for another with you."),
        then="booking",
        with_facts=facts,
    )


def options() -> list[Option]:
    labels = (_("Take the seat"), _("Not this one, keep waiting"), _("Stop waiting"))
    return [Option(label, value) for label, value in zip(labels, _ANSWERS, strict=True)]


def offer_in_words(offer: Appointment, talk: Talk) -> str:
    """What the patient reads when a seat got free."""
    kept = _("It is kept for you until %(until)s.") % {
        "until": until(offer.held_until or talk.now, talk)
    }
    return f"{_('A seat got free for you:')}\n{sheet(offer, talk)}\n{kept}"


OFFER = Skill(
    "offer",
    gettext_lazy("a seat that got free"),
    (Needs("take", gettext_lazy("Takes it"), _read_take, show=None, first=True, picks=False),),
    proceed,
)
