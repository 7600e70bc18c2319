"""What patients say that they must not get: on record at once, and marked as only said.

Until staff confirm or refute it, it counts for the guard like what is confirmed: a nurse asked for
nothing costs a minute, a medicine that should not have been named may cost a life.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from patients.models import Gender, Patient, Proxy
from records.guard import Stated, read_allergies
from records.models import AllergyIntolerance
from staff.models import StaffMember
from vault import access


class NoSubstance(Exception):
    """An allergy to nothing."""


class RecordClosed(Exception):
    """This person was erased, or the record went into another."""


# What the writer is to the patient, by the words for whom it is said of.
_WRITER_IS = {
    Proxy.Relationship.CHILD: "妈 母 爸 父 爹 mother mom mum father dad",
    Proxy.Relationship.PARENT: "儿 女儿 闺女 孩 宝 娃 婴 son daughter child kid baby",
    Proxy.Relationship.SPOUSE: "老公 丈夫 老婆 妻 太太 爱人 老伴 husband wife partner",
}

_WOMEN = ("妈", "母", "女", "妻", "老婆", "太太", "mother", "mom", "mum", "daughter", "wife")
_MEN = ("爸", "父", "爹", "儿子", "老公", "丈夫", "father", "dad", "son", "husband")


def keep_stated(
    stated: Iterable[Stated], *, writer: Patient, subject: Patient | None = None
) -> list[AllergyIntolerance]:
    """Put on record what is not there yet; returns what is new.

    What is said of somebody else goes to their record, where it is plain who that is; else it
    stays, marked, with the writer.
    """
    kept = []
    for each in stated:
        patient = _record_of(each.whose, writer, subject)
        said_of = None if patient is not None or not each.whose else each.whose
        patient = patient or writer
        if patient.erased_at is None and not _is_known(each, patient):
            kept.append(
                AllergyIntolerance.objects.create(
                    patient=patient,
                    data_key_id=patient.data_key_id,
                    substance=each.words,
                    said_of=said_of,
                    verification=AllergyIntolerance.Verification.UNCONFIRMED,
                )
            )
    return kept


def settle_stated(
    allergy: AllergyIntolerance, *, is_true: bool, by: StaffMember, now: datetime
) -> bool:
    """Staff confirm of this patient what was only said, or refute it; False where that was done.

    A refuted one stays on record, and stops nobody any more.
    """
    told = AllergyIntolerance.Verification
    with transaction.atomic():
        access.hold_head()  # it is locked before other rows
        stated = AllergyIntolerance.objects.select_for_update().filter(
            pk=allergy.pk, verification=told.UNCONFIRMED
        )
        if (row := stated.first()) is None:
            return False
        row.verification = told.CONFIRMED if is_true else told.REFUTED
        row.said_of = None if is_true else row.said_of
        row.save()
        _log(row.patient, reason=f"allergy {row.verification}", by=by, now=now)
    return True


def record_allergy(
    patient: Patient,
    *,
    substance: str,
    reaction: str = "",
    is_high: bool = False,
    by: StaffMember,
    now: datetime,
) -> AllergyIntolerance:
    """Staff write down what a patient must not get. The same once more adds to what is there.

    Raises RecordClosed, NoSubstance.
    """
    words, reaction = substance.strip(), reaction.strip()
    if not words:
        raise NoSubstance
    with transaction.atomic():
        access.hold_head()
        if not Patient.objects.filter(pk=patient.pk, erased_at=None, merged_into=None).exists():
            raise RecordClosed
        row = _known(words, patient) or AllergyIntolerance(
            patient=patient, data_key_id=patient.data_key_id, substance=words
        )
        row.reaction = reaction or row.reaction
        row.criticality = AllergyIntolerance.Criticality.HIGH if is_high else row.criticality
        row.verification, row.said_of = AllergyIntolerance.Verification.CONFIRMED, None
        row.save()
        _log(patient, reason="allergy recorded", by=by, now=now)
    return row


def _known(words: str, patient: Patient) -> AllergyIntolerance | None:
    ids = read_allergies(words)
    for row in patient.allergies.select_for_update().order_by("pk"):
        if row.substance.strip() == words or (ids and ids == read_allergies(row.substance)):
            return row
    return None


def _log(patient: Patient, *, reason: str, by: StaffMember, now: datetime) -> None:
    access.record(
        access.Action.CHANGE,
        actor_id=by.pk,
        subject="patient",
        subject_id=patient.pk,
        reason=reason,
        now=now,
    )


def _record_of(whose: str, writer: Patient, subject: Patient | None) -> Patient | None:
    """The one record that the words can mean: whom staff say it is about, or one of the family."""
    if not whose:
        return writer
    if subject is not None and subject.pk != writer.pk:
        return subject
    relationship = next(
        (each for each, words in _WRITER_IS.items() if any(w in whose for w in words.split())), None
    )
    written_for = Proxy.objects.filter(writer=writer, relationship=relationship)
    found = [proxy.patient for proxy in written_for.select_related("patient")[:2]]
    return found[0] if len(found) == 1 and _fits(found[0], whose) else None


def _fits(patient: Patient, whose: str) -> bool:
    """Not the father where the mother is meant."""
    others = {Gender.MALE: _WOMEN, Gender.FEMALE: _MEN}.get(Gender(patient.gender), ())
    return not any(word in whose for word in others)


def _is_known(stated: Stated, patient: Patient) -> bool:
    return any(_same(stated, each) for each in patient.allergies.in_force())


def _same(stated: Stated, row: AllergyIntolerance) -> bool:
    if stated.ids:
        return frozenset(stated.ids) <= read_allergies(row.substance)
    return bool(row.substance.strip() == stated.words.strip())
