"""What a nurse has typed and not sent: sealed, one per nurse and conversation."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from conversations.models import Conversation, Kind
from staff.models import StaffMember
from tickets.models import Draft

MAX_CHARS = 20_000  # more than a message may have: what is too long to send must not be lost


@dataclass(frozen=True)
class Typed:
    text: str
    kind: str  # of conversations.models.Kind: a reply or a private note
    at: datetime


@transaction.atomic
def save_draft(
    conversation: Conversation, *, nurse: StaffMember, text: str, kind: str, now: datetime
) -> None:
    """Keep what is typed so far in place of what was typed before; empty forgets it."""
    text = _storable(text)
    if not text.strip():
        forget_draft(conversation, nurse=nurse)
        return
    Draft.objects.update_or_create(
        conversation=conversation,
        nurse=nurse,
        defaults={
            "text": text,
            "kind": Kind.NOTE if kind == Kind.NOTE else Kind.TEXT,
            "written_at": now,
            "data_key_id": conversation.data_key_id,
        },
    )


def read_draft(conversation: Conversation, *, nurse: StaffMember) -> Typed | None:
    draft = Draft.objects.filter(conversation=conversation, nurse=nurse).first()
    return Typed(draft.text, draft.kind, draft.written_at) if draft else None


def forget_draft(conversation: Conversation, *, nurse: StaffMember) -> None:
    Draft.objects.filter(conversation=conversation, nurse=nurse).delete()


def forget_sent(conversation: Conversation, *, nurse: StaffMember, text: str) -> None:
    """Forget the draft that was just sent; what she has typed since then stays."""
    typed = read_draft(conversation, nurse=nurse)
    if typed and typed.text.strip() == text.strip():
        forget_draft(conversation, nurse=nurse)


def _storable(text: str) -> str:
    # A lone surrogate can't be encoded; a browser sends one when an emoji is cut in half.
    return text[:MAX_CHARS].encode("utf-8", "ignore").decode()
