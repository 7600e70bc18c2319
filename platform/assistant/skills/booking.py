"""预约挂号: find a time, hold it, say what it is, and book it when the patient agrees."""

import re
from dataclasses import replace
from datetime import timedelta

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
from appointments.slots import next_best
from appointments.waitlist import join_waitlist
from assistant.policy import asks_how
from assistant.reading.choices import find_pick
from assistant.reading.dates import find_days
from assistant.reading.spelling import rest
from assistant.skills import clinics, times
from assistant.skills.agreeing import agree, has_agreed
from assistant.skills.clinics import Clinic, find_clinic, turn_down
from assistant.skills.days import Wish, read_wish, show_wish
from assistant.skills.fits import AGE, ANYWAY, FITS, GENDER, question_of_fit, take_fit
from assistant.skills.sheet import card_of, clinic, prepare, sentences, sheet, until, when
from assistant.skills.times import OFFERED, OTHER_DAY, WAITLIST, ask_time, chosen
from assistant.skills.whom import (
    NAME,
    PHONE,
    WHOM,
    find_patient,
    know_patient,
    missing_of,
    put_on_record,
)
from assistant.talk import Ask, BringNurse, Done, Found, Option, Skill, Step, Talk, read_agreement
from assistant.talk import Slot as Needs
from assistant.turn import choice
from careplans.visits import leave_unreminded
from tickets.models import Reason

WAITS = timedelta(days=14)  # how long somebody waits who named no day
OTHER_TIME = "other_time"
_ANSWERS = (True, OTHER_TIME, False)  # to the sheet, in the order in which they are offered
_BOOKS = re.compile(
    r"[挂卦]|预约|约(?!了|过|的是)|有(?:没有)?号|还有号|(?:找|看)\S{0,6}(?:医生|大夫"
    r"|主任|专家|科)|\bbook|\bappointment|\bregister|\bsee (?:a|an|the|dr|doctor)\b"
    r"|\bslots?\b",
    re.IGNORECASE,
)
_NOT_BOOKING = re.compile(
    r"取消|退|改|推迟|挂了|约了|挂过|已经|刚才|上次|挂错|报告|结果|药|多少钱|费用|贵不贵"
    r"|报销|医保|电话(?:是)?多少|在哪|几楼|怎么走|投诉|排队叫号|急诊|急"
    r"|\bcancel|\bmove\b|\bchange\b|\bresched|\bmy appointment|\breport|\bresult|\bcost"
    r"|\bhow much|\bphone number of\b|\bcomplain",
    re.IGNORECASE,
)
_SHORT, _SHORT_EN = 40, 110  # characters; a longer message tells more
FREE_THEM = "free_them"
KEPT = ("whom", "name", "phone", "patient", "day")  # for the next visit of the same message
COLLEAGUES = 2  # times of other doctors beside those of the one who was asked for
_OTHER_TIME = re.compile(
    r"(?:换|改)(?:一?个|一下|下|到|成)?(?:其他|别的)?(?:的)?(?:时间|时候|号)|(?:别的"
    r"|其他)时间|时间(?:不合适|不行|不对|太早|太晚|换)|太早|太晚"
    r"|\b(?:another|other|different) (?:time|slot|day)\b|\btoo (?:early|late)\b"
    r"|\bchange the (?:time|day)\b",
    re.IGNORECASE,
)
# Something on the sheet is wrong: "名字错了,是赵秀岚" holds a "是", and is no yes.
_PUTS_RIGHT = re.compile(
    r"(?<!没)(?<!没有)(?<!不)错|等一?[下等]|等会|慢着|改[成为]|应该是"
    r"|(?:名字?|姓名?|人|电话|手机号?|号码|时间|日期|医生|科室?)(?:都|也)?(?:不对|不是|有误)"
    r"|\b(?:wrong|wait|hold on|hang on|mistake|mistyped|misspel\w+|typo|should be|instead)\b",
    re.IGNORECASE,
)
_NO_REMINDER = re.compile(
    r"(不|别|无)(需要|用|要|必)?再?(给我|发)?提醒我?"
    r"|\b(?:no reminders?|(?:don'?t|do not) remind(?: me)?)\b",
    re.IGNORECASE,
)


