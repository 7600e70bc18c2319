"""Whom it is for: oneself, or somebody of the family, whose record is found or begun."""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assistant.reading.choices import only_asks, yes_or_no
from assistant.reading.particulars import SURNAMES, find_name, find_phone
from assistant.reading.people import Kin, Person, find_people
from assistant.talk import Ask, Found, Option, Slot, Talk
from patients.models import Gender, Patient, Proxy
from patients.services import create_patient, update_patient
from triage.departments import PAEDIATRICS

SELF = str(Kin.SELF)
SHOWN = 4  # of a family, beside the writer and "somebody else"
# What the writer is to the patient, by what the patient is to the writer.
WRITER_IS = {
    "parent": Proxy.Relationship.CHILD,
    "child": Proxy.Relationship.PARENT,
    "spouse": Proxy.Relationship.SPOUSE,
}
_KIN_OF = {str(writer): kin for kin, writer in WRITER_IS.items()}
_HAN_NAME = rf"[{SURNAMES}][\u4e00-\u9fff]{{1,2}}"
_ENDS = r"(?=$|[\s,，。;；、:：0-9(（]|挂|约|预约|看|的|要|想)"
_AFTER_KIN = re.compile(
    rf"\s?[(（]?(?:的?名字)?(?:叫做?|是)?[:：]?\s?(?P<name>{_HAN_NAME}?){_ENDS}"
    r"|,? (?P<en>[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+)+)"
)
_FOR_NAME = re.compile(
    rf"(?:给|帮|替|为)(?P<name>{_HAN_NAME}?)(?=挂|约|预约|看|取号)"
    r"|\bfor (?P<en>(?!Dr\b|Doctor\b)[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+)+)"
)
_PUT_RIGHT = re.compile(
    rf"(?:名字?|姓名?)(?:我|给)?(?:写|打|填|输|弄|说)?(?:错了?|不对|有误)[\s,，。!！]*(?:应该|其实)?"
    rf"(?:是|叫|为|改[成为])?\s?(?P<name>{_HAN_NAME}?){_ENDS}"
    rf"|(?:名字?|姓名?)(?:请|帮我)?(?:改[成为]|应该(?:是|叫))\s?(?P<anew>{_HAN_NAME}?){_ENDS}"
    rf"|(?:不是|不叫){_HAN_NAME}?[\s,，]*(?:是|叫)\s?(?P<other>{_HAN_NAME}?){_ENDS}"
    rf"|^(?:不对|错了|写错了)?[\s,，]*应该(?:是|叫)\s?(?P<should>{_HAN_NAME}?){_ENDS}"
    r"|(?i:\bshould be) (?P<be>[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+)+)"
    r"|(?i:\bname\b.{0,12}\b(?:wrong|misspel\w+|mistyped)|\bwrong name)\W+"
    r"(?i:it'?s|it is|it should be)? ?(?P<en>[A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+)+)"
)
# "我妈关节疼挂骨科", "给家人挂": no names.
_NO_NAME = re.compile(
    r"[疼痛病炎症癌血发烧咳晕肿痒麻胀]|[家何别]人|成人|全家|和我|女儿|儿子|孩子|高血"
    r"|常年|时候|明天|今天|后天|周[一二三四五六日]|安排|万一|方便|谢谢|应该|任何|专家"
    r"|普通|全科|主任|医生|号|科$"
)
# What goes with telling for whom it is, and says no more.
_AROUND_PEOPLE = re.compile(
    r"不是(?:给)?我(?:自己)?(?:看|挂|的)?|是给|[给帮替](?=我)|[他她]?(?:的)?名字(?:是"
    r"|叫)|[他她]叫|挂(?:的|号)?|看(?:的|病)?"
    r"|\b(?:it'?s |this is |that'?s )?(?:not )for (?:me|myself|him|her)\b|\b(?:it'?s|this is) for\b"
    r"|\b(?:his|her|my|the) (?:name is|name's)\b|\b(?:his|her) name\b",
    re.IGNORECASE,
)
_FOR_WHOM = re.compile(r"[给帮替换改挂约]|不是|\b(?:for|change|instead|not)\b", re.IGNORECASE)
_ANY_NAME = re.compile(r"\W*(?P<name>[\u4e00-\u9fff]{2,4})\W*")
_LEAD = re.compile(r"(?:[我俺咱]|本人)?的?(?:名字|姓名)?(?:就?是|叫做?)\s?$")
_FOREIGN_NUMBER = re.compile(r"[\s,，;]*(?:my )?(?:phone|mobile|tel)?[\s:]*\+?[0-9][0-9 ()-]{5,}$")
_TITLES = ("先生", "太太")  # "张先生" is nobody's husband


def _read_whom(talk: Talk, asked: bool) -> Found | None:
    people = [each for each in find_people(talk.words) if not _is_title(talk.words, each)]
    if not people or _only_asks(talk):
        return None
    person = people[-1]  # "不是我,是我妈"
    whom = {"kind": str(person.kin), "gender": person.gender}
    around = [match.span() for match in _AROUND_PEOPLE.finditer(talk.words)]
    return Found(whom, [*(each.span for each in people), *around])


