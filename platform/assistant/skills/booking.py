"""预约挂号: find a time, hold it, say what it is, and book it when the patient agrees."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.booking import HoldLapsed, TooManyHolds, confirm, hold, release
from appointments.models import Appointment, Slot, Status
from appointments.seats import (
    AlreadyBooked,
    RecordClosed,
    SlotClosed,
    SlotTaken,
    TimesOverlap,
    TooLate,
)
from appointments.slots import find_slots, next_best
from appointments.waitlist import join_waitlist
from assistant.skills.clinics import DEPARTMENT, DOCTOR, department_of, doctors_of
from assistant.skills.days import Wish, read_wish, show_wish
from assistant.skills.sheet import card_of, clinic, label_of, prepare, sheet, until, when
from assistant.skills.whom import NAME, PHONE, WHOM, find_patient, know_patient, missing_of
from assistant.talk import (
    ANY,
    NONE_OF_THEM,
    UNSURE,
    Ask,
    BringNurse,
    Done,
    Option,
    Skill,
    Step,
    Talk,
    read_agreement,
)
from assistant.talk import Slot as Needs
from assistant.turn import choice
from hospital.models import Department, Doctor
from tickets.models import Reason

OFFERED = 5  # times on one screen
SEARCHED = 300  # slots looked at, to offer a spread of days and doctors
WAITS = timedelta(days=14)  # how long somebody waits who named no day
OTHER_DAY, WAITLIST, OTHER_TIME = "other_day", "waitlist", "other_time"
EMERGENCY = "急诊科"


def proceed(talk: Talk) -> Step:
    facts = talk.facts
    department, doctors = department_of(facts), doctors_of(facts)
    if facts.get("department") == UNSURE:
        del facts["department"]
        return Done("", then="triage", with_facts={"for_booking": True})
    if department is not None:
        doctors = [doctor for doctor in doctors if doctor.department_id == department.pk]
    if department is None and not doctors:
        return _ask_where(talk)
    if department is not None and department.name == EMERGENCY:
        return _no_booking_needed(talk)
    if len(doctors) > 1:
        return _ask_which(doctors, talk)
    doctor = doctors[0] if doctors else None
    department = doctor.department if doctor else department
    assert department is not None
    slot = _chosen(talk)
    if slot is None:
        return _offer(talk, department, doctor)
    patient = know_patient(talk)
    if isinstance(patient, Ask):
        return patient
    held = _hold(slot, talk)
    if not isinstance(held, Appointment):
        return held
    if (question := missing_of(patient, talk)) is not None:
        return _while_held(question, held, talk)
    match facts.get("sure"):
        case True:
            return _book(held, talk)
        case "other_time":
            _forget_time(talk)
            return _offer(talk, department, doctor)
        case False:
            let_go(talk)
            return Done(_("All right, nothing was booked."), choices=_afterwards())
    return _ask_sure(held, talk)


def let_go(talk: Talk) -> None:
    """Give back the seat that is held, unless it was booked."""
    held = _held(talk)
    if held is not None and held.status == Status.PENDING:
        release(held, now=talk.now)
    talk.facts.pop("held", None)


# --- where ---------------------------------------------------------------------------------------


def _ask_where(talk: Talk) -> Ask:
    unsure = Option(_("I don't know which department"), UNSURE)
    return Ask(
        "department",
        _("Which department or doctor would you like to see?"),
        options=[unsure],
        again=_(
            "Please name the department, for example “dermatology”, or a doctor. If you are not"
            " sure, tell me “I don't know” and I help you find it."
        ),
    )


def _ask_which(doctors: list[Doctor], talk: Talk) -> Ask:
    options = [
        Option(
            f"{doctor.in_language('name', talk.lang)} "
            f"({doctor.department.in_language('name', talk.lang)})",
            [doctor.pk],
        )
        for doctor in doctors[:OFFERED]
    ]
    return Ask("doctor", _("Several doctors are called so. Which one do you mean?"), options)


def _no_booking_needed(talk: Talk) -> Done:
    return Done(
        _(
            "The emergency department needs no appointment: please come at once, day or night. In"
            " danger call %(phone)s."
        )
        % {"phone": talk.hospital.emergency_phone},
        choices=[choice(_("Talk to a nurse"), tap="nurse")],
    )


# --- when ----------------------------------------------------------------------------------------


def _chosen(talk: Talk) -> Slot | None:
    """The slot that was picked from what was offered."""
    picked = talk.facts.get("time")
    if picked == ANY:
        picked = talk.facts["time"] = (talk.facts.get("offered") or [None])[0]
    if not isinstance(picked, int):
        return None
    return Slot.objects.with_all().filter(pk=picked).first()


def _forget_time(talk: Talk) -> None:
    let_go(talk)
    for name in ("time", "sure"):
        talk.facts.pop(name, None)


def _offer(talk: Talk, department: Department, doctor: Doctor | None) -> Step:
    facts = talk.facts
    wanted = facts.pop("time", None)
    if wanted == WAITLIST:
        return _wait(talk, department, doctor)
    if wanted in (OTHER_DAY, NONE_OF_THEM):
        facts.pop("day", None)
        return _ask_day(talk)
    wish = Wish.from_json(facts["day"]) if facts.get("day") else Wish()
    fitting = spread(_fitting(talk, wish, department, doctor))
    if fitting:
        where = doctor.in_language("name", talk.lang) if doctor else ""
        where = where or department.in_language("name", talk.lang)
        text = _("These times are free at %(where)s:") % {"where": where}
        return _ask_time(text, fitting, talk, more=Option(_("Another day"), OTHER_DAY))
    others = spread(_fitting(talk, Wish(), department, doctor))
    wait = Option(_("Tell me when a seat gets free"), WAITLIST)
    if not others and doctor is not None:
        others = spread(_fitting(talk, wish, department, None))
    if not others:
        if wish.wanted or doctor is not None:
            return Ask("time", _("Nothing is free there at the moment."), [wait])
        return BringNurse(
            Reason.OUT_OF_SCOPE,
            department=department,
            text=_("No times can be booked online for this department."),
        )
    text = _("Nothing is free then. The nearest times are:")
    return _ask_time(text, others, talk, more=wait)


def _ask_day(talk: Talk) -> Ask:
    return Ask(
        "day",
        _("Which day would suit you? For example “next Wednesday afternoon”."),
        again=_("Please name a day, such as “tomorrow”, “Friday” or “the 5th”."),
    )


def _fitting(talk: Talk, wish: Wish, department: Department, doctor: Doctor | None) -> list[Slot]:
    first, last = wish.days
    found = find_slots(
        now=talk.now,
        department=department,
        doctor=doctor,
        first_day=first,
        last_day=last,
        limit=SEARCHED,
    )
    zone = talk.hospital.zone
    return [slot for slot in found if wish.fits(slot.starts_at.astimezone(zone))]


def spread(slots: Iterable[Slot]) -> list[Slot]:
    """A few of many: first one of each half day and doctor, then the next times of the first."""
    slots = list(slots)
    first_of: dict[Any, Slot] = {}
    for slot in slots:
        first_of.setdefault((slot.day, slot.part, slot.doctor_id), slot)
    kept = list(first_of.values())[:OFFERED]
    for slot in slots:
        if len(kept) >= OFFERED:
            break
        if slot not in kept:
            kept.append(slot)
    return sorted(kept, key=lambda slot: (slot.starts_at, slot.pk))


def _ask_time(text: str, slots: list[Slot], talk: Talk, *, more: Option) -> Ask:
    talk.facts["offered"] = [slot.pk for slot in slots]
    options = [Option(label_of(slot, talk), slot.pk) for slot in slots]
    return Ask(
        "time",
        text,
        [*options, more],
        again=_("Please choose one of the times, or name another day."),
    )


def _wait(talk: Talk, department: Department, doctor: Doctor | None) -> Step:
    patient = know_patient(talk)
    if isinstance(patient, Ask):
        talk.facts["time"] = WAITLIST
        return patient
    if (question := missing_of(patient, talk)) is not None:
        talk.facts["time"] = WAITLIST
        return question
    wish = Wish.from_json(talk.facts["day"]) if talk.facts.get("day") else Wish()
    first, last = wish.days
    join_waitlist(
        department,
        patient=patient,
        booked_by=talk.writer,
        contact_point=talk.conversation.contact_point,
        doctor=doctor,
        first_day=max(first or talk.today, talk.today),
        last_day=max(last or talk.today + WAITS, talk.today),
        now=talk.now,
    )
    return Done(
        _(
            "You are on the waitlist. As soon as a seat gets free I write to you here, and keep it"
            " for you for a while."
        ),
        choices=_afterwards(),
    )


# --- holding and booking -------------------------------------------------------------------------


def _held(talk: Talk) -> Appointment | None:
    held = talk.facts.get("held")
    return Appointment.objects.with_all().filter(pk=held).first() if held else None


def _hold(slot: Slot, talk: Talk) -> Appointment | Step:
    """The seat, kept for the patient; else what to say."""
    patient = find_patient(talk)
    assert patient is not None
    before = _held(talk)
    if before is not None:
        is_same = before.slot_id == slot.pk and before.patient_id == patient.pk
        if is_same and _stands(before, talk):
            return before
        let_go(talk)
    try:
        held = hold(
            slot,
            patient=patient,
            booked_by=talk.writer,
            contact_point=talk.conversation.contact_point,
            now=talk.now,
        )
    except (SlotTaken, SlotClosed, TooLate):
        return _next_best(slot, talk)
    except AlreadyBooked as clash:
        return _clash(clash, talk)
    except TooManyHolds:
        return BringNurse(text=_("Several seats are held for you already."))
    except RecordClosed:
        return BringNurse()
    held = Appointment.objects.with_all().get(pk=held.pk)
    talk.facts["held"] = held.pk
    return held


def _stands(held: Appointment, talk: Talk) -> bool:
    if held.status == Status.PENDING:
        return held.held_until is not None and held.held_until > talk.now
    return held.status == Status.BOOKED


def _next_best(slot: Slot, talk: Talk) -> Step:
    _forget_time(talk)
    others = next_best(slot, now=talk.now, limit=OFFERED)
    text = _("Somebody was faster: this seat was just taken.")
    wait = Option(_("Tell me when a seat gets free"), WAITLIST)
    if not others:
        return Ask("time", text, [wait])
    text = f"{text} {_('These come closest:')}"
    return _ask_time(text, others, talk, more=wait)


def _clash(clash: AlreadyBooked, talk: Talk) -> Ask:
    _forget_time(talk)
    talk.facts.pop("day", None)
    standing = Appointment.objects.with_all().get(pk=clash.appointment.pk)
    what = f"{clinic(standing.slot, talk)}, {when(standing.slot, talk)}"
    text = (
        _("There is another visit at that time already: %(what)s. Which other time would do?")
        if isinstance(clash, TimesOverlap)
        else _("This is booked already for that day: %(what)s. Which other day would do?")
    )
    return Ask("day", text % {"what": what})


def _while_held(question: Ask, held: Appointment, talk: Talk) -> Ask:
    """Ask on, and say how long the seat waits."""
    if question.slot not in {"name", "phone"}:
        return question
    kept = _("I keep %(when)s for you until %(until)s.") % {
        "when": when(held.slot, talk),
        "until": until(held.held_until or talk.now, talk),
    }
    return Ask(question.slot, f"{kept} {question.text}", again=question.again)


def _ask_sure(held: Appointment, talk: Talk) -> Ask:
    kept = _("The seat is kept for you until %(until)s.") % {
        "until": until(held.held_until or talk.now, talk)
    }
    return Ask(
        "sure",
        f"{_('Please check:')}\n{sheet(held, talk)}\n{kept}",
        [
            Option(_("Book it"), True),
            Option(_("Another time"), OTHER_TIME),
            Option(_("Don't book"), False),
        ],
        again=f"{_('Shall I book this?')}\n{sheet(held, talk)}\n{kept}",
        details={"appointment": card_of(held, talk)},
    )


def _book(held: Appointment, talk: Talk) -> Step:
    try:
        booked = confirm(held, now=talk.now)
    except HoldLapsed:
        talk.facts.pop("held", None)
        again = _hold(held.slot, talk)
        if not isinstance(again, Appointment):
            return again
        booked = confirm(again, now=talk.now)
    except TooLate:
        return _next_best(held.slot, talk)
    booked = Appointment.objects.with_all().get(pk=booked.pk)
    text = _("Booked. Your number is %(number)s.") % {"number": booked.number}
    remind = _("I remind you the day before.")
    return Done(
        f"{text}\n{sheet(booked, talk)}\n{prepare(booked, talk)}\n{remind}",
        choices=_afterwards(),
        details={"appointment": card_of(booked, talk)},
    )


def _afterwards() -> list[dict[str, str]]:
    return [choice(_("My appointments"), tap="visits"), choice(_("Talk to a nurse"), tap="nurse")]


BOOKING = Skill(
    "booking",
    gettext_lazy("booking a visit"),
    (
        DEPARTMENT,
        DOCTOR,
        Needs("day", gettext_lazy("Day"), read_wish, clears=("time", "sure"), show=show_wish),
        Needs("time", gettext_lazy("Time"), clears=("sure",), show=None),
        WHOM,
        NAME,
        PHONE,
        Needs("sure", gettext_lazy("Agreed"), read_agreement, show=None),
    ),
    proceed,
    let_go,
)
