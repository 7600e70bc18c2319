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
from assistant.policy import asks_how
from assistant.reading.choices import Answer, consent, only_asks
from assistant.reading.dates import find_days
from assistant.skills.clinics import named_departments, named_doctors
from assistant.skills.days import Wish, read_wish_from, show_wish
from assistant.skills.sheet import card_of, clinic, label_of, prepare, sentences, sheet, when
from assistant.skills.times import SEARCHED, nearest, read_time, spread
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

MOVE, CANCEL, LOOK, LEAVE, KEEP = "move", "cancel", "look", "leave", "keep"
OTHER_DAY = "other_day"
SHOWN = 6  # visits to choose from
_KEEPS = re.compile(
    r"(?:不|别|不用|不要|不想)(?:再)?(?:取消|退|改|动)|不变|保持|保留|留着|照旧|算了|还是去|继续等"
    r"|\b(?:don'?t|do not|not) (?:cancel|move|change)\b|\bkeep (?:it|waiting|the)\b|\bleave it\b",
    re.IGNORECASE,
)
_CANCELS = re.compile(
    r"取消|退(?:号|掉|了|一下)|不去了|不来了|去不了|来不了|不看了|不约了|不挂了|不想去"
    r"|不用看|撤销|约错|挂错|不等了|不排了"
    r"|\bcancel|\bcan'?t (?:come|make)|\bwon'?t (?:come|be able|make)|\bnot coming\b"
    r"|\bstop waiting\b",
    re.IGNORECASE,
)
_MOVES = re.compile(
    r"改(?!善)|换(?:个|到|成|一|时间)|推迟|延后|延期|提前|挪|调(?:到|整|换)|往后|晚(?:几|两|一)天"
    r"|\breschedul|\bpostpone|\bmove\b|\banother (?:day|time)\b|\bchange\b|\bearlier\b|\blater\b",
    re.IGNORECASE,
)
_LOOKS = re.compile(
    r"查|看看|看一下|我的(?:预约|挂号|号)|几点|哪些|哪几个|有什么|什么科|什么时候|哪天"
    r"|哪个医生|哪个科|约了吗|约上|挂上了?吗|约好|成功了?吗|在哪|几楼|带什么|多少钱|几号"
    r"|\bwhen\b|\bwhat time\b|\bcheck\b|\bwhich doctor\b|\bwhere\b|\bshow\b|\bdid i\b",
    re.IGNORECASE,
)
# What is about a visit of theirs though no dialogue is open; who has none is left to the model.
_MINE = re.compile(
    r"我的(?:预约|挂号|号)|我(?:挂|约|预约)(?:了|的|过)?|我(?:已经)?(?:挂|约)(?:的|了|上"
    r"|好)|(?:预约|挂号)(?:记录|信息)|"
    r"把.{1,10}(?:取消|退|改|挪|推)|(?:取消|退掉?|改).{0,14}(?:号|预约|就诊|候补)|(?:号"
    r"|预约|候补).{0,8}(?:取消|退|改|推迟|提前)"
    r"|\bmy (?:appointments?|bookings?|visits?)\b|\b(?:the|an|our) (?:appointment|booking)\b",
    re.IGNORECASE,
)
# The same amid another dialogue.
_MINE_AMID = re.compile(
    r"我的预约|我(?:已经)?(?:挂|约)(?:了|过|上|好)|把.{1,10}的?(?:号|预约)?(?:取消|退)"
    r"|\bmy (?:appointment|booking)s?\b",
    re.IGNORECASE,
)
_ALL_OF_MINE = re.compile(
    r"(?:查看|看看|查一下|看一下|查)?我的(?:预约|挂号|号)(?:记录|单|呢)?[。？?！!]*"
    r"|(?:show )?my appointments?[.?!]*",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\W*(?:(?:我|请|麻烦|帮我|能不能|可以|想|要)*)(?:取消(?:吧|了|掉|一下)?|退了吧?"
    r"|退号|不去了|去不了了?|来不了了?|改时间|改期|改一下时间|换个时间)\W*"
    r"|\W*(?:please )?(?:cancel|reschedule|move|change) (?:it|that)(?: please)?\W*",
    re.IGNORECASE,
)
_SHORT = 30  # characters; a longer message tells more, and the model reads it
_SHORT_EN = 70
_NOISE = re.compile(r"知道|记得|好的|谢谢|thank|got it|all (?:is )?well|fine", re.IGNORECASE)


def _read_wish_for(talk: Talk, asked: bool) -> Found | None:
    for what, pattern in ((KEEP, _KEEPS), (CANCEL, _CANCELS), (MOVE, _MOVES), (LOOK, _LOOKS)):
        if what == KEEP and not talk.asked:
            continue
        if found := pattern.search(talk.words):
            return Found(what, [found.span()])
    if asked and (found := _NOISE.search(talk.words)):
        return Found(KEEP, [(0, len(talk.words))])
    if asked and (answered := consent(talk.words)) and answered.answer is Answer.YES:
        return Found(KEEP, [answered.span])
    return None


def _read_sure(talk: Talk, asked: bool) -> Found | None:
    """A yes or a no to "Cancel this appointment?": there "取消" is a yes, and "不取消" a no."""
    if not asked:
        return None
    if found := _KEEPS.search(talk.words):
        return Found(False, [found.span()])
    if found := _MOVES.search(talk.words):
        return Found(MOVE, [found.span()])
    if (found := _CANCELS.search(talk.words)) and not only_asks(talk.words):
        return Found(True, [found.span()])
    return read_agreement(talk, True)


def _read_visit(talk: Talk, asked: bool) -> Found | None:
    """Which of several: "把周三的取消", "沈医生那个", "皮肤科的"."""
    visits = _mine(talk)
    if len(visits) < 2:
        return None
    days = [day for day in find_days(talk.words, today=talk.today) if day.last == day.first]
    doctors, departments = named_doctors(talk), named_departments(talk)
    if not (days or doctors or departments):
        return None
    for day in days:
        on_day = [visit for visit in visits if visit.day == day.first]
        if len(on_day) == 1:
            return Found(on_day[0].pk, [day.span])
    if doctors is not None:
        ids = [doctor.pk for doctor in doctors.doctors]
        theirs = [visit for visit in visits if visit.slot.doctor_id in ids]
        if len(theirs) == 1:
            return Found(theirs[0].pk, [doctors.span])
    for named in departments:
        there = [visit for visit in visits if visit.slot.department_id == named.department.pk]
        if len(there) == 1:
            return Found(there[0].pk, [named.span])
    return None


def _read_day(talk: Talk, asked: bool) -> Found | None:
    """To when it shall move. Bare hours are of the day on which it is; that day itself is no wish.

    "把周三的改到周五" names two, and the second is meant.
    """
    visits = _mine(talk)
    visit = next((each for each in visits if each.pk == talk.facts.get("visit")), None)
    if visit is None and len(visits) == 1:
        visit = visits[0]
    before = Wish.from_json(talk.facts["day"]) if talk.facts.get("day") else Wish()
    if not before.wanted and visit is not None:
        before = Wish.of_day(visit.day)
    found = read_wish_from(talk, before)
    if found is None:
        return None
    wish = Wish.from_json(found.value)
    theirs = {each.day for each in visits}
    others = tuple(w for w in wish.wanted if w.first != w.last or w.first not in theirs)
    if len(wish.wanted) > 1 and others:
        return Found(Wish(others, wish.refused).as_json(), found.spans)
    if asked or _has_hours(wish) or others:
        return found
    return None  # only the day on which it is: "把周三的改一下"


def _has_hours(wish: Wish) -> bool:
    return any(window.has_hours for window in wish.wanted)


def wants(talk: Talk) -> bool:
    """What is about a visit or a waitlist of theirs; who has none is left to the model."""
    words = talk.words.strip()
    if _ALL_OF_MINE.fullmatch(words):
        return True
    if len(words) > (_SHORT_EN if words.isascii() else _SHORT) or asks_how(words):
        return False
    mine = _MINE.search(words) and _read_wish_for(talk, False)
    is_mine = bool(mine or _ONLY.fullmatch(words))
    return is_mine and bool(_mine(talk) or _waiting(talk))


def claims(talk: Talk, answers: bool) -> bool:
    """The same amid another dialogue, where "取消" and "改" alone are about that."""
    if {"what", "visit"} & talk.facts.keys():  # it is at hand itself
        return False
    if _MINE_AMID.search(talk.words) is None or len(talk.words) > _SHORT_EN:
        return False
    return not asks_how(talk.words) and bool(_mine(talk) or _waiting(talk))


def proceed(talk: Talk) -> Step:
    facts = talk.facts
    visits, waiting = _mine(talk), _waiting(talk)
    if facts.get("sure") == MOVE:
        facts["what"] = MOVE
        del facts["sure"]
    if waiting and (not visits or facts.get("what") == LEAVE or facts.get("entry")):
        return _leave(waiting[0], talk)
    if not visits:
        return _nothing()
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
        slot__ends_at__gt=talk.now,
    )
    return list(here.order_by("slot__starts_at", "id"))


