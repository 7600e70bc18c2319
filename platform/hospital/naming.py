"""Which department or doctor somebody's words name: the hospital's own rows, as people say them."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hospital.models import Department, Doctor, Place

NAMES = Path(__file__).with_name("names.toml")
# "王主任", "王医生": the surname alone will do where only one is called so.
_CALLED = "主任医师|副主任|主任|医生|医师|大夫|教授|专家"
_HAS_TITLE = re.compile(rf"{_CALLED}|\b(?:dr|doctor)\b")
_ACTS = tuple("看洗拔补验做建")  # 洗牙, 验光: what one comes for
_CLINIC_ENDS = ("科", "诊", "中心", "医", "产检", "孕检", "科门诊")
# "挂个皮肤", "呼吸专家号" name a clinic; "皮肤痒", "呼吸困难" a complaint.
_BEFORE_BARE = re.compile(
    r"(?:^|[挂看约换选去有要是个下到问的,，。;；:：!！?？、 ]|预约|还是|或者)$"
)
_AFTER_BARE = re.compile(
    r"\s*(?:$|[,，。;；:：!！?？、~ ]|吧|呀|啊|呢|吗|的?号|的?专家|的?医生|的?大夫"
    r"|的?主任|的?普通|门诊|那边|和|还是"
    r"|今|明|后天|下周|这周|周[一二三四五六日末]|星期|上午|下午|[0-9一二三四五六七八九十]+[号点])"
)
_NOT_A_CLINIC = re.compile(r"普(?:及|[^通外]|$)|技|研|目|幻|室主任")  # 儿科普及, 骨科技术

# What may stand before 内科 or 外科 in the name of one of them.
_INNER = tuple("心肾脏脑神泌尿肝胆胰胃肠骨胸腺管吸化泌液病伤美甲乳普儿妇")

Span = tuple[int, int]


@dataclass(frozen=True)
class NamedDepartment:
    department: Department
    span: Span


@dataclass(frozen=True)
class NamedPlace:
    place: Place
    span: Span


@dataclass(frozen=True)
class NamedGroup:
    """The departments that one word may mean, the likeliest first."""

    departments: tuple[Department, ...]
    span: Span


@dataclass(frozen=True)
class NamedDoctors:
    """The doctors that a name may mean; several where it is a surname that they share."""

    doctors: tuple[Doctor, ...]
    span: Span


def find_departments(text: str) -> list[NamedDepartment]:
    """The departments that are named, in the order of the words; of overlapping names the longest.

    Only those that see patients here.
    """
    plain = _plain(text)
    found: list[NamedDepartment] = []
    taken: list[Span] = []
    rows = {row.name: row for row in Department.objects.active()}
    named = [(name, row) for row in rows.values() for name in _names_of(row)]
    # Those that are closed here are known as well: "神经外科" is never the group "外科".
    known = [(name, None) for name in _nicknames() if name not in rows]
    for name, row in sorted([*named, *known, *_group_names()], key=lambda pair: -len(pair[0])):
        for span in _places(plain, name):
            if any(_touch(span, other) for other in taken):
                continue
            taken.append(span)
            if row is not None:
                found.append(NamedDepartment(row, span))
    return sorted(found, key=lambda each: each.span)


def find_group(text: str) -> NamedGroup | None:
    """The departments that a word such as "内科" may mean, where none of them is named."""
    plain = _plain(text)
    for word, names in sorted(_groups().items(), key=lambda pair: -len(pair[0])):
        for span in _places(plain, word):
            if plain[: span[0]].endswith(_INNER) or find_departments(text):
                continue  # "肾脏内科": one of them, by a name that we do not know
            rows = {row.name: row for row in Department.objects.active().filter(name__in=names)}
            if members := tuple(rows[name] for name in names if name in rows):
                return NamedGroup(members, span)
    return None


def find_doctors(text: str) -> NamedDoctors | None:
    """The doctor who is named: by the full name, or as "Dr Shen", "沈主任"."""
    plain = _plain(text)
    doctors = list(Doctor.objects.active().select_related("department"))
    for doctor in doctors:
        for name in (doctor.name, doctor.name_en):
            for span in _said(plain, _plain(name)) if name else ():
                return NamedDoctors((doctor,), _with_title(plain, span))
    if not _HAS_TITLE.search(plain):
        return None
    for doctor in doctors:
        surname_en = _plain(doctor.name_en.split(" ")[0])
        pattern = rf"{re.escape(doctor.name[0])}(?:{_CALLED})"
        if surname_en:
            pattern += rf"|\b(?:dr\.?|doctor) {re.escape(surname_en)}\b"
        if called := re.search(pattern, plain):
            namesakes = [each for each in doctors if each.name[0] == doctor.name[0]]
            return NamedDoctors(tuple(namesakes), called.span())
    return None


def find_places(text: str) -> list[NamedPlace]:
    """The places that are named, as `find_departments` finds those."""
    plain = _plain(text)
    found: list[NamedPlace] = []
    named = ((name, row) for row in Place.objects.active() for name in _names_of_place(row))
    for name, row in sorted(named, key=lambda pair: (-len(pair[0]), pair[1].rank)):
        for span in _said(plain, name):
            if not any(_touch(span, other.span) for other in found):
                found.append(NamedPlace(row, span))
    return sorted(found, key=lambda each: each.span)


def _names_of_place(place: Place) -> Iterable[str]:
    english = [place.name_en.lower()] if place.name_en else []
    return [place.name, *english, *_nicknames().get(place.name, ())]


def _names_of(department: Department) -> Iterable[str]:
    english = [department.name_en.lower()] if department.name_en else []
    return [department.name, *english, *_nicknames().get(department.name, ())]


@cache
def _names() -> dict[str, Any]:
    return tomllib.loads(NAMES.read_text(encoding="utf-8"))


def _nicknames() -> dict[str, list[str]]:
    return {name: words for name, words in _names().items() if name != "groups"}


def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = _names()["groups"]
    return groups


def _group_names() -> list[tuple[str, None]]:
    return [(word, None) for word in _groups()]


def _plain(text: str) -> str:
    """One character for one, so that the places stay."""
    return "".join(_one(character) for character in text)


def _one(character: str) -> str:
    same = unicodedata.normalize("NFKC", character).lower()
    return same if len(same) == 1 else character


def _places(text: str, name: str) -> Iterable[Span]:
    """Where a clinic is called so."""
    return (span for span in _said(text, name) if name.isascii() or _is_clinic(text, span))


def _said(text: str, name: str) -> Iterable[Span]:
    if name not in text:  # of hundreds of names hardly one is: no pattern is worth its compiling
        return ()
    pattern = re.escape(name)
    if name.isascii():
        pattern = rf"(?<![a-z]){pattern}(?![a-z])"
    return (found.span() for found in re.finditer(pattern, text))


def _is_clinic(text: str, span: Span) -> bool:
    start, end = span
    name = text[start:end]
    if _NOT_A_CLINIC.match(text, end) and name.endswith("科"):
        return False
    if name.endswith(_CLINIC_ENDS) or name.startswith(_ACTS) or len(name) > 3:
        return True
    return bool(_BEFORE_BARE.search(text[:start]) and _AFTER_BARE.match(text, end))


def _with_title(text: str, span: Span) -> Span:
    after = re.compile(_CALLED).match(text, span[1])
    return (span[0], after.end()) if after else span


def _touch(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
