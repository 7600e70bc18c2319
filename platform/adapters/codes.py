"""A one-time code on its way to a phone: by SMS alone, ahead of all else, and never too late.

It stands sealed in the details of a message in the phone's own thread; the thread's words only say
that a code was sent.
"""

from datetime import datetime

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from adapters.policy import CODE
from adapters.registry import NoAdapter, adapter_of
from adapters.ways import in_e164
from conversations.models import Author
from conversations.services import queue_reply, start_conversation
from patients.models import Channel
from patients.services import phone_to_write_to
from records.identity import write_letter


def way_of_codes() -> Channel | None:
    """The channel that takes codes to phones; None while none is set up."""
    for channel in Channel.objects.filter(is_active=True).order_by("pk"):
        try:
            if adapter_of(channel).capabilities.carries_codes:
                return channel
        except NoAdapter:
            continue
    return None


def can_send_codes() -> bool:
    return way_of_codes() is not None


@transaction.atomic
def send_code(check_id: int, *, now: datetime) -> None:
    """Pay what a check owes: a code to the phone of the record, where there is one. Twice is once.

    A stale epoch of the phone's thread travels up; then nothing of this is kept, and the sweep
    rings again.
    """
    letter, channel = write_letter(check_id, now=now), way_of_codes()
    if letter is None or channel is None:
        return
    phone = in_e164(letter.phone)
    contact_point = (
        phone_to_write_to(letter.patient, channel, phone=phone, may_be_shared=True)
        if phone
        else None
    )
    if contact_point is None:
        return
    conversation = start_conversation(contact_point, now=now)
    with translation.override(conversation.language):
        text = _("A one-time code was sent to this phone.")
    queue_reply(
        conversation,
        text=text,
        author=Author.ASSISTANT,
        epoch=conversation.epoch,
        details={CODE: {"digits": letter.code, "until": letter.until.isoformat()}},
        now=now,
    )
