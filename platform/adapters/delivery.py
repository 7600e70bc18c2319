"""The one road out: a conversation's unsent messages, in `seq` order."""

from datetime import datetime

from adapters.contracts import OutboundMessage, SendFailed
from adapters.registry import ADAPTERS
from conversations.models import Message
from patients.models import Channel


def deliver(conversation_id: int, *, now: datetime) -> None:
    """Send what a conversation still owes to its patient, oldest first.

    Raises SendFailed at the first message that the channel does not take: the later ones wait.
    """
    unsent = Message.objects.filter(conversation=conversation_id).unsent().order_by("seq")
    for message in unsent.select_related("conversation__contact_point__channel"):
        contact_point = message.conversation.contact_point
        channel = contact_point.channel
        try:
            ADAPTERS[channel.kind].send(
                OutboundMessage(
                    address=contact_point.address or "",
                    text=message.text,
                    details=message.details or {},
                    message_uid=str(message.uid),
                )
            )
        except SendFailed as error:
            Channel.objects.filter(pk=channel.pk).update(failed_at=now, failure=error.reason[:80])
            raise
        Message.objects.filter(pk=message.pk, sent_at=None).update(sent_at=now)
