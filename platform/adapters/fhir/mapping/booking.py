"""Schedule, Slot and Appointment, and who they say is seen where."""

from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from adapters.fhir.mapping.datatypes import (
    NUMBERS_HERE,
    Found,
    NotForUs,
    NotReadable,
    Resource,
    extension_of,
    listed,
    moment_of,
    name_of,
    needed,
    reference_id,
    resolve,
    text_of,
    to_extension,
    to_moment,
)
from appointments.models import CancelledWhy, Status, VisitType
from appointments.ports import AppointmentRecord, ScheduleRecord, SlotRecord

_STATUS = {
    "pending": Status.PENDING, "booked": Status.BOOKED, "arrived": Status.ARRIVED,
    "checked-in": Status.ARRIVED, "fulfilled": Status.FULFILLED, "cancelled": Status.CANCELLED,
    "entered-in-error": Status.CANCELLED, "noshow": Status.NOSHOW,
}  # fmt: skip
_REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_WHY = {"pat": CancelledWhy.PATIENT, "prov": CancelledWhy.HOSPITAL}
_CLOSED = ("busy-unavailable", "entered-in-error")
MAX_SEATS = 200


def schedule_record(resource: Resource, *, found: Found) -> ScheduleRecord:
    actors = [(each, resolve(resource, each, found) or {}) for each in listed(resource, "actor")]
    department = _first_text(resource, "specialty", "serviceType", "serviceCategory")
    doctor = None
    for reference, actor in actors:
        kind = actor.get("resourceType") or str(reference.get("reference") or "").split("/")[0]
        if kind in ("Practitioner", "PractitionerRole"):
            doctor = doctor or _doctor(reference, actor, found)
            department = (
                department
                or _first_text(actor, "specialty")
                or _display(actor.get("organization"), actor, found)
            )
        elif kind in ("HealthcareService", "Organization", "Location"):
            department = department or _called(actor) or reference.get("display")
    return ScheduleRecord(
        department=needed(department, "specialty"),
        doctor=doctor,
        is_active=resource.get("active") is not False,
    )


def slot_record(resource: Resource, *, zone: ZoneInfo) -> SlotRecord:
    status = resource.get("status")
    return SlotRecord(
        schedule_id=needed(reference_id(resource.get("schedule"), "Schedule"), "schedule"),
        starts_at=needed(moment_of(resource.get("start"), zone=zone), "start"),
        ends_at=needed(moment_of(resource.get("end"), zone=zone), "end"),
        is_free=status == "free",
        is_closed=status in _CLOSED,
        capacity=min(max(_whole(extension_of(resource, "capacity"), 1), 1), MAX_SEATS),
        fee=_yuan(extension_of(resource, "fee")),
        visit_type=_visit_type(resource),
    )


def to_slot(record: SlotRecord) -> dict[str, Any]:
    status = "free" if record.is_free else "busy"
    fee = {"value": record.fee, "currency": "CNY"}
    return {
        "resourceType": "Slot",
        "extension": [
            to_extension("capacity", valuePositiveInt=record.capacity),
            to_extension("fee", valueMoney=fee),
        ],
        "schedule": {"reference": f"Schedule/{record.schedule_id}"},
        "status": "busy-unavailable" if record.is_closed else status,
        "start": to_moment(record.starts_at),
        "end": to_moment(record.ends_at),
        "appointmentType": {"text": record.visit_type},
    }


def appointment_record(resource: Resource, *, zone: ZoneInfo) -> AppointmentRecord:
    """Raises NotForUs for what is only wished for."""
    status = _STATUS.get(str(resource.get("status")))
    if status is None:
        raise NotForUs
    slots = [reference_id(each, "Slot") for each in listed(resource, "slot")]
    numbers = [
        str(each.get("value"))
        for each in listed(resource, "identifier")
        if each.get("system") == NUMBERS_HERE and each.get("value")
    ]
    return AppointmentRecord(
        status=status.value,
        starts_at=needed(moment_of(resource.get("start"), zone=zone), "start"),
        ends_at=needed(moment_of(resource.get("end"), zone=zone), "end"),
        slot_id=next((each for each in slots if each), None),
        number=numbers[0] if numbers else None,
        department=_first_text(resource, "specialty"),
        doctor=_participant(resource, "Practitioner"),
        why=_why(resource) if status == Status.CANCELLED else None,
    )


