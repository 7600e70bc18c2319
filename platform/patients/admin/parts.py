"""What the patient's page is made of: its form, its filters, and what stands beside it."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from patients.models import Consent, ContactPoint, Patient, Proxy
from patients.services import (
    index_identity_number,
)
from vault.fields import SealedText

SEALED_WIDGETS = {SealedText: {"widget": UnfoldAdminTextInputWidget}}


class PatientForm(forms.ModelForm):  # type: ignore[type-arg]
    birth_date_text = forms.DateField(
        label=_("birth date"), required=False, widget=UnfoldAdminDateWidget
    )
    language = forms.ChoiceField(
        label=_("language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = Patient
        fields = (
            "name", "phone", "identity_number", "birth_date_text", "gender", "pregnant_until",
            "breastfeeding_until", "language", "deceased_at",
        )  # fmt: skip

    def clean_birth_date_text(self) -> str | None:
        born = self.cleaned_data["birth_date_text"]
        return born.isoformat() if born else None

    def clean_identity_number(self) -> str | None:
        number: str | None = self.cleaned_data["identity_number"] or None
        index = index_identity_number(number or "")
        same = Patient.objects.filter(identity_index=index, merged_into=None)
        if index and same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another record has this number. Merge the two instead."))
        return number

    def clean_phone(self) -> str | None:
        return self.cleaned_data["phone"] or None

    def clean_name(self) -> str | None:
        return self.cleaned_data["name"] or None


class ContactPointInline(TabularInline):  # type: ignore[misc]
    model = ContactPoint
    fields: ClassVar = ["channel", "created_at"]
    readonly_fields: ClassVar = ["channel", "created_at"]
    extra = 0
    tab = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ConsentInline(TabularInline):  # type: ignore[misc]
    """Agreements are evidence: one is added or withdrawn, never rewritten."""

    model = Consent
    fields: ClassVar = ["purpose", "text_version", "channel", "given_at", "withdrawn_at"]
    readonly_fields: ClassVar = ["given_at", "withdrawn_at"]
    extra = 0
    tab = True
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, required=False, **kwargs)


class ProxyInline(TabularInline):  # type: ignore[misc]
    """Who writes for this patient."""

    model = Proxy
    fk_name = "patient"
    fields: ClassVar = ["writer", "relationship", "ends_at", "verified_at", "verified_by"]
    readonly_fields: ClassVar = ["verified_at", "verified_by"]
    raw_id_fields: ClassVar = ["writer"]
    extra = 0
    tab = True


class StandingFilter(admin.SimpleListFilter):
    title = _("record")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("current", _("current")),
            ("merged", _("merged")),
            ("deceased", _("deceased")),
            ("erased", _("erased")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "current":
                return queryset.filter(merged_into=None, erased_at=None, deceased_at=None)
            case "merged":
                return queryset.exclude(merged_into=None)
            case "deceased":
                return queryset.exclude(deceased_at=None)
            case "erased":
                return queryset.exclude(erased_at=None)
        return queryset
