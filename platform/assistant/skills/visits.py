"""What a patient has booked here: look, move to another time, cancel, leave the waitlist.

Shown are only visits that were booked from this very address; those made at the desk are shown
to nobody whose identity was not proven.
"""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.booking import NoLongerLive, cancel, change
from appointments.models import Appointment, Slot, Status, WaitlistEntry, WaitStatus
from appointments.seats import AlreadyBooked, SlotClosed, SlotTaken, TooLate
from appointments.slots import find_slots
from appointments.waitlist import leave_waitlist
from assistant.skills.booking import OFFERED, SEARCHED, spread
from assistant.skills.days import Wish, read_wish, show_wish
from assistant.skills.sheet import card_of, clinic, label_of, prepare, sheet, when
from assistant.talk import (
    ANY,
    NONE_OF_THEM,
    Ask,
    BringNurse,
    Done,
    Found,
    Option,
    Skill,
    Step,
    Talk,
    read_agreement,
)
from assistant.talk import Slot as Needs
from assistant.turn import choice

MOVE, CANCEL, LOOK, LEAVE = "move", "cancel", "look", "leave"
OTHER_DAY = "other_day"
_CANCELS = re.compile(
    r"取消|退号|退掉|退了|不去了|不来了|去不了|来不了|不看了|不约了"
    r"|cancel|can'?t (come|make)|won'?t (come|be able)",
    re.IGNORECASE,
)
_MOVES = re.compile(
    r"改(?!善)|换(个|到|成|一)|推迟|延后|提前|挪|调(到|整)"
    r"|reschedule|postpone|move|another (day|time)|change",
    re.IGNORECASE,
)
_LOOKS = re.compile(
    r"查|看看|看一下|几点|什么时候|哪天|哪个医生|约了吗"
    r"|when is|what time|my appointment|check|which doctor",
    re.IGNORECASE,
)


_MINE = re.compile(
    r"(查看|看看|查一下|看一下|查)?我的(预约|挂号|号)(记录|单|呢)?[。？?！!]*"
    r"|(show )?my appointments?[.?!]*",
    re.IGNORECASE,
)


def _read_wish_for(talk: Talk, asked: bool) -> Found | None:
    for what, pattern in ((CANCEL, _CANCELS), (MOVE, _MOVES), (LOOK, _LOOKS)):
        if found := pattern.search(talk.words):
            return Found(what, [found.span()])
    return None


def wants(talk: Talk) -> bool:
    return _MINE.fullmatch(talk.words.strip()) is not None


def proceed(talk: Talk) -> Step:
    facts = talk.facts
    visits, waiting = _mine(talk), _waiting(talk)
    if not visits:
        return _leave_or_nothing(waiting, talk)
    visit = next((each for each in visits if each.pk == facts.get("visit")), None)
    if visit is None and len(visits) == 1:
        visit = visits[0]
    if visit is None:
        return _ask_which(visits, talk)
    facts["visit"] = visit.pk
    match facts.get("what"):
        case "move":
            return _move(visit, talk)
        case "cancel":
            return _cancel(visit, talk)
        case "keep":
            return Done(_("All right, it stays as it is."), choices=_afterwards())
    return _show(visit, talk)


def _mine(talk: Talk) -> list[Appointment]:
    here = Appointment.objects.with_all().filter(
        contact_point=talk.conversation.contact_point,
        status=Status.BOOKED,
        slot__starts_at__gt=talk.now,
    )
    return list(here.order_by("slot__starts_at", "id"))


def _waiting(talk: Talk) -> list[WaitlistEntry]:
    here = WaitlistEntry.objects.select_related("department").filter(
        contact_point=talk.conversation.contact_point,
        status__in=(WaitStatus.WAITING, WaitStatus.OFFERED),
    )
    return list(here.order_by("joined_at", "id"))


def _leave_or_nothing(waiting: list[WaitlistEntry], talk: Talk) -> Step:
    if not waiting:
        return Done(
            _(
                "I see no appointment that was booked from here. If you booked at the desk or"
                " elsewhere, a nurse can look it up for you."
            ),
            choices=[
                choice(_("Book an appointment"), tap="booking"),
                choice(_("Talk to a nurse"), tap="nurse"),
            ],
        )
    entry = waiting[0]
    what = entry.department.in_language("name", talk.lang)
    match talk.facts.get("what"):
        case "leave" | "cancel":
            leave_waitlist(entry, now=talk.now)
            return Done(_("You are off the waitlist for %(what)s.") % {"what": what})
        case "keep":
            return Done(_("All right, it stays as it is."))
    return Ask(
        "what",
        _("You are on the waitlist for %(what)s.") % {"what": what},
        [Option(_("Leave the waitlist"), LEAVE), Option(_("Keep waiting"), "keep")],
    )


def _ask_which(visits: list[Appointment], talk: Talk) -> Ask:
    options = [
        Option(f"{when(each.slot, talk)} {clinic(each.slot, talk)}", each.pk) for each in visits[:6]
    ]
    return Ask("visit", _("Which appointment is it about?"), options)


def _show(visit: Appointment, talk: Talk) -> Ask:
    text = "\n".join(
        [
            _("Appointment %(number)s") % {"number": visit.number},
            sheet(visit, talk),
            prepare(visit, talk),
        ]
    )
    return Ask(
        "what",
        text,
        [
            Option(_("Move it"), MOVE),
            Option(_("Cancel it"), CANCEL),
            Option(_("All is well"), "keep"),
        ],
        again=_("Shall I move it to another time, cancel it, or leave it as it is?"),
        details={"appointment": card_of(visit, talk)},
    )


