"""What a monitor may know: how much waits and for how long. Counts, and nobody's data.

Everything is counted in the database when the monitor asks, so every web process says the same.
Only this machine may ask, or who brings METRICS_TOKEN.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conversations.models import Message
from insight.drift import drifts
from insight.models import Review
from tickets.models import Alarm, Ticket

OWED_AFTER = timedelta(seconds=10)  # younger debts are work in hand
LOOPBACK = ("127.0.0.1", "::1", "")  # empty: a unix socket


def count(now: datetime) -> dict[str, float]:
    """What waits at this moment, by name; durations in seconds."""
    waiting = Ticket.objects.waiting()
    oldest = waiting.aggregate(since=Min("waiting_since"))["since"]
    owed = Message.objects.filter(created_at__lt=now - OWED_AFTER)
    counts = {
        "queue_waiting": waiting.count(),
        "queue_oldest_wait_seconds": max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
        "tickets_open": Ticket.objects.open().count(),
        "alarms_ringing": Alarm.objects.ringing().count(),
        "messages_unhandled": owed.unhandled().count(),
        "messages_unsent": owed.unsent().count(),
    }
    return counts | rings() | understood(now)


def rings() -> dict[str, int]:
    """The embedded broker's queue; nothing where RabbitMQ rings, which counts for itself."""
    if settings.BROKER_URL:
        return {}
    ring = apps.get_model("workers", "Ring").objects
    alive = ring.filter(dead_at=None).count()
    return {"broker_rings": alive, "broker_dead_rings": ring.exclude(dead_at=None).count()}


def understood(now: datetime) -> dict[str, float]:
    """How the newest model does, beside its reference week; shares 0 to 1."""
    counts: dict[str, float] = {"reviews_open": Review.objects.open().count()}
    drift = next(drifts(now=now), None)
    if drift is None:
        return counts
    counts["model_messages"] = drift.recent.messages
    counts["model_abstained_share"] = drift.recent.abstained_share
    counts["model_unknown_character_share"] = drift.recent.unknown_share
    if drift.reference is not None:
        counts["model_abstained_share_of_reference"] = drift.reference.abstained_share
        counts["model_unknown_character_share_of_reference"] = drift.reference.unknown_share
        counts["model_intent_stability_index"] = drift.stability_index
        counts["model_changed"] = float(drift.crossed)
    return counts


HELP = {
    "queue_waiting": "Tickets that no nurse has claimed.",
    "queue_oldest_wait_seconds": "How long the patient waits who has waited longest.",
    "tickets_open": "Tickets not yet resolved.",
    "alarms_ringing": "Red flags that nobody has acknowledged.",
    "messages_unhandled": "Patients' messages older than 10 s that nothing has handled.",
    "messages_unsent": "Replies older than 10 s that were not sent.",
    "broker_rings": "Rings of the embedded broker that wait for a worker.",
    "broker_dead_rings": "Rings of the embedded broker that were given up.",
    "reviews_open": "Messages where people and model differ that nobody has judged.",
    "model_messages": "Messages that the newest model understood in the last 7 days.",
    "model_abstained_share": "Of those, the share (0 to 1) that it was not sure of.",
    "model_abstained_share_of_reference": "The same in its reference week.",
    "model_unknown_character_share": "Share (0 to 1) of characters of no script of ours.",
    "model_unknown_character_share_of_reference": "The same in its reference week.",
    "model_intent_stability_index": "How far the intents lie from those of the reference week.",
    "model_changed": "1 when a threshold of insight.drift is crossed.",
}


class House(Collector):
    """Counts when it is asked, and never before."""

    def collect(self) -> Iterator[Metric]:
        for name, value in count(timezone.now()).items():
            yield GaugeMetricFamily(f"wenan_{name}", HELP[name], value=value)

    def describe(self) -> list[Metric]:
        return []  # or registering would ask the database


REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(House())
ProcessCollector(registry=REGISTRY)


def metrics(request: HttpRequest) -> HttpResponse:
    if not may_ask(request):
        return HttpResponseForbidden()
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def may_ask(request: HttpRequest) -> bool:
    """The bearer of the token; without a token set, this machine alone."""
    token: str = settings.METRICS_TOKEN
    if token:
        brought = request.headers.get("Authorization", "")
        return constant_time_compare(brought, f"Bearer {token}")
    # A proxy on this machine speaks for strangers, and says so.
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR", "") in LOOPBACK and not forwarded
