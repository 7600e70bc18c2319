"""What patients say that they must not get: on record at once, and marked as only said.

Until staff confirm or refute it, it counts for the guard like what is confirmed: a nurse asked for
nothing costs a minute, a medicine that should not have been named may cost a life.
"""

from collections.abc import Iterable

from patients.models import Gender, Patient, Proxy
from records.guard import Stated, read_allergies
from records.models import AllergyIntolerance

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
