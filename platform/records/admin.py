"""Records for those who administer. Lists hold numbers and states; what is opened is logged."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from patients.admin import SEALED_WIDGETS, PatientAdmin
from records.guard import Questioned, matched
from records.identity import see_guessing
from records.medications import class_of, question, warnings_of
from records.models import (
    AllergyIntolerance,
    DiagnosticReport,
    Guessing,
    IdentityCheck,
    Medication,
    MedicationRequest,
    Observation,
)
from records.reports import CannotOpen, open_report, settle_release, why_talk
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look


def _in_my_language(pair: tuple[str, str]) -> str:
    zh, en = pair
    return en if (get_language() or "").startswith("en") else zh


def _read_as(allergy: AllergyIntolerance) -> Any:
    """What the guard, whose data are a draft, takes a recorded allergy for."""
    known = "、".join(map(_in_my_language, matched(allergy.substance or "")))
    return known or _("not in the drug book: found by its very words only")


class OfOnePatient(ModelAdmin):  # type: ignore[misc]
    """A row sealed under its patient's key: it stays that patient's, and looks are logged."""

    list_select_related: ClassVar = ["patient"]
    ordering: ClassVar = ["-id"]
    raw_id_fields: ClassVar = ["patient"]
    formfield_overrides: ClassVar = SEALED_WIDGETS

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        always = list(super().get_readonly_fields(request, obj))
        return [*always, "patient"] if obj else always

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        erased = obj is not None and obj.patient.erased_at
        return super().has_change_permission(request, obj) and not erased

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        row = self.get_object(request, object_id)
        if request.method == "GET" and row and self.has_view_permission(request, row):
            record_look(request, Action.READ, subject="patient", subject_id=row.patient_id)
        return super().change_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.data_key_id = obj.patient.data_key_id
        obj.save()
        record_look(request, Action.CHANGE, subject="patient", subject_id=obj.patient_id)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        record_look(request, Action.CHANGE, subject="patient", subject_id=obj.patient_id)
        obj.delete()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)  # one by one, each with its trace
        return actions


class AllergyInline(TabularInline):  # type: ignore[misc]
    model = AllergyIntolerance
    fields: ClassVar = [
        "substance", "reaction", "criticality", "verification", "said_of", "read_as",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["read_as"]
    formfield_overrides: ClassVar = SEALED_WIDGETS
    extra = 0
    tab = True

    @display(description=_("the guard reads it as (draft)"))  # type: ignore[untyped-decorator]
    def read_as(self, allergy: AllergyIntolerance) -> Any:
        return _read_as(allergy) if allergy.pk else "–"


# The patient's page lies a floor below and knows nothing of allergies, so they are brought to it.
PatientAdmin.inlines.append(AllergyInline)


@admin.register(AllergyIntolerance)
class AllergyIntoleranceAdmin(OfOnePatient):
    list_display: ClassVar = ["id", "patient", "criticality", "verification", "recorded_at"]
    list_filter: ClassVar = ["verification", "criticality"]
    fields: ClassVar = [
        "patient", "substance", "reaction", ("criticality", "verification"), "said_of", "read_as",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["read_as"]

    @display(description=_("the guard reads it as (draft)"))  # type: ignore[untyped-decorator]
    def read_as(self, allergy: AllergyIntolerance) -> Any:
        return _read_as(allergy) if allergy.pk else "–"


class ObservationInline(TabularInline):  # type: ignore[misc]
    model = Observation
    fields: ClassVar = [
        "name", "name_en", "code", "value", "unit", "low", "high", "range_text", "interpretation",
    ]  # fmt: skip
    formfield_overrides: ClassVar = SEALED_WIDGETS
    extra = 0


class ReleaseFilter(admin.SimpleListFilter):
    title = _("release")
    parameter_name = "release"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("talk", _("needs a talk")), ("opened", _("opened by a person"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "talk":
                return queryset.owed_a_talk()
            case "opened":
                return queryset.exclude(opened_at=None)
        return queryset


@admin.register(DiagnosticReport)
class DiagnosticReportAdmin(OfOnePatient):
    list_display: ClassVar = [
        "id", "patient", "category", "status", "release", "registered_at", "available_at",
        "opened_by",
    ]  # fmt: skip
    list_filter: ClassVar = [ReleaseFilter, "category", "status", "department"]
    list_select_related: ClassVar = ["patient", "opened_by"]
    fields: ClassVar = [
        "patient", ("name", "name_en"), ("category", "status"), ("department", "doctor"),
        ("registered_at", "available_at"), "conclusion", ("release", "why"),
        ("opened_at", "opened_by"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["release", "why", "opened_at", "opened_by"]
    inlines: ClassVar = [ObservationInline]
    actions_detail: ClassVar = ["talked_over"]

    @display(  # type: ignore[untyped-decorator]
        description=_("release"),
        label={"talk": "danger", "opened": "success", "ready": "success", "not_ready": "info"},
    )
    def release(self, report: DiagnosticReport) -> tuple[str, Any]:
        if report.talk_owed_at:
            return "talk", _("needs a talk")
        if report.opened_at:
            return "opened", _("opened by a person")
        return ("ready", _("ready")) if report.is_out else ("not_ready", _("not ready"))

    @display(description=_("told by a person first because of"))  # type: ignore[untyped-decorator]
    def why(self, report: DiagnosticReport) -> str:
        return (why_talk(report) if report.pk else "") or "–"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        settle_release(form.instance, now=timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for line in formset.save(commit=False):
            if line._state.adding:
                line.data_key_id = form.instance.data_key_id
            line.save()
        for gone in formset.deleted_objects:
            gone.delete()

    def has_talked_over_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        may = request.user.has_perm("records.open_diagnosticreport")
        return may and getattr(request.user, "is_caring", False)

    @action(  # type: ignore[untyped-decorator]
        description=_("Opened and talked over"), url_path="talked-over",
        permissions=["talked_over"], icon="forum",
    )  # fmt: skip
    def talked_over(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A nurse or doctor has told the patient: from now on the assistant may show it."""
        report = get_object_or_404(DiagnosticReport, pk=object_id)
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "title": _("Opened and talked over"),
                "report": report,
            }
            return TemplateResponse(request, "admin/records/diagnosticreport/talk.html", context)
        try:
            first = open_report(report.pk, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        except CannotOpen:
            messages.error(request, _("Only a nurse or doctor opens a report, once it is out."))
        else:
            done = _("From now on the patient may see it.") if first else _("It was opened before.")
            messages.success(request, done)
        page = reverse("admin:records_diagnosticreport_change", args=[report.pk])
        return HttpResponseRedirect(page)


@admin.register(Medication)
class MedicationAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["name", "name_en", "brands", "in_class", "atc", "is_active"]
    list_filter: ClassVar = ["is_active"]
    search_fields: ClassVar = ["name", "name_en", "brands", "brands_en"]
    fields: ClassVar = [
        ("name", "name_en"), ("brands", "brands_en"), ("substance", "atc"),
        ("leaflet", "is_active"), "in_class", "warned",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["in_class", "warned"]

    @display(description=_("class (draft)"))  # type: ignore[untyped-decorator]
    def in_class(self, medication: Medication) -> str:
        home = class_of(medication)
        return _in_my_language(home) if home else "–"

    @display(description=_("warnings (draft, to be signed off by a pharmacist)"))  # type: ignore[untyped-decorator]
    def warned(self, medication: Medication) -> str:
        rules = warnings_of(medication)
        said = [f"{_in_my_language((rule.zh, rule.en))} ({rule.source})" for rule in rules]
        return "; ".join(said) or "–"


class PrescriptionForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the guard speaks against is kept only with a reason."""

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        request = self.instance
        request.patient = given.get("patient") or (request.patient if request.pk else None)
        if request.patient is None or not given.get("drug"):
            return given
        if request.pk and not {"drug", "medication"} & set(self.changed_data):
            return given
        request.drug, request.medication = given["drug"], given.get("medication")
        request.override_reason = (given.get("override_reason") or "").strip() or None
        try:
            question(request, now=timezone.now())
        except Questioned as questioned:
            why = [_in_my_language((each.zh, each.en)) for each in questioned.concerns]
            needed = _("Please say why it is right nevertheless; the doctor will be told.")
            self.add_error("override_reason", [*dict.fromkeys(why), needed])
        return given


@admin.register(MedicationRequest)
class MedicationRequestAdmin(OfOnePatient):
    form = PrescriptionForm
    list_display: ClassVar = ["id", "patient", "status", "starts_at", "ends_at", "refills"]
    list_filter: ClassVar = ["status"]
    fields: ClassVar = [
        "patient", ("drug", "medication"), ("dose", "route"), ("times_per_day", "meals"),
        ("starts_at", "ends_at"), ("refills", "status"), "instructions", "doctor",
        "override_reason",
    ]  # fmt: skip


@admin.register(IdentityCheck)
class IdentityCheckAdmin(ReadOnlyAdmin):
    """Who asked to be known as a patient, how often, and how it ended."""

    list_display: ClassVar = [
        "id", "started_at", "conversation_id", "asked_by", "patient", "tries", "ended",
    ]  # fmt: skip
    list_filter: ClassVar = [
        "refused", "was_sent", ("verified_at", admin.EmptyFieldListFilter),
        ("patient", admin.EmptyFieldListFilter),
    ]  # fmt: skip
    list_select_related: ClassVar = ["asked_by__channel", "patient"]
    list_per_page = 50
    show_full_result_count = False
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("started_at", "expires_at"), ("conversation_id", "asked_by"), ("patient", "was_sent"),
        ("tries", "ended"), ("verified_at", "verified_until"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["ended"]

    @display(  # type: ignore[untyped-decorator]
        description=_("outcome"),
        label={"proven": "success", "refused": "danger", "failed": "warning", "open": "info"},
    )
    def ended(self, check: IdentityCheck) -> tuple[str, Any]:
        if check.verified_at:
            return "proven", _("proven")
        if check.refused:
            return "refused", check.get_refused_display()
        if timezone.now() < check.expires_at:
            return "open", _("a code is awaited")
        return "failed", _("came to nothing")


@admin.register(Guessing)
class GuessingAdmin(ReadOnlyAdmin):
    """Where somebody seems to guess. Seen to, the next sign of it opens a new row."""

    list_display: ClassVar = [
        "id", "scope", "failures", "noticed_at", "last_at", "seen_at", "seen_by",
    ]  # fmt: skip
    list_filter: ClassVar = ["scope", ("seen_at", admin.EmptyFieldListFilter)]
    list_select_related: ClassVar = ["seen_by"]
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("scope", "failures"), ("noticed_at", "last_at"), ("seen_at", "seen_by"),
    ]  # fmt: skip
    actions: ClassVar = ["seen_to"]

    def has_seen_to_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("records.change_guessing"))

    @admin.action(description=_("Seen to"), permissions=["seen_to"])
    def seen_to(self, request: HttpRequest, chosen: QuerySet[Guessing]) -> None:
        for row in chosen.filter(seen_at=None):
            see_guessing(row.pk, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        messages.success(request, _("Noted in your name."))