def _only_asks(talk: Talk) -> bool:
    """ "我妈能一起去吗", to the sheet: who comes along, and not for whom it is."""
    return talk.asked == "sure" and only_asks(talk.words) and not _FOR_WHOM.search(talk.words)


def _is_title(words: str, person: Person) -> bool:
    before = words[max(0, person.span[0] - 1) : person.span[0]]
    return person.word in _TITLES and before in SURNAMES and before != ""


def _read_name(talk: Talk, asked: bool) -> Found | None:
    words = talk.words
    for person in find_people(words):
        if (told := _AFTER_KIN.match(words, person.span[1])) and (found := _named(told)):
            return found
    for pattern in (_PUT_RIGHT, _FOR_NAME):
        if (told := pattern.search(words)) and (found := _named(told)):
            return found
    if name := find_name(words, asked=asked):
        lead = _LEAD.search(words[: name.span[0]])
        return Found(name.name, [(lead.start() if lead else name.span[0], name.span[1])])
    phone = find_phone(words)
    if not asked and phone is None:
        return None
    # "王芳 13800001111": the name is what is left beside the number.
    left = words if phone is None else words[: phone.span[0]]
    left = re.sub(
        r"^\W*(?:姓名|名字|叫|是)?[:：]?|(?:手机号?|电话|号码|(?<![是:：,，。\s]))[是:：,，。\s]*$",
        "",
        left,
    )
    left = _FOREIGN_NUMBER.sub("", left)
    name = find_name(left, asked=True)
    if name is None and phone is not None:  # "骨科 明天上午 张三 138…": the last word before it
        last = re.split(r"[\s,，、;；]+", left)[-1]
        name = None if _NO_NAME.search(last) else find_name(last, asked=True)
    if (
        name is None
        and asked
        and (bare := re.match(rf"\W*(?P<name>{_HAN_NAME}?)(?=[,，。\s0-9])", words))
    ):
        return _named(bare)
    if name is None and asked and (phone or talk.misses) and yes_or_no(left) is None:
        rare = _ANY_NAME.fullmatch(left)  # a surname that is on no list, after all that we asked
        return Found(rare["name"], [(0, len(left))]) if rare and _named(rare) else None
    if name is None:
        return None
    start = words.index(name.name)
    return Found(name.name, [(start, start + len(name.name))])


def _named(told: re.Match[str]) -> Found | None:
    group = next((group for group, name in told.groupdict().items() if name), "name")
    name = told[group]
    if not name or _NO_NAME.search(name):
        return None
    return Found(name, [told.span(group)])


def _read_phone(talk: Talk, asked: bool) -> Found | None:
    phone = find_phone(talk.words)
    if phone is None or not phone.mobile:
        return None
    start = phone.span[0]
    if led := re.search(
        r"(?:我的?)?(?:手机号?码?|电话号?码?|phone|mobile)\W*(?:是|is|:)?\W*$", talk.words[:start]
    ):
        start = led.start()
    return Found(phone.number, [(start, phone.span[1])])


def _show_whom(whom: dict[str, Any]) -> str:
    words = {
        SELF: _("the writer"),
        "parent": _("a parent"),
        "child": _("a child"),
        "spouse": _("wife or husband"),
    }
    return words.get(whom.get("kind", ""), _("a family member"))


WHOM = Slot(
    "whom",
    gettext_lazy("For whom"),
    _read_whom,
    clears=("name", "patient", "age", "gender", "fits", "sure", "agreed"),
    show=_show_whom,
)
NAME = Slot("name", gettext_lazy("Name"), _read_name, clears=("patient", "sure"))
PHONE = Slot("phone", gettext_lazy("Phone"), _read_phone, clears=("sure",))


def is_for_self(talk: Talk) -> bool:
    return (talk.facts.get("whom") or {"kind": SELF}).get("kind") == SELF


def find_patient(talk: Talk) -> Patient | None:
    """Whose record it is; None for a family member of whom nothing is known yet."""
    if is_for_self(talk):
        return talk.writer
    return known_patient(talk)


def known_patient(talk: Talk) -> Patient | None:
    """The record of whom it is for, as far as it is known already; reads only."""
    if is_for_self(talk):
        return talk.writer
    whom = talk.facts.get("whom") or {}
    if known := talk.facts.get("patient") or whom.get("patient"):
        return Patient.objects.filter(pk=known, merged_into=None, erased_at=None).first()
    return None