def to_appointment(
    record: AppointmentRecord, *, patient: dict[str, Any], contained: dict[str, Any] | None = None
) -> dict[str, Any]:
    """`patient` is a reference: to theirs, or to the one that is contained."""
    status = "cancelled" if record.status == Status.EXPIRED else record.status
    participants: list[dict[str, Any]] = [{"actor": patient, "status": "accepted"}]
    if record.doctor:
        doctor = {"type": "Practitioner", "display": record.doctor}
        participants.append({"actor": doctor, "status": "accepted"})
    resource: dict[str, Any] = {
        "resourceType": "Appointment",
        "status": status,
        "start": to_moment(record.starts_at),
        "end": to_moment(record.ends_at),
        "participant": participants,
    }
    if contained:
        resource["contained"] = [contained]
    if record.number:
        resource["identifier"] = [{"system": NUMBERS_HERE, "value": record.number}]
    if record.slot_id:
        resource["slot"] = [{"reference": f"Slot/{record.slot_id}"}]
    if record.department:
        resource["specialty"] = [{"text": record.department}]
    if status == "cancelled":
        code = "pat" if record.why == CancelledWhy.PATIENT else "prov"
        coding = {"system": _REASONS, "code": code}
        resource["cancelationReason"] = {
            "coding": [coding], **({"text": record.why} if record.why else {})
        }  # fmt: skip
    return resource


def patient_reference(resource: Resource) -> str | None:
    """The id of the patient that a resource is about; None for one who is contained in it.

    Raises NotReadable where nobody is named.
    """
    named = [resource.get("subject"), resource.get("patient")]
    named += [each.get("actor") for each in listed(resource, "participant")]
    for each in named:
        if found := reference_id(each, "Patient"):
            return found
    for each in named:
        inside = resolve(resource, each, {})
        if inside is not None and inside.get("resourceType") == "Patient":
            return None
    raise NotReadable("patient")


def _participant(resource: Resource, kind: str) -> str | None:
    for each in listed(resource, "participant"):
        actor = each.get("actor") or {}
        is_it = actor.get("type") == kind or f"{kind}/" in str(actor.get("reference") or "")
        if is_it and actor.get("display"):
            return str(actor["display"])
    return None


def _doctor(reference: Resource, actor: Resource, found: Found) -> str | None:
    if actor.get("resourceType") == "PractitionerRole":
        return _display(actor.get("practitioner"), actor, found)
    return name_of(actor) or reference.get("display")


def _display(reference: Any, inside: Resource, found: Found) -> str | None:
    """What somebody or something is called that a reference names."""
    if not isinstance(reference, dict):
        return None
    meant = resolve(inside, reference, found) or {}
    return _called(meant) or reference.get("display")


def _called(actor: Resource) -> str | None:
    name = actor.get("name")
    return name if isinstance(name, str) else name_of(actor)


def _first_text(resource: Resource, *names: str) -> str | None:
    said = [text_of(each) for name in names for each in listed(resource, name)]
    return next((each for each in said if each), None)


def _why(resource: Resource) -> str:
    reason = resource.get("cancelationReason") or {}
    if reason.get("text") in CancelledWhy.values:
        return str(reason["text"])
    said = [str(each.get("code")) for each in listed(reason, "coding")]
    return str(next((_WHY[code] for code in said if code in _WHY), CancelledWhy.HOSPITAL))


def _visit_type(resource: Resource) -> str:
    said = (resource.get("appointmentType") or {}).get("text")
    return str(said) if said in VisitType.values else VisitType.GENERAL.value


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _yuan(money: Any) -> Decimal:
    try:
        fee = Decimal(str((money or {}).get("value", 0))).quantize(Decimal("0.01"))
    except (InvalidOperation, AttributeError):
        return Decimal(0)
    return fee if 0 <= fee < 1_000_000 else Decimal(0)
