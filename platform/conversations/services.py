"""What one can do with a conversation: reply, note, tell what happened, change owner.

Every act takes the next `seq` by one UPDATE of the conversation's row, which also queues writers of
the same conversation behind each other; `arrivals` does so for what patients write. A reply says
under which epoch it was composed; when the owner has changed since, that UPDATE hits no row and the
reply is refused.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils.translation import get_language

from conversations.models import Author, Conversation, Kind, Message, Owner
from events import MessageReceived, ReplyQueued, publish
from live.show import conversation_group, show_all_on_commit, show_on_commit
from patients.models import ContactPoint
from vault.datakeys import Erased

TOO_LATE = "too_late"  # told in the thread: why something was not sent


class StaleEpoch(Exception):
    """The conversation changed its owner since this reply was composed: it must not be shown."""


class ClientIdReused(Exception):
    """This client id was used before, for another text."""


def start_conversation(contact_point: ContactPoint, *, now: datetime) -> Conversation:
    """The conversation of this contact point, begun if there is none.

    Kept with the contact point: a socket that holds on to it asks the database once.
    """
    known: Conversation | None = getattr(contact_point, "conversation", None)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return Conversation.objects.create(
                contact_point=contact_point,
                data_key_id=contact_point.data_key_id,
                language=contact_point.patient.language,
                started_at=now,
                last_message_at=now,
            )
    except IntegrityError:  # begun by another process meanwhile
        begun = Conversation.objects.get(contact_point=contact_point)
        begun.contact_point = contact_point  # who holds on to it knows the right one
        return begun


def announce_message(message: Message) -> None:
    """Ring for a stored message that nobody has handled."""
    if message.handled_at is None:
        publish(MessageReceived(message.conversation_id))


@transaction.atomic
def queue_reply(
    conversation: Conversation,
    *,
    text: str,
    author: Author,
    epoch: int,
    now: datetime,
    details: dict[str, Any] | None = None,
    nurse_id: int | None = None,
    client_id: str | None = None,
) -> Message:
    """Store what we say to a patient, and ring for its delivery.

    `epoch` is the one under which it was composed. Raises StaleEpoch when the owner changed since.
    """
    if client_id and (stored := _find_repeat(conversation, client_id)):
        return same_or_refuse(stored, text)
    # What is put around it when it leaves speaks the language that it was written in.
    lang = conversation.language if author == Author.NURSE else get_language()
    message = _append(
        conversation,
        kind=Kind.TEXT,
        text=text,
        author=author,
        epoch=epoch,
        details={**(details or {}), "lang": lang},
        nurse_id=nurse_id,
        client_id=client_id,
        sent_at=None,
        now=now,
    )
    publish(ReplyQueued(conversation.pk))
    return message


@transaction.atomic
def mirror_reply(
    conversation: Conversation,
    *,
    text: str,
    client_id: str,
    details: dict[str, Any],
    now: datetime,
) -> Message:
    """Store what a nurse has said to a patient elsewhere: sent already, in the vendor's own app."""
    if stored := _find_repeat(conversation, client_id):
        return stored
    return _append(
        conversation,
        kind=Kind.TEXT,
        text=text,
        author=Author.NURSE,
        client_id=client_id,
        details=details,
        sent_at=now,
        now=now,
    )


@transaction.atomic
def write_note(
    conversation: Conversation,
    *,
    text: str,
    nurse_id: int | None,
    now: datetime,
    client_id: str | None = None,
) -> Message:
    """Store a private note, for staff alone."""
    if client_id and (stored := _find_repeat(conversation, client_id)):
        return same_or_refuse(stored, text)
    return _append(
        conversation,
        kind=Kind.NOTE,
        text=text,
        author=Author.NURSE,
        nurse_id=nurse_id,
        client_id=client_id,
        sent_at=now,
        now=now,
    )


def tell_event(
    conversation: Conversation, event: str, *, now: datetime, **details: Any
) -> Message | None:
    """Write into the thread what happened to the conversation; screens say it in words.

    None for a patient who was erased: a ticket of theirs can still be closed, and nothing is kept.
    """
    try:
        with transaction.atomic():
            return _append(
                conversation,
                kind=Kind.EVENT,
                text="",
                author=Author.SYSTEM,
                details={"event": event, **details},
                sent_at=now,
                now=now,
            )
    except Erased:
        return None


