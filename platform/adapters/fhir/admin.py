"""Outside systems as an admin sets them up, and what lies between them and us."""

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from adapters.admin import CopiedAddress, CopiedSecret
from adapters.fhir import validation
from adapters.fhir.client import Refusal, Server, Unreachable
from adapters.fhir.models import (
    USUAL_OWNERS,
    LeftOut,
    Push,
    Reconciliation,
    SignIn,
    System,
)
from patients.models import Owner
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look
from vault.datakeys import create_data_key

SECRETS = {"token": _("token"), "client_secret": _("client secret")}
KINDS = {
    "Patient": _("patients"),
    "Slot": _("schedules and slots"),
    "Appointment": _("appointments"),
    "MedicationRequest": _("prescriptions"),
    "DiagnosticReport": _("reports"),
}


class SystemForm(forms.ModelForm):  # type: ignore[type-arg]
    """Secrets are written, and never shown again; whose word counts is asked kind by kind."""

    class Meta:
        model = System
        fields: ClassVar[list[str]] = [
            "name", "slug", "sign_in", "client_id", "scope", "is_active",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base_url"] = CopiedAddress(
            label=_("address"),
            help_text=_("Of its FHIR R4 API, without a slash."),
            widget=UnfoldAdminTextInputWidget(),
        )
        self.fields["token_url"] = CopiedAddress(
            label=_("address for tokens"), required=False, widget=UnfoldAdminTextInputWidget()
        )
        is_new = self.instance._state.adding
        held = {} if is_new else self.instance.secrets
        if not is_new:
            del self.fields["slug"]  # rows are known by it
        for name, label in SECRETS.items():
            widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
            help_text = _("Set. Leave empty to keep it.") if held.get(name) else ""
            self.fields[name] = CopiedSecret(
                label=label, widget=widget, required=False, help_text=help_text
            )
        for kind, label in KINDS.items():
            self.fields[f"owner_{kind}"] = forms.ChoiceField(
                label=label,
                choices=Owner.choices,
                widget=UnfoldAdminSelectWidget(),
                initial=self.instance.owners.get(kind) or USUAL_OWNERS[kind],
            )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("sign_in") == SignIn.CLIENT and not given.get("token_url"):
            self.add_error("token_url", _("Say where tokens are given."))
        if given.get("is_active") and not validation.is_installed():
            self.add_error("is_active", _("Install the extra first: pip install -e '.[fhir]'"))
        return given

    def save(self, commit: bool = True) -> Any:
        system = self.instance
        if system._state.adding:
            system.data_key, system.secrets = create_data_key(), {}
        given = {name: self.cleaned_data[name] for name in SECRETS if self.cleaned_data[name]}
        # With other credentials the access token in force is another's.
        kept = {name: value for name, value in system.secrets.items() if name in SECRETS}
        system.secrets = {**kept, **given}
        system.owners = {kind: self.cleaned_data[f"owner_{kind}"] for kind in KINDS}
        system.base_url = self.cleaned_data["base_url"].rstrip("/")
        system.token_url = self.cleaned_data["token_url"]
        system.failures, system.rests_until = 0, None
        return super().save(commit)


