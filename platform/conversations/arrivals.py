"""What patients write, stored: any number at once, by a handful of statements.

Each conversation's row is locked first, so its numbers are taken one behind the other, without a
gap, by the transaction that stores.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model

from conversations.models import Author, Conversation, Message, Owner
from conversations.services import same_or_refuse, show_news
from patients.models import Channel, ContactPoint, Patient
from patients.services import index_address

M = TypeVar("M", bound=Model)
Name = tuple[str, int, str]  # whose id, of which conversation or channel, and the id


@dataclass(frozen=True)
class Arrival:
    """What a patient wrote, before it is stored. `text` is clean; see `conversations.text`."""

    conversation: Conversation
    text: str
    client_id: str | None = None
    channel: Channel | None = None
    external_id: str | None = None
    details: dict[str, Any] | None = None

    def names(self) -> list[Name]:
        """What makes a second one a repeat."""
        names = []
        if self.external_id and self.channel is not None:
            names.append(("external", self.channel.pk, self.external_id))
        if self.client_id:
            names.append(("client", self.conversation.pk, self.client_id))
        return names


@dataclass(frozen=True)
class Received:
    message: Message
    is_new: bool  # False: a redelivery; the message is the one stored before


def find_writer(channel: Channel, *, address: str) -> ContactPoint | None:
    """Who has written to this channel from this address before, with patient and conversation."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITER, [channel.pk, index_address(address, channel=channel)])
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row)
    contact_point = _read(ContactPoint, values)
    contact_point.channel = channel
    contact_point.patient = _read(Patient, values)
    _read(Conversation, values).contact_point = contact_point  # and the other way round
    return contact_point


@transaction.atomic(savepoint=False)
def receive_messages(arrivals: Sequence[Arrival], *, now: datetime) -> list[Received]:
    """Store what patients wrote, each once per client id or external id, and show it.

    A handful of statements, however many come at once; their order within a conversation is kept.
    Raises ClientIdReused when a repeat carries another text: then nothing at all is stored.
    Updates each `conversation` in place.
    """
    _lock_all([each.conversation for each in arrivals])
    known = _find_repeats(arrivals)
    newest = {each.conversation.pk: each.conversation.last_seq for each in arrivals}
    received, fresh = [], []
    for each in arrivals:
        pk = each.conversation.pk
        repeat = next((known[name] for name in each.names() if name in known), None)
        if repeat is not None:
            received.append(Received(same_or_refuse(repeat, each.text), is_new=False))
            continue
        newest[pk] += 1
        message = _inbound(each, seq=newest[pk], now=now)
        known |= dict.fromkeys(each.names(), message)
        received.append(Received(message, is_new=True))
        fresh.append(message)
    if fresh:
        _insert(fresh, now=now)
        _move_on({pk: newest[pk] for pk in sorted({m.conversation_id for m in fresh})}, now=now)
    for each in arrivals:
        if newest[each.conversation.pk] > each.conversation.last_seq:
            each.conversation.last_seq = newest[each.conversation.pk]
            each.conversation.last_message_at = now
    show_news({m.conversation_id: m.conversation for m in fresh}.values())
    return received


# What runs for every message is written out: the ORM would take longer than the database does.
def _columns(model: type[Model]) -> str:
    meta = model._meta
    return ", ".join(f"{meta.db_table}.{field.column}" for field in meta.concrete_fields)


_WRITER = f"""
SELECT {", ".join(map(_columns, (ContactPoint, Patient, Conversation)))}
FROM patients_contactpoint
JOIN patients_patient ON patients_patient.id = patients_contactpoint.patient_id
JOIN conversations_conversation ON contact_point_id = patients_contactpoint.id
WHERE channel_id = %s AND address_index = %s
"""  # noqa: S608


def _read(model: type[M], row: Iterator[Any]) -> M:
    """The next of a row's models."""
    names, conversions = _fields(model)
    values = []
    for column, converters in conversions:
        value = next(row)
        for convert in converters:
            value = convert(value, column, connection)
        values.append(value)
    return model.from_db(connection.alias, names, values)


@lru_cache
def _fields(model: type[Model]) -> tuple[list[str], list[tuple[Any, list[Any]]]]:
    """Their names, and what makes of a column's value a field's: the database first."""
    fields = model._meta.concrete_fields
    columns = [field.cached_col for field in fields]
    by = [
        [*connection.ops.get_db_converters(each), *each.get_db_converters(connection)]
        for each in columns
    ]
    return [field.attname for field in fields], list(zip(columns, by, strict=True))


_LOCK = """
SELECT id, last_seq, owner, epoch, nurse_id, language FROM conversations_conversation
WHERE id IN ({places}) ORDER BY id {lock}
"""


