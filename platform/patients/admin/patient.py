"""Patients for those who administer. Lists are masked; a record that is opened is logged."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from patients.admin.parts import (
    SEALED_WIDGETS,
    ConsentInline,
    ContactPointInline,
    PatientForm,
    ProxyInline,
    StandingFilter,
)
from patients.models import Consent, ContactPoint, Patient, Purpose
from patients.services import (
    AlreadyMerged,
    CannotMerge,
    erase_patient,
    give_consent,
    index_identity_number,
    index_phone,
    merge_patients,
    update_patient,
)
from vault.access import Action
from vault.admin import record_look
from vault.datakeys import create_data_key
from vault.models import SealedModel


@admin.register(Patient)
class PatientAdmin(ModelAdmin):  # type: ignore[misc]
    """Search is by POST: a phone number never stands in a URL, nor in the logs that keep URLs."""

    form = PatientForm
    formfield_overrides: ClassVar = SEALED_WIDGETS
    list_display: ClassVar = [
        "id", "shown_name", "gender", "speaks", "reached_on", "standing", "created_at",
    ]  # fmt: skip
    list_display_links: ClassVar = ["id", "shown_name"]
    list_filter: ClassVar = [StandingFilter, "gender", "language"]
    list_per_page = 25  # each name on the page is opened under its own key
    ordering: ClassVar = ["-id"]
    list_before_template = "admin/patients/patient/search.html"
    actions: ClassVar = ["merge"]
    actions_detail: ClassVar = ["erase"]
    inlines: ClassVar[list[Any]] = [ContactPointInline, ConsentInline, ProxyInline]
    readonly_fields: ClassVar = ["standing", "created_at"]
    fieldsets: ClassVar = [
        (
            _("Person"),
            {
                "fields": [
                    ("name", "gender"),
                    ("phone", "identity_number"),
                    ("birth_date_text", "pregnant_until", "breastfeeding_until"),
                    "language",
                    "deceased_at",
                ]
            },
        ),
        (_("Record"), {"fields": [("standing", "created_at")]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Patient]:
        points = Prefetch("contact_points", ContactPoint.objects.select_related("channel"))
        patients: QuerySet[Patient] = super().get_queryset(request).prefetch_related(points)
        return patients

    @display(description=pgettext_lazy("person", "name"))  # type: ignore[untyped-decorator]
    def shown_name(self, patient: Patient) -> str:
        return patient.masked_name or "–"

    @display(description=_("language"), ordering="language")  # type: ignore[untyped-decorator]
    def speaks(self, patient: Patient) -> str:
        return dict(settings.LANGUAGES).get(patient.language, patient.language)

    @display(description=_("channels"))  # type: ignore[untyped-decorator]
    def reached_on(self, patient: Patient) -> str:
        return "、".join({point.channel.name for point in patient.contact_points.all()}) or "–"

    @display(description=_("standing"))  # type: ignore[untyped-decorator]
    def standing(self, patient: Patient) -> Any:
        if patient.merged_into_id:
            where = reverse("admin:patients_patient_change", args=[patient.merged_into_id])
            text = _("merged into %(id)s") % {"id": patient.merged_into_id}
            return format_html('<a class="text-primary-600" href="{}">{}</a>', where, text)
        if patient.erased_at:
            return _("erased")
        return _("deceased") if patient.deceased_at else _("current")

    # --- who may do what ------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Patient | None = None) -> bool:
        closed = obj is not None and (obj.erased_at or obj.merged_into_id)
        return super().has_change_permission(request, obj) and not closed

    def has_delete_permission(self, request: HttpRequest, obj: Patient | None = None) -> bool:
        return False  # a patient is erased: the rows stay, and nothing in them can be read

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("patients.delete_patient"))

    # --- opening and saving ---------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method == "GET":
            self._log_reading(request, object_id)
        return super().change_view(request, object_id, form_url, extra_context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        self._log_reading(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def save_model(self, request: HttpRequest, obj: Patient, form: Any, change: bool) -> None:
        if not change:
            obj.data_key = create_data_key()
        update_patient(obj, **form.cleaned_data)
        record_look(request, Action.CHANGE, subject="patient", subject_id=obj.pk)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Rows sealed beside a patient are sealed under the patient's key."""
        patient: Patient = form.instance
        rows = formset.save(commit=False)
        for gone in formset.deleted_objects:
            gone.delete()
        for row in rows:
            if isinstance(row, Consent):
                _add_consent(row)
                continue
            if isinstance(row, SealedModel) and row._state.adding:
                row.data_key_id = patient.data_key_id
            row.save()
        formset.save_m2m()

    def _log_reading(self, request: HttpRequest, object_id: str) -> None:
        patient = self.get_object(request, object_id)
        if patient is not None and self.has_view_permission(request, patient):
            record_look(request, Action.READ, subject="patient", subject_id=patient.pk)

    # --- search, merge, erase -------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        search = self.admin_site.admin_view(self.search_view)
        mine = [path("search/", search, name="patients_patient_search")]
        return [*mine, *super().get_urls()]

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Find by phone, identity number or record number, and show the list of those found."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        listed = reverse("admin:patients_patient_changelist")
        sought = request.POST.get("sought", "").strip()
        if request.method != "POST" or not sought:
            return HttpResponseRedirect(listed)
        found = find_patients(sought)
        only = found[0] if len(found) == 1 else None
        record_look(request, Action.SEARCH, subject="patient", subject_id=only)
        if not found:
            messages.warning(request, _("No patient has this phone, identity or record number."))
            return HttpResponseRedirect(listed)
        return HttpResponseRedirect(f"{listed}?id__in={','.join(map(str, found))}")

    @admin.action(description=_("Merge two records of one person"), permissions=["change"])
    def merge(self, request: HttpRequest, chosen: QuerySet[Patient]) -> HttpResponse | None:
        pair = list(chosen.order_by("pk")[:3])
        if len(pair) != 2:
            messages.error(request, _("Choose exactly two records."))
            return None
        into = request.POST.get("into")
        if into is None:
            return self._page(
                request, "merge", _("Merge two records of one person"), pair=pair, action="merge"
            )
        kept = next((patient for patient in pair if str(patient.pk) == into), None)
        if kept is None:
            raise Http404
        self._merge(request, pair[1] if kept is pair[0] else pair[0], into=kept)
        return None

    def _merge(self, request: HttpRequest, duplicate: Patient, *, into: Patient) -> None:
        try:
            with transaction.atomic():
                merge_patients(duplicate, into=into)
                for patient in (duplicate, into):
                    record_look(
                        request,
                        Action.CHANGE,
                        subject="patient",
                        subject_id=patient.pk,
                        reason="admin: merge",
                    )
        except CannotMerge:
            messages.error(request, _("One of the two was merged or erased already."))
            return
        self.log_change(request, into, f"merged {duplicate.pk} into {into.pk}")
        messages.success(request, _("The two records are one."))

    @action(  # type: ignore[untyped-decorator]
        description=_("Erase this patient"),
        url_path="erase",
        permissions=["erase"],
        icon="delete_forever",
    )
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Erase after the record's number was typed; nothing brings it back."""
        patient = get_object_or_404(Patient, pk=object_id, merged_into=None, erased_at=None)
        if request.method != "POST":
            return self._page(request, "erase", _("Erase this patient"), patient=patient)
        if request.POST.get("typed", "").strip() != str(patient.pk):
            messages.error(request, _("The number that you typed is not this record's number."))
            return self._page(request, "erase", _("Erase this patient"), patient=patient)
        try:
            with transaction.atomic():
                erase_patient(patient, now=timezone.now())
                record_look(
                    request,
                    Action.ERASE,
                    subject="patient",
                    subject_id=patient.pk,
                    reason="admin: erase",
                )
        except AlreadyMerged:
            raise Http404 from None  # as if the page were opened now
        self.log_change(request, patient, "erased")
        messages.success(request, _("This patient is erased; nothing of theirs can be read again."))
        return HttpResponseRedirect(reverse("admin:patients_patient_changelist"))

    def _page(self, request: HttpRequest, name: str, title: Any, **more: Any) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": title,
            **more,
        }
        return TemplateResponse(request, f"admin/patients/patient/{name}.html", context)


def find_patients(sought: str) -> list[int]:
    """Ids of the records with this phone, identity number or record number, newest first."""
    phone, identity = index_phone(sought), index_identity_number(sought)
    same = Q(phone_index=phone) & ~Q(phone_index="") | Q(identity_index=identity)
    if sought.isdecimal() and len(sought) < 11:  # longer ones are phones and identity numbers
        same |= Q(pk=int(sought))
    return list(Patient.objects.filter(same).order_by("-pk").values_list("pk", flat=True)[:50])


def _add_consent(row: Consent) -> None:
    given = give_consent(
        row.patient,
        Purpose(row.purpose),
        text_version=row.text_version,
        channel=row.channel,
        now=timezone.now(),
    )
    row.pk = given.pk  # the admin writes its history by it
