from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from patients.admin import SEALED_WIDGETS, PatientAdmin
from records.models import AllergyIntolerance
from vault.access import Action
from vault.admin import record_look


class AllergyInline(TabularInline):  # type: ignore[misc]
    model = AllergyIntolerance
    fields: ClassVar = ["substance", "reaction", "criticality"]
    formfield_overrides: ClassVar = SEALED_WIDGETS
    extra = 0
    tab = True


# The patient's page lies a floor below and knows nothing of allergies, so they are brought to it.
PatientAdmin.inlines.append(AllergyInline)


@admin.register(AllergyIntolerance)
class AllergyIntoleranceAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["id", "patient", "criticality", "recorded_at"]
    list_filter: ClassVar = ["criticality"]
    list_select_related: ClassVar = ["patient"]
    ordering: ClassVar = ["-id"]
    raw_id_fields: ClassVar = ["patient"]
    formfield_overrides: ClassVar = SEALED_WIDGETS
    fields: ClassVar = ["patient", "substance", "reaction", "criticality"]

    def get_readonly_fields(
        self, request: HttpRequest, obj: AllergyIntolerance | None = None
    ) -> list[str]:
        return ["patient"] if obj else []  # it is sealed under that patient's key

    def has_change_permission(
        self, request: HttpRequest, obj: AllergyIntolerance | None = None
    ) -> bool:
        erased = obj is not None and obj.patient.erased_at
        return super().has_change_permission(request, obj) and not erased

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        allergy = self.get_object(request, object_id)
        if request.method == "GET" and allergy and self.has_view_permission(request, allergy):
            record_look(request, Action.READ, subject="patient", subject_id=allergy.patient_id)
        return super().change_view(request, object_id, *args, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: AllergyIntolerance, form: Any, change: bool
    ) -> None:
        if not change:
            obj.data_key_id = obj.patient.data_key_id
        obj.save()
        record_look(request, Action.CHANGE, subject="patient", subject_id=obj.patient_id)

    def delete_model(self, request: HttpRequest, obj: AllergyIntolerance) -> None:
        record_look(request, Action.CHANGE, subject="patient", subject_id=obj.patient_id)
        obj.delete()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)  # one by one, each with its trace
        return actions
