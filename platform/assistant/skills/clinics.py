"""Which clinic somebody wants: a department, a doctor, a kind of visit, or what troubles them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.models import VisitType
from assistant.reading.choices import Answer, yes_or_no
from assistant.reading.dates import find_days
from assistant.reading.particulars import SURNAMES
from assistant.reading.people import Kin, find_people
from assistant.reading.refusals import refusal
from assistant.reading.spelling import plain
from assistant.skills.sheet import sentences
from assistant.talk import UNSURE, Ask, BringNurse, Done, Found, Option, Slot, Step, Talk
from assistant.turn import choice
from hospital.models import Department, Doctor
from hospital.naming import (
    NamedDepartment,
    NamedDoctors,
    NamedGroup,
    find_departments,
    find_doctors,
    find_group,
)
from triage.departments import PAEDIATRICS, suggest_departments

EMERGENCY = "急诊科"
CHOICES = 5  # departments or doctors on one screen
GENERAL_CLINIC = 0  # stands for it among the doctors who were turned down
_MOVED = re.compile(r"[^,，。]{0,4}(?:换|改|转)(?:到|成|为|去)?")
_EITHER = re.compile(r"[^,，。]{0,3}(?:还是|或者?|\bor\b)")
_OTHER_DOCTOR = re.compile(
    r"(?:换|别的|其他|其它|另外|另)(?:一?个|一?位|了)?(?:医生|大夫|专家|主任)|医生.{0,2}换"
    r"|\b(?:another|a different|other|different) (?:doctor|physician|specialist)\b"
    r"|\bsomebody else\b|\bsomeone else\b",
    re.IGNORECASE,
)
_OTHER_CLINIC = re.compile(
    r"(?:换|改)(?:一?个|一下)?科(?:室)?(?:吧|$)|(?:别的|其他|其它)科室?|挂错科|科室?(?:不对|错了)"
    r"|\b(?:another|a different|different|wrong) (?:department|clinic)\b",
    re.IGNORECASE,
)
_WHICH_DOCTORS = re.compile(
    r"(?:有|都有)(?:哪些|哪几个|什么|几个)(?:医生|大夫|专家)|哪(?:个|位)(?:医生|大夫"
    r"|专家)(?:好|比较|厉害)?|推荐.{0,4}(?:医生|大夫|专家)"
    r"|\bwhich doctors?\b|\bwho are the doctors\b|\brecommend (?:a|any) doctor\b",
    re.IGNORECASE,
)
_KINDS = (
    (
        VisitType.PREMIUM,
        re.compile(r"特需|国际门诊|贵宾|\b(?:vip|premium) ?(?:clinic)?\b", re.IGNORECASE),
    ),
    (
        VisitType.SPECIALIST,
        re.compile(
            r"专家(?:号|门诊|的)?|(?<!副)主任(?:医师)?(?:的)?号|副?主任医师"
            r"|\b(?:specialist|expert|consultant)"
            r"(?: clinic)?s?\b|\bsenior doctor\b",
            re.IGNORECASE,
        ),
    ),
    (
        VisitType.GENERAL,
        re.compile(
            r"普通(?:的)?(?:号|门诊|就行|就好|就可以|的|$)|一般的号"
            r"|\b(?:general|ordinary|regular|normal) (?:clinic|appointment|one|slot)\b",
            re.IGNORECASE,
        ),
    ),
)
_TROUBLE = re.compile(
    r"疼|痛|烧|晕|吐|血|肿|痒|咳|喘|闷|难受|不舒服|麻木|抽|没知觉|昏|拉肚子|\bpain"
    r"|\bhurt|\bache|\bbleed|\bfever|\bsick\b|\bdizz|\bcan'?t breathe",
    re.IGNORECASE,
)
_CHEAPEST = re.compile(
    r"(?:最|比较|更)?便宜(?:一?点|些)?(?:的)?(?:号)?|\b(?:the )?cheap(?:er|est)?(?: one)?\b",
    re.IGNORECASE,
)
_SOME_CLINIC = re.compile(
    r"(?:挂|看|约|预约|换|去)(?:一?个|一下|下)?(?P<name>[\u4e00-\u9fff]{1,5}科)(?!普|技|室)"
)
_NO_CLINIC = re.compile(
    r".{0,2}(?:什么|哪|啥|那|这|几|两|个|下|本|专|错)科?|.{0,3}科$(?<=[个些]科)"
)
_SOME_DOCTOR = re.compile(
    rf"[{SURNAMES}](?:主任|医生|大夫|教授)(?!说|让|建议|叫|推荐|给|开|之前|上次|的病人)"
)


def named_departments(talk: Talk) -> list[NamedDepartment]:
    if "departments" not in talk.read:
        talk.read["departments"] = find_departments(talk.words)
    found: list[NamedDepartment] = talk.read["departments"]
    return found


def named_doctors(talk: Talk) -> NamedDoctors | None:
    if "doctors" not in talk.read:
        talk.read["doctors"] = find_doctors(talk.words)
    found: NamedDoctors | None = talk.read["doctors"]
    return found


def _named_group(talk: Talk) -> NamedGroup | None:
    if "group" not in talk.read:
        talk.read["group"] = find_group(talk.words)
    found: NamedGroup | None = talk.read["group"]
    return found


def _wanted(talk: Talk) -> list[NamedDepartment]:
    """The departments that are named and not refused: "不是骨科,是皮肤科"."""
    same = plain(talk.words)
    named = [each for each in named_departments(talk) if not refusal(same, each.span)]
    if len(named) > 1 and _MOVED.search(same[named[0].span[1] : named[1].span[0]]):
        return named[1:]
    return named


def _department(talk: Talk, asked: bool) -> Found | None:
    named = _wanted(talk)
    if not named and asked:
        return _only_suggested(talk)
    if not named or _is_either(talk, named):
        return None
    return Found(named[0].department.code, [each.span for each in named])


def _only_suggested(talk: Talk) -> Found | None:
    """A yes, or a day, after one department was suggested."""
    suggested = talk.facts.get("complaint") or []
    if len(suggested) != 1:
        return None
    answered = yes_or_no(talk.words)
    if answered is not None:
        is_yes = answered.answer is Answer.YES
        return Found(suggested[0][0], [answered.span]) if is_yes else None
    return Found(suggested[0][0]) if find_days(talk.words, today=talk.today) else None


def _also(talk: Talk, asked: bool) -> Found | None:
    """Further departments of the same message: one visit is booked after the other."""
    named = _wanted(talk)
    codes = list(dict.fromkeys(each.department.code for each in named))
    if len(codes) < 2 or _is_either(talk, named):
        return None
    return Found(codes[1:])


def _group(talk: Talk, asked: bool) -> Found | None:
    named = _wanted(talk)
    if len(named) > 1 and _is_either(talk, named):
        codes = [each.department.code for each in named]
        return Found(list(dict.fromkeys(codes)), [each.span for each in named])
    group = None if named else _named_group(talk)
    if group is None:
        return None
    return Found([each.code for each in group.departments[:CHOICES]], [group.span])


def _is_either(talk: Talk, named: Sequence[NamedDepartment]) -> bool:
    between = pairwise(named)
    same = plain(talk.words)
    return any(_EITHER.fullmatch(same[a.span[1] : b.span[0]].strip()) for a, b in between)


def _doctor(talk: Talk, asked: bool) -> Found | None:
    named = named_doctors(talk)
    if named is None or refusal(plain(talk.words), named.span):
        return None
    return Found([doctor.pk for doctor in named.doctors], [named.span])


def _other_clinic(talk: Talk, asked: bool) -> Found | None:
    found = None if is_named(talk) else _OTHER_CLINIC.search(talk.words)
    return Found(True, [found.span()]) if found else None


def _other_doctor(talk: Talk, asked: bool) -> Found | None:
    found = _OTHER_DOCTOR.search(talk.words)
    return Found(True, [found.span()]) if found else None


def _which_doctors(talk: Talk, asked: bool) -> Found | None:
    found = _WHICH_DOCTORS.search(talk.words)
    return Found(True, [found.span()]) if found else None


def _kind(talk: Talk, asked: bool) -> Found | None:
    for kind, words in _KINDS:
        found = words.search(talk.words)
        if found and not refusal(plain(talk.words), found.span()):
            return Found(str(kind), [found.span()])
    return None


def _cheapest(talk: Talk, asked: bool) -> Found | None:
    found = _CHEAPEST.search(talk.words)
    return Found(True, [found.span()]) if found else None


def _unknown(talk: Talk, asked: bool) -> Found | None:
    """A department or a doctor that this hospital does not have, as it was called."""
    if not named_departments(talk) and _named_group(talk) is None:
        same = plain(talk.words)
        said = _SOME_CLINIC.search(same)
        if said is None and asked:
            said = re.fullmatch(r"\W*(?P<name>[\u4e00-\u9fff]{1,5}科)\W*", same)
        if said and not _NO_CLINIC.match(said["name"]):
            return Found(said["name"], [said.span()])
    if named_doctors(talk) is None and (called := _SOME_DOCTOR.search(plain(talk.words))):
        return Found(called[0], [called.span()])
    return None


def _complaint(talk: Talk, asked: bool) -> Found | None:
    """Departments that see what troubles somebody, while no department was named.

    It reads no span: the model too has to look at a complaint.
    """
    if talk.asked not in ("", "department") or talk.facts.get("department"):
        return None
    if _wanted(talk) or named_doctors(talk) or _named_group(talk):
        return None
    age = talk.writer.age_on(talk.today)
    if any(person.kin is Kin.CHILD or person.is_child for person in find_people(talk.words)):
        age = 0  # ages that are told still count first
    suggested = suggest_departments(talk.words, [], age=age, gender=talk.writer.gender)
    ours = Department.objects.active().in_bulk(
        [each.department for each in suggested], field_name="name"
    )
    told = [
        [ours[each.department].code, each.reason_zh, each.reason_en]
        for each in suggested
        if each.department in ours and ("“" in each.reason_zh or each.department == PAEDIATRICS)
    ]
    return Found(told) if told and complains(talk) else None


def _show_department(code: str) -> str:
    department = Department.objects.filter(code=code).first()
    return department.name if department else code


def _show_doctors(ids: Sequence[int]) -> str:
    return "、".join(doctor.name for doctor in Doctor.objects.filter(pk__in=ids))


_HANG_ON_PLACE = ("time", "sure", "without", "picked", "agreed", "instead_of")
DEPARTMENT = Slot(
    "department",
    gettext_lazy("Department"),
    _department,
    clears=("doctor", "kind", "group", "complaint", "unknown", "fits", *_HANG_ON_PLACE),
    show=_show_department,
)
DOCTOR = Slot(
    "doctor",
    gettext_lazy("Doctor"),
    _doctor,
    clears=("kind", "group", "complaint", "unknown", "fits", *_HANG_ON_PLACE),
    show=_show_doctors,
)
SLOTS = (
    DEPARTMENT,
    Slot("also", gettext_lazy("Department"), _also, show=None),
    Slot("group", gettext_lazy("Department"), _group, clears=("department", "time"), show=None),
    DOCTOR,
    Slot("other_clinic", gettext_lazy("Department"), _other_clinic, show=None),
    Slot("other_doctor", gettext_lazy("Doctor"), _other_doctor, show=None),
    Slot("which_doctors", gettext_lazy("Doctor"), _which_doctors, show=None),
    Slot("kind", gettext_lazy("Clinic type"), _kind, clears=("doctor", "time", "sure"), show=None),
    Slot("cheap", gettext_lazy("Fee"), _cheapest, clears=("time", "sure"), show=None),
    Slot("unknown", gettext_lazy("Department"), _unknown, show=None),
    Slot("complaint", gettext_lazy("Complaint"), _complaint, show=None),
)


@dataclass(frozen=True)
class Clinic:
    """Where one is seen: by a doctor, or by whoever of a department has time."""

    department: Department
    doctor: Doctor | None = None

    def name(self, talk: Talk) -> str:
        place = self.department.in_language("name", talk.lang)
        who = self.doctor.in_language("name", talk.lang) if self.doctor else ""
        return f"{place} {who}" if who else place


def find_clinic(talk: Talk) -> Clinic | Step:
    """The clinic that is meant, or what has to be asked or said first."""
    facts = talk.facts
    if facts.get("department") == UNSURE:
        del facts["department"]
        return Done("", then="triage", with_facts={"for_booking": True})
    department, doctors = department_of(facts), doctors_of(facts)
    if department is None and not doctors:
        return _ask_where(talk)
    if department is not None and department.name == EMERGENCY:
        return _no_booking_needed(talk)
    if department is not None and doctors:
        there = [doctor for doctor in doctors if doctor.department_id == department.pk]
        if not there:
            return _ask_doctor_or_department(doctors, department, talk)
        doctors = there
    if len(doctors) > 1:
        return _ask_which(doctors, talk)
    if doctors and doctors[0].department.name == EMERGENCY:
        return _no_booking_needed(talk)
    if doctors:
        return Clinic(doctors[0].department, doctors[0])
    assert department is not None
    if facts.pop("which_doctors", None) and (theirs := _doctors_of(department)):
        return _show_the_doctors(theirs, talk)
    return Clinic(department)


def is_named(talk: Talk) -> bool:
    """Whether a clinic of ours is named."""
    return bool(_wanted(talk) or named_doctors(talk) or _named_group(talk))


def asks_for_doctors(talk: Talk) -> bool:
    return _WHICH_DOCTORS.search(talk.words) is not None


def complains(talk: Talk) -> bool:
    """Whether something that troubles somebody is told too: that has to be weighed."""
    suggested = suggest_departments(talk.words, [])
    return (
        any("“" in each.reason_zh for each in suggested) or _TROUBLE.search(talk.words) is not None
    )


def turn_down(talk: Talk, *, doctor_id: int | None) -> None:
    """Somebody asked for another doctor: this one is not offered again."""
    facts = talk.facts
    facts["without"] = [*facts.get("without", []), doctor_id or GENERAL_CLINIC]
    if doctor_id and (doctor := Doctor.objects.filter(pk=doctor_id).first()):
        facts["department"] = doctor.department.code
    facts.pop("doctor", None)
    facts.pop("kind", None)


def department_of(facts: dict[str, Any]) -> Department | None:
    return Department.objects.active().filter(code=facts.get("department", "")).first()


def doctors_of(facts: dict[str, Any]) -> list[Doctor]:
    ids = facts.get("doctor") or []
    return list(Doctor.objects.active().filter(pk__in=ids).select_related("department"))


def _doctors_of(department: Department) -> list[Doctor]:
    return list(Doctor.objects.active().filter(department=department).select_related("department"))


def _ask_where(talk: Talk) -> Ask:
    facts = talk.facts
    unsure = Option(_("I don't know which department"), UNSURE)
    question = _("Which department or doctor would you like to see?")
    again = _(
        "Please name the department, for example “dermatology”, or a doctor. If you are not"
        " sure, tell me “I don't know” and I help you find it."
    )
    if unknown := facts.pop("unknown", None):
        known = _("I find no “%(name)s” at this hospital.") % {"name": unknown}
        question = sentences(known, question, talk=talk)
    elif group := facts.get("group"):
        rows = Department.objects.active().in_bulk(group, field_name="code")
        options = [
            Option(rows[code].in_language("name", talk.lang), code)
            for code in group
            if code in rows
        ]
        return Ask("department", _("There are several of these. Which one?"), [*options, unsure])
    elif complaint := facts.get("complaint"):
        return _suggest(complaint, unsure, talk)
    return Ask("department", question, [unsure], again=again)


def _suggest(complaint: list[list[str]], unsure: Option, talk: Talk) -> Ask:
    rows = Department.objects.active().in_bulk([each[0] for each in complaint], field_name="code")
    lines, options = [], []
    for code, reason, reason_en in complaint:
        if code in rows:
            name = rows[code].in_language("name", talk.lang)
            lines.append(f"· {name}: {reason_en}" if talk.is_english else f"· {name}：{reason}")
            options.append(Option(name, code))
    text = "\n".join(
        [
            _("From what you wrote, these departments may fit:"),
            *lines,
            _("This is a direction, not a diagnosis. Which one shall I book?"),
        ]
    )
    return Ask("department", text, [*options, unsure])


def _ask_which(doctors: list[Doctor], talk: Talk) -> Ask:
    options = [
        Option(
            f"{doctor.in_language('name', talk.lang)} "
            f"({doctor.department.in_language('name', talk.lang)})",
            [doctor.pk],
        )
        for doctor in doctors[:CHOICES]
    ]
    return Ask("doctor", _("Several doctors are called so. Which one do you mean?"), options)


def _ask_doctor_or_department(
    doctors: list[Doctor], department: Department, talk: Talk
) -> Ask | BringNurse:
    """A doctor was asked for in a department where they are not."""
    talk.facts.pop("department", None)
    theirs = [
        Option(
            f"{doctor.in_language('name', talk.lang)} "
            f"({doctor.department.in_language('name', talk.lang)})",
            {"doctor": [doctor.pk]},
        )
        for doctor in doctors[:CHOICES]
    ]
    there = Option(
        _("Another doctor of %(department)s")
        % {"department": department.in_language("name", talk.lang)},
        {"department": department.code},
    )
    talk.facts.pop("doctor", None)
    text = _("This doctor is not in %(department)s. What would you like?") % {
        "department": department.in_language("name", talk.lang)
    }
    return Ask("picked", text, [*theirs, there])


def _show_the_doctors(doctors: list[Doctor], talk: Talk) -> Ask:
    lines, options = [_("These doctors see patients here:")], []
    for doctor in doctors[:CHOICES]:
        name, title = (doctor.in_language(part, talk.lang) for part in ("name", "title"))
        intro = doctor.in_language("intro", talk.lang)
        lines.append(" ".join(part for part in ("·", name, title, intro) if part))
        options.append(Option(name, [doctor.pk]))
    return Ask("doctor", "\n".join(lines), [*options, Option(_("Any doctor"), [])])


def _no_booking_needed(talk: Talk) -> Done:
    return Done(
        _(
            "The emergency department needs no appointment: please come at once, day or night. In"
            " danger call %(phone)s."
        )
        % {"phone": talk.hospital.emergency_phone},
        choices=[choice(_("Talk to a nurse"), tap="nurse")],
    )
