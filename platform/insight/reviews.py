"""Reviews: where people and model differ, found in what is stored, and judged by a person."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from conversations.models import Author, Message
from conversations.models import Kind as MessageKind
from events.logs import kind_and_place
from insight.characters import language_of
from insight.labels import Labels, contradicts_itself, said_in
from insight.models import Bookmark, Kind, Review, Verdict
from insight.reading import handled, opens
from staff.models import StaffMember
from tickets.models import Outcome, Reason, Ticket
from triage.labels import DEPARTMENTS, Urgency
from vault.cipher import Unreadable
from vault.keys import UnknownKey

logger = logging.getLogger(__name__)

T = TypeVar("T")

BOOKMARK = "reviews"
BEGIN_AT_MOST = timedelta(days=30)  # back, when it looks for the first time
STEP = timedelta(days=1)  # of facts in one sweep: a big hospital's take seconds
LOOK_AGAIN = timedelta(hours=1)  # before the bookmark: what was stored late, or handled late
HEARD_QUICKLY = timedelta(minutes=10)  # somebody looked at once, so the outcome tells of the alarm
LOOK_BACK = 10  # messages; the answer to a question stands close to it

UNSURE = frozenset({Reason.UNSURE, Reason.MISUNDERSTOOD})
# A patient who no longer answers says nothing of whether it was an emergency.
NOT_AN_EMERGENCY = frozenset({Outcome.RETURNED, Outcome.HELPED})
# Skills, as the assistant names them in the details of its replies, that answer what was asked.
ANSWERS = frozenset({"answer", "answer_or_nurse"})


class AlreadySettled(Exception):
    """Somebody else judged this review before."""


class Contradiction(Exception):
    """These labels cannot all be true of one message."""


class NothingToAccept(Exception):
    """No model said anything of this message, so nobody can agree with it."""


@dataclass(frozen=True)
class Difference:
    message: Message
    kind: Kind
    ticket: Ticket | None = None


def collect_reviews(*, now: datetime) -> int:
    """Find where people and model differ since the last time; returns how many are new.

    May run twice, and at once: a message is reviewed once for each kind of difference.
    """
    start = _begin(now=now)
    if start is None:
        return 0
    until = min(now, start + STEP)
    since = start - LOOK_AGAIN
    new = sum(_keep(each, now=now) for each in _differences(since=since, until=until))
    Bookmark.objects.update_or_create(name=BOOKMARK, defaults={"at": until})
    return new


def _begin(*, now: datetime) -> datetime | None:
    """Where the last sweep ended; None in a house where nobody has written yet."""
    mark = Bookmark.objects.filter(name=BOOKMARK).first()
    if mark is not None:
        return mark.at
    first = Message.objects.order_by("pk").first()
    return max(first.created_at, now - BEGIN_AT_MOST) if first else None


def _keep(found: Difference, *, now: datetime) -> bool:
    said = said_in(found.message.details)
    _, is_new = Review.objects.get_or_create(
        message=found.message,
        kind=found.kind,
        defaults={
            "data_key_id": found.message.data_key_id,
            "ticket": found.ticket,
            "model": said.model if said else "",
            "found_at": now,
        },
    )
    return is_new


def _differences(*, since: datetime, until: datetime) -> Iterator[Difference]:
    resolved = Ticket.objects.filter(resolved_at__gte=since, resolved_at__lt=until)
    # Of an erased patient there is nothing to learn.
    resolved = resolved.filter(conversation__data_key__destroyed_at=None)
    for ticket in resolved.prefetch_related("alarms"):
        yield from _look(of_ticket, ticket)
    for message in handled(since_moment=since, until=until):
        yield from _look(of_message, message)


def _look(find: Callable[[T], Iterator[Difference]], row: T) -> list[Difference]:
    """What one row shows. A row that breaks stops no other's, for this time and the next ones."""
    try:
        return list(find(row))
    except DatabaseError:
        raise  # the house is ill, not the row: the bookmark stays where it is
    except Exception as error:
        logger.error("a row could not be reviewed", extra=kind_and_place(error))
        return []


def of_ticket(ticket: Ticket) -> Iterator[Difference]:
    """Where the nurse who resolved a ticket did otherwise than the model understood."""
    opening = _patients_message(ticket, seq=ticket.opened_seq)
    said = said_in(opening.details) if opening else None
    if opening and said:
        if said.abstained or ticket.reason in UNSURE:
            yield Difference(opening, Kind.ABSTAINED, ticket)
        if ticket.outcome == Outcome.EMERGENCY and said.labels.urgency < Urgency.EMERGENCY:
            yield Difference(opening, Kind.MISSED, ticket)
        chosen = _department_chosen(ticket) if said.labels.department else None
        if chosen and chosen != said.labels.department:
            yield Difference(opening, Kind.DEPARTMENT, ticket)
    for message in _false_alarms(ticket):
        yield Difference(message, Kind.FALSE_ALARM, ticket)