def know_patient(talk: Talk, *, department_name: str = "") -> Patient | Ask:
    """The record of whom it is for, or the question that is missing.

    A family member's is begun with a name; until a person has checked the proof, who writes for
    them sees nothing of it.
    """
    if not talk.facts.get("whom") and (question := _guess_whom(talk, department_name)):
        return question
    if (patient := find_patient(talk)) is not None:
        return patient
    if talk.facts.get("patient") == 0:  # none of those that were shown
        talk.facts["whom"] = {**talk.facts["whom"], "new": True}
    name = talk.facts.get("name")
    if name:
        patient = _family_member(talk, name) or _begin(talk, name)
        talk.facts["patient"] = patient.pk
        return patient
    alike = [] if talk.facts["whom"].get("new") else _family_like(talk)
    if len(alike) == 1:
        talk.facts["patient"] = alike[0].patient_id
        return alike[0].patient
    if alike:
        return Ask(
            "patient",
            _("For which of them is it?"),
            [
                *(Option(each.patient.masked_name, each.patient_id) for each in alike[:SHOWN]),
                Option(_("Somebody else"), 0),
            ],
        )
    return _ask_name(talk)


def _guess_whom(talk: Talk, department_name: str) -> Ask | None:
    """Set down for whom it is where nobody said so; a question where that would be a guess."""
    facts, name = talk.facts, talk.facts.get("name")
    if name and talk.writer.name and name != talk.writer.name:
        facts["whom"] = {"kind": str(Kin.OTHER), "gender": ""}
        return None
    if department_name == PAEDIATRICS:
        facts["whom"] = {"kind": str(Kin.CHILD), "gender": ""}
        return None
    family = [] if name else _written_for(talk)
    if not family:
        facts["whom"] = {"kind": SELF, "gender": ""}
        return None
    me = talk.writer.masked_name
    options = [Option(f"{_('Myself')} {me}".strip(), {"kind": SELF, "gender": ""})]
    for proxy in family[:SHOWN]:
        kin = _KIN_OF.get(proxy.relationship, str(Kin.OTHER))
        whom = {"kind": kin, "gender": proxy.patient.gender, "patient": proxy.patient_id}
        label = f"{_show_whom({'kind': kin})} {proxy.patient.masked_name}"
        options.append(Option(label, whom))
    new = Option(_("Somebody else"), {"kind": str(Kin.OTHER), "gender": "", "new": True})
    return Ask("whom", _("For whom shall I book this time?"), [*options, new])


def _written_for(talk: Talk) -> list[Proxy]:
    """Of the family those whom the same writer has written for before, the latest first."""
    proxies = Proxy.objects.filter(writer=talk.writer).select_related("patient").order_by("-pk")
    return [
        proxy
        for proxy in proxies
        if proxy.patient.erased_at is None
        and proxy.patient.deceased_at is None
        and proxy.patient.merged_into_id is None
        and proxy.patient.name
    ]


def _family_like(talk: Talk) -> list[Proxy]:
    """Those of whom "my mother" may speak."""
    whom = talk.facts["whom"]
    writer_is = WRITER_IS.get(whom["kind"], Proxy.Relationship.OTHER)
    return [
        proxy
        for proxy in _written_for(talk)
        if proxy.relationship == writer_is
        and (not whom.get("gender") or proxy.patient.gender in (whom.get("gender"), Gender.UNKNOWN))
    ]


def _family_member(talk: Talk, name: str) -> Patient | None:
    return next((each.patient for each in _written_for(talk) if each.patient.name == name), None)


def _begin(talk: Talk, name: str) -> Patient:
    whom = talk.facts.get("whom") or {}
    gender = whom.get("gender") or talk.facts.get("gender") or Gender.UNKNOWN
    patient = create_patient(name=name, gender=gender, language=talk.writer.language)
    Proxy.objects.create(
        writer=talk.writer,
        patient=patient,
        relationship=WRITER_IS.get(whom.get("kind", ""), Proxy.Relationship.OTHER),
    )
    return patient


def missing_of(patient: Patient, talk: Talk) -> Ask | None:
    """The question for what a booking needs and nobody has said."""
    if not (patient.name or talk.facts.get("name")):
        return _ask_name(talk)
    if not _phone(patient, talk):
        return Ask(
            "phone",
            _("On which mobile phone can the hospital reach you?"),
            again=_("Please write a mobile number of 11 digits."),
        )
    return None


def _phone(patient: Patient, talk: Talk) -> str:
    return talk.facts.get("phone") or patient.phone or talk.writer.phone or ""


def _ask_name(talk: Talk) -> Ask:
    is_child = (talk.facts.get("whom") or {}).get("kind") == str(Kin.CHILD)
    if talk.facts.get("phone") or talk.writer.phone:
        text = (
            _("What is the child's full name?")
            if is_child
            else _("What is the patient's full name?")
        )
    elif is_child:
        text = _("What is the child's full name, and your mobile number?")
    else:
        text = _(
            "What is the patient's full name, and your mobile number? For example: Wang Fang"
            " 13800000000"
        )
    return Ask(
        "name",
        text,
        again=_("Please write only the name of the patient, as on the identity card."),
    )


def put_on_record(patient: Patient, talk: Talk) -> None:
    """Keep what was said of the patient, once it was agreed to; what stands there stays."""
    said = {name: talk.facts.get(name) for name in ("name", "phone")}
    fresh = {name: value for name, value in said.items() if value and not getattr(patient, name)}
    if patient.gender == Gender.UNKNOWN and (gender := talk.facts.get("gender")):
        fresh["gender"] = gender
    if fresh:
        update_patient(patient, **fresh)