def _lock_all(conversations: Sequence[Conversation]) -> None:
    """Lock these rows, by number, and bring what is at hand up to date."""
    ids = {each.pk for each in conversations}
    lock = connection.ops.for_update_sql(no_key=True) if connection.vendor != "sqlite" else ""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(places=_places(ids), lock=lock), list(ids))
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    for each in conversations:
        each.last_seq, each.owner, each.epoch, each.nurse_id, each.language = found[each.pk]


def _find_repeats(arrivals: Sequence[Arrival]) -> dict[Name, Message]:
    """What is stored already under one of these names; the conversations' locks hold it so."""
    names = {name for each in arrivals for name in each.names()}
    found = {name for kind in ("client", "external") for name in _stored_names(kind, names)}
    stored = Message.objects.select_related("conversation")
    return {name: stored.get(**_WHERE[name[0]](name)) for name in found}


_WHERE: dict[str, Callable[[Name], dict[str, Any]]] = {
    "client": lambda name: {"conversation": name[1], "client_id": name[2]},
    "external": lambda name: {"channel": name[1], "external_id": name[2]},
}
_STORED = {
    "client": "conversation_id, client_id FROM conversations_message WHERE client_id IS NOT NULL"
    " AND (conversation_id, client_id)",
    "external": "channel_id, external_id FROM conversations_message WHERE external_id IS NOT NULL"
    " AND (channel_id, external_id)",
}


def _stored_names(kind: str, names: Iterable[Name]) -> set[Name]:
    wanted = [name for name in names if name[0] == kind]
    if not wanted:
        return set()
    pairs = ", ".join(["(%s, %s)"] * len(wanted))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_STORED[kind]} IN (VALUES {pairs})",
            [part for _, of, said in wanted for part in (of, said)],
        )
        return {(kind, of, said) for of, said in cursor.fetchall()}


def _inbound(arrival: Arrival, *, seq: int, now: datetime) -> Message:
    conversation = arrival.conversation
    return Message(
        conversation=conversation,
        data_key_id=conversation.data_key_id,
        seq=seq,
        author=Author.PATIENT,
        text=arrival.text,
        details=arrival.details,
        client_id=arrival.client_id,
        channel=arrival.channel if arrival.external_id else None,
        external_id=arrival.external_id,
        created_at=now,
        epoch=conversation.epoch,
        sent_at=now,  # inbound: nothing to send
        # What a nurse owns needs no assistant: she reads it.
        handled_at=now if conversation.owner == Owner.NURSE else None,
    )


_FIELDS = [field for field in Message._meta.concrete_fields if not field.primary_key]
_INSERT = (
    f"INSERT INTO conversations_message ({', '.join(str(field.column) for field in _FIELDS)})"  # noqa: S608
    f" VALUES ({', '.join(['%s'] * len(_FIELDS))})"
)
_IDS = """
SELECT id, conversation_id, seq FROM conversations_message
WHERE (conversation_id, seq) IN (VALUES {rows})
"""
_AS_IT_IS = frozenset({type(None), int, str})  # to every database


def _insert(messages: Sequence[Message], *, now: datetime) -> None:
    """`bulk_create`, without what it prepares anew each time.

    Row by row under one plan, as psycopg takes longer to read a long statement than to run it.
    """
    at = connection.ops.adapt_datetimefield_value(now)

    def prepared(field: Any, held: Any) -> Any:
        if type(held) in _AS_IT_IS:
            return held
        return at if held is now else field.get_db_prep_save(held, connection)

    rows = [[prepared(f, f.pre_save(message, add=True)) for f in _FIELDS] for message in messages]
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)
        places = ", ".join(["(%s, %s)"] * len(messages))
        names = [part for m in messages for part in (m.conversation_id, m.seq)]
        cursor.execute(_IDS.format(rows=places), names)
        ids = {(conversation, seq): pk for pk, conversation, seq in cursor.fetchall()}
    for message in messages:
        message.pk = ids[message.conversation_id, message.seq]
        message._state.adding, message._state.db = False, connection.alias


def _places(values: Sized) -> str:
    return ", ".join(["%s"] * len(values))


_MOVE_ON = """
UPDATE conversations_conversation SET last_seq = newest.column2, last_message_at = %s
FROM (VALUES {rows}) AS newest WHERE id = newest.column1
"""
_NEWEST = "(CAST(%s AS bigint), CAST(%s AS integer))"


def _move_on(newest: dict[int, int], *, now: datetime) -> None:
    statement = _MOVE_ON.format(rows=", ".join([_NEWEST] * len(newest)))
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(statement, [at, *chain.from_iterable(newest.items())])