def proceed(talk: Talk) -> Step:
    facts = talk.facts
    _take_in(talk)
    where = find_clinic(talk)
    if not isinstance(where, Clinic):
        return where
    if (facts.get("fits") or ANYWAY) != ANYWAY:
        take_fit(where, talk)
        return proceed(talk)
    if (question := question_of_fit(where, talk)) is not None:
        let_go(talk)
        return question
    slot = chosen(talk) or _named(talk, where)
    if slot is None:
        return _offer(talk, where)
    patient = know_patient(talk, department_name=where.department.name)
    if isinstance(patient, Ask):
        return patient
    if (question := question_of_fit(where, talk)) is not None:  # what their record says
        let_go(talk)
        return question
    held = _hold(slot, talk)
    if not isinstance(held, Appointment):
        return held
    if (question := missing_of(patient, talk)) is not None:
        return _while_held(question, held, talk)
    return _ask_or_book(held, where, talk)


def _take_in(talk: Talk) -> None:
    """What was said of the clinic: this one of two, another doctor, another department."""
    facts = talk.facts
    if picked := facts.pop("picked", None):
        facts.update(picked)
    if facts.pop("other_doctor", None):
        _turn_down_doctor(talk)
    if facts.pop("other_clinic", None):
        _forget_clinic(talk)


def _ask_or_book(held: Appointment, where: Clinic, talk: Talk) -> Step:
    facts = talk.facts
    match facts.get("sure"):
        case True:
            return _book(held, talk)
        case "other_time":
            _forget_time(talk)
            facts.pop("day", None)
            return _offer(talk, where)
        case False:
            let_go(talk)
            return Done(_("All right, nothing was booked."), choices=_afterwards())
    if facts.get("agreed"):  # a visit that the hospital cancelled: they tapped the new time
        return _book(held, talk)
    return _ask_sure(held, talk)


def wants(talk: Talk) -> bool:
    """A plain wish to be booked, with a clinic of ours in it and no complaint beside it.

    Models stumble over names of doctors; a complaint they have to weigh.
    """
    words = talk.words
    if len(words) > (_SHORT_EN if words.isascii() else _SHORT) or asks_how(words):
        return False
    if not clinics.is_named(talk) or clinics.complains(talk) or _NOT_BOOKING.search(words):
        return False
    if _BOOKS.search(words) or clinics.asks_for_doctors(talk):
        return True
    found = [slot.read(talk, False) for slot in BOOKING.slots]  # "皮肤科明天上午", and no more
    return not rest(words, [span for each in found if each for span in each.spans])


def let_go(talk: Talk) -> None:
    """Give back the seat that is held, unless it was booked."""
    held = _held(talk)
    if held is not None and held.status == Status.PENDING:
        release(held, now=talk.now)
    talk.facts.pop("held", None)


def _read_remind(talk: Talk, asked: bool) -> Found | None:
    refused = _NO_REMINDER.search(talk.words)
    return Found(False, [refused.span()]) if refused else None


def _read_sure(talk: Talk, asked: bool) -> Found | None:
    """A yes or a no to the sheet; "换个时间" and "不用提醒" are neither."""
    if not asked:
        return None
    if found := _OTHER_TIME.search(talk.words):
        named = find_days(talk.words, today=talk.today)
        return None if any(day.wanted for day in named) else Found(OTHER_TIME, [found.span()])
    if _PUTS_RIGHT.search(talk.words):
        return None
    said = _NO_REMINDER.sub(lambda found: " " * len(found[0]), talk.words)
    if (picked := find_pick(said, [""] * len(_ANSWERS))) and len(picked.places) == 1:
        return Found(_ANSWERS[picked.places[0]], [picked.span])
    return read_agreement(replace(talk, words=said), True) if said.strip(" ，,。.") else None


def _turn_down_doctor(talk: Talk) -> None:
    slot = chosen(talk)
    doctors = talk.facts.get("doctor") or []
    turn_down(talk, doctor_id=slot.doctor_id if slot else (doctors[0] if doctors else None))
    if slot is not None and not talk.facts.get("day"):
        talk.facts["day"] = Wish.of_day(slot.day).as_json()
    _forget_time(talk)


