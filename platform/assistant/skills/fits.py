"""Whether a department sees this patient at all: no man in obstetrics, no adult in paediatrics."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.particulars import find_gender
from assistant.reading.people import Kin
from assistant.reading.refusals import refusal
from assistant.reading.spelling import plain
from assistant.skills.clinics import Clinic, named_departments, named_doctors
from assistant.skills.whom import is_for_self, known_patient
from assistant.talk import Ask, Found, Option, Slot, Talk
from hospital.models import Department
from patients.models import Gender
from triage.ages import find_ages
from triage.departments import NOT_FOR, PAEDIATRIC_BELOW, PAEDIATRICS

# Source: children under 14 are seen in paediatrics first (triage.departments). These see them too.
SEES_CHILDREN = frozenset(
    {
        PAEDIATRICS,
        "眼科",
        "耳鼻喉科",
        "口腔科",
        "皮肤科",
        "骨科",
        "中医科",
        "急诊科",
        "精神心理科",
        "整形美容科",
    }
)
FAMILY, OTHER_CLINIC, ANYWAY = "family", "other_clinic", "anyway"


def _read_gender(talk: Talk, asked: bool) -> Found | None:
    words = talk.words
    for named in (*named_departments(talk), named_doctors(talk)):  # "男科", "女医生"
        if named is not None:
            start, end = named.span
            words = words[:start] + "·" * (end - start) + words[end:]
    found = find_gender(words)
    if found is None or words[found.span[1] : found.span[1] + 2] in ("医生", "大夫", "专家"):
        return None
    return Found(found.gender, [found.span])


def _read_age(talk: Talk, asked: bool) -> Found | None:
    """Years."""
    same = plain(talk.words)
    ages = [(span, months) for span, months in find_ages(same) if not refusal(same, span)]
    if not ages:
        return None
    span, months = ages[0]
    return Found(int(months // 12), [span])


AGE = Slot("age", gettext_lazy("Age"), _read_age, clears=("fits",))
GENDER = Slot("gender", gettext_lazy("Sex"), _read_gender, clears=("fits",), show=None)
FITS = Slot("fits", gettext_lazy("Fits"), clears=("sure",), show=None)


def question_of_fit(clinic: Clinic, talk: Talk) -> Ask | None:
    """What to ask where this department does not see such a patient; None where it does."""
    facts = talk.facts
    answer = facts.get("fits")
    if answer == ANYWAY:
        return None
    department, age, gender = clinic.department, _age(talk), _gender(talk)
    name = department.in_language("name", talk.lang)
    other = Option(_("Another department"), OTHER_CLINIC)
    if department.name == PAEDIATRICS and age is not None and age >= PAEDIATRIC_BELOW:
        text = _("%(department)s sees children under %(years)s. Is it for a child?")
        child = Option(_("Yes, for a child"), FAMILY)
        words: Mapping[str, Any] = {"department": name, "years": PAEDIATRIC_BELOW}
        return Ask("fits", text % words, [child, other])
    if department.name in NOT_FOR.get(gender, ()):
        text = (
            _("%(department)s sees women only. Is it for somebody of your family?")
            if gender == Gender.MALE
            else _("%(department)s sees men only. Is it for somebody of your family?")
        )
        family = Option(_("For family"), FAMILY)
        return Ask("fits", text % {"department": name}, [family, other])
    if age is not None and age < PAEDIATRIC_BELOW and department.name not in SEES_CHILDREN:
        return _child_first(name, talk)
    return None


def take_fit(clinic: Clinic, talk: Talk) -> None:
    """Take in what was answered to that question."""
    facts = talk.facts
    match facts.get("fits"):
        case "family":
            wanted = Gender.FEMALE if _gender(talk) == Gender.MALE else Gender.MALE
            kin = Kin.CHILD if clinic.department.name == PAEDIATRICS else Kin.OTHER
            gender = "" if kin is Kin.CHILD else str(wanted)
            facts["whom"] = {"kind": str(kin), "gender": gender, "new": True}
            for name in ("fits", "age", "gender", "name", "patient"):
                facts.pop(name, None)
        case "other_clinic":
            for name in ("fits", "department", "doctor", "group", "complaint"):
                facts.pop(name, None)
        case str(code) if code not in (ANYWAY,):
            for name in ("fits", "doctor", "time"):
                facts.pop(name, None)
            facts["department"] = code


def _child_first(name: str, talk: Talk) -> Ask | None:
    ours = Department.objects.active().filter(name=PAEDIATRICS).first()
    if ours is None:
        return None
    paediatrics = ours.in_language("name", talk.lang)
    text = _("Children under %(years)s are usually seen in %(department)s first. Which one?")
    return Ask(
        "fits",
        text % {"years": PAEDIATRIC_BELOW, "department": paediatrics},
        [Option(paediatrics, ours.code), Option(_("Stay with %(name)s") % {"name": name}, ANYWAY)],
    )


def _age(talk: Talk) -> int | None:
    said: int | None = talk.facts.get("age")
    if said is not None:
        return said
    patient = known_patient(talk)
    return patient.age_on(talk.today) if patient else None


def _gender(talk: Talk) -> str:
    whom = talk.facts.get("whom") or {}
    if not is_for_self(talk):
        return str(whom.get("gender") or "")
    said = talk.facts.get("gender")
    patient = known_patient(talk)
    return str(said or (patient.gender if patient else ""))
