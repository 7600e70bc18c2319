"""Where something is, when it is open, when a doctor is there, by the hospital's own rows."""

import re
from datetime import timedelta

from django.utils.translation import gettext as _

from appointments.slots import find_slots
from assistant.reading.spelling import rest
from assistant.skills.days import day_in_words
from assistant.turn import Reply, Turn, choice
from hospital.facts import hours_of
from hospital.in_words import yuan
from hospital.models import Department, Doctor, Hospital, Place
from hospital.naming import find_departments, find_doctors, find_places
from hospital.services import is_open, next_opening

AHEAD = timedelta(days=14)
DAYS_NAMED = 5
SEARCHED = 200
SHORT = 40  # characters; a longer question has more in it than a place and its hours
_WHERE = re.compile(
    r"在哪|哪里|哪儿|几楼|几层|怎么走|怎么去|什么位置|地址|哪栋|哪个楼"
    r"|\bwhere\b|\bwhich (floor|building)\b|\bhow do i (get|find)\b|\blocation\b",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"几点|什么时候|时间|上班|下班|开门|关门|开不开|开吗|开着|营业|周[一二三四五六日末].{0,4}(吗|不|有)|几号|哪天|坐诊|出诊|放假"
    r"|\b(hours|open|close[sd]?|when|what time|which days?|available)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(r"电话|号码多少|怎么联系|\b(phone|telephone|number|call)\b", re.IGNORECASE)
_FEE = re.compile(
    r"多少钱|挂号费|费用|价格|贵不贵|几块|\b(how much|fee|cost|price)\b", re.IGNORECASE
)
_CALLED = re.compile(r"\b(department|clinic|office|building|desk)\b|科室|门诊", re.IGNORECASE)
_ASKING = (_WHERE, _WHEN, _PHONE, _FEE)
_LEFT = 3  # characters besides the name and the question that say nothing ("的", "呢")


def tell_place(turn: Turn) -> Reply | None:
    """Answer a short question about one department, doctor or place; None for anything else."""
    if len(turn.text) > SHORT * (2 if turn.lang == "en" else 1):
        return None
    asks_when, asks_fee = _WHEN.search(turn.text), _FEE.search(turn.text)
    named = find_doctors(turn.text)
    if named is not None and len(named.doctors) == 1 and (asks_when or asks_fee):
        return _doctor(named.doctors[0], turn)
    if not (asks_when or _WHERE.search(turn.text) or _PHONE.search(turn.text)):
        return None
    places, departments = find_places(turn.text), find_departments(turn.text)
    rows: list[Place | Department] = [each.place for each in places]
    rows = rows or [each.department for each in departments]
    return _whereabouts(rows[0], turn) if len(rows) == 1 else None


def asks_plainly(text: str) -> bool:
    """Whether a message names one place and asks where or when, and says nothing else.

    Such a one is answered by the rows, though a model be unsure of it.
    """
    if len(text) > SHORT or not any(pattern.search(text) for pattern in _ASKING):
        return False
    doctors = find_doctors(text)
    spans = [place.span for place in find_places(text)]
    spans += [department.span for department in find_departments(text)]
    spans += [doctors.span] if doctors else []
    if not spans:
        return False
    spans += [found.span() for pattern in (*_ASKING, _CALLED) for found in pattern.finditer(text)]
    return len(rest(text, spans)) <= _LEFT


def _whereabouts(where: Place | Department, turn: Turn) -> Reply:
    hospital = Hospital.objects.this_one()
    name, location = where.in_language("name", turn.lang), where.in_language("location", turn.lang)
    lines = [_("%(name)s: %(where)s") % {"name": name, "where": location} if location else name]
    if hours := hours_of(where):
        lines.append(_("Open: %(hours)s") % {"hours": hours})
        lines.append(_now(where, turn, hospital))
    if isinstance(where, Place):
        if directions := where.in_language("directions", turn.lang):
            lines.append(directions)
        if where.phone:
            lines.append(_("Phone: %(phone)s") % {"phone": where.phone})
    choices = [choice(_("Talk to a nurse"), tap="nurse")]
    if isinstance(where, Department):
        choices.insert(0, choice(_("Book an appointment"), tap="booking"))
    return Reply("\n".join(lines), {"choices": choices})


def _now(where: Place | Department, turn: Turn, hospital: Hospital) -> str:
    if is_open(where, turn.now):
        return _("It is open now.")
    opens = next_opening(where, turn.now)
    if opens is None:
        return _("It is closed now.")
    opens = opens.astimezone(hospital.zone)
    day = day_in_words(opens.date(), english=turn.lang == "en")
    return _("It is closed now, and opens %(when)s.") % {"when": f"{day} {opens:%H:%M}"}


def _doctor(doctor: Doctor, turn: Turn) -> Reply:
    hospital = Hospital.objects.this_one()
    today = turn.now.astimezone(hospital.zone).date()
    slots = find_slots(
        now=turn.now, doctor=doctor, first_day=today, last_day=today + AHEAD, limit=SEARCHED
    )
    who = " ".join(
        part
        for part in (
            doctor.department.in_language("name", turn.lang),
            doctor.in_language("name", turn.lang),
            doctor.in_language("title", turn.lang),
        )
        if part
    )
    choices = [choice(_("Talk to a nurse"), tap="nurse")]
    if not slots:
        text = _("%(who)s has no free times in the next two weeks.") % {"who": who}
        return Reply(text, {"choices": choices})
    days = dict.fromkeys(
        (slot.day, str(slot.get_part_display())) for slot in slots
    )  # in order, each once
    english = turn.lang == "en"
    named = [
        f"{day_in_words(day, english=english)} {part}" for day, part in list(days)[:DAYS_NAMED]
    ]
    fees = sorted({slot.fee for slot in slots})
    lines = [
        _("%(who)s has free times on:") % {"who": who},
        *named,
        _("Fee: %(fee)s") % {"fee": " / ".join(map(yuan, fees))},
    ]
    book = choice(_("Book this doctor"), text=_("Book %(who)s") % {"who": who})
    return Reply("\n".join(lines), {"choices": [book, *choices]})
