"""What did not reach its patient: settled unpaid, told in the thread, and a nurse brought."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from adapters import policy
from adapters.contracts import Category
from conversations.models import Author, Conversation, Message, Owner
from conversations.services import tell_event
from tickets.models import Reason
from tickets.services import hand_over, lock
from triage.labels import Urgency

UNKNOWN = "unknown"  # told in the thread, where a category would stand


@transaction.atomic
def give_up(messages: Sequence[Message], why: str, *, now: datetime) -> None:
    """Settle these debts unpaid, say so in the thread, and bring a nurse where nobody would know.

    Also for what a vendor took and then could not deliver. Twice is once.
    """
    if not messages:
        return
    ids = [each.pk for each in messages]
    conversation = Conversation.objects.get(pk=messages[0].conversation_id)
    lock(conversation)
    given_up = Message.objects.filter(pk__in=ids, given_up_at=None)
    if not given_up.update(given_up_at=now, send_after=None):
        return
    seqs = [each.seq for each in messages]
    tell_event(conversation, "undelivered", now=now, seqs=seqs, why=str(why))
    if all(map(policy.purpose_of, messages)):
        return  # sent unasked: whoever owes it sees that it did not arrive, and sees to it
    said = Message.objects.filter(conversation=conversation, author=Author.PATIENT)
    if not said.exists():
        return  # a greeting that came too late for who only looked in
    if conversation.owner == Owner.ASSISTANT and why not in (Category.DECEASED, *policy.DEAF):
        hand_over(
            conversation,
            reason=Reason.FAILURE,
            urgency=int(Urgency.ROUTINE),
            seq=seqs[0],
            now=now,
        )
