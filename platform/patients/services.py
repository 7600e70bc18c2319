"""What one can do with patients: find, meet, agree, write for another, merge, erase."""

import re
import unicodedata
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ManyToOneRel, Q

from patients.models import Channel, Consent, ContactPoint, Patient, Proxy, Purpose
from vault.cipher import blind_index
from vault.datakeys import create_data_key, destroy_data_key

NO_UNION = "-"
UNASKED = (Purpose.REMINDERS, Purpose.OUTREACH)  # what is sent without a question before it
HEARD_EVERY = timedelta(minutes=1)
_TAKEN = (  # by a merge, where the record that stays does not know it
    "name", "phone", "identity_number", "birth_date_text", "pregnant_until",
    "breastfeeding_until", "deceased_at",
)  # fmt: skip


class CannotMerge(Exception):
    """The two records are one, or one of them was merged or erased already."""


class AlreadyMerged(Exception):
    """This record went into another meanwhile: that one is the person's, and can be erased."""


def index_phone(phone: str) -> str:
    """The blind index of a phone number, however it was typed (+86 138-0000-0000)."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", phone))
    digits = digits.removeprefix("0086")
    if len(digits) == 13 and digits.startswith("861"):
        digits = digits[2:]
    return blind_index(digits, purpose="patient.phone") if digits else ""


def index_identity_number(number: str) -> str:
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number)).upper()
    return blind_index(plain, purpose="patient.identity_number") if plain else ""


def index_address(address: str, *, channel: Channel) -> str:
    return blind_index(address, purpose=f"contact_point.address.{channel.slug}")


@transaction.atomic
def create_patient(**fields: Any) -> Patient:
    """Make a record with a data key of its own. Takes the sealed fields as plain text."""
    patient = Patient(data_key=create_data_key(), **fields)
    _index(patient)
    patient.save(force_insert=True)
    return patient


@transaction.atomic
def register_patient(*, name: str, phone: str, **fields: Any) -> tuple[Patient, bool]:
    """The record of who stands at the desk, and whether it is new.

    Who has this identity number, or this name by this phone, is registered already.
    """
    known = Patient.objects.filter(merged_into=None, erased_at=None).order_by("pk")
    index = index_identity_number(fields.get("identity_number") or "")
    if index and (same := known.filter(identity_index=index).first()):
        return same, False
    for each in known.filter(phone_index=index_phone(phone)):
        if (each.name or "").strip() == name:
            return each, False
    return create_patient(name=name, phone=phone, **fields), True


@transaction.atomic
def update_patient(patient: Patient, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(patient, name, value)
    _index(patient)
    patient.save()


def find_contact_point(channel: Channel, *, address: str) -> ContactPoint | None:
    return (
        ContactPoint.objects.select_related("patient", "channel")
        .filter(channel=channel, address_index=index_address(address, channel=channel))
        .first()
    )


def hear_channel(channel: Channel, *, now: datetime) -> None:
    """Remember that a channel is alive, to the minute, once the current transaction commits.

    After it, because every message of the channel would wait for this one row.
    """
    if channel.heard_at is None or now - channel.heard_at >= HEARD_EVERY:
        channel.heard_at = now
        row = Channel.objects.filter(pk=channel.pk)
        # Robust: the batch is committed, and this row is only a sign of life.
        transaction.on_commit(lambda: row.update(heard_at=now), robust=True)


def close_contact_point(contact_point: ContactPoint, *, why: str, at: datetime) -> None:
    """Note that nothing reaches this address any more, until its patient is heard from it again."""
    still_open = ContactPoint.objects.filter(pk=contact_point.pk, closed_why="")
    still_open.update(closed_at=at, closed_why=why)


def reopen_contact_point(contact_point: ContactPoint, *, at: datetime) -> None:
    """The patient was heard from here at this moment; a late word from before changes nothing."""
    if contact_point.closed_why:
        closed = ContactPoint.objects.filter(pk=contact_point.pk, closed_at__lte=at)
        closed.update(closed_at=None, closed_why="")


def meet(channel: Channel, *, address: str, language: str = "zh-hans") -> ContactPoint:
    """Find who has this address on this channel, or begin a new record for them."""
    known = find_contact_point(channel, address=address)
    return known or begin_record(channel, address=address, language=language)


def begin_record(channel: Channel, *, address: str, language: str = "zh-hans") -> ContactPoint:
    """The same for somebody of whom nothing was found."""
    try:
        with transaction.atomic():
            patient = create_patient(language=language)
            return ContactPoint.objects.create(
                patient=patient,
                data_key=patient.data_key,
                channel=channel,
                address=address,
                address_index=index_address(address, channel=channel),
            )
    except IntegrityError:  # the same first word came twice at once; the other one won
        known = find_contact_point(channel, address=address)
        if known is None:
            raise
        return known


def other_contact_points(contact_point: ContactPoint) -> list[ContactPoint]:
    """Where else this patient can be reached, where they were met last first."""
    others = ContactPoint.objects.filter(
        patient=contact_point.patient_id,
        channel__is_active=True,
        address_index__isnull=False,
        closed_why="",
    )
    return list(
        others.exclude(pk=contact_point.pk).select_related("channel", "patient").order_by("-pk")
    )


def phone_to_write_to(
    patient: Patient, channel: Channel, *, phone: str, may_be_shared: bool = False
) -> ContactPoint | None:
    """The phone of a record as an address to write to, and never one to be met by.

    Who writes from there is met as anybody is: a phone may be shared, or mistyped. None where
    another record holds it too, unless `may_be_shared`: a code was asked for by name.
    """
    if not may_be_shared and _is_shared(patient, channel, phone=phone):
        return None
    unmet = ContactPoint.objects.filter(channel=channel, patient=patient, address_index=None)
    for known in unmet.select_related("channel", "patient"):
        if known.address == phone:
            return known
    return ContactPoint.objects.create(
        patient=patient, data_key_id=patient.data_key_id, channel=channel, address=phone
    )


def written_to_at(phone: str) -> list[ContactPoint]:
    """Where we write to this phone because it stands in a record, though nobody was met there."""
    unmet = ContactPoint.objects.filter(
        address_index=None, patient__phone_index=index_phone(phone), patient__erased_at=None
    ).exclude(patient__phone_index="")
    return [each for each in unmet.select_related("patient") if each.address == phone]


def _is_shared(patient: Patient, channel: Channel, *, phone: str) -> bool:
    others = Patient.objects.filter(merged_into=None, erased_at=None).exclude(pk=patient.pk)
    if others.filter(phone_index=patient.phone_index).exclude(phone_index="").exists():
        return True
    # Who only answered from there, and did not say to be somebody else, may be this patient.
    nameless = Q(patient__name=None, patient__phone_index="", patient__identity_index="")
    nameless &= Q(is_another=False)
    index = index_address(phone, channel=channel)
    elsewhere = ContactPoint.objects.filter(channel=channel, address_index=index)
    return elsewhere.exclude(patient=patient).exclude(nameless).exists()


def note_another(contact_point: ContactPoint) -> None:
    """Who writes from this phone is not the patient in whose record it stands, and says so."""
    ContactPoint.objects.filter(pk=contact_point.pk).update(is_another=True)


def mute_contact_point(contact_point: ContactPoint, *, until: datetime | None) -> None:
    """Send nothing there that was not asked for until then; None: from now on again."""
    ContactPoint.objects.filter(pk=contact_point.pk).update(muted_until=until)


@transaction.atomic
def join_by_union(contact_point: ContactPoint, *, union: str) -> None:
    """Note by what name a vendor knows this person on all its accounts, and join their records.

    NO_UNION: the vendor was asked, and knows none.
    """
    index = NO_UNION if union == NO_UNION else blind_index(union, purpose="contact_point.union")
    ContactPoint.objects.filter(pk=contact_point.pk).update(union_index=index)
    contact_point.union_index = index
    if index == NO_UNION:
        return
    kin = ContactPoint.objects.filter(union_index=index, address_index__isnull=False)
    older = kin.exclude(patient=contact_point.patient_id).select_related("patient").first()
    if older is None:
        return
    first, second = sorted((older.patient, contact_point.patient), key=lambda each: each.pk)
    if _contradict(first, second):
        return  # two people with one WeChat: staff decide
    with suppress(CannotMerge):
        merge_patients(second, into=first)
        contact_point.patient = first


def _contradict(one: Patient, other: Patient) -> bool:
    """Whether their records can't be one person's, or must not become so by a machine's word."""
    if one.deceased_at or other.deceased_at:
        return True
    facts = ("identity_index", "phone_index", "birth_date_text")
    pairs = [(getattr(one, fact), getattr(other, fact)) for fact in facts]
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def give_consent(
    patient: Patient, purpose: Purpose, *, text_version: str, channel: Channel | None, now: datetime
) -> Consent:
    """Note what somebody agrees to; on a channel where they agree to be told they are not muted."""
    consent, _ = Consent.objects.get_or_create(
        patient=patient,
        purpose=purpose,
        withdrawn_at=None,
        defaults={"text_version": text_version, "channel": channel, "given_at": now},
    )
    if channel is not None and purpose in UNASKED:
        muted = ContactPoint.objects.filter(patient=patient, channel=channel)
        muted.exclude(muted_until=None).update(muted_until=None)
    return consent


