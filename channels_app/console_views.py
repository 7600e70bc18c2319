"""The nurse's pages: sign in, the three panes, and the pieces that htmx fetches."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth import views as auth_views
from django.db import transaction
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_GET, require_POST

from adapters.models import Attempt
from appointments.models import Appointment
from careplans.models import CarePlan, State
from careplans.models import Status as PlanStatus
from careplans.services import pause_plan, resume_plan
from channels_app import console_tasks, console_words
from channels_app.console_door import for_carers
from channels_app.login import ConsoleLogin
from conversations.models import Conversation
from hospital.models import Department, Hospital
from patients.models import Patient
from staff.models import Availability, StaffMember
from tickets import policy
from tickets.card import build_card
from tickets.models import CannedReply, Draft, Outcome, Ticket
from tickets.services import OutOfScope, read_conversation
from vault import access
from vault.datakeys import open_many

LISTED = 200  # rows; who waits below that is in a folder of their own
RED = 3  # urgency of an emergency
TRIED = 20  # attempts on the card, the newest; its template says the number too

FOLDERS: dict[str, Any] = {
    "red": _l("Red flags"),
    "queue": _l("Queue"),
    "mine": _l("Mine"),
    "snoozed": _l("Snoozed"),
    "all": _l("All open"),
    "ended": _l("Ended"),
}


class Login(auth_views.LoginView):
    template_name = "console/login.html"
    form_class = ConsoleLogin
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(hospital=_hospital_name(), **kwargs)


class Logout(auth_views.LogoutView):
    next_page = "console-login"


@require_GET
@for_carers
def console(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """The three panes; what is in them comes by itself."""
    context = {
        "nurse": nurse,
        "hospital": _hospital_name(),
        "availabilities": Availability.choices,
        "outcomes": [pair for pair in Outcome.choices if pair[0] != Outcome.RETURNED],
        "words": console_words.words(),
        **_lists(nurse, folder="queue", now=timezone.now()),
    }
    return render(request, "console/console.html", context)


@require_GET
@for_carers
def lists(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """The folders with their counts, and the rows of one of them, without a patient's words."""
    folder = request.GET.get("folder", "")
    folder = folder if folder in FOLDERS or folder in console_tasks.FOLDERS else "queue"
    context = {"nurse": nurse, **_lists(nurse, folder=folder, now=timezone.now())}
    return render(request, "console/_lists.html", context)


@require_GET
@for_carers
def card(request: HttpRequest, conversation_id: int, *, nurse: StaffMember) -> HttpResponseBase:
    """Who it is, and what has been said. Each look is on the access log."""
    now = timezone.now()
    conversation = _read(conversation_id, nurse=nurse, now=now)
    return HttpResponse(status=404) if conversation is None else _card(request, conversation, now)


@require_POST
@for_carers
def plan(
    request: HttpRequest, conversation_id: int, plan_id: int, name: str, *, nurse: StaffMember
) -> HttpResponseBase:
    """Pause what the patient is reminded of, or go on with it; the card shows how it stands."""
    now, acts = timezone.now(), {"pause": pause_plan, "resume": resume_plan}
    conversation = _read(conversation_id, nurse=nurse, now=now)
    found = None if conversation is None else _plans(conversation).filter(pk=plan_id).first()
    if conversation is None or found is None or name not in acts:
        return HttpResponse(status=404)
    with transaction.atomic():
        access.record(
            access.Action.CHANGE,
            actor_id=nurse.pk,
            subject="patient",
            subject_id=found.patient_id,
            reason=f"plan {name}",
            now=now,
        )
        acts[name](found, now=now)
    return _card(request, conversation, now)


def _read(conversation_id: int, *, nurse: StaffMember, now: datetime) -> Conversation | None:
    try:
        return read_conversation(conversation_id, nurse=nurse, reason="card", now=now)
    except (OutOfScope, Conversation.DoesNotExist):
        return None


def _card(request: HttpRequest, conversation: Conversation, now: datetime) -> HttpResponse:
    tickets = list(
        Ticket.objects.filter(conversation=conversation)
        .select_related("department", "claimed_by", "resolved_by", "conversation__subject")
        .select_related("conversation__contact_point__patient")
        .order_by("-opened_at", "-pk")[:20]
    )
    card = build_card(tickets[0], now)
    context = {
        "conversation": conversation,
        "card": card,
        "visit": _visit(card.next_visit),
        "plans": _plans(conversation),
        "ticket": tickets[0],
        "department": _department(tickets[0]),
        "earlier": tickets[1:],
        "channel": conversation.contact_point.channel,
        "attempts": Attempt.objects.filter(message__conversation=conversation)
        .select_related("channel")
        .order_by("-began_at", "-pk")[:TRIED],
    }
    return render(request, "console/_card.html", context)


def _visit(visit: Appointment | None) -> dict[str, Any] | None:
    if visit is None:
        return None
    slot, lang = visit.slot, get_language() or ""
    return {
        "starts_at": slot.starts_at,
        "with": " ".join(
            each.in_language("name", lang) for each in (slot.department, slot.doctor) if each
        ),
        "status": visit.get_status_display(),
    }


