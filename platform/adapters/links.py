"""Short ways into one patient's conversation, for channels that carry no free text.

A template may hold no link as a variable, and at most 12 characters of anything: so the address
stands in the template, and the code that ends it is drawn at random. We keep only its blind index.
"""

import secrets
from datetime import datetime, timedelta

from adapters.models import Link
from patients.models import ContactPoint
from vault.cipher import blind_index

LENGTH = 12
LASTS = timedelta(hours=72)
# No 0, 1, I, O, l: somebody may type it. 57 characters, 12 of them: 70 bits.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_link(contact_point: ContactPoint, *, now: datetime) -> str:
    """A code that opens this contact point's conversation for three days."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    Link.objects.create(
        contact_point=contact_point, code_index=_index(code), expires_at=now + LASTS
    )
    return code


def find_link(code: str, *, now: datetime) -> Link | None:
    """The link of this code while it is good, for a patient who was not erased."""
    if len(code) != LENGTH or not set(code) <= set(ALPHABET):
        return None
    good = Link.objects.filter(
        code_index=_index(code),
        expires_at__gt=now,
        contact_point__address_index__isnull=False,
        contact_point__channel__is_active=True,
    )
    return good.select_related("contact_point__channel", "contact_point__patient").first()


def note_opened(link: Link, *, now: datetime) -> None:
    Link.objects.filter(pk=link.pk).update(opened_at=now)


def last_opened(contact_point: ContactPoint) -> datetime | None:
    """When somebody last came in by a link of this contact point."""
    links = Link.objects.filter(contact_point=contact_point, opened_at__isnull=False)
    return links.order_by("-opened_at").values_list("opened_at", flat=True).first()


def _index(code: str) -> str:
    return blind_index(code, purpose="link")