def withdraw_consent(patient: Patient, purpose: Purpose, *, now: datetime) -> None:
    patient.consents.in_force().filter(purpose=purpose).update(withdrawn_at=now)


@transaction.atomic
def merge_patients(duplicate: Patient, *, into: Patient) -> None:
    """Make two records of one person one. Raises CannotMerge.

    What the duplicate said stays sealed under its own data key; erasing the person destroys both.
    """
    both = {p.pk: p for p in _locked(Q(pk__in={duplicate.pk, into.pk}))}
    if len(both) != 2 or any(p.merged_into_id or p.erased_at for p in both.values()):
        raise CannotMerge
    duplicate, into = both[duplicate.pk], both[into.pk]
    taken = {name: getattr(into, name) or getattr(duplicate, name) for name in _TAKEN}
    if into.gender == "unknown":
        taken["gender"] = duplicate.gender
    ContactPoint.objects.filter(patient=duplicate).update(patient=into)
    _move_consents(duplicate, into)
    _move_proxies(duplicate, into)
    _move_the_rest(duplicate, into)
    Patient.objects.filter(merged_into=duplicate).update(merged_into=into)
    duplicate.merged_into = into
    duplicate.save(update_fields=["merged_into"])
    update_patient(into, **taken)


@transaction.atomic
def erase_patient(patient: Patient, *, now: datetime) -> None:
    """Erase everything said and stored of one person, backups included, for ever.

    The rows stay, so that nothing that counts them breaks; what was personal can't be read.
    Twice is once. Raises AlreadyMerged.
    """
    person = Q(pk=patient.pk) | Q(merged_into=patient.pk)
    _locked(person)
    # A merge that we waited for has brought a record more; from here on none can come.
    records = _locked(person)
    if any(each.pk == patient.pk and each.merged_into_id for each in records):
        raise AlreadyMerged
    # Before the keys, as whoever stores a message locks them: contact point, then key.
    ContactPoint.objects.filter(patient__in=records).update(address_index=None)
    for each in records:
        destroy_data_key(each.data_key_id, now=now)
    Patient.objects.filter(pk__in=[each.pk for each in records], erased_at=None).update(
        phone_index="",
        identity_index="",
        gender="unknown",
        pregnant_until=None,
        breastfeeding_until=None,
        erased_at=now,
    )


