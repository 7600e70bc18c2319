"""The allergy guard: what a text names, held against what a patient must not get.

It reads what a patient says, what a nurse types, what the assistant would send and what is
prescribed. It stops nobody itself: the rooms above do, by `Concern.risk`. Its data are a draft, to
be signed off by a pharmacist, and it never says that something is safe.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import Q

from hospital.models import Hospital
from patients.models import Patient, Proxy
from records.allergies import Stated, stated_allergies
from records.drugbook import Mention, Risk, book, find_drugs, plain
from records.models import AllergyIntolerance, IdentityCheck

__all__ = [
    "Concern",
    "Kind",
    "Questioned",
    "Stated",
    "Watch",
    "check",
    "find_drugs",
    "matched",
    "read_allergies",
    "stated_allergies",
]

DAYS_A_YEAR = 365.25
Criticality = AllergyIntolerance.Criticality


class Kind(StrEnum):
    EXACT = "exact"
    CLASS = "class"
    CROSS = "cross"
    PREGNANCY = "pregnancy"
    BREASTFEEDING = "breastfeeding"
    AGE = "age"


BY_ALLERGY = frozenset({Kind.EXACT, Kind.CLASS, Kind.CROSS})


class Questioned(Exception):
    """The guard speaks against it: it needs a reason."""

    def __init__(self, concerns: "list[Concern]") -> None:
        super().__init__("a reason is needed")
        self.concerns = concerns


@dataclass(frozen=True)
class Concern:
    """Why a thing that was named needs a second thought. `span` is where it was named."""

    kind: Kind
    risk: Risk
    drug: str  # id of the drug book; empty for what it does not know
    allergy_id: int | None
    zh: str
    en: str
    source: str
    span: tuple[int, int]

    @property
    def is_critical(self) -> bool:
        return self.risk == "avoid"

    @property
    def is_serious(self) -> bool:
        """Whether it stops somebody; that a medicine is harder on the old makes only look twice."""
        return self.is_critical or self.kind is not Kind.AGE

    def named_in(self, text: str) -> str:
        return text[slice(*self.span)]


@dataclass(frozen=True)
class _Allergy:
    row: AllergyIntolerance
    words: str
    ids: tuple[str, ...]
    is_vague: bool

    @property
    def is_high(self) -> bool:
        return self.row.criticality == Criticality.HIGH


def check(
    text: str, patient: Patient, *, now: datetime, breastfeeding: bool = False
) -> list[Concern]:
    """Everything in a text, or in the name of one drug, that this patient should not just get.

    What the patient says to be allergic to is named, and not about to be taken. Worst first.
    """
    named = _named(text)
    found = _against(text, named, patient.allergies.in_force())
    if named:
        found += _of_warnings(named, patient, _today(now), breastfeeding=breastfeeding)
    return _worst_first(found)


def check_against(text: str, allergies: Iterable[AllergyIntolerance]) -> list[Concern]:
    """What of a text these allergies alone speak against. Worst first."""
    return _worst_first(_against(text, _named(text), allergies))


class Watch:
    """All whom a conversation may be about, and what they must not get: one query a turn.

    The writer, the one whom staff say it is about, those for whom the writer has written, and who
    has just proven to be whom. Whose it is nobody can tell from a sentence, so all of it counts.
    """

    def __init__(
        self, conversation_id: int, *, writer: Patient, subject_id: int | None, now: datetime
    ) -> None:
        self._now, self._writer = now, writer
        proven = IdentityCheck.objects.filter(
            conversation_id=conversation_id, verified_until__gt=now, verified_at__lte=now
        )
        written_for = Proxy.objects.filter(writer=writer)
        self._others = (
            Q(pk=subject_id)
            | Q(pk__in=proven.values("patient"))
            | Q(pk__in=written_for.values("patient"))
        )
        theirs = Patient.objects.filter(self._others, erased_at=None)
        rows = AllergyIntolerance.objects.in_force()
        self.allergies = list(rows.filter(Q(patient=writer) | Q(patient__in=theirs)).order_by("pk"))
        self._people: list[Patient] = []

    def check(self, text: str) -> list[Concern]:
        """As `check`, for all of them."""
        named = _named(text)
        found = _against(text, named, self.allergies)
        for patient in self._read_people() if _may_warn(named) else ():
            found += _of_warnings(named, patient, _today(self._now), breastfeeding=False)
        return _worst_first(dict.fromkeys(found))

    def _read_people(self) -> list[Patient]:
        if not self._people:
            others = Patient.objects.filter(self._others, erased_at=None)
            others = others.exclude(pk=self._writer.pk)
            self._people = [self._writer, *others]
        return self._people


def read_allergies(substance: str) -> frozenset[str]:
    """The classes and substances that somebody's words for an allergy name."""
    return frozenset(each for mention in find_drugs(substance) for each in mention.ids)


def _named(text: str) -> list[Mention]:
    mentions = find_drugs(text)
    stated = {each.span for each in stated_allergies(text)} if mentions else set()
    return [each for each in mentions if each.span not in stated]


def _against(text: str, named: list[Mention], rows: Iterable[AllergyIntolerance]) -> list[Concern]:
    allergies = [allergy for row in rows for allergy in _read(row)]
    found = [concern for each in named for concern in _of_allergies(each, allergies)]
    return found + _unknown(text, allergies)


def _may_warn(named: list[Mention]) -> bool:
    """Whether any rule speaks of what was named, whoever takes it."""
    kin = frozenset().union(*(book().kin(each) for m in named for each in m.ids))
    return any(rule.of & kin for rule in book().warnings)


def _worst_first(found: Iterable[Concern]) -> list[Concern]:
    return sorted(found, key=lambda each: (each.risk != "avoid", each.span))


