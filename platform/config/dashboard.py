"""The first page of the admin: how the house is doing now. Counts only, nobody's name but staff."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app.metrics import count
from conversations.models import Author, Kind, Message
from insight.drift import drifts, in_words
from insight.models import Review
from insight.reading import since
from knowledge.models import ArticleVersion
from patients.admin import health_of
from patients.models import Channel
from staff.models import StaffMember
from tickets.admin import URGENCIES
from tickets.models import Alarm, Reason, Ticket

EXPIRES_SOON = timedelta(days=30)
LONG_WAIT_S = 300  # a patient who waits longer shows in the warning colour
MODEL = Path(settings.ROOT) / "workers/understanding/model/config.json"


@dataclass(frozen=True)
class Number:
    name: str
    value: str
    note: str
    link: str
    tone: str = "calm"  # calm, warn or bad


@dataclass(frozen=True)
class Row:
    name: str
    value: str
    share: int | None = None  # 0 to 100, shown as a bar
    tone: str = "calm"


@dataclass(frozen=True)
class Panel:
    title: str
    rows: list[Row] = field(default_factory=list)
    empty: str = ""
    note: str = ""


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Called by unfold for the admin's first page."""
    now = timezone.now()
    counts = count(now)
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    messages = since(Message.objects.filter(kind=Kind.TEXT), "created_at", midnight)
    tickets = since(Ticket.objects.all(), "opened_at", midnight)
    return {
        **context,
        "title": _("Overview"),
        "now": timezone.localtime(now),
        "numbers": [
            _queue(counts),
            _red_flags(counts, midnight),
            _messages(messages),
            _owed(counts),
            *_rings(counts),
        ],
        "panels": [
            _by_urgency(),
            _by_nurse(),
            _answered(messages, tickets),
            _channels(),
            _knowledge(now),
            _model(),
            *_watched(now),
        ],
    }


def _queue(counts: dict[str, float]) -> Number:
    waits = counts["queue_oldest_wait_seconds"]
    note = _("longest wait %(duration)s") % {"duration": _duration(waits)} if waits else ""
    tone = "warn" if waits > LONG_WAIT_S else "calm"
    link = reverse("admin:tickets_ticket_changelist") + "?state=waiting"
    return Number(_("Waiting for a nurse"), f"{counts['queue_waiting']:.0f}", note, link, tone)


def _red_flags(counts: dict[str, float], midnight: datetime) -> Number:
    today = since(Alarm.objects.all(), "raised_at", midnight).count()
    ringing = int(counts["alarms_ringing"])
    note = _("%(count)s ringing now") % {"count": ringing} if ringing else _("none ringing")
    link = reverse("admin:tickets_alarm_changelist")
    return Number(_("Red flags today"), str(today), note, link, "bad" if ringing else "calm")


def _messages(messages: QuerySet[Message]) -> Number:
    by_author = dict(messages.order_by().values_list("author").annotate(n=Count("pk")))
    note = _("assistant %(assistant)s, nurses %(nurses)s") % {
        "assistant": by_author.get(Author.ASSISTANT, 0),
        "nurses": by_author.get(Author.NURSE, 0),
    }
    link = reverse("admin:conversations_conversation_changelist")
    return Number(_("From patients today"), str(by_author.get(Author.PATIENT, 0)), note, link)


def _owed(counts: dict[str, float]) -> Number:
    unhandled, unsent = int(counts["messages_unhandled"]), int(counts["messages_unsent"])
    note = _("not handled %(unhandled)s, not sent %(unsent)s") % {
        "unhandled": unhandled,
        "unsent": unsent,
    }
    tone = "bad" if unhandled or unsent else "calm"
    return Number(
        _("Owed for over 10 s"), str(unhandled + unsent), note, reverse("admin:index"), tone
    )


def _rings(counts: dict[str, float]) -> list[Number]:
    if "broker_rings" not in counts:
        return []  # RabbitMQ has screens of its own
    dead = int(counts["broker_dead_rings"])
    note = _("%(count)s given up") % {"count": dead} if dead else _("none given up")
    link = reverse("admin:workers_ring_changelist")
    waiting = f"{counts['broker_rings']:.0f}"
    return [Number(_("Rings for workers"), waiting, note, link, "warn" if dead else "calm")]