def _locked(which: Q) -> list[Patient]:
    """These records, for this transaction alone to change; all who lock several go by number."""
    # No key: who stores a message refers to a record, and need not wait.
    return list(Patient.objects.select_for_update(no_key=True).filter(which).order_by("pk"))


def _index(patient: Patient) -> None:
    patient.phone_index = index_phone(patient.phone or "")
    patient.identity_index = index_identity_number(patient.identity_number or "")


def _move_consents(duplicate: Patient, into: Patient) -> None:
    # Where both agreed, the surviving record's agreement is in force; the other stays as evidence.
    held = list(into.consents.in_force().values_list("purpose", flat=True))
    duplicate.consents.exclude(withdrawn_at=None, purpose__in=held).update(patient=into)


def _move_proxies(duplicate: Patient, into: Patient) -> None:
    for proxy in Proxy.objects.filter(writer=duplicate) | Proxy.objects.filter(patient=duplicate):
        writer = into if proxy.writer_id == duplicate.pk else proxy.writer
        patient = into if proxy.patient_id == duplicate.pk else proxy.patient
        known = Proxy.objects.filter(writer=writer, patient=patient).exists()
        if writer == patient or known:
            proxy.delete()
        else:
            Proxy.objects.filter(pk=proxy.pk).update(writer=writer, patient=patient)


def _move_the_rest(duplicate: Patient, into: Patient) -> None:
    """What rooms above keep of a patient follows: an allergy left behind would not be seen."""
    moved = (ContactPoint, Consent, Proxy, Patient)
    for relation in Patient._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.related_model not in moved:
            name = relation.field.name
            rows = relation.related_model._default_manager.filter(**{name: duplicate})
            rows.update(**{name: into})