def matched(substance: str) -> list[tuple[str, str]]:
    """The classes and substances that a recorded allergy is read as, in Chinese and English."""
    ids = dict.fromkeys(each for mention in find_drugs(substance) for each in mention.ids)
    homes = dict.fromkeys(book().class_of.get(each, each) for each in ids)
    return [book().labels[each] for each in {**homes, **ids}]


def _weight(concern: Concern) -> tuple[bool, int]:
    return not concern.is_critical, list(Kind).index(concern.kind)


def _today(now: datetime) -> date:
    return now.astimezone(Hospital.objects.this_one().zone).date()


def _read(row: AllergyIntolerance) -> list[_Allergy]:
    """A recorded allergy: what it names, what it only hints at, or its words where neither."""
    mentions = find_drugs(row.substance)
    read = []
    for vague in (False, True):
        ids = [each for m in mentions if m.name.vague is vague for each in m.ids]
        if ids:
            read.append(_Allergy(row, row.substance, tuple(dict.fromkeys(ids)), vague))
    return read or [_Allergy(row, row.substance, (), False)]


def _of_allergies(mention: Mention, allergies: list[_Allergy]) -> list[Concern]:
    """For each recorded allergy the worst that speaks against what was named."""
    found = []
    for allergy in allergies:
        pairs = [(drug, to) for drug in mention.ids for to in allergy.ids]
        concerns = [c for drug, to in pairs if (c := _between(mention, drug, allergy, to))]
        if concerns:
            found.append(min(concerns, key=_weight))
    return found


def _between(mention: Mention, drug: str, allergy: _Allergy, to: str) -> Concern | None:
    home = book().class_of.get(drug, drug)
    zh, en = book().labels[to]
    if drug == to and to in book().class_of:
        text = (f"档案中有{zh}过敏记录", f"the record says: allergic to {en}")
        return _concern(
            Kind.EXACT, "avoid", mention, drug, allergy, says=text, source="病历 record"
        )
    if home == book().class_of.get(to, to) and _counts_within(drug, to, home):
        mild = book().classes[home].within == "caution" and drug != to
        risk: Risk = "caution" if mild else "avoid"
        zh_class, en_class = book().labels[home]
        text = (
            f"与档案中的过敏({zh})同属{zh_class}",
            f"of the same class ({en_class}) as the recorded allergy to {en}",
        )
        return _concern(
            Kind.CLASS, risk, mention, drug, allergy, says=text, source="药物分类 drug class"
        )
    return _crossing(mention, drug, allergy, to)


def _counts_within(drug: str, to: str, home: str) -> bool:
    """Two of one class; or a class itself, which every member belongs to."""
    return book().classes[home].within != "none" or home in (drug, to)


def _crossing(mention: Mention, drug: str, allergy: _Allergy, to: str) -> Concern | None:
    mine, theirs = _reach(drug), _reach(to)
    found: list[Concern] = []
    for rule in book().cross:
        risks = [
            max(theirs[one], mine[other])
            for one, other in ((rule.of, rule.to), (rule.to, rule.of))
            if one in theirs and other in mine
        ]
        if risks:
            risk: Risk = "caution" if min(risks) or rule.risk == "caution" else "avoid"
            text = (rule.zh, rule.en)
            found.append(
                _concern(Kind.CROSS, risk, mention, drug, allergy, says=text, source=rule.source)
            )
    return min(found, key=lambda each: each.risk != "avoid", default=None)


def _reach(each: str) -> dict[str, int]:
    """What a rule may call it. 1: only some of a class that was named as a whole."""
    if each in book().class_of:
        return dict.fromkeys(book().kin(each), 0)
    some = {name for member in book().members(each) for name in book().kin(member)}
    return {**dict.fromkeys(some, 1), each: 0}


def _concern(
    kind: Kind, risk: Risk, mention: Mention, drug: str, allergy: _Allergy,
    *, says: tuple[str, str], source: str,
) -> Concern:  # fmt: skip
    """A shelf of medicines ("painkillers") only makes one look twice; a grave allergy always."""
    if mention.name.vague or allergy.is_vague:
        risk = "caution"
    elif kind is Kind.CROSS and allergy.is_high:
        risk = "avoid"
    return Concern(kind, risk, drug, allergy.row.pk, *says, source, mention.span)


def _unknown(text: str, allergies: list[_Allergy]) -> list[Concern]:
    """An allergy to what the book does not know is found by its very words."""
    found = []
    read = plain(text)
    for allergy in allergies:
        words = plain(allergy.words).strip()
        if allergy.ids or len(words) < 2:
            continue
        if (at := read.find(words)) >= 0:
            said = ("档案中有此项过敏记录", "the record says: allergic to this")
            span = (at, at + len(words))
            source = "病历 record"
            found.append(Concern(Kind.EXACT, "avoid", "", allergy.row.pk, *said, source, span))
    return found


def _of_warnings(
    named: list[Mention], patient: Patient, today: date, *, breastfeeding: bool
) -> list[Concern]:
    states = {
        "breastfeeding": breastfeeding or bool(patient.is_breastfeeding_on(today)),
        "pregnancy": bool(patient.is_pregnant_on(today)),
    }
    age = (today - patient.birth_date).days / DAYS_A_YEAR if patient.birth_date else None
    found = []
    for rule in book().warnings:
        if not (states.get(rule.who) or (age is not None and rule.concerns(age))):
            continue
        for mention in named:
            drug = next((each for each in mention.ids if book().kin(each) & rule.of), None)
            if drug is not None:
                risk: Risk = "caution" if mention.name.vague else rule.risk
                kind, text = Kind(rule.who), (rule.zh, rule.en)
                found.append(Concern(kind, risk, drug, None, *text, rule.source, mention.span))
    return found