def _cancel(visit: Appointment, talk: Talk) -> Step:
    sure = talk.facts.get("sure")
    if sure is None:
        return Ask(
            "sure",
            f"{_('Cancel this appointment?')}\n{sheet(visit, talk)}",
            [Option(_("Yes, cancel it"), True), Option(_("No, keep it"), False)],
        )
    if not sure:
        return Done(_("All right, it stays as it is."), choices=_afterwards())
    try:
        cancelled = cancel(visit, now=talk.now)
    except (TooLate, NoLongerLive):
        return _too_late()
    cancelled = Appointment.objects.with_all().get(pk=cancelled.pk)
    return Done(
        _("Cancelled: %(clinic)s, %(when)s.")
        % {"clinic": clinic(visit.slot, talk), "when": when(visit.slot, talk)},
        choices=[
            choice(_("Book another time"), tap="booking"),
            choice(_("Talk to a nurse"), tap="nurse"),
        ],
        details={"appointment": card_of(cancelled, talk)},
    )


def _move(visit: Appointment, talk: Talk) -> Step:
    facts = talk.facts
    picked = facts.get("time")
    if picked == ANY:
        picked = (facts.get("offered") or [None])[0]
    if picked in (OTHER_DAY, NONE_OF_THEM):
        facts.pop("time", None)
        facts.pop("day", None)
        return _ask_day()
    if isinstance(picked, int):
        return _move_to(visit, picked, talk)
    if not facts.get("day"):
        return _ask_day()
    return _offer(visit, talk)


def _ask_day() -> Ask:
    return Ask(
        "day",
        _("To which day shall I move it? For example “Friday afternoon”."),
        [Option(_("As early as possible"), {"wanted": [], "refused": []})],
        again=_("Please name a day, such as “tomorrow”, “Friday” or “the 5th”."),
    )


def _offer(visit: Appointment, talk: Talk, *, said: str = "") -> Step:
    wish = Wish.from_json(talk.facts["day"]) if talk.facts.get("day") else Wish()
    slots = _others(visit, wish, talk, same_doctor=True) or _others(
        visit, wish, talk, same_doctor=False
    )
    text = _("To which of these times shall I move it?")
    if not slots:
        slots = _others(visit, Wish(), talk, same_doctor=True)
        text = _("Nothing is free then. The nearest times are:")
    if not slots:
        return BringNurse(
            department=visit.slot.department, text=_("I find no other time that is free.")
        )
    talk.facts["offered"] = [slot.pk for slot in slots]
    options = [Option(label_of(slot, talk), slot.pk) for slot in slots]
    return Ask(
        "time",
        f"{said} {text}".strip(),
        [*options, Option(_("Another day"), OTHER_DAY)],
        again=_("Please choose one of the times, or name another day."),
    )


def _others(visit: Appointment, wish: Wish, talk: Talk, *, same_doctor: bool) -> list[Slot]:
    first, last = wish.days
    found = find_slots(
        now=talk.now,
        department=visit.slot.department,
        doctor=visit.slot.doctor if same_doctor else None,
        first_day=first,
        last_day=last,
        limit=SEARCHED,
    )
    zone = talk.hospital.zone
    fitting = (slot for slot in found if wish.fits(slot.starts_at.astimezone(zone)))
    return spread(slot for slot in fitting if slot.pk != visit.slot_id)[:OFFERED]


def _move_to(visit: Appointment, slot_id: int, talk: Talk) -> Step:
    slot = Slot.objects.with_all().get(pk=slot_id)
    try:
        moved = change(visit, to=slot, now=talk.now)
    except (SlotTaken, SlotClosed):
        talk.facts.pop("time", None)
        return _offer(visit, talk, said=_("Somebody was faster: this seat was just taken."))
    except AlreadyBooked as clash:
        talk.facts.pop("time", None)
        standing = Appointment.objects.with_all().get(pk=clash.appointment.pk)
        what = f"{clinic(standing.slot, talk)}, {when(standing.slot, talk)}"
        said = _("There is another visit at that time already: %(what)s.") % {"what": what}
        return _offer(visit, talk, said=said)
    except (TooLate, NoLongerLive):
        return _too_late()
    moved = Appointment.objects.with_all().get(pk=moved.pk)
    text = _("Moved. Your new number is %(number)s.") % {"number": moved.number}
    return Done(
        f"{text}\n{sheet(moved, talk)}\n{prepare(moved, talk)}",
        choices=_afterwards(),
        details={"appointment": card_of(moved, talk)},
    )


def _too_late() -> BringNurse:
    return BringNurse(text=_("It is too late to change this here; a nurse can help."))


def _afterwards() -> list[dict[str, str]]:
    return [choice(_("My appointments"), tap="visits"), choice(_("Talk to a nurse"), tap="nurse")]


VISITS = Skill(
    "visits",
    gettext_lazy("your appointments"),
    (
        Needs("what", gettext_lazy("Wish"), _read_wish_for, clears=("sure",), show=None),
        Needs("visit", gettext_lazy("Appointment"), show=None),
        Needs("day", gettext_lazy("Day"), read_wish, clears=("time",), show=show_wish),
        Needs("time", gettext_lazy("Time"), show=None),
        Needs("sure", gettext_lazy("Agreed"), read_agreement, show=None),
    ),
    proceed,
    wants=wants,
)