def change_owner(
    conversation: Conversation, owner: Owner, *, nurse_id: int | None = None, now: datetime
) -> int:
    """Give the conversation to another owner and return the new epoch.

    Every reply composed before is stale from here on. Updates `conversation` in place.
    """
    Conversation.objects.filter(pk=conversation.pk).update(
        owner=owner, nurse_id=nurse_id, epoch=F("epoch") + 1, misses=0
    )
    conversation.refresh_from_db(fields=["owner", "nurse", "epoch", "misses", "last_seq"])
    frame = {"type": "conversation.owner", "conversation": conversation.pk}
    show_on_commit(conversation_group(conversation.pk), frame)
    return conversation.epoch


def ring_for_owed(contact_point: ContactPoint) -> None:
    """Its patient can be reached again: what waited does so no longer."""
    owed = Message.objects.filter(conversation__contact_point=contact_point).unsent()
    if owed.update(send_after=None):
        conversation_id = Conversation.objects.values_list("pk", flat=True).get(
            contact_point=contact_point
        )
        publish(ReplyQueued(conversation_id))


@transaction.atomic
def take_back(message_id: int, *, now: datetime) -> bool:
    """Send this no more: its time has passed. False when it has left, or is just leaving.

    The thread says so, as of all that was given up.
    """
    silent = Q(conversation__delivering_until=None) | Q(conversation__delivering_until__lte=now)
    if (
        not Message.objects.unsent()
        .filter(silent, pk=message_id)
        .update(given_up_at=now, send_after=None)
    ):
        return False
    message = Message.objects.select_related("conversation").get(pk=message_id)
    tell_event(message.conversation, "undelivered", now=now, seqs=[message.seq], why=TOO_LATE)
    return True


def show_again(message: Message) -> None:
    """Tell the screens that something of a stored message has changed."""
    frame = {
        "type": "conversation.changed",
        "conversation": message.conversation_id,
        "seq": message.seq,
    }
    show_on_commit(conversation_group(message.conversation_id), frame)


def mark_handled(message_id: int, *, now: datetime) -> bool:
    """Settle the debt of one inbound message. False when somebody else already did."""
    return bool(Message.objects.filter(pk=message_id, handled_at=None).update(handled_at=now))


def mark_seen(conversation: Conversation, *, by_patient: bool, seq: int) -> None:
    """Remember how far a side has read; it never goes backwards, nor beyond what exists."""
    side = "patient_seen_seq" if by_patient else "staff_seen_seq"
    newer = Conversation.objects.filter(
        pk=conversation.pk, last_seq__gte=seq, **{f"{side}__lt": seq}
    )
    if newer.update(**{side: seq}):
        frame = {"type": "conversation.seen", "conversation": conversation.pk, side: seq}
        show_on_commit(conversation_group(conversation.pk), frame)


def _append(
    conversation: Conversation, *, now: datetime, epoch: int | None = None, **fields: Any
) -> Message:
    seq = _next_seq(conversation, now=now, epoch=epoch)
    message = Message(
        conversation=conversation,
        data_key_id=conversation.data_key_id,
        seq=seq,
        created_at=now,
        epoch=conversation.epoch,
        handled_at=now,  # ours: nothing to understand
        **fields,
    )
    message.save(force_insert=True)
    show_news([conversation])
    return message


_NEXT_SEQ = """
UPDATE conversations_conversation SET last_seq = last_seq + 1, last_message_at = %(at)s
WHERE id = %(id)s AND epoch = coalesce(%(epoch)s, epoch)
RETURNING last_seq, owner, epoch, nurse_id, language
"""


def _next_seq(conversation: Conversation, *, now: datetime, epoch: int | None = None) -> int:
    """Take the next number and the row's lock in one statement. Raises StaleEpoch."""
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_SEQ, {"at": at, "id": conversation.pk, "epoch": epoch})
        row = cursor.fetchone()
    if row is None:
        raise StaleEpoch
    seq: int
    seq, conversation.owner, conversation.epoch, conversation.nurse_id, conversation.language = row
    conversation.last_seq, conversation.last_message_at = seq, now
    return seq


def _find_repeat(conversation: Conversation, client_id: str) -> Message | None:
    return Message.objects.filter(conversation=conversation, client_id=client_id).first()


def same_or_refuse(stored: Message | None, text: str) -> Message:
    if stored is None or stored.text not in (text, masked(text)):
        raise ClientIdReused
    return stored


def masked(text: str) -> str:
    """What remains of words that hold a secret of figures: a code, an identity number."""
    return re.sub(r"[\d零〇一二三四五六七八九幺]", "•", text)


def show_news(conversations: Iterable[Conversation]) -> None:
    show_all_on_commit(
        [
            (
                conversation_group(each.pk),
                {"type": "conversation.news", "conversation": each.pk, "seq": each.last_seq},
            )
            for each in conversations
        ]
    )