def _by_urgency() -> Panel:
    waiting = dict(
        Ticket.objects.waiting().order_by().values_list("urgency").annotate(n=Count("pk"))
    )
    tones = {3: "bad", 2: "warn"}
    rows = [
        (str(name), waiting[level], tones.get(level, "calm"))
        for level, name in reversed(URGENCIES.items())
        if level in waiting
    ]
    return Panel(_("The queue by urgency"), _bars(rows), empty=_("Nobody waits for a nurse."))


def _by_nurse() -> Panel:
    claimed = Ticket.objects.open().exclude(claimed_by=None).order_by()
    counts = dict(claimed.values_list("claimed_by").annotate(n=Count("pk")))
    names = StaffMember.objects.in_bulk(counts)
    rows = sorted(((str(names[pk]), n, "calm") for pk, n in counts.items()), key=lambda r: -r[1])
    return Panel(_("In nurses' hands"), _bars(rows), empty=_("No ticket is with a nurse."))


def _answered(messages: QuerySet[Message], tickets: QuerySet[Ticket]) -> Panel:
    reasons = dict(tickets.order_by().values_list("reason").annotate(n=Count("pk")))
    answered = messages.filter(author=Author.ASSISTANT).count()
    rows = [(_("answered by the assistant"), answered, "calm")] if answered else []
    rows += [
        (str(reason.label), reasons[reason], "bad" if reason == Reason.RED_FLAG else "warn")
        for reason in Reason
        if reason in reasons
    ]
    return Panel(
        _("Answered and handed over today"), _bars(rows), empty=_("Nobody has written today.")
    )


def _channels() -> Panel:
    tones = {"well": "good", "failing": "bad", "silent": "warn", "off": "calm"}
    rows = []
    for channel in Channel.objects.all():
        code, word = health_of(channel)
        heard = channel.heard_at
        when = f" · {timezone.localtime(heard):%m-%d %H:%M}" if heard else ""
        rows.append(Row(channel.name, f"{word}{when}", tone=tones[code]))
    return Panel(_("Channels"), rows, empty=_("No channel is set up."))


def _knowledge(now: datetime) -> Panel:
    ending = ArticleVersion.objects.in_force(now).filter(expires_at__lt=now + EXPIRES_SOON)
    rows = []
    for version in ending.order_by("expires_at")[:5]:
        assert version.expires_at is not None
        days = (version.expires_at - now).days
        left = ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days}
        rows.append(Row(version.title, left, tone="warn"))
    drafts = ArticleVersion.objects.drafts().count()
    note = _("%(count)s drafts wait for a sign-off.") % {"count": drafts} if drafts else ""
    nothing = _("Nothing expires within 30 days.")
    return Panel(_("Knowledge about to expire"), rows, empty=nothing, note=note)


def _model() -> Panel:
    try:
        config = json.loads(MODEL.read_text())
        rows = [Row(str(config["name"]), str(config["version"]))]
    except (OSError, ValueError, KeyError):
        rows = []
    missing = _("No model is installed: nurses read every message that rules do not answer.")
    return Panel(_("Model in use"), rows, empty=missing)


def _watched(now: datetime) -> list[Panel]:
    """Each model of the last seven days beside its reference week, and what waits for a verdict."""
    waiting = Review.objects.open().count()
    note = ngettext(
        "%(count)s review waits for a verdict.", "%(count)s reviews wait for a verdict.", waiting
    ) % {"count": waiting}
    panels = [
        Panel(
            _("Watching %(model)s") % {"model": drift.model},
            [
                Row(
                    said.words, _("changed") if said.is_warning else "", tone=_tone(said.is_warning)
                )
                for said in in_words(drift)
            ],
            note=note,
        )
        for drift in drifts(now=now)
    ]
    nothing = _("No day of the last seven was counted yet.")
    return panels or [Panel(_("Watching the model"), empty=nothing, note=note)]


def _tone(is_warning: bool) -> str:
    return "warn" if is_warning else "calm"


def _bars(rows: list[tuple[str, int, str]]) -> list[Row]:
    longest = max((number for _name, number, _tone in rows), default=0)
    return [Row(name, str(n), round(100 * n / longest) if longest else 0, tone)
            for name, n, tone in rows]  # fmt: skip


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("%(count)s s") % {"count": int(seconds)}
    if minutes < 120:
        return _("%(count)s min") % {"count": minutes}
    return _("%(count)s h") % {"count": minutes // 60}
