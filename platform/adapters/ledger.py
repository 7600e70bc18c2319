"""The vendor's windows and quotas, counted by us: what we may still send, and until when."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from adapters.contracts import Capabilities
from adapters.contracts import Grant as Granted
from adapters.models import SOME_LEFT, Allowance, Grant
from adapters.policy import Reach
from patients.models import ContactPoint


def open_window(
    contact_point: ContactPoint,
    trigger: str,
    *,
    capabilities: Capabilities,
    at: datetime,
    reply_code: str = "",
) -> bool:
    """Note that a patient did what opens a window; an older event changes nothing.

    True when nothing could be sent before, and now it can.
    """
    window = capabilities.windows.get(trigger)
    if window is None:
        return False
    opens, closes = map(
        connection.ops.adapt_datetimefield_value, (at, at + timedelta(seconds=window.seconds))
    )
    with connection.cursor() as cursor:
        cursor.execute(_HAS_SOME_LEFT, [contact_point.pk, opens])
        was_open = cursor.fetchone() is not None
        cursor.execute(
            _OPEN, [contact_point.pk, trigger, opens, closes, window.messages, reply_code]
        )
        is_new = cursor.fetchone() is not None
    return is_new and not was_open


# Written out: they run for every message.
_HAS_SOME_LEFT = """
SELECT 1 FROM adapters_allowance
WHERE contact_point_id = %s AND closes_at > %s AND (allowed IS NULL OR used < allowed) LIMIT 1
"""
_OPEN = """
INSERT INTO adapters_allowance
    (contact_point_id, "trigger", opened_at, closes_at, allowed, used, reply_code)
VALUES (%s, %s, %s, %s, %s, 0, %s)
ON CONFLICT (contact_point_id, "trigger") DO UPDATE SET
    opened_at = excluded.opened_at, closes_at = excluded.closes_at, allowed = excluded.allowed,
    used = 0, reply_code = excluded.reply_code
WHERE adapters_allowance.opened_at < excluded.opened_at
RETURNING id
"""


def opened_since(contact_point: ContactPoint, *, at: datetime) -> bool:
    """Whether its patient did something after this moment."""
    return Allowance.objects.filter(contact_point=contact_point, opened_at__gt=at).exists()


def reach_of(contact_point: ContactPoint, *, now: datetime, purpose: str = "") -> Reach:
    """What is known of an address at this moment; `purpose` of what is to be sent unasked."""
    patient = contact_point.patient
    still_open = list(Allowance.objects.filter(contact_point=contact_point, closes_at__gt=now))
    counts = [a.allowed - a.used for a in still_open if a.allowed is not None]
    unlimited = any(a.allowed is None for a in still_open)
    return Reach(
        is_deceased=patient.deceased_at is not None,
        closed_why=contact_point.closed_why,
        is_muted=contact_point.muted_until is not None and contact_point.muted_until > now,
        has_consent=not purpose or patient.consents.in_force().filter(purpose=purpose).exists(),
        allowed=None if unlimited else sum(a.allowed or 0 for a in still_open),
        closes_at=max((a.closes_at for a in still_open), default=None),
        has_window=bool(still_open),
        left=None if unlimited else sum(max(0, left) for left in counts),
    )


def spend(contact_point: ContactPoint, *, now: datetime) -> Allowance | None:
    """Take one message from what closes first; None where nothing is counted, or nothing left."""
    for allowance in Allowance.objects.filter(contact_point=contact_point).left(now=now):
        if Allowance.objects.filter(SOME_LEFT, pk=allowance.pk).update(used=F("used") + 1):
            return allowance
    return None


def give_back(allowance: Allowance | None) -> None:
    """What the vendor did not take was not spent."""
    if allowance is not None:
        Allowance.objects.filter(pk=allowance.pk, opened_at=allowance.opened_at, used__gt=0).update(
            used=F("used") - 1
        )


def close_windows(contact_point: ContactPoint, *, asked_at: datetime, now: datetime) -> None:
    """The vendor knows better: nothing more goes out until the patient writes again.

    Of what they opened after we asked it says nothing.
    """
    known = Allowance.objects.filter(contact_point=contact_point, opened_at__lte=asked_at)
    known.filter(closes_at__gt=now).update(closes_at=now)


@transaction.atomic
def note_grant(contact_point: ContactPoint, granted: Granted) -> None:
    """One more template message is allowed; a refusal takes away what was left."""
    row, _ = Grant.objects.get_or_create(contact_point=contact_point, template=granted.template)
    left = F("left") + 1 if granted.accepted else 0
    Grant.objects.filter(pk=row.pk).update(left=left)


def spend_grant(contact_point: ContactPoint, template: str) -> bool:
    """Take one of the template messages that somebody agreed to. False: there is none."""
    granted = Grant.objects.filter(contact_point=contact_point, template=template, left__gt=0)
    return bool(granted.update(left=F("left") - 1))


def give_back_grant(contact_point: ContactPoint, template: str) -> None:
    """What the vendor did not take was not spent."""
    Grant.objects.filter(contact_point=contact_point, template=template).update(left=F("left") + 1)


def forget_grants(contact_point: ContactPoint, template: str) -> None:
    """The vendor says that somebody has agreed to none."""
    Grant.objects.filter(contact_point=contact_point, template=template).update(left=0)