def _forget_clinic(talk: Talk) -> None:
    _forget_time(talk)
    for name in ("department", "doctor", "kind", "cheap", "without", "fits", "agreed"):
        talk.facts.pop(name, None)


# --- when ----------------------------------------------------------------------------------------


def _named(talk: Talk, where: Clinic) -> Slot | None:
    """The one time that the wish names to the minute."""
    facts = talk.facts
    if facts.get("time") is not None or not facts.get("day"):
        return None
    wish = times.wish_of(facts)
    slot = times.exactly(times.fitting(talk, wish, where), wish, talk)
    if slot is not None:
        facts["time"] = slot.pk
        return chosen(talk)
    return None


def _forget_time(talk: Talk) -> None:
    let_go(talk)
    for name in ("time", "sure"):
        talk.facts.pop(name, None)


def _offer(talk: Talk, where: Clinic) -> Step:
    facts = talk.facts
    said = _not_found(talk)
    if times.wants_other_day(talk):
        _forget_time(talk)
        facts.pop("day", None)
        return _ask_day()
    if facts.get("time") == WAITLIST and _may_wait(talk, where):
        return _wait(talk, where)
    facts.pop("time", None)
    let_go(talk)
    if facts.get("instead_of") and not facts.get("day") and (nearest := _instead(talk)):
        return nearest
    wish = times.wish_of(facts)
    found = times.fitting(talk, wish, where)
    if not found:
        return _offer_nearest(talk, where, wish, said=said)
    first, last = wish.days
    over_days = first is not None and last is not None and last > first
    text = _("These times are free at %(where)s:") % {"where": where.name(talk)}
    if not wish.wanted:
        text = f"{text}\n{_('For another day just name it, such as “next Wednesday afternoon”.')}"
    shown = times.spread(found, over_days=over_days)
    more = Option(_("Another day"), OTHER_DAY)
    return ask_time(sentences(said, text, talk=talk), shown, talk, more=more)


def _not_found(talk: Talk) -> str:
    """A doctor who was asked for beside the department, and whom we do not know."""
    unknown = talk.facts.pop("unknown", None)
    return _("I find no “%(name)s” at this hospital.") % {"name": unknown} if unknown else ""


def _offer_nearest(talk: Talk, where: Clinic, wish: Wish, *, said: str) -> Step:
    facts = talk.facts
    why, full = times.why_none(talk, wish, where), times.is_full(talk, wish, where)
    anywhere = Wish((), wish.refused)
    found = times.nearest(times.fitting(talk, anywhere, where), wish, talk)
    if facts.get("without"):
        why, full = _("There is no other doctor then."), False
        if not found:
            del facts["without"]
            found = times.nearest(times.fitting(talk, anywhere, where), wish, talk)
    elif not found and facts.pop("kind", None):
        why = why if full else _("This department has no such clinic.")
        found = times.nearest(times.fitting(talk, anywhere, where), wish, talk)
    if where.doctor is not None:  # their next days, and who else is there then
        found = _with_colleagues(found, talk, where, wish)
    wait = Option(_("Tell me when a seat gets free"), WAITLIST)
    if not found and full:
        return Ask("time", sentences(said, why, talk=talk), [wait])
    if not found:
        return BringNurse(
            Reason.OUT_OF_SCOPE,
            department=where.department,
            text=_("No times can be booked online for this department."),
        )
    night = ""
    if times.at_night(wish):
        night = _("If it cannot wait, the emergency department is open day and night.")
    text = sentences(said, why, night, _("The nearest times are:"), talk=talk)
    more = wait if full else Option(_("Another day"), OTHER_DAY)
    return ask_time(text, found, talk, more=more)


def _with_colleagues(found: list[Slot], talk: Talk, where: Clinic, wish: Wish) -> list[Slot]:
    there = Clinic(where.department)
    others = times.spread(times.fitting(talk, wish, there))[:COLLEAGUES]
    if not found and not others:
        others = times.nearest(times.fitting(talk, Wish((), wish.refused), there), wish, talk)
    return [*found[: OFFERED - len(others)], *others]


