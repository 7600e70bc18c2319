"""How patients are reached, what they agreed to, and who writes for them."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from patients.models import Channel, Consent, ContactPoint, Proxy, Purpose
from patients.services import (
    withdraw_consent,
)
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look


@admin.register(ContactPoint)
class ContactPointAdmin(ReadOnlyAdmin):
    """Which channels reach whom. The address itself is nobody's to read here."""

    list_display: ClassVar = ["id", "channel", "patient", "created_at"]
    list_filter: ClassVar = ["channel"]
    list_select_related: ClassVar = ["channel", "patient"]
    ordering: ClassVar = ["-id"]
    fields: ClassVar = ["channel", "patient", "created_at"]


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    """Agreements are added on the patient's page, and withdrawn here or there by the patient."""

    list_display: ClassVar = [
        "patient", "purpose", "text_version", "channel", "given_at", "withdrawn_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["purpose", ("withdrawn_at", admin.EmptyFieldListFilter), "channel"]
    list_select_related: ClassVar = ["patient", "channel"]
    fields: ClassVar = [
        "patient", "purpose", "text_version", "channel", "given_at", "withdrawn_at",
    ]  # fmt: skip
    actions: ClassVar = ["withdraw"]

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("patients.change_consent"))

    @admin.action(description=_("Withdraw"), permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, chosen: QuerySet[Consent]) -> None:
        now = timezone.now()
        for consent in chosen.filter(withdrawn_at=None).select_related("patient"):
            withdraw_consent(consent.patient, Purpose(consent.purpose), now=now)
            record_look(
                request,
                Action.CHANGE,
                subject="patient",
                subject_id=consent.patient_id,
                reason="admin: withdraw consent",
            )
        messages.success(request, _("Withdrawn from now on."))


@admin.register(Proxy)
class ProxyAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "writer", "patient", "relationship", "verified_at", "verified_by", "ends_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["relationship", ("verified_at", admin.EmptyFieldListFilter)]
    list_select_related: ClassVar = ["writer", "patient", "verified_by"]
    raw_id_fields: ClassVar = ["writer", "patient"]
    fields: ClassVar = [
        ("writer", "patient"), ("relationship", "ends_at"), ("verified_at", "verified_by"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["verified_at", "verified_by"]
    actions: ClassVar = ["proof_seen"]

    @admin.action(description=_("I have seen the proof"), permissions=["change"])
    def proof_seen(self, request: HttpRequest, chosen: QuerySet[Proxy]) -> None:
        unseen = list(chosen.filter(verified_at=None))
        for proxy in unseen:
            proxy.verified_at, proxy.verified_by_id = timezone.now(), request.user.pk
            proxy.save(update_fields=["verified_at", "verified_by"])
            record_look(
                request,
                Action.CHANGE,
                subject="patient",
                subject_id=proxy.patient_id,
                reason="admin: verify proxy",
            )
        messages.success(request, _("%(count)s verified in your name.") % {"count": len(unseen)})


@admin.register(Channel)
class ChannelAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = [
        "name",
        "kind",
        "slug",
        "is_active",
        "health",
        "heard_at",
        "failed_at",
    ]
    list_filter: ClassVar = ["is_active", "kind"]
    search_fields: ClassVar = ["name", "slug"]
    fieldsets: ClassVar = [
        (None, {"fields": [("name", "is_active"), ("slug", "kind")]}),
        (_("Health"), {"fields": [("health_named", "heard_at"), ("failed_at", "failure")]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> list[str]:
        glances = ["health_named", "heard_at", "failed_at", "failure"]
        # Addresses are indexed under the slug: another slug would know nobody.
        return [*glances, "slug", "kind"] if obj else glances

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return False

    @display(  # type: ignore[untyped-decorator]
        description=_("health"),
        label={"well": "success", "failing": "danger", "silent": "warning", "off": "info"},
    )
    def health(self, channel: Channel) -> tuple[str, Any]:
        return health_of(channel)

    @display(description=_("health"))  # type: ignore[untyped-decorator]
    def health_named(self, channel: Channel) -> Any:
        return health_of(channel)[1]


def health_of(channel: Channel) -> tuple[str, Any]:
    """How a channel does: a code and a word, by what came last."""
    if not channel.is_active:
        return "off", _("switched off")
    if channel.failed_at and (channel.heard_at is None or channel.failed_at > channel.heard_at):
        return "failing", _("failing")
    return ("well", _("well")) if channel.heard_at else ("silent", _("nothing heard yet"))
