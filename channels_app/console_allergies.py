"""Allergies on the nurse's card: what a patient said is settled, a new one is written down."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from channels_app.console_door import for_carers
from conversations.models import Conversation
from records.statements import NoSubstance, RecordClosed, record_allergy, settle_stated
from staff.models import StaffMember
from tickets.card import allergies_shown
from tickets.services import OutOfScope, read_conversation

WORDS_CHARS = 200


@require_POST
@for_carers
def settle(
    request: HttpRequest, conversation_id: int, allergy_id: int, name: str, *, nurse: StaffMember
) -> HttpResponseBase:
    """Confirm or refute one that the card shows as said by the patient."""
    now = timezone.now()
    conversation = _open(conversation_id, nurse=nurse, now=now)
    allergy = get_object_or_404(allergies_shown(conversation), pk=allergy_id)
    if name not in ("confirm", "refute"):
        raise Http404
    if settle_stated(allergy, is_true=name == "confirm", by=nurse, now=now):
        said = _("Confirmed in your name.") if name == "confirm" else _("Noted: no allergy.")
    else:
        said = _("A colleague was faster: this is settled.")
    return _show(request, conversation, said=said)


@require_POST
@for_carers
def add(request: HttpRequest, conversation_id: int, *, nurse: StaffMember) -> HttpResponseBase:
    """Write down what this patient must not get."""
    now, form = timezone.now(), request.POST
    conversation = _open(conversation_id, nurse=nurse, now=now)
    try:
        record_allergy(
            _patient(conversation),
            substance=form.get("substance", "")[:WORDS_CHARS],
            reaction=form.get("reaction", "")[:WORDS_CHARS],
            is_high=form.get("high") == "yes",
            by=nurse,
            now=now,
        )
    except NoSubstance:
        return _show(
            request, conversation, said=_("Say what the patient is allergic to."), bad=True
        )
    except RecordClosed:
        return _show(request, conversation, said=_("This record is closed."), bad=True)
    return _show(request, conversation, said=_("Written down in your name."))


def _open(conversation_id: int, *, nurse: StaffMember, now: datetime) -> Conversation:
    try:
        return read_conversation(conversation_id, nurse=nurse, reason="allergies", now=now)
    except (OutOfScope, Conversation.DoesNotExist):
        raise Http404 from None


def _patient(conversation: Conversation) -> Any:
    return conversation.subject or conversation.contact_point.patient


def _show(
    request: HttpRequest, conversation: Conversation, *, said: str, bad: bool = False
) -> HttpResponse:
    context = {
        "conversation": conversation,
        "allergies": allergies_shown(conversation),
        "said": said,
        "bad": bad,
    }
    return render(request, "console/_allergies.html", context)