def _waiting(talk: Talk) -> list[WaitlistEntry]:
    here = WaitlistEntry.objects.select_related("department").filter(
        contact_point=talk.conversation.contact_point,
        status__in=(WaitStatus.WAITING, WaitStatus.OFFERED),
    )
    return list(here.order_by("joined_at", "id"))


def _nothing() -> Done:
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


def _leave(entry: WaitlistEntry, talk: Talk) -> Step:
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
        [Option(_("Leave the waitlist"), LEAVE), Option(_("Keep waiting"), KEEP)],
    )


def _ask_which(visits: list[Appointment], talk: Talk) -> Step:
    options = [
        Option(f"{when(each.slot, talk)} {clinic(each.slot, talk)}", each.pk)
        for each in visits[:SHOWN]
    ]
    text = {
        MOVE: _("You have several appointments. Which one shall I move?"),
        CANCEL: _("You have several appointments. Which one shall I cancel?"),
    }.get(talk.facts.get("what", ""), _("These are your appointments. Tap one to see more:"))
    if talk.facts.get("what") == KEEP:
        return Done(_("All right, it stays as it is."), choices=_afterwards())
    return Ask("visit", text, options)


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
            Option(_("All is well"), KEEP),
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
    facts.pop("time", None)
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
    slots = _others(visit, wish, talk, same_doctor=True)
    text = _("To which of these times shall I move it?")
    if not slots and visit.slot.doctor is not None:
        slots = _others(visit, wish, talk, same_doctor=False)
        text = _("%(who)s has no seat then; others have. To which of these shall I move it?") % {
            "who": visit.slot.doctor.in_language("name", talk.lang)
        }
    if not slots:
        slots = nearest(_free(visit, Wish((), wish.refused), talk, same_doctor=True), wish, talk)
        text = _("Nothing is free then. The nearest times are:")
    if not slots:
        return BringNurse(
            department=visit.slot.department, text=_("I find no other time that is free.")
        )
    talk.facts["offered"] = [slot.pk for slot in slots]
    options = [Option(label_of(slot, talk), slot.pk) for slot in slots]
    return Ask(
        "time",
        sentences(said, text, talk=talk),
        [*options, Option(_("Another day"), OTHER_DAY)],
        again=_("Please choose one of the times, or name another day."),
    )


