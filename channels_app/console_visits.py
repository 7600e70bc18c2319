"""The visits of a day at the desk: who is expected, who has come, and booking for who stands there.

Lists show masked names. A whole name is shown of one patient at a time, and each time it is
written into the access log.
"""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_GET, require_POST

from appointments.booking import HoldLapsed, NoLongerLive, TooManyHolds, cancel, confirm, hold
from appointments.models import (
    Appointment,
    CancelledWhy,
    PartOfDay,
    Slot,
    Status,
    WaitlistEntry,
    WaitStatus,
)
from appointments.seats import (
    AlreadyBooked,
    RecordClosed,
    SlotClosed,
    SlotTaken,
    TimesOverlap,
    TooLate,
)
from appointments.slots import find_slots
from appointments.visits import NotToday, NotYet, check_in, day_list, fulfil, miss
from channels_app.console_door import for_carers
from hospital.models import Department, Doctor, Hospital
from patients.models import Gender, Patient
from patients.services import index_phone, register_patient
from staff.models import Role, StaffMember
from vault import access
from vault.datakeys import open_many

OFFERED = 60  # slots on the booking page
LISTED = 500  # visits of a day; a department has fewer
FOUND = 5  # people with one phone
EARLIEST_BIRTH = date(1900, 1, 1)
FOUND_FOR_S = 30 * 60  # how long who was found by phone may be booked for
REASON_CHARS = 500
_SALT = "wenan.desk"


def departments_of(member: StaffMember) -> list[Department]:
    """Those whose visits a member of staff looks after; of nobody's own: all."""
    own = list(member.departments.filter(is_active=True))
    if own and member.role != Role.HEAD_NURSE:
        return own
    return list(Department.objects.active())


