"""预约挂号: what a recorded dialogue finds when it begins, what happens meanwhile, what it leaves.

given: `me` (fields of the writer's record), `family` ([{"name", "relationship", "gender"}]),
`booked` (["皮肤科|-|11-19 08:00"], with "|name" for one of the family), `full`, `closed`
(["科|医生或-|11-19", …], "上午" or "下午" behind the day), `waits` (["皮肤科|11-19"]),
`without` (departments that the hospital has not).
expect: `booked` (all of them, as above, with the name), `waits` (departments), `held` (0 unless
said).
"""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F

from appointments.booking import confirm, expire_holds, hold
from appointments.models import Appointment, Slot, Status, WaitlistEntry, WaitStatus
from appointments.slots import close_slot
from appointments.waitlist import join_waitlist, offer_seats
from assistant.telling import tell_of_change, tell_offer
from dialogues.runner import Patient, Wrong
from hospital.models import Department
from patients.models import Patient as Person
from patients.models import Proxy
from patients.services import create_patient, update_patient

ZONE = ZoneInfo("Asia/Shanghai")
YEAR = 2026


def prepare(patient: Patient, given: dict[str, Any]) -> None:
    writer = patient.contact_point.patient
    if me := given.get("me"):
        update_patient(writer, **me)
    for member in given.get("family", ()):
        relationship = member.get("relationship", "other")
        fields = {name: member[name] for name in member if name != "relationship"}
        Proxy.objects.create(
            writer=writer, patient=create_patient(**fields), relationship=relationship
        )
    Department.objects.filter(name__in=given.get("without", ())).update(is_active=False)
    for line in given.get("booked", ()):
        place, who, at, *name = line.split("|")
        slot = _slot(place, who, at)
        person = _member(writer, name[0]) if name else writer
        held = hold(
            slot,
            patient=person,
            booked_by=writer,
            contact_point=patient.contact_point,
            now=patient.now,
        )
        confirm(held, now=patient.now)
    for line in given.get("full", ()):
        _slots(line).update(taken=F("capacity"))
    for line in given.get("closed", ()):
        for slot in _slots(line):
            close_slot(slot, why="医生外出", why_en="the doctor is away", now=patient.now)
    for line in given.get("waits", ()):
        place, day = line.split("|")
        join_waitlist(
            Department.objects.get(name=place),
            patient=writer,
            booked_by=writer,
            contact_point=patient.contact_point,
            first_day=_day(day),
            last_day=_day(day),
            now=patient.now,
        )


def happens(patient: Patient, what: dict[str, Any]) -> None:
    match what:
        case {"taken": line}:
            _slots(line).update(taken=F("capacity"))
        case {"held_lapse": True}:
            patient.now += timedelta(minutes=6)
            expire_holds(now=patient.now)
        case {"seat_free": line}:  # one seat of these that were full
            slot = _slots(line).first()
            if slot is None:
                raise Wrong(f"no slot {line}")
            Slot.objects.filter(pk=slot.pk).update(kept_back=1)
            offer_seats(now=patient.now)
            patient.now += timedelta(minutes=what.get("told_after", 4))
            for entry in WaitlistEntry.objects.untold():
                tell_offer(entry.pk, now=patient.now)
        case {"hospital_closes": line}:
            patient.now += timedelta(minutes=10)
            for slot in _slots(line):
                close_slot(slot, why="医生外出", why_en="the doctor is away", now=patient.now)
            for appointment in Appointment.objects.filter(cancelled_why="hospital"):
                tell_of_change(appointment.pk, now=patient.now)
        case _:
            raise Wrong(f"nobody knows how {what} happens")


def check(patient: Patient, expect: dict[str, Any], world: None) -> None:
    here = Appointment.objects.filter(contact_point=patient.contact_point).with_all()
    booked = sorted(_told(each) for each in here.filter(status=Status.BOOKED))
    if "booked" in expect and booked != sorted(expect["booked"]):
        raise Wrong(f"booked {booked}, not {expect['booked']}")
    held = here.filter(status=Status.PENDING, held_until__gt=patient.now).count()
    if held != expect.get("held", 0):
        raise Wrong(f"holds {held} seats")
    waits = WaitlistEntry.objects.filter(
        contact_point=patient.contact_point, status__in=(WaitStatus.WAITING, WaitStatus.OFFERED)
    ).select_related("department")
    named = sorted(entry.department.name for entry in waits)
    if named != sorted(expect.get("waits", [])):
        raise Wrong(f"waits for {named}")


def _told(appointment: Appointment) -> str:
    slot = appointment.slot
    who = slot.doctor.name if slot.doctor else "-"
    at = slot.starts_at.astimezone(ZONE)
    return f"{slot.department.name}|{who}|{at:%m-%d %H:%M}|{appointment.patient.name or ''}"


def _slot(place: str, who: str, at: str) -> Slot:
    moment = datetime.strptime(f"{YEAR}-{at}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
    found = Slot.objects.filter(department__name=place, starts_at=moment)
    if who == "-":
        return found.get(doctor=None)
    return found.get(doctor__name=who)


def _slots(line: str) -> Any:
    place, who, when, *_ = line.split("|")
    found = Slot.objects.filter(department__name=place).order_by("starts_at")
    if who != "*":
        found = found.filter(doctor=None) if who == "-" else found.filter(doctor__name=who)
    if when == "all":
        return found
    if ":" in when:
        return found.filter(pk=_slot(place, who, when).pk)
    day, *part = when.split(" ")
    found = found.filter(day=_day(day))
    return found.filter(part={"上午": "morning", "下午": "afternoon"}[part[0]]) if part else found


def _day(written: str) -> date:
    return date.fromisoformat(f"{YEAR}-{written}")


def _member(writer: Person, name: str) -> Person:
    for proxy in Proxy.objects.filter(writer=writer).select_related("patient"):
        if proxy.patient.name == name:
            return proxy.patient
    raise Wrong(f"nobody of the family is called {name}")
