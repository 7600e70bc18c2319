"""Which department or doctor somebody's words name: the hospital's own rows, as people say them."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hospital.models import Department, Doctor, Place

NAMES = Path(__file__).with_name("names.toml")
# "王主任", "王医生": the surname alone will do where only one is called so.
_CALLED = "主任|副主任|医生|大夫|教授|专家"

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
    named = ((name, row) for row in Department.objects.active() for name in _names_of(row))
    for name, row in sorted(named, key=lambda pair: -len(pair[0])):
        for span in _places(plain, name):
            if not any(_touch(span, other.span) for other in found):
                found.append(NamedDepartment(row, span))
    return sorted(found, key=lambda each: each.span)


def find_doctors(text: str) -> NamedDoctors | None:
    """The doctor who is named: by the full name, or as "Dr Shen", "沈主任"."""
    plain = _plain(text)
    doctors = list(Doctor.objects.active().select_related("department"))
    for doctor in doctors:
        for name in (doctor.name, doctor.name_en):
            for span in _places(plain, _plain(name)) if name else ():
                return NamedDoctors((doctor,), _with_title(plain, span))
    for doctor in doctors:
        surname_en = doctor.name_en.split(" ")[0].lower()
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
        for span in _places(plain, name):
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
def _nicknames() -> dict[str, list[str]]:
    names: dict[str, list[str]] = tomllib.loads(NAMES.read_text(encoding="utf-8"))
    return names


def _plain(text: str) -> str:
    """One character for one, so that the places stay."""
    return "".join(_one(character) for character in text)


def _one(character: str) -> str:
    same = unicodedata.normalize("NFKC", character).lower()
    return same if len(same) == 1 else character


def _places(text: str, name: str) -> Iterable[Span]:
    pattern = re.escape(name)
    if name.isascii():
        pattern = rf"(?<![a-z]){pattern}(?![a-z])"
    return (found.span() for found in re.finditer(pattern, text))


def _with_title(text: str, span: Span) -> Span:
    after = re.compile(_CALLED).match(text, span[1])
    return (span[0], after.end()) if after else span


def _touch(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