def of_message(message: Message) -> Iterator[Difference]:
    """The question before, when its answer only made the patient ask for a person."""
    said = said_in(message.details)
    tapped = (message.details or {}).get("tap") == "nurse"
    if not (tapped or (said and said.wants_person)):
        return
    question = _answered_before(message)
    if question is not None:
        yield Difference(question, Kind.ASKED)


def _patients_message(ticket: Ticket, *, seq: int) -> Message | None:
    found = Message.objects.filter(
        conversation=ticket.conversation_id, seq=seq, author=Author.PATIENT
    ).first()
    return found if found and opens(found) else None


def _department_chosen(ticket: Ticket) -> str | None:
    """Where a nurse last handed this ticket on to, if a model could have named it."""
    events = Message.objects.filter(
        conversation=ticket.conversation_id,
        kind=MessageKind.EVENT,
        seq__gt=ticket.opened_seq,
        created_at__lte=ticket.resolved_at,
    )
    told = [event.details or {} for event in events.order_by("seq") if opens(event)]
    names = [each.get("department") for each in told if each.get("event") == "transferred"]
    chosen = [name for name in names if name in DEPARTMENTS]
    return chosen[-1] if chosen else None


def _false_alarms(ticket: Ticket) -> Iterator[Message]:
    """What rang by a rule or the model, was heard quickly, and was no emergency to the nurse."""
    if ticket.outcome not in NOT_AN_EMERGENCY:
        return
    for alarm in ticket.alarms.all():
        heard = alarm.acknowledged_at
        if heard is None or heard - alarm.raised_at > HEARD_QUICKLY:
            continue
        message = _patients_message(ticket, seq=alarm.message_seq)
        if message is not None and _rang_by_its_words(message):
            yield message


def _rang_by_its_words(message: Message) -> bool:
    """Not the button that a patient pressed, nor rules that broke: those say nothing of words."""
    said = said_in(message.details)
    return bool((message.details or {}).get("red_flags") or (said and said.is_emergency))


def _answered_before(message: Message) -> Message | None:
    """The patient's message just before this one, if the assistant answered it, by a model."""
    before = Message.objects.filter(
        conversation=message.conversation_id, kind=MessageKind.TEXT, seq__lt=message.seq
    ).order_by("-seq")
    answered = False
    for each in before[:LOOK_BACK]:
        if not opens(each) or each.author == Author.NURSE:
            return None
        if each.author == Author.PATIENT:
            return each if answered and said_in(each.details) else None
        if each.author == Author.ASSISTANT:
            answered = (each.details or {}).get("skill") in ANSWERS
    return None


def accept(review_id: int, *, by: StaffMember, now: datetime) -> Review:
    """Say that the model was right. Raises AlreadySettled, NothingToAccept, Contradiction."""
    review = Review.objects.select_related("message").get(pk=review_id)
    said = said_in(review.message.details)
    if said is None:
        raise NothingToAccept
    return _settle(review_id, Verdict.ACCEPTED, labels=said.labels, by=by, now=now)


def correct(review_id: int, *, labels: Labels, by: StaffMember, now: datetime) -> Review:
    """Say what the message means instead. Raises AlreadySettled, Contradiction."""
    return _settle(review_id, Verdict.CORRECTED, labels=labels, by=by, now=now)


def skip(review_id: int, *, by: StaffMember, now: datetime) -> Review:
    """Say that nothing can be learnt from it. Raises AlreadySettled."""
    return _settle(review_id, Verdict.SKIPPED, labels=None, by=by, now=now)


@transaction.atomic
def _settle(
    review_id: int, verdict: Verdict, *, labels: Labels | None, by: StaffMember, now: datetime
) -> Review:
    """Who settled a review may change their mind; nobody else's verdict is overwritten."""
    if labels is not None and contradicts_itself(labels):
        raise Contradiction
    review = Review.objects.select_for_update().get(pk=review_id)
    if review.settled_by_id not in (None, by.pk):
        raise AlreadySettled
    review.verdict, review.settled_at, review.settled_by = verdict, now, by
    review.labels = labels.as_json() if labels else None
    review.save(update_fields=["verdict", "labels", "settled_at", "settled_by"])
    return review


def labels_of(review: Review) -> Labels | None:
    """What was settled; None when it was skipped, or cannot be read any more."""
    try:
        return Labels.from_json(review.labels or {})
    except (ValueError, KeyError, Unreadable, UnknownKey):
        return None


def settled() -> QuerySet[Review]:
    """What was judged and can be learnt from, the newest verdict on a message first."""
    reviews = Review.objects.settled().order_by("-settled_at", "-pk")
    return reviews.select_related("message__conversation__contact_point")


def for_training(review: Review) -> dict[str, Any] | None:
    """One line in the fields of workers/understanding/data; None for what cannot be read."""
    if not opens(review.message) or (labels := labels_of(review)) is None:
        return None
    text = review.message.text
    return {"text": text, **labels.as_json(), "lang": language_of(text), "voice": "review"}
