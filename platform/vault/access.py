"""The access log: who looked at whom, when and why, in a chain that shows tampering."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F

from vault import keys
from vault.models import AccessEntry, AccessHead

Action = AccessEntry.Action


@transaction.atomic
def record(
    action: Action,
    *,
    actor_id: int | None,
    subject: str,
    subject_id: int | None,
    reason: str,
    now: datetime,
) -> None:
    """Append one look to the log; it commits with what the caller does in the same transaction."""
    # The UPDATE takes the row's lock first, so that numbers have no gap on any database.
    AccessHead.objects.filter(pk=1).update(number=F("number") + 1)
    head = AccessHead.objects.get(pk=1)
    entry = AccessEntry(
        number=head.number,
        at=now,
        actor_id=actor_id,
        action=action,
        subject=subject,
        subject_id=subject_id,
        reason=reason,
        previous=head.digest,
    )
    entry.digest = _digest(entry)
    entry.save(force_insert=True)
    AccessHead.objects.filter(pk=1).update(digest=entry.digest)


def hold_head() -> None:
    """Let nobody else append before the current transaction commits.

    For an act that looks at records after it has locked other rows: the head comes first.
    """
    AccessHead.objects.filter(pk=1).update(number=F("number"))


def verify() -> int | None:
    """The number of the first entry that is missing or was changed; None when all stand.

    Entries that are added meanwhile are left for the next time.
    """
    head = AccessHead.objects.get(pk=1)
    expected, previous = 1, ""
    entries = AccessEntry.objects.filter(number__lte=head.number).order_by("number")
    for entry in entries.iterator(chunk_size=2_000):
        if (
            entry.number != expected
            or entry.previous != previous
            or not hmac.compare_digest(entry.digest, _digest(entry))
        ):
            return expected
        expected, previous = expected + 1, entry.digest
    if (head.number, head.digest) != (expected - 1, previous):
        return expected
    return _beyond_the_head()


def _beyond_the_head() -> int | None:
    """The first entry that the head does not know of, because somebody set it back."""
    numbers = AccessEntry.objects.order_by("number").values_list("number", flat=True)
    newest = numbers.last() or 0
    known = AccessHead.objects.get(pk=1).number  # read after: it moves with each entry
    return known + 1 if newest > known else None


def _digest(entry: AccessEntry) -> str:
    fields = [
        entry.number,
        entry.at.astimezone(UTC).isoformat(),
        entry.actor_id,
        entry.action,
        entry.subject,
        entry.subject_id,
        entry.reason,
        entry.previous,
    ]
    return hmac.new(keys.ring().audit, json.dumps(fields).encode(), hashlib.sha256).hexdigest()
