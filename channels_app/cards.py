"""What a card in the patient's thread says now, not always what it said when it was written.

A visit may have been cancelled since; a report is open only as long as the proof of who reads it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from appointments.ical import ical
from appointments.models import Appointment, Status

Frame = dict[str, Any]

LASTS_S = 7 * 24 * 3600  # of a page that stays open; each look at the thread makes a new one
_SALT = "wenan.calendar"
_IN_CALENDARS = (Status.BOOKED, Status.ARRIVED)


def bring_up_to_date(items: Iterable[Frame], *, now: datetime) -> None:
    """Set on each card how its visit stands, and hide reports whose time is over.

    In the language in force. What ends says how many seconds it has left: phones' clocks go wrong.
    """
    visits: list[Frame] = []
    for item in items:
        details = item.get("details", {})
        if "report" in details:
            _hide_when_over(item, now=now)
        if "appointment" in details:
            visits.append(details["appointment"])
    if not visits:
        return
    standing = Appointment.objects.in_bulk([card["id"] for card in visits])
    for card in visits:
        if (appointment := standing.get(card["id"])) is not None:
            _stand(card, appointment, now=now)


def _hide_when_over(item: Frame, *, now: datetime) -> None:
    report = item["details"]["report"]
    left = datetime.fromisoformat(report["until"]) - now
    if left > timedelta(0):
        report["left_s"] = int(left.total_seconds())
        return
    item["text"] = _("This report is closed again to protect you. Ask for it once more to see it.")
    del item["details"]["report"]


def _stand(card: Frame, appointment: Appointment, *, now: datetime) -> None:
    status, until = Status(appointment.status), appointment.held_until
    card.pop("held_until", None)
    card |= {"status": status.value, "status_name": str(status.label)}
    if appointment.moved_from_id is not None:
        card["instead_of"] = appointment.moved_from_id
    if until is not None:
        card |= {
            "held_until": until.isoformat(),
            "left_s": max(0, int((until - now).total_seconds())),
        }
    if status in _IN_CALENDARS:
        card["calendar"] = reverse("visit-calendar", args=[_token(appointment.pk)])


def _token(appointment_id: int) -> str:
    return signing.dumps([appointment_id, get_language() or ""], salt=_SALT)


@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The appointment as an .ics file, which names nobody; for whoever was shown its card."""
    try:
        appointment_id, lang = signing.loads(token, salt=_SALT, max_age=LASTS_S)
    except signing.SignatureExpired:
        return HttpResponse(status=410)
    except signing.BadSignature:
        return HttpResponse(status=404)
    appointment = Appointment.objects.with_all().filter(pk=appointment_id).first()
    if appointment is None:
        return HttpResponse(status=404)
    text = ical(appointment, lang=lang, now=timezone.now())
    response = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="visit.ics"'
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    response["X-Content-Type-Options"] = "nosniff"
    return response