def _instead(talk: Talk) -> Ask | None:
    """What comes nearest to a visit that the hospital cancelled."""
    slot = Slot.objects.with_all().filter(pk=talk.facts.get("cancelled") or 0).first()
    nearest = next_best(slot, now=talk.now, limit=OFFERED) if slot is not None else []
    if not nearest:
        return None
    text = _("Tap a time and I book it for you:")
    return ask_time(text, nearest, talk, more=Option(_("Another day"), OTHER_DAY))


def _ask_day() -> Ask:
    return Ask(
        "day",
        _("Which day would suit you? For example “next Wednesday afternoon”."),
        again=_("Please name a day, such as “tomorrow”, “Friday” or “the 5th”."),
    )


def _may_wait(talk: Talk, where: Clinic) -> bool:
    """Whether all that would do is taken; else there is a time, or there never is one."""
    if talk.facts.get("missed"):
        return True
    wish = times.wish_of(talk.facts)
    return times.is_full(talk, wish, where) and not times.fitting(talk, wish, where)


def _wait(talk: Talk, where: Clinic) -> Step:
    patient = know_patient(talk, department_name=where.department.name)
    if isinstance(patient, Ask):
        return patient
    if (question := missing_of(patient, talk)) is not None:
        return question
    wish, part = times.wish_of(talk.facts), ""
    missed = Slot.objects.select_related("doctor").filter(pk=talk.facts.get("missed") or 0).first()
    if missed is not None:  # the seat that somebody else took: another of that half day
        wish, part = Wish.of_day(missed.day), missed.part
        where = Clinic(where.department, missed.doctor)
    first, last = wish.days
    begins = max(first or talk.today, talk.today)
    try:
        join_waitlist(
            where.department,
            patient=patient,
            booked_by=talk.writer,
            contact_point=talk.conversation.contact_point,
            doctor=where.doctor,
            visit_type="" if where.doctor else talk.facts.get("kind", ""),
            part=part or times.part_of(wish),
            first_day=begins,
            last_day=max(last or begins + WAITS, begins),
            now=talk.now,
        )
    except RecordClosed:
        return BringNurse()
    put_on_record(patient, talk)
    return _done(
        _(
            "You are on the waitlist. As soon as a seat gets free I write to you here, and keep it"
            " for you for a while."
        ),
        talk,
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
    if talk.facts.pop("holds", None) == FREE_THEM:
        _free_other_holds(talk)
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
        return _too_many_holds()
    except RecordClosed:
        return BringNurse()
    held = Appointment.objects.with_all().get(pk=held.pk)
    talk.facts["held"] = held.pk
    return held


def _stands(held: Appointment, talk: Talk) -> bool:
    if held.status == Status.PENDING:
        return held.held_until is not None and held.held_until > talk.now
    return held.status == Status.BOOKED


def _too_many_holds() -> Ask:
    return Ask(
        "holds",
        _("Several seats are kept for you already, and not yet booked. Shall I give those back?"),
        [Option(_("Give them back, keep this one"), FREE_THEM)],
    )


def _free_other_holds(talk: Talk) -> None:
    held = Appointment.objects.filter(
        booked_by=talk.writer, status=Status.PENDING, waitlist_entry=None
    )
    for each in held:
        release(each, now=talk.now)


def _next_best(slot: Slot, talk: Talk) -> Step:
    _forget_time(talk)
    talk.facts["missed"] = slot.pk
    others = next_best(slot, now=talk.now, limit=OFFERED)
    text = _("Somebody was faster: this seat was just taken.")
    wait = Option(_("Tell me when a seat gets free"), WAITLIST)
    if not others:
        return Ask("time", text, [wait])
    others = sorted(others, key=lambda each: (each.starts_at, each.pk))
    return ask_time(sentences(text, _("These come closest:"), talk=talk), others, talk, more=wait)


def _clash(clash: AlreadyBooked, talk: Talk) -> Step:
    standing = Appointment.objects.with_all().get(pk=clash.appointment.pk)
    if standing.status == Status.PENDING and standing.booked_by_id == talk.writer.pk:
        release(standing, now=talk.now)  # their own, of a talk that was left
        slot = chosen(talk)
        assert slot is not None
        again = _hold(slot, talk)
        return again if not isinstance(again, Appointment) else proceed(talk)
    _forget_time(talk)
    talk.facts.pop("day", None)
    what = f"{clinic(standing.slot, talk)}, {when(standing.slot, talk)}"
    text = (
        _("There is another visit at that time already: %(what)s. Which other time would do?")
        if isinstance(clash, TimesOverlap)
        else _("This is booked already for that day: %(what)s. Which other day would do?")
    )
    return Ask("day", text % {"what": what}, again=_("Please name another day, or say “stop”."))


def _while_held(question: Ask, held: Appointment, talk: Talk) -> Ask:
    """Ask on, and say how long the seat waits."""
    kept = _("I keep %(when)s for you until %(until)s.") % {
        "when": when(held.slot, talk),
        "until": until(held.held_until or talk.now, talk),
    }
    text = sentences(kept, question.text, talk=talk)
    return Ask(question.slot, text, again=question.again)


def _ask_sure(held: Appointment, talk: Talk) -> Ask:
    kept = _("The seat is kept for you until %(until)s.") % {
        "until": until(held.held_until or talk.now, talk)
    }
    lines = [sheet(held, talk), kept]
    if talk.facts.get("remind") is False:
        lines.append(_("I do not remind you of this visit."))
    elif held.slot.day > talk.today:
        lines.append(
            _(
                "I would write to you here the day before, if you book; “no reminder” if you don't"
                " want it."
            )
        )
    text = "\n".join(lines)
    return Ask(
        "sure",
        f"{_('Please check:')}\n{text}",
        [
            Option(label, value)
            for label, value in zip(
                (_("Book it"), _("Another time"), _("Don't book")), _ANSWERS, strict=True
            )
        ],
        again=f"{_('Shall I book this?')}\n{text}",
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
    patient = find_patient(talk)
    assert patient is not None
    put_on_record(patient, talk)
    booked = Appointment.objects.with_all().get(pk=booked.pk)
    text = _("Booked. Your number is %(number)s.") % {"number": booked.number}
    lines = [text, sheet(booked, talk), prepare(booked, talk)]
    if talk.facts.get("remind") is False:
        leave_unreminded(booked, now=talk.now)
    elif booked.slot.day > talk.today:
        if not talk.facts.get("agreed"):  # else no sheet told them of it
            agree(booked.patient, talk)
        if has_agreed(booked.patient):
            lines.append(_("I remind you the day before."))
    return _done("\n".join(lines), talk, card={"appointment": card_of(booked, talk)})


def _done(text: str, talk: Talk, *, card: dict[str, object] | None = None) -> Done:
    """It is done; where the first message named a further department, that comes next."""
    facts = talk.facts
    if also := facts.get("also"):
        kept = {name: facts[name] for name in KEPT if facts.get(name)}
        return Done(
            text,
            choices=_afterwards(),
            details=card or {},
            then="booking",
            with_facts={**kept, "department": also[0], "also": also[1:]},
        )
    return Done(text, choices=_afterwards(), details=card or {})


def _afterwards() -> list[dict[str, str]]:
    return [choice(_("My appointments"), tap="visits"), choice(_("Talk to a nurse"), tap="nurse")]


_CLEARED_BY_DAY = ("time", "sure", "missed")
BOOKING = Skill(
    "booking",
    gettext_lazy("booking a visit"),
    (
        *clinics.SLOTS,
        Needs("day", gettext_lazy("Day"), read_wish, clears=_CLEARED_BY_DAY, show=show_wish),
        Needs(
            "time", gettext_lazy("Time"), times.read_time, clears=("sure",), show=None, first=True
        ),
        WHOM,
        NAME,
        PHONE,
        AGE,
        GENDER,
        FITS,
        Needs("remind", gettext_lazy("Reminder"), _read_remind, show=None),
        # Half a label ("it", "预约") must never book.
        Needs("sure", gettext_lazy("Agreed"), _read_sure, show=None, first=True, picks=False),
    ),
    proceed,
    let_go,
    wants,
)
