"""Conversations for those who administer: that they are, not what was said.

Reading one takes a permission of its own, which no role brings, and a reason; each reading is in
the access log before the first word is shown.
"""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from conversations.models import Conversation, Message
from vault.access import Action
from vault.admin import ReadOnlyAdmin, record_look
from vault.models import AccessEntry

SHOWN = 200  # messages on one page, the newest; older ones by another page, logged as well
REASON_CHARS = AccessEntry._meta.get_field("reason").max_length or 64


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why do you need to read this conversation?"),
        min_length=10,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "At least 10 characters. It is kept in the access log, shortened to %(max)s characters"
            " with its beginning “admin: ”. Never quote what the patient wrote."
        )
        % {"max": REASON_CHARS},
    )
    before = forms.IntegerField(required=False, widget=forms.HiddenInput)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display: ClassVar = [
        "id", "channel", "owned_by", "open_ticket", "speaks", "last_seq", "last_message_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["owner", "language", "contact_point__channel", "nurse"]
    list_select_related: ClassVar = ["contact_point__channel", "nurse"]
    list_per_page = 50
    show_full_result_count = False
    actions_detail: ClassVar = ["read"]
    fields: ClassVar = [
        ("channel", "whose"), ("owner", "nurse"), ("open_ticket", "speaks"),
        ("last_seq", "started_at"), ("last_message_at",),
    ]  # fmt: skip
    readonly_fields: ClassVar = [
        "channel", "whose", "open_ticket", "speaks",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        conversations: QuerySet[Conversation] = super().get_queryset(request)
        return conversations.prefetch_related("tickets")

    @display(description=_("channel"))  # type: ignore[untyped-decorator]
    def channel(self, conversation: Conversation) -> str:
        return conversation.contact_point.channel.name

    @display(description=_("patient"))  # type: ignore[untyped-decorator]
    def whose(self, conversation: Conversation) -> str:
        patient = conversation.contact_point.patient
        return _link("patients_patient", patient.pk, str(patient))

    @display(  # type: ignore[untyped-decorator]
        description=_("owner"),
        ordering="owner",
        label={"queue": "warning", "nurse": "success", "assistant": "info"},
    )
    def owned_by(self, conversation: Conversation) -> tuple[str, str]:
        name = f" · {conversation.nurse}" if conversation.nurse else ""
        return conversation.owner, f"{conversation.get_owner_display()}{name}"

    @display(description=_("open ticket"))  # type: ignore[untyped-decorator]
    def open_ticket(self, conversation: Conversation) -> str:
        # Tickets live a floor above; what we see of them is what belongs to this conversation.
        for ticket in conversation.tickets.all():
            if ticket.resolved_at is None:
                return _link("tickets_ticket", ticket.pk, str(ticket))
        return "–"

    @display(description=_("language"), ordering="language")  # type: ignore[untyped-decorator]
    def speaks(self, conversation: Conversation) -> str:
        return dict(settings.LANGUAGES).get(conversation.language, conversation.language)

    def has_read_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_read(request.user)

    @action(  # type: ignore[untyped-decorator]
        description=_("Read the messages"),
        url_path="read",
        permissions=["read"],
        icon="lock_open",
    )
    def read(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a reason, write it down, and only then show what was said."""
        if not (self.has_view_permission(request) and may_read(request.user)):
            raise PermissionDenied
        conversation = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = ReasonForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": conversation,
            "title": _("Read the messages of %(name)s") % {"name": conversation},
            "form": form,
        }
        if form.is_valid():
            context |= self._open(request, conversation, **form.cleaned_data)
        return TemplateResponse(request, "admin/conversations/conversation/read.html", context)

    def _open(
        self, request: HttpRequest, conversation: Conversation, *, reason: str, before: int | None
    ) -> dict[str, Any]:
        record_look(
            request,
            Action.READ,
            subject="conversation",
            subject_id=conversation.pk,
            reason=f"admin: {reason}"[:REASON_CHARS],
        )
        messages = Message.objects.filter(conversation=conversation).select_related("nurse")
        if before:
            messages = messages.filter(seq__lt=before)
        newest = list(messages.order_by("-seq")[:SHOWN])[::-1]
        return {
            "thread": [{"message": message, **explain(message)} for message in newest],
            "earlier": newest[0].seq if newest and newest[0].seq > 1 else None,
            "reason": reason,
        }


def may_read(user: Any) -> bool:
    """Whether somebody was granted to read messages. Being superuser is no grant."""
    if not user.is_active:
        return False
    granted = Q(user=user) | Q(group__user=user)
    return Permission.objects.filter(
        granted, codename="view_message", content_type__app_label="conversations"
    ).exists()


def explain(message: Message) -> dict[str, Any]:
    """What the details of a message say of where it comes from, for a reader."""
    details = message.details or {}
    meaning = details.get("understanding") or {}
    return {
        "source": details.get("source"),
        "rephrased": (details.get("rephrased") or {}).get("model"),
        "original": details.get("original"),
        "skill": details.get("skill"),
        "model": details.get("model") or meaning.get("model"),
        "card": details.get("card"),
        "event": EVENTS.get(details.get("event", ""), details.get("event")),
        "red_flags": [flag["rule"] for flag in details.get("red_flags", [])],
        "meaning": [
            (label, _shown(meaning.get(name), meaning.get(f"{name}_confidence")))
            for name, label in MEANINGS.items()
            if meaning.get(name) not in (None, "", [])
        ],
    }


EVENTS = {
    "queued": _("handed over to the nurses"),
    "claimed": _("claimed by a nurse"),
    "acknowledged": _("alarm acknowledged"),
    "alarm_climbed": _("alarm passed on"),
    "more_urgent": _("became more urgent"),
    "transferred": _("handed on"),
    "snoozed": _("put aside"),
    "requeued": _("back in the queue"),
    "resolved": _("ticket resolved"),
    "reopened": _("ticket reopened"),
}
MEANINGS = {
    "intent": _("intent"),
    "urgency": _("urgency"),
    "distress": _("distress"),
    "wants_human": _("wants a person"),
    "abstained": _("model not sure"),
    "act": _("decided"),
    "reason": _("reason"),
}


def _shown(value: Any, confidence: float | None) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return f"{value} {confidence:.0%}" if isinstance(confidence, float) else str(value)


def _link(page: str, pk: int, text: str) -> str:
    where = reverse(f"admin:{page}_change", args=[pk])
    return format_html('<a class="text-primary-600" href="{}">{}</a>', where, text)
