"""Tickets and alarms to look at, and the sentences that nurses keep at hand."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from tickets.models import Alarm, CannedReply, Ticket
from vault.admin import ReadOnlyAdmin

URGENCIES: dict[int, Any] = {
    0: _("not urgent"), 1: _("routine"), 2: _("same day"), 3: _("emergency"),
}  # fmt: skip
COLOURS = {"0": "info", "1": "info", "2": "warning", "3": "danger"}


class UrgencyFilter(admin.SimpleListFilter):
    title = _("urgency")
    parameter_name = "urgency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(level), name) for level, name in reversed(URGENCIES.items())]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value() or ""
        return queryset.filter(urgency=int(chosen)) if chosen.isdigit() else queryset


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waiting")), ("open", _("open")), ("resolved", _("resolved"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "waiting":
                return queryset.waiting()
            case "open":
                return queryset.open()
            case "resolved":
                return queryset.exclude(resolved_at=None)
        return queryset


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Claiming, handing on and resolving happen in the console, where the patient is heard."""

    list_display: ClassVar = [
        "id", "how_urgent", "reason", "department", "state", "claimed_by", "opened_at",
        "resolved_at",
    ]  # fmt: skip
    list_filter: ClassVar = [
        StateFilter,
        UrgencyFilter,
        "reason",
        ("department", admin.RelatedOnlyFieldListFilter),
        ("claimed_by", admin.RelatedOnlyFieldListFilter),
        "outcome",
        ("opened_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related: ClassVar = ["department", "claimed_by"]
    list_per_page = 50
    show_full_result_count = False
    ordering: ClassVar = ["-id"]
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": [
                    ("urgency_named", "reason"),
                    ("talk", "department"),
                    ("state_named", "outcome"),
                    ("claimed_by", "claimed_at"),
                ]
            },
        ),
        (
            _("Times"),
            {
                "fields": [
                    ("opened_at", "waiting_since"),
                    ("snoozed_until", "reopened"),
                    ("resolved_at", "resolved_by"),
                ]
            },
        ),
    ]
    readonly_fields: ClassVar = ["urgency_named", "talk", "state_named"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        tickets: QuerySet[Ticket] = super().get_queryset(request)
        return tickets.select_related("conversation")

    @display(description=_("urgency"), ordering="urgency", label=COLOURS)  # type: ignore[untyped-decorator]
    def how_urgent(self, ticket: Ticket) -> tuple[str, Any]:
        return str(ticket.urgency), URGENCIES.get(ticket.urgency, ticket.urgency)

    @display(  # type: ignore[untyped-decorator]
        description=_("state"),
        label={"waiting": "warning", "claimed": "success", "resolved": "info"},
    )
    def state(self, ticket: Ticket) -> tuple[str, Any]:
        if ticket.resolved_at:
            return "resolved", _("resolved")
        return ("claimed", _("in care")) if ticket.claimed_by_id else ("waiting", _("waiting"))

    @display(description=_("urgency"))  # type: ignore[untyped-decorator]
    def urgency_named(self, ticket: Ticket) -> Any:
        return self.how_urgent(ticket)[1]

    @display(description=_("state"))  # type: ignore[untyped-decorator]
    def state_named(self, ticket: Ticket) -> Any:
        return self.state(ticket)[1]

    @display(description=_("conversation"))  # type: ignore[untyped-decorator]
    def talk(self, ticket: Ticket) -> str:
        where = reverse("admin:conversations_conversation_change", args=[ticket.conversation_id])
        return format_html(
            '<a class="text-primary-600" href="{}">{}</a>', where, ticket.conversation
        )


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "id", "ticket", "which_rules", "raised_at", "step", "acknowledged_at", "acknowledged_by",
    ]  # fmt: skip
    list_filter: ClassVar = [
        ("acknowledged_at", admin.EmptyFieldListFilter), "step", ("raised_at", RangeDateTimeFilter),
    ]  # fmt: skip
    list_filter_submit = True
    list_select_related: ClassVar = ["ticket", "acknowledged_by"]
    list_per_page = 50
    ordering: ClassVar = ["-id"]
    fields: ClassVar = [
        ("ticket", "which_rules"), ("raised_at", "step"), ("acknowledged_at", "acknowledged_by"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["which_rules"]

    @display(description=_("rules"))  # type: ignore[untyped-decorator]
    def which_rules(self, alarm: Alarm) -> str:
        return "、".join(alarm.rules) or "–"


@admin.register(CannedReply)
class CannedReplyAdmin(ModelAdmin):  # type: ignore[misc]
    list_display: ClassVar = ["shortcut", "title", "is_active"]
    list_filter: ClassVar = ["is_active"]
    search_fields: ClassVar = ["shortcut", "title", "text", "text_en"]
    fieldsets: ClassVar = [
        (None, {"fields": [("shortcut", "title"), "is_active"]}),
        (_("Words"), {"fields": ["text", "text_en"]}),
    ]
