"""Appointments of ours, told to the systems that keep them too.

`Push.owed_since` is the debt. A repeat is one appointment there: it is made only where none carries
our number, and changed only in the version that we know. What they will not take goes to a person.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from adapters.fhir import validation
from adapters.fhir.client import Refusal, Server, Unreachable, Written
from adapters.fhir.mapping.booking import appointment_record as record_there
from adapters.fhir.mapping.booking import to_appointment
from adapters.fhir.mapping.datatypes import (
    NUMBERS_HERE,
    NotForUs,
    NotReadable,
    is_id,
    moment_of,
)
from adapters.fhir.mapping.people import to_patient
from adapters.fhir.models import Push, System
from appointments.models import Appointment, Status
from appointments.ports import APPOINTMENT, SLOT, AppointmentRecord, appointment_record
from careplans.models import TaskKind
from careplans.tasks import open_task
from events.logs import kind_and_place
from hospital.models import Hospital
from patients.models import Conflict, ExternalIdentifier
from patients.ports import (
    PATIENT,
    Origin,
    digest_of,
    identifier_of,
    identifiers_of,
    note_conflict,
    note_filed,
    record_of,
)

logger = logging.getLogger(__name__)

AT_ONCE = 50
TRIES_OF_A_VERSION = 4  # they changed it meanwhile: we read that first, within minutes
AGAIN = timedelta(seconds=90)  # doubled each time


def owe_word(appointment_id: int, *, now: datetime) -> None:
    """Note that an appointment has changed, for each system that does not know. Twice is once."""
    appointment = Appointment.objects.with_all().get(pk=appointment_id)
    if appointment.status in (Status.PENDING, Status.EXPIRED):
        return  # nothing was agreed to
    digest = digest_of(appointment_record(appointment))
    for system in System.objects.filter(is_active=True):
        known = identifiers_of(system.slug, APPOINTMENT, appointment.pk).first()
        if known is not None and known.our_digest == digest:
            continue  # they said so themselves, or were told
        if known is None and appointment.status == Status.CANCELLED:
            Push.objects.filter(system=system, appointment=appointment).update(owed_since=None)
            continue  # they never heard of it
        Push.objects.update_or_create(
            system=system,
            appointment=appointment,
            defaults={"owed_since": now, "try_at": now, "tries": 0, "failure": ""},
        )


def tell_owed(server: Server, *, now: datetime) -> int:
    """Tell a system what it is owed, the oldest first; returns how many. Raises Unreachable."""
    owed = Push.objects.filter(
        system=server.system, owed_since__isnull=False, try_at__lte=now
    ).select_related("appointment__patient", "appointment__slot__department")
    told = 0
    for push in owed.order_by("owed_since", "pk")[:AT_ONCE]:
        try:
            told += _tell(push, server, now=now)
        except Unreachable as away:
            _still_owed(push, away.reason, now=now)
            raise
        except Refusal as refusal:
            _refused(push, server.system, refusal, now=now)
        except NotReadable as wrong:
            # Ours, and not to be taken by any server: a fault here.
            logger.error("appointment not told", extra={"push": push.pk, "reason": str(wrong)})
            _give_up(push, server.system, f"not valid: {wrong}", now=now)
        except Exception as error:  # one that breaks stops no other patient's
            logger.error("appointment not told", extra=kind_and_place(error))
            _still_owed(push, type(error).__name__, now=now)
    return told


def _tell(push: Push, server: Server, *, now: datetime) -> bool:
    appointment = Appointment.objects.with_all().get(pk=push.appointment_id)
    source = server.system.slug
    known = identifiers_of(source, APPOINTMENT, appointment.pk).first()
    ours = appointment_record(appointment)
    if appointment.patient.erased_at is not None:
        _paid(push, now=now)  # nothing of theirs can be read here any more
        return False
    wanted = _resource(appointment, source)
    if known is None:
        validation.check(wanted)
        number = f"{NUMBERS_HERE}|{appointment.number}"
        written = server.create(wanted, unless=f"identifier={number}")
    else:
        written = _change(server, wanted, known)
    theirs = _as_they_say(written, wanted)
    origin = Origin(
        source, written.external_id, moment_of(written.updated_at, zone=_zone()), written.version
    )
    known = known or identifier_of(origin, APPOINTMENT, lock=False)
    note_filed(
        known, origin, APPOINTMENT, row_id=appointment.pk, record=theirs, ours=ours,
        patient=appointment.patient, now=now,
    )  # fmt: skip
    _paid(push, now=now)
    return True


def _change(server: Server, wanted: dict[str, Any], known: ExternalIdentifier) -> Written:
    """Change theirs, keeping whatever else they wrote there. Raises Refusal."""
    current = server.read(APPOINTMENT, str(known.external_id))
    version = str((current.get("meta") or {}).get("versionId") or "")
    if known.version and version != known.version:
        raise Refusal(412)
    merged = {**current, **wanted, "id": known.external_id}
    merged["identifier"] = _both(current.get("identifier"), wanted["identifier"])
    validation.check(merged)
    return server.update(merged, version=version)


def _both(theirs: Any, ours: list[Any]) -> list[Any]:
    kept = [each for each in theirs or () if each.get("system") != NUMBERS_HERE]
    return [*kept, *ours]


def _resource(appointment: Appointment, source: str) -> dict[str, Any]:
    slot = identifiers_of(source, SLOT, appointment.slot_id).first()
    slot_id = str(slot.external_id) if slot else None
    record = appointment_record(appointment, slot_id=slot_id)
    them = ExternalIdentifier.objects.filter(
        source=source, resource=PATIENT, patient=appointment.patient
    ).order_by("pk")
    known = next((each for each in them if is_id(each.external_id)), None)
    if known is not None:
        reference = {"reference": f"Patient/{known.external_id}"}
        return to_appointment(record, patient=reference)
    # Whom they do not know stands in it, to be matched by their own rules.
    contained = {**to_patient(record_of(appointment.patient)), "id": "patient"}
    return to_appointment(record, patient={"reference": "#patient"}, contained=contained)


def _as_they_say(written: Written, wanted: dict[str, Any]) -> AppointmentRecord:
    try:
        return record_there(written.resource or wanted, zone=_zone())
    except (NotReadable, NotForUs, AttributeError, TypeError):
        return record_there(wanted, zone=_zone())


def _zone() -> Any:
    return Hospital.objects.this_one().zone


def _paid(push: Push, *, now: datetime) -> None:
    # One that has changed since is owed anew, with a moment of its own.
    this = Push.objects.filter(pk=push.pk, owed_since=push.owed_since)
    this.update(owed_since=None, try_at=None, pushed_at=now, failure="")


def _still_owed(push: Push, why: str, *, now: datetime) -> None:
    wait = AGAIN * 2 ** min(push.tries, 6)
    Push.objects.filter(pk=push.pk).update(
        tries=push.tries + 1, try_at=now + wait, failure=why[:80]
    )


def _refused(push: Push, system: System, refusal: Refusal, *, now: datetime) -> None:
    if refusal.is_other_version and push.tries + 1 < TRIES_OF_A_VERSION:
        _still_owed(push, str(refusal.status), now=now)
    else:
        _give_up(push, system, str(refusal.status), now=now)


def _give_up(push: Push, system: System, why: str, *, now: datetime) -> None:
    """They will not take it: the difference is a row, and a nurse sees to the patient."""
    appointment = push.appointment
    this = Push.objects.filter(pk=push.pk, owed_since=push.owed_since)
    this.update(owed_since=None, try_at=None, failure=why[:80])
    known = identifiers_of(system.slug, APPOINTMENT, appointment.pk).first()
    origin = Origin(system.slug, str(known.external_id) if known else appointment.number)
    note_conflict(
        Conflict.Kind.REFUSED, origin, APPOINTMENT, identifier=known, patient=appointment.patient,
        names=[why], now=now,
    )  # fmt: skip
    with translation.override("zh-hans"):
        words = _("The hospital's system did not take this appointment. Please look there.")
    open_task(
        appointment.patient,
        kind=TaskKind.OTHER,
        priority=2,
        about=f"outside:{system.pk}:{appointment.pk}",
        words=words,
        department=appointment.slot.department,
        now=now,
    )