@require_GET
@for_carers
def visits(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """The visits of one day; htmx fetches the list alone."""
    now = timezone.now()
    asked = _asked(request.GET, nurse, now=now)
    context = {
        **_page(nurse, "visits"),
        **asked,
        "before": asked["day"] - timedelta(days=1),
        "after": asked["day"] + timedelta(days=1),
        "rows": _rows(asked, nurse),
    }
    whole = "console/visits.html"
    return render(
        request, "console/_visits.html" if "HX-Request" in request.headers else whole, context
    )


@require_GET
@for_carers
def visit(request: HttpRequest, visit_id: int, *, nurse: StaffMember) -> HttpResponseBase:
    """One visit, with the whole name of who comes."""
    return _show(request, visit_id, nurse=nurse, now=timezone.now())


@require_POST
@for_carers
def act(request: HttpRequest, visit_id: int, name: str, *, nurse: StaffMember) -> HttpResponseBase:
    """Note that a patient has come, was seen or did not come; or cancel the visit."""
    now, failed = timezone.now(), True
    appointment = _find(visit_id, nurse=nurse)
    if appointment is None:
        return HttpResponse(status=404)
    try:
        said = _act(appointment, name, request.POST, nurse=nurse, now=now)
        failed = False
    except NotToday:
        said = _("This visit is on another day.")
    except NotYet:
        said = _("The visit has not begun yet.")
    except TooLate:
        said = _("It is too late for the patient to cancel; the hospital still can.")
    except AlreadyBooked:
        said = _("There is another visit of this patient at that time.")
    except NoLongerLive:
        said = _("That can't be done any more: look how it stands now.")
    return _show(request, visit_id, nurse=nurse, now=now, said=said, failed=failed)


def _act(
    appointment: Appointment, name: str, form: QueryDict, *, nurse: StaffMember, now: datetime
) -> str:
    with transaction.atomic():
        match name:
            case "arrived":
                check_in(appointment, now=now)
                said = _("Checked in.")
            case "seen":
                fulfil(appointment, now=now)
                said = _("Noted: was seen.")
            case "missed":
                miss(appointment, now=now)
                said = _("Noted: did not come.")
            case "cancel":
                by_hospital = form.get("why") == CancelledWhy.HOSPITAL
                why = CancelledWhy.HOSPITAL if by_hospital else CancelledWhy.PATIENT
                note = form.get("note", "").strip()[:REASON_CHARS]
                cancel(appointment, why=why, note=note or None, now=now)
                said = _("Cancelled.")
            case _:
                raise NoLongerLive
        _log(access.Action.CHANGE, appointment.patient_id, reason=f"visit {name}", nurse=nurse)
    return said


def _show(
    request: HttpRequest,
    visit_id: int,
    *,
    nurse: StaffMember,
    now: datetime,
    said: str = "",
    failed: bool = False,
) -> HttpResponse:
    appointment = _find(visit_id, nurse=nurse)
    if appointment is None:
        return HttpResponse(status=404)
    patient, status = appointment.patient, Status(appointment.status)
    _log(access.Action.READ, patient.pk, reason="visit", nurse=nurse)
    may = {
        Status.BOOKED: ["arrived", "missed", "cancel"],
        Status.ARRIVED: ["seen", "cancel"],
        Status.NOSHOW: ["arrived"],
    }.get(status, [])
    today = timezone.localdate(now, Hospital.objects.this_one().zone)
    if appointment.day != today:
        may = [each for each in may if each != "arrived"]
    if appointment.slot.starts_at > now:
        may = [each for each in may if each != "missed"]
    context = {
        **_row(appointment),
        "patient": patient,
        "age": patient.age_on(today),
        "may": may,
        "said": said,
        "failed": failed,
    }
    return render(request, "console/_visit.html", context)


def _find(visit_id: int, *, nurse: StaffMember) -> Appointment | None:
    theirs = Appointment.objects.filter(slot__department__in=departments_of(nurse))
    return theirs.with_all().filter(pk=visit_id).first()


# --- the waitlist --------------------------------------------------------------------------------


@require_GET
@for_carers
def waitlist(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """Who waits for a seat to get free, in the order in which they are asked."""
    waiting = WaitlistEntry.objects.filter(
        status__in=(WaitStatus.WAITING, WaitStatus.OFFERED), department__in=departments_of(nurse)
    )
    found = list(
        waiting.select_related("patient", "department", "doctor").order_by(
            "department__name", "joined_at", "pk"
        )[:LISTED]
    )
    open_many(entry.patient.data_key_id for entry in found)
    rows = [
        {
            "entry": entry,
            "name": _masked(entry.patient),
            "department": _said(entry.department),
            "doctor": _said(entry.doctor) if entry.doctor else "",
            "part": PartOfDay(entry.part).label if entry.part else "",
        }
        for entry in found
    ]
    return render(request, "console/waitlist.html", {**_page(nurse, "waitlist"), "rows": rows})


# --- booking at the desk -------------------------------------------------------------------------


@require_GET
@for_carers
def book(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """Find who stands at the desk, choose a time, and book it."""
    now = timezone.now()
    context = {
        **_page(nurse, "book"),
        **_asked(request.GET, nurse, now=now, one=True),
        "request_id": uuid4().hex,
    }
    if "HX-Request" in request.headers:
        return render(request, "console/_slots.html", {**context, **_offer(context, now=now)})
    return render(request, "console/book.html", {**context, **_offer(context, now=now)})


@require_POST  # a phone stands in no address, and so in no log
@for_carers
def find(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """Everybody with exactly this phone. That it was asked is logged, and who was shown."""
    index = index_phone(request.POST.get("phone", ""))
    known = Patient.objects.filter(phone_index=index, merged_into=None, erased_at=None)
    people = list(known.filter(deceased_at=None).order_by("pk")[:FOUND]) if index else []
    _log(access.Action.SEARCH, None, reason="desk", nurse=nurse)
    for person in people:
        _log(access.Action.READ, person.pk, reason="desk", nurse=nurse)
    return _found(request, people, RegistrationForm() if index else None)


class RegistrationForm(forms.Form):
    """Who stands at the desk for the first time; the phone is the one that was looked for."""

    name = forms.CharField(label=_l("Name"), max_length=50)
    birth_date = forms.DateField(label=_l("Birth date"))
    gender = forms.ChoiceField(label=_l("Gender"), choices=Gender.choices, initial=Gender.UNKNOWN)
    identity_number = forms.CharField(
        label=_l("Identity number (may stay empty)"), max_length=30, required=False
    )
    phone = forms.RegexField(
        r"^[+＋]?[\d\s()（）-]{7,25}$", label=_l("Registered phone, all digits")
    )

    def clean_birth_date(self) -> date:
        born: date = self.cleaned_data["birth_date"]
        today = timezone.localdate(timezone.now(), Hospital.objects.this_one().zone)
        if not EARLIEST_BIRTH <= born <= today:
            raise forms.ValidationError(_("This birth date can't be right."))
        return born


@require_POST
@for_carers
def register(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """Make a record for somebody new, and choose it; who is known already is shown instead."""
    form = RegistrationForm(request.POST)
    if not form.is_valid():
        return _found(request, [], form)
    given = form.cleaned_data
    with transaction.atomic():
        access.hold_head()
        patient, is_new = register_patient(
            name=given["name"],
            phone=given["phone"],
            birth_date_text=given["birth_date"].isoformat(),
            gender=given["gender"],
            identity_number=given["identity_number"] or None,
        )
        action = access.Action.CHANGE if is_new else access.Action.READ
        _log(action, patient.pk, reason="desk registration", nurse=nurse)
    said = _("Registered.") if is_new else _("Registered already: please check who it is.")
    return _found(request, [patient], None, said=said)


def _found(
    request: HttpRequest, people: list[Patient], form: RegistrationForm | None, *, said: str = ""
) -> HttpResponse:
    found = [{"patient": each, "token": signing.dumps(each.pk, salt=_SALT)} for each in people]
    return render(request, "console/_found.html", {"found": found, "form": form, "said": said})


@require_POST
@for_carers
def book_it(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """Hold the seat and agree to it in one go. A repeat of the same form books once."""
    now, form = timezone.now(), request.POST
    booked, said = None, ""
    try:
        booked = _book(form, nurse=nurse, now=now)
    except signing.BadSignature:
        said = _("Find the patient first.")
    except Slot.DoesNotExist:
        said = _("Choose a time first.")
    except (SlotTaken, SlotClosed, TooLate, HoldLapsed):
        said = _("This time has just been taken. Please choose another.")
    except TimesOverlap:
        said = _("The patient has another visit at that time.")
    except AlreadyBooked:
        said = _("The patient has a visit there on that day already.")
    except TooManyHolds:
        said = _("The patient is choosing other seats just now; those have to be agreed to first.")
    except RecordClosed:
        said = _("This record is closed.")
    context: dict[str, Any] = {"said": said}
    if booked is not None:
        context |= _row(Appointment.objects.with_all().get(pk=booked.pk))
    return render(request, "console/_booked.html", context)


def _book(form: QueryDict, *, nurse: StaffMember, now: datetime) -> Appointment:
    patient_id = signing.loads(form.get("patient", ""), salt=_SALT, max_age=FOUND_FOR_S)
    patient = Patient.objects.get(pk=patient_id)
    slots = Slot.objects.filter(department__in=departments_of(nurse))
    slot = slots.get(pk=_number(form.get("slot", "")))
    reason = form.get("reason", "").strip()[:REASON_CHARS]
    request_id = f"desk-{form.get('request_id', '')[:32]}-{slot.pk}-{patient.pk}"
    held = hold(
        slot, patient=patient, booked_by=patient, request_id=request_id, reason=reason, now=now
    )
    booked = confirm(held, now=now)
    _log(access.Action.CHANGE, patient.pk, reason="desk booking", nurse=nurse)
    return booked


def _offer(asked: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    free = find_slots(
        now=now,
        department=asked["department"],
        doctor=asked["doctor"],
        first_day=asked["day"],
        limit=OFFERED,
    )
    days: dict[date, list[dict[str, Any]]] = {}
    for slot in free:
        days.setdefault(slot.day, []).append({"slot": slot, "who": _clinic(slot)})
    return {"days": days.items()}


# --- what stands on the pages --------------------------------------------------------------------


def _page(nurse: StaffMember, tab: str) -> dict[str, Any]:
    return {
        "nurse": nurse,
        "tab": tab,
        "hospital": Hospital.objects.this_one().in_language("name", get_language() or ""),
    }


def _asked(form: QueryDict, nurse: StaffMember, *, now: datetime, one: bool = False) -> Any:
    """The day, department and doctor that a page is asked for; `one`: a department in any case."""
    today = timezone.localdate(now, Hospital.objects.this_one().zone)
    mine = departments_of(nurse)
    wanted = _number(form.get("department", ""))
    department = next((each for each in mine if each.pk == wanted), None)
    if department is None and one and mine:
        department = mine[0]
    doctors = Doctor.objects.active().filter(
        department__in=mine if department is None else [department]
    )
    doctor = doctors.filter(pk=_number(form.get("doctor", ""))).first()
    return {
        "today": today,
        "day": _day(form.get("day", ""), otherwise=today),
        "department": department,
        "departments": [(each.pk, _said(each)) for each in mine],
        "doctor": doctor,
        "doctors": [(each.pk, _said(each)) for each in doctors.order_by("department", "pk")],
        "mine": mine,
    }


def _rows(asked: dict[str, Any], nurse: StaffMember) -> list[dict[str, Any]]:
    listed = day_list(asked["day"], department=asked["department"], doctor=asked["doctor"])
    found = list(listed.filter(Q(slot__department__in=asked["mine"]))[:LISTED])
    open_many(each.patient.data_key_id for each in found)  # the masked names
    return [_row(each) for each in found]


def _row(appointment: Appointment) -> dict[str, Any]:
    slot = appointment.slot
    zone = Hospital.objects.this_one().zone
    return {
        "visit": appointment,
        "name": _masked(appointment.patient),
        "starts_at": slot.starts_at.astimezone(zone),
        "arrived_at": appointment.arrived_at.astimezone(zone) if appointment.arrived_at else None,
        "department": _said(slot.department),
        "who": _clinic(slot),
        "where": _said(slot.place) if slot.place else _said(slot.department, "location"),
        "status": appointment.get_status_display(),
    }


def _clinic(slot: Slot) -> str:
    return _said(slot.doctor) if slot.doctor else str(slot.get_visit_type_display())


def _masked(patient: Patient) -> str:
    return patient.masked_name or _("Visitor %(id)s") % {"id": patient.pk}


def _said(named: Any, field: str = "name") -> str:
    said: str = named.in_language(field, get_language() or "")
    return said


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _day(text: str, *, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise


def _log(action: access.Action, patient_id: int | None, *, reason: str, nurse: StaffMember) -> None:
    access.record(
        action,
        actor_id=nurse.pk,
        subject="patient",
        subject_id=patient_id,
        reason=reason,
        now=timezone.now(),
    )
