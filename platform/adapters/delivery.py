"""The one road out, for assistant and nurse: a conversation's unsent messages, in `seq` order.

A lease on the conversation lets one worker speak at a time. Each try is written down before the
vendor is asked: a worker that dies while speaking leaves a try in flight behind, and the next one
knows that the message may have arrived.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from adapters import policy
from adapters.contracts import Accepted, Adapter, Capabilities, Category, PassingOn
from adapters.lease import Lease
from adapters.models import Attempt, Heard, Result
from adapters.registry import NoAdapter, adapter_of
from adapters.rendering import plain_text
from adapters.speech import Clock, Speech
from adapters.undelivered import UNKNOWN, give_up
from conversations.models import Conversation, Message
from conversations.services import tell_event
from tickets.models import Ticket

AT_ONCE = 5  # messages in one run, so that no worker is kept for long; the sweep rings again


def deliver(conversation_id: int, *, clock: Clock) -> None:
    """Send what a conversation still owes to its patient, oldest first, as far as it may now.

    May run twice at once: the second finds the lease taken and leaves.
    """
    conversation = Conversation.objects.select_related("contact_point__channel", "data_key").get(
        pk=conversation_id
    )
    owed = Message.objects.filter(conversation=conversation).unsent()
    if conversation.data_key.destroyed_at is not None:
        owed.update(given_up_at=clock())  # erased meanwhile: there is nobody, and no word left
        return
    try:
        adapter = adapter_of(conversation.contact_point.channel)
    except NoAdapter:
        give_up(list(owed.order_by("seq")), Category.NOT_SET_UP, now=clock())
        return
    if adapter.capabilities.is_pulled:
        owed.update(sent_at=clock())
        return
    lease = Lease(conversation_id)
    if not lease.take(clock()):
        return
    try:
        for _message in range(AT_ONCE):
            bubbles = _next(conversation, adapter.capabilities, clock=clock)
            if not bubbles:
                break
            contact_point = bubbles[0].conversation.contact_point
            if not Speech(bubbles, contact_point, adapter, lease, clock).send():
                return
        if not owed.exists():
            _pass_on(conversation, adapter, now=clock())
    finally:
        lease.give_back()


def _next(conversation: Conversation, capabilities: Capabilities, *, clock: Clock) -> list[Message]:
    """What goes out next as one message; empty when there is nothing, or all of it waits.

    What a dead worker was saying comes first, exactly as it was. Then the first that is owed, and
    what can go with it: where a vendor counts, the machine's bubbles are put together. An emergency
    card or a code that was not tried yet goes ahead of what waits.
    """
    owed = list(
        Message.objects.filter(conversation=conversation)
        .unsent()
        .order_by("seq")
        .select_related(
            "nurse", "conversation__contact_point__patient", "conversation__contact_point__channel"
        )
    )
    owed = _settle_what_was_in_flight(owed, now=clock())
    now = clock()

    def waits(message: Message) -> bool:
        return message.send_after is not None and message.send_after > now

    spoken = _spoken(owed)
    in_doubt = [each for each in owed if each.pk in spoken]
    if in_doubt and not waits(in_doubt[0]):
        return in_doubt
    # A reminder that waits for the morning keeps nothing else back.
    owed = [each for each in owed if not (waits(each) and policy.purpose_of(each))]
    if in_doubt or (owed and waits(owed[0])):
        cards = (
            each
            for each in owed
            if policy.goes_ahead(each) and not waits(each) and each.pk not in spoken
        )
        return [card] if (card := next(cards, None)) else []
    bubbles: list[Message] = []
    for message in owed:
        together = [*bubbles, message]
        if waits(message) or not policy.go_together(together, capabilities=capabilities):
            break
        if bubbles and not policy.fits(map(plain_text, together), capabilities=capabilities):
            break
        bubbles = together
    return bubbles


DOUBTFUL = (Result.IN_FLIGHT, Result.UNKNOWN)


def _doubtful(owed: Sequence[Message]) -> QuerySet[Attempt]:
    """Tries of which nobody knows how they ended, at messages that are still owed."""
    return Attempt.objects.filter(message__in=[each.pk for each in owed], result__in=DOUBTFUL)


def _spoken(owed: Sequence[Message]) -> set[int]:
    return set(_doubtful(owed).values_list("message_id", flat=True))


def _settle_what_was_in_flight(owed: list[Message], *, now: datetime) -> list[Message]:
    """Give up what a dead worker may have said, unless a repeat is one message to that vendor."""
    doubtful = list(
        _doubtful(owed).select_related("channel", "message__conversation__contact_point")
    )
    if not doubtful:
        return owed
    spoken = {each.message_id for each in doubtful}
    may_repeat = all(_is_one_when_repeated(each) for each in doubtful)
    with transaction.atomic():
        _doubtful(owed).update(result=Result.UNKNOWN, ended_at=now)
        if not may_repeat:
            give_up([each for each in owed if each.pk in spoken], UNKNOWN, now=now)
    return owed if may_repeat else [each for each in owed if each.pk not in spoken]


def _is_one_when_repeated(attempt: Attempt) -> bool:
    if attempt.channel_id != attempt.message.conversation.contact_point.channel_id:
        return False  # a detour: the repeat may go another way
    try:
        adapter = adapter_of(attempt.channel)
    except NoAdapter:
        return False
    return adapter.capabilities.takes_idempotency_id and not attempt.is_notice


def _pass_on(conversation: Conversation, adapter: Adapter, *, now: datetime) -> None:
    """All is said, and a nurse is waited for: where they work in the vendor's app, bring it there.

    When that fails the ticket is where it always is, in our queue.
    """
    if not (adapter.capabilities.passes_on and isinstance(adapter, PassingOn)):
        return
    ticket = Ticket.objects.waiting().filter(conversation=conversation).first()
    contact_point = conversation.contact_point
    if ticket is None or not contact_point.address:
        return
    once = {"channel": contact_point.channel, "key": f"passed-on-{ticket.pk}"}
    if Heard.objects.filter(**once).exists():
        return
    if isinstance(adapter.pass_on(contact_point.address), Accepted):
        Heard.objects.get_or_create(**once, defaults={"at": now})
        tell_event(conversation, "passed_on", now=now, channel=contact_point.channel.name)
