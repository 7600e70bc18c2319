"""An appointment for the patient's own calendar (RFC 5545).

Written here: one event without repetition, in UTC, needs three rules of the standard (escaping,
folding, line ends) and none of what a library is for. Calendars are shared with families and
employers, and lie in clouds: so no name, no reason, no doctor and no department.
"""

from datetime import UTC, datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from appointments.models import Appointment, Status
from appointments.visits import preparation
from hospital.models import Hospital

LINE_BYTES = 75
STATUS = {Status.CANCELLED: "CANCELLED", Status.PENDING: "TENTATIVE"}


def ical(appointment: Appointment, *, lang: str, now: datetime) -> str:
    """The text of an .ics file; taken in again after a change it replaces what was there."""
    hospital, sheet = Hospital.objects.this_one(), preparation(appointment, lang=lang)
    first = _first(appointment)
    changed_after = appointment.changed_at - first.held_at
    with override("en" if lang.startswith("en") else "zh-hans"):
        summary = _("Visit at %(hospital)s") % {"hospital": hospital.in_language("name", lang)}
        description = _("Number %(number)s. Please come by %(time)s.") % {
            "number": sheet.number,
            "time": f"{sheet.comes_at:%H:%M}",
        }
    where = [sheet.where(lang), hospital.in_language("address", lang)]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Wenan//Appointments//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{first.uid}@wenan",
        f"SEQUENCE:{int(changed_after.total_seconds())}",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(appointment.slot.starts_at)}",
        f"DTEND:{_utc(appointment.slot.ends_at)}",
        f"STATUS:{STATUS.get(Status(appointment.status), 'CONFIRMED')}",
        f"SUMMARY:{_escaped(summary)}",
        f"LOCATION:{_escaped(', '.join(part for part in where if part))}",
        f"DESCRIPTION:{_escaped(description)}",
        "CLASS:PRIVATE",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _first(appointment: Appointment) -> Appointment:
    """The one that this was moved from, so that a move replaces it in the calendar."""
    while appointment.moved_from is not None:
        appointment = appointment.moved_from
    return appointment


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text.replace("\r", "")


def _folded(line: str) -> str:
    """No line longer than 75 octets, and no character cut in two."""
    parts: list[str] = []
    current = ""
    for character in line:
        room = LINE_BYTES - (1 if parts else 0)  # a folded line begins with a space
        if len((current + character).encode()) > room:
            parts.append(current)
            current = ""
        current += character
    return "\r\n ".join([*parts, current])