def _plans(conversation: Conversation) -> Any:
    """What we promised to ask this patient: when next, and what was not answered yet."""
    patient = conversation.subject or conversation.contact_point.patient
    asked = Q(dues__state=State.ASKED)
    ahead = Q(dues__asked_at=None, dues__settled_at=None)
    living = (PlanStatus.ACTIVE, PlanStatus.PAUSED)
    return (
        CarePlan.objects.filter(patient=patient, status__in=living)
        .select_related("template")
        .annotate(unanswered=Count("dues", filter=asked), next_at=Min("dues__ask_at", filter=ahead))
        .order_by("pk")
    )


@require_GET
@for_carers
def transfer(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """To whom a ticket may go: colleagues who are there now, and departments."""
    colleagues = StaffMember.objects.caring().exclude(pk=nurse.pk).present(now=timezone.now())
    context = {
        "colleagues": colleagues.order_by("display_name"),
        "departments": [
            (department.pk, department.in_language("name", get_language() or ""))
            for department in Department.objects.active()
        ],
    }
    return render(request, "console/_transfer.html", context)


@require_GET
@for_carers
def canned(request: HttpRequest, *, nurse: StaffMember) -> HttpResponseBase:
    """The sentences behind "/", with the nurse's own name in them."""
    replies = [
        {
            "shortcut": reply.shortcut,
            "title": reply.title,
            "text": reply.text.replace("{nurse}", nurse.display_name),
            "text_en": reply.text_en.replace("{nurse}", nurse.display_name),
        }
        for reply in CannedReply.objects.filter(is_active=True)
    ]
    return JsonResponse({"replies": replies})


def _lists(nurse: StaffMember, *, folder: str, now: datetime) -> dict[str, Any]:
    scope = policy.scope_of(nurse)
    folders = _folders(nurse, now=now)
    counts = (
        Ticket.objects.open()
        .filter(scope)
        .aggregate(
            **{
                name: Count("pk", filter=condition, distinct=True)
                for name, condition in folders.items()
                if name != "ended"
            }
        )
    )
    if folder in console_tasks.FOLDERS:
        tickets = Ticket.objects.none()
    elif folder == "ended":
        since = now - policy.REOPEN_WITHIN
        tickets = Ticket.objects.filter(scope, resolved_at__gt=since).order_by("-resolved_at")
    else:
        tickets = Ticket.objects.open().filter(scope, folders[folder]).in_order()
    return {
        "folders": [
            {"code": code, "name": name, "count": counts.get(code), "is_open": code == folder}
            for code, name in FOLDERS.items()
        ],
        "folder": folder,
        "rows": _rows(_with_all(tickets, nurse)[:LISTED], nurse=nurse),
        "counts": counts,
        **console_tasks.lists_of(nurse, folder=folder, now=now, at_most=LISTED),
    }


def _folders(nurse: StaffMember, *, now: datetime) -> dict[str, Q]:
    asleep = Q(snoozed_until__gt=now)
    return {
        "red": Q(urgency__gte=RED),
        "queue": Q(claimed_by=None),
        "mine": Q(claimed_by=nurse) & ~asleep,
        "snoozed": Q(claimed_by=nurse) & asleep,
        "all": Q(),
    }


def _with_all(tickets: Any, nurse: StaffMember) -> Any:
    """Everything that a row shows, by one query."""
    drafts = Draft.objects.filter(conversation=OuterRef("conversation"), nurse=nurse)
    return tickets.select_related(
        "department",
        "claimed_by",
        "conversation__contact_point__channel",
        "conversation__contact_point__patient",
        "conversation__subject",
    ).annotate(has_draft=Exists(drafts))


def _rows(tickets: Iterable[Ticket], *, nurse: StaffMember) -> list[dict[str, Any]]:
    found = list(tickets)
    points = [ticket.conversation.contact_point for ticket in found]
    open_many(point.patient.data_key_id for point in points)  # the masked names
    return [_row(ticket, nurse=nurse) for ticket in found]


def _row(ticket: Ticket, *, nurse: StaffMember) -> dict[str, Any]:
    conversation = ticket.conversation
    patient: Patient = conversation.subject or conversation.contact_point.patient
    is_mine = ticket.claimed_by_id == nurse.pk
    return {
        "ticket": ticket,
        "name": patient.masked_name or _("Visitor %(id)s") % {"id": patient.pk},
        "reason": ticket.get_reason_display(),
        "urgency": console_words.urgency(ticket.urgency),
        "department": _department(ticket),
        "is_mine": is_mine,
        "has_news": is_mine and conversation.last_seq > conversation.staff_seen_seq,
    }


def _department(ticket: Ticket) -> str:
    department = ticket.department
    return department.in_language("name", get_language() or "") if department else ""


def _hospital_name() -> str:
    return Hospital.objects.this_one().in_language("name", get_language() or "")