@admin.register(System)
class SystemAdmin(ModelAdmin):  # type: ignore[misc]
    form = SystemForm
    list_display: ClassVar = [
        "name", "condition", "pulled_at", "owed_to_them", "left_out_here", "failure",
    ]  # fmt: skip
    actions_detail: ClassVar = ["try_out"]

    def get_fieldsets(self, request: HttpRequest, obj: System | None = None) -> Any:
        owners = [f"owner_{kind}" for kind in KINDS]
        where = [("name", "slug"), "base_url", "is_active"]
        how = ["sign_in", "token", "token_url", "client_id", "client_secret", "scope"]
        return [
            (None, {"fields": where}),
            (_("Signing in"), {"fields": how}),
            (_("Whose word counts"), {"fields": owners}),
        ]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **_: Any
    ) -> Any:
        return SystemForm  # it names fields that the model does not have

    def get_readonly_fields(self, request: HttpRequest, obj: System | None = None) -> list[str]:
        return ["slug"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: System | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: System | None = None) -> bool:
        # Its form can't be shown read-only: nothing but the form knows its fields.
        return bool(self.has_change_permission(request, obj))

    def get_queryset(self, request: HttpRequest) -> Any:
        systems: QuerySet[System] = super().get_queryset(request)
        owed = Count("pushes", filter=Q(pushes__owed_since__isnull=False), distinct=True)
        return systems.annotate(owed=owed, out=Count("left_out", distinct=True))

    @display(  # type: ignore[untyped-decorator]
        description=_("condition"),
        label={"off": "info", "new": "warning", "failing": "danger", "well": "success"},
    )
    def condition(self, system: System) -> tuple[str, Any]:
        if not system.is_active:
            return "off", _("off")
        if system.failures:
            return "failing", _("failing")
        return ("well", _("well")) if system.pulled_at else ("new", _("not fetched yet"))

    @display(description=_("owed to them"), ordering="owed")  # type: ignore[untyped-decorator]
    def owed_to_them(self, system: Any) -> int:
        return int(system.owed)

    @display(description=_("left out"), ordering="out")  # type: ignore[untyped-decorator]
    def left_out_here(self, system: Any) -> int:
        return int(system.out)

    @action(description=_("Check"), url_path="check", permissions=["try_out"], icon="network_check")  # type: ignore[untyped-decorator]
    def try_out(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        """Sign in just now, and ask for nobody in particular."""
        system = get_object_or_404(System, pk=object_id)
        try:
            Server(system, timezone.now()).count("Patient", {})
        except (Unreachable, Refusal) as error:
            messages.error(request, _("It does not answer: %(why)s") % {"why": error})
        else:
            messages.success(request, _("It answers, and lets us in."))
        return HttpResponseRedirect(reverse("admin:fhir_system_change", args=[system.pk]))

    def has_try_out_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(self.has_change_permission(request))


@admin.register(LeftOut)
class LeftOutAdmin(ReadOnlyAdmin):
    """What came and could not be filed. Who opens one reads of a patient, and is logged."""

    list_display: ClassVar = ["id", "system", "resource", "reason", "tries", "last_at", "try_at"]
    list_filter: ClassVar = ["system", "resource", ("try_at", admin.EmptyFieldListFilter)]
    list_select_related: ClassVar = ["system"]
    fields: ClassVar = [
        "system", "resource", "external_id", "reason", "first_at", "last_at", "tries", "try_at",
        "as_it_came",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["as_it_came"]
    actions: ClassVar = ["try_again"]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        record_look(
            request, Action.READ, subject="patient", subject_id=None,
            reason=f"admin: record left out {object_id}"[:64],
        )  # fmt: skip
        return super().change_view(request, object_id, *args, **kwargs)

    @display(description=_("as it came"))  # type: ignore[untyped-decorator]
    def as_it_came(self, left: LeftOut) -> Any:
        told = json.dumps(json.loads(left.content), ensure_ascii=False, indent=2)
        return format_html("<pre>{}</pre>", told)

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("fhir.change_system"))

    @admin.action(description=_("Try again now"), permissions=["try_again"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[LeftOut]) -> None:
        count = chosen.filter(external_id__isnull=False).update(try_at=timezone.now())
        done = ngettext("%(count)d will be tried.", "%(count)d will be tried.", count)
        messages.success(request, done % {"count": count})


@admin.register(Push)
class PushAdmin(ReadOnlyAdmin):
    """What each system was told of our appointments; what is owed stands first."""

    list_display: ClassVar = [
        "id", "system", "appointment", "owed_since", "try_at", "tries", "pushed_at", "failure",
    ]  # fmt: skip
    list_filter: ClassVar = ["system", ("owed_since", admin.EmptyFieldListFilter)]
    list_select_related: ClassVar = ["system", "appointment"]
    ordering: ClassVar = [F("owed_since").asc(nulls_last=True), "-pk"]
    fields: ClassVar = [
        "system", "appointment", "owed_since", "try_at", "tries", "pushed_at", "failure",
    ]  # fmt: skip


COLUMNS = {
    "there": _("there"),
    "here": _("here"),
    "missing_here": _("missing here"),
    "missing_there": _("missing there"),
    "rows_differing": _("differing"),
    "not_readable": _("not readable"),
}


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """What they have beside what we have, as `manage.py reconcile` found it."""

    list_display: ClassVar = ["id", "system", "began_at", "ended_at", "left_out", "conflicts"]
    list_filter: ClassVar = ["system"]
    list_select_related: ClassVar = ["system"]
    fields: ClassVar = ["system", "began_at", "ended_at", "table", "left_out", "conflicts", "owed"]
    readonly_fields: ClassVar = ["table", "left_out", "conflicts", "owed"]

    @display(description=_("left out"))  # type: ignore[untyped-decorator]
    def left_out(self, row: Reconciliation) -> Any:
        return row.findings.get("left_out", "–")

    @display(description=_("to settle"))  # type: ignore[untyped-decorator]
    def conflicts(self, row: Reconciliation) -> Any:
        return row.findings.get("conflicts", "–")

    @display(description=_("owed to them"))  # type: ignore[untyped-decorator]
    def owed(self, row: Reconciliation) -> str:
        oldest = row.findings.get("oldest_owed") or ""
        return f"{row.findings.get('owed', '–')} {oldest}".strip()

    @display(description=_("compared"))  # type: ignore[untyped-decorator]
    def table(self, row: Reconciliation) -> Any:
        kinds = row.findings.get("kinds", {})
        head = format_html_join("", "<th>{}</th>", [[each] for each in COLUMNS.values()])
        lines = [(name, _cells(kind), _notes(kind)) for name, kind in kinds.items()]
        body = format_html_join("", "<tr><th>{}</th>{}<td>{}</td></tr>", lines)
        return format_html("<table><tr><th></th>{}<th></th></tr>{}</table>", head, body)


def _cells(kind: dict[str, Any]) -> Any:
    return format_html_join("", "<td>{}</td>", [[kind[name]] for name in COLUMNS])


def _notes(kind: dict[str, Any]) -> str:
    """Names of fields, and what kept us from reading all."""
    said = [f"{name} {count}" for name, count in kind["differing"].items()]
    if kind["failure"]:
        said.append(kind["failure"])
    if not kind["is_complete"]:
        said.append(str(_("not all was read")))
    return ", ".join(said)
