"""What comes to the phone of a record, read as its owner would."""

from datetime import datetime

from records.identity import Letter, write_letter
from records.models import IdentityCheck


def letter_of(conversation: int, *, now: datetime) -> Letter | None:
    """What the newest check of a conversation brings, if anything."""
    check = IdentityCheck.objects.filter(conversation_id=conversation).order_by("-pk").first()
    return write_letter(check.pk, now=now) if check else None