def _others(visit: Appointment, wish: Wish, talk: Talk, *, same_doctor: bool) -> list[Slot]:
    first, last = wish.days
    over_days = first is not None and last is not None and last > first
    return spread(_free(visit, wish, talk, same_doctor=same_doctor), over_days=over_days)


def _free(visit: Appointment, wish: Wish, talk: Talk, *, same_doctor: bool) -> list[Slot]:
    first, last = wish.days
    found = find_slots(
        now=talk.now,
        department=visit.slot.department,
        doctor=visit.slot.doctor if same_doctor else None,
        first_day=first,
        last_day=last,
        visit_type=visit.slot.visit_type if visit.slot.doctor is None and same_doctor else "",
        limit=SEARCHED,
    )
    zone = talk.hospital.zone
    return [
        slot
        for slot in found
        if slot.pk != visit.slot_id and wish.fits(slot.starts_at.astimezone(zone))
    ]


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
        Needs(
            "what", gettext_lazy("Wish"), _read_wish_for, clears=("sure",), show=None, first=True
        ),
        Needs(
            "visit",
            gettext_lazy("Appointment"),
            _read_visit,
            clears=("sure", "time"),
            show=None,
        ),
        Needs("day", gettext_lazy("Day"), _read_day, clears=("time",), show=show_wish),
        Needs("time", gettext_lazy("Time"), read_time, show=None, first=True),
        Needs("sure", gettext_lazy("Agreed"), _read_sure, show=None, first=True),
    ),
    proceed,
    wants=wants,
    claims=claims,
)
