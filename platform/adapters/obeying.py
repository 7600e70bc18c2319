"""What a keyword does, and where a talk between two machines ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import translation
from django.utils.translation import gettext as _

from adapters.contracts import Category
from adapters.keywords import Keyword, is_another, is_near_stop
from conversations.arrivals import Received
from conversations.models import Author, Message
from conversations.services import mark_handled, queue_reply, tell_event
from patients.models import ContactPoint
from patients.services import (
    UNASKED,
    close_contact_point,
    give_consent,
    mute_contact_point,
    note_another,
    withdraw_consent,
    written_to_at,
)
from tickets.models import Reason
from tickets.services import hand_over
from triage.labels import Urgency

BY_WORD = "keyword"  # the version of the text that somebody agreed to by writing START
SAME_WORDS = 3  # in a row, within the hour: no patient says it so often
FOR_GOOD = timedelta(days=36_500)
MANY = 20  # messages of one address within ten minutes


def obey(
    keyword: Keyword,
    contact_point: ContactPoint,
    received: Sequence[Received],
    *,
    by_carrier: bool,
    now: datetime,
) -> None:
    """End, or begin again, what is sent unasked; said once, and understood by no model.

    `by_carrier`: the vendor has answered it, and lets nothing through until START.
    """
    new = [each.message for each in received if each.is_new]
    if not new:
        return  # a redelivery
    for message in new:
        mark_handled(message.pk, now=now)
    patient = contact_point.patient
    if keyword is Keyword.START:
        for purpose in UNASKED:
            if patient.consents.filter(purpose=purpose).exists():  # had agreed before
                give_consent(
                    patient, purpose, text_version=BY_WORD, channel=contact_point.channel, now=now
                )
    else:
        for purpose in UNASKED:
            withdraw_consent(patient, purpose, now=now)
        if by_carrier:
            close_contact_point(contact_point, why=Category.OPTED_OUT, at=now)
    _mute_phone(contact_point, until=None if keyword is Keyword.START else now + FOR_GOOD)
    conversation = new[0].conversation
    tell_event(conversation, "stopped" if keyword is Keyword.STOP else "started_again", now=now)
    if not by_carrier:
        with translation.override(conversation.language):
            text = _CONFIRMATIONS[keyword]()
        queue_reply(
            conversation, text=text, author=Author.SYSTEM, epoch=conversation.epoch, now=now
        )


def _mute_phone(contact_point: ContactPoint, *, until: datetime | None) -> None:
    """What this phone asks for holds for a record too that it stands in, and whatever joins them.

    Only here: whether it is that person who writes is not known, and nobody else may end what
    reaches them elsewhere.
    """
    for each in (contact_point, *written_to_at(contact_point.address or "")):
        mute_contact_point(each, until=until)


_CONFIRMATIONS = {
    Keyword.STOP: lambda: _(
        "You will get no more reminders or health information. You can still write to us here."
    ),
    Keyword.START: lambda: _("You will get reminders and health information again."),
}


def leave_to_a_nurse(text: str, received: Sequence[Received], *, now: datetime) -> None:
    """Where somebody seems to want no more, not to be whom we meant, or to be a machine.

    The assistant is silent from there on. To a phone that is somebody else's nothing goes any more
    because a record names it.
    """
    new = [each.message for each in received if each.is_new]
    if not new:
        return
    contact_point = new[-1].conversation.contact_point
    if another := is_another(text):
        note_another(contact_point)
    if _sounds_like_a_machine(new[-1], now=now):
        reason = Reason.FAILURE
    elif is_near_stop(text) or (another and written_to_at(contact_point.address or "")):
        reason = Reason.UNSURE
    else:
        return
    # It stays unhandled: the model may still see a danger that no rule has seen.
    hand_over(
        new[-1].conversation,
        reason=reason,
        urgency=int(Urgency.SAME_DAY),
        seq=new[-1].seq,
        now=now,
    )


def _sounds_like_a_machine(message: Message, *, now: datetime) -> bool:
    said = Message.objects.filter(conversation=message.conversation_id, author=Author.PATIENT)
    if said.filter(created_at__gt=now - timedelta(minutes=10)).count() >= MANY:
        return True
    last = list(said.filter(created_at__gt=now - timedelta(hours=1)).order_by("-seq")[:SAME_WORDS])
    return len(last) == SAME_WORDS and len({each.text for each in last}) == 1
