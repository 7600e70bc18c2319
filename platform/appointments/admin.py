"""When patients are seen, and who comes: schedules and closures to keep, seats to look after.

The lists hold times, numbers and states. Who a patient is and why they come is shown on the page of
one appointment alone, and written into the access log first.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from appointments.booking import NoLongerLive, cancel
from appointments.models import (
    LIVE,
    Appointment,
    AppointmentQuerySet,
    CancelledWhy,
    Closure,
    Schedule,
    Slot,
    Status,
    WaitlistEntry,
    WaitStatus,
)
from appointments.seats import AlreadyBooked
from appointments.slots import close_slot, make_slots, open_slot
from appointments.visits import NotToday, check_in, fulfil
from appointments.waitlist import ask_about_free, leave_waitlist
from hospital.models import Hospital
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look
from vault.fields import ERASED

STATUS_COLOURS = {
    Status.PENDING: "warning", Status.BOOKED: "info", Status.ARRIVED: "success",
    Status.FULFILLED: "success", Status.NOSHOW: "danger", Status.CANCELLED: "danger",
}  # fmt: skip


class ReasonForm(forms.Form):
    """What patients are told, in both languages."""

    why = forms.CharField(
        label=_("Reason, as patients will read it"),
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
    )
    why_en = forms.CharField(
        label=_("The same in English"),
        max_length=160,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )


class ActingAdmin(ReadOnlyAdmin):
    """Rows that are not edited: something is done with them, on a page that asks first."""

    def get_queryset(self, request: HttpRequest) -> Any:
        self._zone = Hospital.objects.this_one().zone  # asked once a page, not once a row
        return super().get_queryset(request)

    def _when(self, slot: Slot) -> str:
        starts, ends = slot.starts_at.astimezone(self._zone), slot.ends_at.astimezone(self._zone)
        return f"{starts:%Y-%m-%d %H:%M}–{ends:%H:%M}"

    def _may(self, request: HttpRequest) -> bool:
        name = f"{self.opts.app_label}.change_{self.opts.model_name}"
        return bool(request.user.has_perm(name))

    def _act(
        self,
        request: HttpRequest,
        object_id: str,
        *,
        title: Any,
        explained: Any,
        do: Callable[[Any, forms.Form], Any],
        form_class: type[forms.Form] = forms.Form,
        is_grave: bool = False,
    ) -> HttpResponse:
        """Ask, then do it. What `do` returns is said; an expected refusal says why."""
        if not self._may(request):
            raise PermissionDenied
        row: Model = get_object_or_404(self.get_queryset(request), pk=object_id)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        back = reverse(name, args=[row.pk])
        form = form_class(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                said = do(row, form)
            except tuple(REFUSALS) as refused:
                messages.error(request, REFUSALS[type(refused)])
            else:
                self.log_change(request, row, str(title))
                messages.success(request, said)
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": title,
            "explained": explained,
            "form": form,
            "back": back,
            "is_grave": is_grave,
        }
        return TemplateResponse(request, "appointments/act.html", context)


REFUSALS: dict[type[Exception], Any] = {
    NotToday: _("This visit is on another day."),
    NoLongerLive: _("This appointment has ended, or the patient has not come yet."),
    AlreadyBooked: _("The patient has another appointment at that time or with that doctor."),
}


# --- schedules and closures ----------------------------------------------------------------------


@admin.register(Schedule)
class ScheduleAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "department", "doctor", "weekday", "hours", "minutes_per_slot", "capacity", "fee",
        "visit_type", "valid_until", "is_active",
    ]  # fmt: skip
    list_display_links: ClassVar = ["department", "doctor"]
    list_filter: ClassVar = ["is_active", "weekday", "visit_type", "department"]
    list_select_related: ClassVar = ["department", "doctor"]
    list_per_page = 50
    search_fields: ClassVar = [
        "department__name", "department__name_en", "doctor__name", "doctor__name_en",
    ]  # fmt: skip
    autocomplete_fields: ClassVar = ["department", "doctor", "place"]
    fieldsets: ClassVar = [
        (_("Who and where"), {"fields": [("department", "doctor"), ("place", "visit_type")]}),
        (
            _("When"),
            {
                "fields": [
                    "weekday",
                    ("starts", "ends"),
                    ("minutes_per_slot", "capacity"),
                    ("valid_from", "valid_until"),
                    ("on_holidays", "is_active"),
                ]
            },
        ),
        (
            _("What patients need to know"),
            {"fields": [("fee", "come_early_min"), "fasting", ("bring", "bring_en")]},
        ),
    ]

    @display(description=_("hours"), ordering="starts")  # type: ignore[untyped-decorator]
    def hours(self, schedule: Schedule) -> str:
        return f"{schedule.starts:%H:%M}–{schedule.ends:%H:%M}"

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _bring_up_to_date(request)


@admin.register(Closure)
class ClosureAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["first_day", "last_day", "part", "whose", "reason"]
    list_display_links: ClassVar = ["first_day", "whose"]
    list_filter: ClassVar = ["department", "doctor", ("first_day", RangeDateFilter)]
    list_filter_submit = True
    list_select_related: ClassVar = ["department", "doctor"]
    autocomplete_fields: ClassVar = ["department", "doctor"]
    search_fields: ClassVar = ["doctor__name", "department__name", "reason"]
    date_hierarchy = "first_day"
    fieldsets: ClassVar = [
        (_("Whose"), {"fields": [("department", "doctor")]}),
        (_("When"), {"fields": [("first_day", "last_day"), "part"]}),
        (
            _("Why"),
            {
                "fields": [("reason", "reason_en")],
                "description": _(
                    "Saving cancels the appointments of these days. Each patient is told the"
                    " reason and offered other times."
                ),
            },
        ),
    ]

    @display(description=_("whose"))  # type: ignore[untyped-decorator]
    def whose(self, closure: Closure) -> Any:
        return closure.doctor or closure.department or _("whole hospital")

    def save_model(self, request: HttpRequest, obj: Closure, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _bring_up_to_date(request)

    def delete_model(self, request: HttpRequest, obj: Closure) -> None:
        super().delete_model(request, obj)
        _bring_up_to_date(request)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Closure]) -> None:
        super().delete_queryset(request, queryset)
        _bring_up_to_date(request)


def _bring_up_to_date(request: HttpRequest) -> None:
    """At once, not with the next sweep: who just saved a closure looks at the slots next."""
    now = timezone.now()
    made = make_slots(now=now)
    ask_about_free(now=now)
    said = _("Slots: %(made)s made, %(changed)s changed, %(closed)s closed, %(removed)s removed.")
    messages.info(request, said % vars(made))


# --- slots ---------------------------------------------------------------------------------------


class SeatsFilter(admin.SimpleListFilter):
    title = _("seats")
    parameter_name = "seats"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("free", _("free seats")), ("full", _("full")), ("closed", _("closed"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "free":
                return queryset.bookable(timezone.now())
            case "full":
                return queryset.filter(closed_at=None, taken__gte=F("capacity"))
            case "closed":
                return queryset.exclude(closed_at=None)
        return queryset


@admin.register(Slot)
class SlotAdmin(ActingAdmin):
    list_display: ClassVar = [
        "when", "department", "doctor", "visit_type", "fee", "occupancy", "state",
    ]  # fmt: skip
    list_display_links: ClassVar = ["when"]
    list_filter: ClassVar = [
        SeatsFilter, ("day", RangeDateFilter), "part", "visit_type", "department", "doctor",
    ]  # fmt: skip
    list_filter_submit = True
    list_select_related: ClassVar = ["department", "doctor"]
    list_per_page = 50
    show_full_result_count = False
    search_fields: ClassVar = [
        "department__name", "department__name_en", "doctor__name", "doctor__name_en",
    ]  # fmt: skip
    ordering: ClassVar = ["starts_at", "id"]
    date_hierarchy = "day"
    actions_detail: ClassVar = ["close", "open"]
    fields: ClassVar = [
        ("department", "doctor"), ("starts_at", "ends_at"), ("place", "visit_type"),
        ("occupancy", "fee"), ("state_named", "closed_at"), ("closed_why", "closed_why_en"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["occupancy", "state_named"]

    @display(description=_("time"), ordering="starts_at")  # type: ignore[untyped-decorator]
    def when(self, slot: Slot) -> str:
        return self._when(slot)

    @display(description=_("seats taken"), ordering="taken")  # type: ignore[untyped-decorator]
    def occupancy(self, slot: Slot) -> str:
        return f"{slot.taken} / {slot.capacity}"

    @display(  # type: ignore[untyped-decorator]
        description=_("state"), label={"open": "success", "full": "warning", "closed": "danger"}
    )
    def state(self, slot: Slot) -> tuple[str, Any]:
        if slot.closed_at:
            return "closed", _("closed")
        return ("open", _("free seats")) if slot.free else ("full", _("full"))

    @display(description=_("state"))  # type: ignore[untyped-decorator]
    def state_named(self, slot: Slot) -> Any:
        return self.state(slot)[1]

    def has_close_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        is_open = Slot.objects.filter(pk=object_id, closed_at=None)
        return self._may(request) and (object_id is None or is_open.exists())

    def has_open_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        is_closed = Slot.objects.filter(pk=object_id).exclude(closed_at=None)
        return self._may(request) and (object_id is None or is_closed.exists())

    @action(  # type: ignore[untyped-decorator]
        description=_("Close this slot"), url_path="close", permissions=["close"], icon="event_busy"
    )
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booked = Appointment.objects.filter(slot__pk=object_id, status=Status.BOOKED).count()

        def do(slot: Slot, form: forms.Form) -> str:
            told = close_slot(slot, now=timezone.now(), **form.cleaned_data)
            return ngettext(
                "The slot is closed; %(count)s patient will be told.",
                "The slot is closed; %(count)s patients will be told.",
                told,
            ) % {"count": told}

        return self._act(
            request,
            object_id,
            title=_("Close this slot"),
            explained=_("Appointments that will be cancelled: %(count)s.") % {"count": booked},
            do=do,
            form_class=ReasonForm,
            is_grave=True,
        )

    @action(  # type: ignore[untyped-decorator]
        description=_("Open this slot"), url_path="open", permissions=["open"], icon="event"
    )
    def open(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(slot: Slot, form: forms.Form) -> Any:
            open_slot(slot)
            return _("The slot is open again.")

        return self._act(
            request,
            object_id,
            title=_("Open this slot"),
            explained=_("Appointments that were cancelled stay so. What a closure or a holiday"
                        " closes is closed again."),
            do=do,
        )  # fmt: skip


# --- appointments --------------------------------------------------------------------------------


@admin.register(Appointment)
class AppointmentAdmin(ActingAdmin):
    """Search is by the number that the patient was given; it says nothing of them."""

    list_display: ClassVar = [
        "number", "when", "department", "doctor", "seat", "patient", "state", "changed_at",
    ]  # fmt: skip
    list_display_links: ClassVar = ["number"]
    list_filter: ClassVar = [
        "status",
        "cancelled_why",
        ("day", RangeDateFilter),
        "slot__visit_type",
        ("slot__department", admin.RelatedOnlyFieldListFilter),
        ("slot__doctor", admin.RelatedOnlyFieldListFilter),
    ]
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    search_fields: ClassVar = ["number__iexact"]
    search_help_text = _("The number of the appointment, or of the patient's record.")
    ordering: ClassVar = ["-id"]
    date_hierarchy = "day"
    actions_detail: ClassVar = ["check_in", "seen", "call_off"]
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": [
                    ("number", "state_named"),
                    ("slot_named", "seat"),
                    ("department", "doctor"),
                ]
            },
        ),
        (
            _("Patient"),
            {"fields": [("patient", "name"), ("booked_by", "contact_point"), "reason_read"]},
        ),
        (
            _("Times"),
            {
                "fields": [
                    ("held_at", "held_until"),
                    ("booked_at", "arrived_at"),
                    ("ended_at", "changed_at"),
                    ("moved_from", "waitlist_entry"),
                    ("cancelled_why", "note_read"),
                ]
            },
        ),
    ]
    readonly_fields: ClassVar = [
        "state_named", "slot_named", "department", "doctor", "name", "reason_read", "note_read",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        appointments: AppointmentQuerySet = super().get_queryset(request)
        return appointments.with_all()

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        sought = search_term.strip()
        if sought.isascii() and sought.isdecimal() and len(sought) < 8:
            return queryset.filter(patient=int(sought)), False
        found: tuple[Any, bool] = super().get_search_results(request, queryset, sought)
        return found

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        appointment = self.get_object(request, object_id)
        if appointment is not None and self.has_view_permission(request, appointment):
            record_look(
                request, Action.READ, subject="patient", subject_id=appointment.patient_id,
                reason="admin: appointment",
            )  # fmt: skip
        return super().change_view(request, object_id, *args, **kwargs)

    @display(description=_("time"), ordering="slot__starts_at")  # type: ignore[untyped-decorator]
    def when(self, appointment: Appointment) -> str:
        return self._when(appointment.slot)

    @display(description=_("slot"))  # type: ignore[untyped-decorator]
    def slot_named(self, appointment: Appointment) -> str:
        return self._when(appointment.slot)

    @display(description=_("department"), ordering="slot__department")  # type: ignore[untyped-decorator]
    def department(self, appointment: Appointment) -> str:
        return str(appointment.slot.department)

    @display(description=_("doctor"), ordering="slot__doctor")  # type: ignore[untyped-decorator]
    def doctor(self, appointment: Appointment) -> str:
        return str(appointment.slot.doctor or "–")

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)  # type: ignore[untyped-decorator]
    def state(self, appointment: Appointment) -> tuple[str, Any]:
        return appointment.status, appointment.get_status_display()

    @display(description=_("status"))  # type: ignore[untyped-decorator]
    def state_named(self, appointment: Appointment) -> Any:
        return appointment.get_status_display()

    @display(description=_("patient's name"))  # type: ignore[untyped-decorator]
    def name(self, appointment: Appointment) -> str:
        erased = appointment.patient.erased_at
        return ERASED if erased else appointment.patient.masked_name or "–"

    @display(description=_("reason for the visit"))  # type: ignore[untyped-decorator]
    def reason_read(self, appointment: Appointment) -> str:
        return appointment.reason or "–"

    @display(description=_("what the patient is told"))  # type: ignore[untyped-decorator]
    def note_read(self, appointment: Appointment) -> str:
        return appointment.note or "–"

    def _may_when(self, request: HttpRequest, object_id: Any, *statuses: Status) -> bool:
        theirs = Appointment.objects.filter(pk=object_id, status__in=statuses)
        return self._may(request) and (object_id is None or theirs.exists())

    def has_check_in_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_when(request, object_id, Status.BOOKED, Status.NOSHOW)

    def has_seen_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_when(request, object_id, Status.ARRIVED)

    def has_call_off_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_when(request, object_id, *LIVE)

    def _changed(self, request: HttpRequest, appointment: Appointment, reason: str) -> None:
        record_look(
            request, Action.CHANGE, subject="patient", subject_id=appointment.patient_id,
            reason=reason,
        )  # fmt: skip

    @action(  # type: ignore[untyped-decorator]
        description=_("Check in"), url_path="check-in", permissions=["check_in"], icon="how_to_reg"
    )
    def check_in(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(appointment: Appointment, form: forms.Form) -> Any:
            check_in(appointment, now=timezone.now())
            self._changed(request, appointment, "admin: check-in")
            return _("The patient is checked in.")

        explained = _("The patient has come and stands before you.")
        return self._act(request, object_id, title=_("Check in"), explained=explained, do=do)

    @action(  # type: ignore[untyped-decorator]
        description=_("Has been seen"), url_path="seen", permissions=["seen"], icon="task_alt"
    )
    def seen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(appointment: Appointment, form: forms.Form) -> Any:
            fulfil(appointment, now=timezone.now())
            self._changed(request, appointment, "admin: seen")
            return _("The visit is noted as done.")

        explained = _("The doctor has seen the patient.")
        return self._act(request, object_id, title=_("Has been seen"), explained=explained, do=do)

    @action(  # type: ignore[untyped-decorator]
        description=_("Cancel for the hospital"),
        url_path="cancel",
        permissions=["call_off"],
        icon="event_busy",
    )
    def call_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(appointment: Appointment, form: forms.Form) -> Any:
            given, patient = form.cleaned_data, appointment.patient
            in_english = patient.language.startswith("en") and given["why_en"]
            note = given["why_en"] if in_english else given["why"]
            cancel(appointment, why=CancelledWhy.HOSPITAL, note=note, now=timezone.now())
            self._changed(request, appointment, "admin: cancel")
            return _("The appointment is cancelled, and the patient will be told.")

        return self._act(
            request,
            object_id,
            title=_("Cancel for the hospital"),
            explained=_("The patient is told the reason and offered other times."),
            do=do,
            form_class=ReasonForm,
            is_grave=True,
        )


# --- the waitlist --------------------------------------------------------------------------------


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(ActingAdmin):
    list_display: ClassVar = [
        "id", "department", "doctor", "first_day", "last_day", "part", "patient", "state",
        "joined_at", "offered_at", "told_at",
    ]  # fmt: skip
    list_filter: ClassVar = [
        "status",
        "department",
        "doctor",
        "part",
        ("first_day", RangeDateFilter),
    ]
    list_filter_submit = True
    list_select_related: ClassVar = ["department", "doctor", "patient"]
    list_per_page = 50
    show_full_result_count = False
    ordering: ClassVar = ["joined_at", "id"]
    actions_detail: ClassVar = ["leave"]
    fields: ClassVar = [
        ("department", "doctor"), ("visit_type", "part"), ("first_day", "last_day"),
        ("patient", "booked_by"), "contact_point", ("status", "joined_at"),
        ("offered_at", "told_at"), "ended_at",
    ]  # fmt: skip

    @display(  # type: ignore[untyped-decorator]
        description=_("status"),
        ordering="status",
        label={
            WaitStatus.WAITING: "warning",
            WaitStatus.OFFERED: "info",
            WaitStatus.ACCEPTED: "success",
        },
    )
    def state(self, entry: WaitlistEntry) -> tuple[str, Any]:
        return entry.status, entry.get_status_display()

    def has_leave_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        waiting = (WaitStatus.WAITING, WaitStatus.OFFERED)
        theirs = WaitlistEntry.objects.filter(pk=object_id, status__in=waiting)
        return self._may(request) and (object_id is None or theirs.exists())

    @action(  # type: ignore[untyped-decorator]
        description=_("Take off the waitlist"),
        url_path="leave",
        permissions=["leave"],
        icon="person_remove",
    )
    def leave(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(entry: WaitlistEntry, form: forms.Form) -> Any:
            leave_waitlist(entry, now=timezone.now())
            return _("The patient waits no longer.")

        return self._act(
            request,
            object_id,
            title=_("Take off the waitlist"),
            explained=_("A seat that is on offer to them goes to the next."),
            do=do,
            is_grave=True,
        )
