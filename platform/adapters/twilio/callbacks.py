"""What Twilio tells us, as a form: what somebody wrote or sent, and how far a message came."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from adapters import sms
from adapters.contracts import EventKind, InboundEvent, Malformed, Media, Receipt, Status
from adapters.keywords import carriers_keyword_in
from adapters.twilio.errors import failure_of
from adapters.twilio.signing import Form

MAX_FIELDS = 200  # a message with ten pictures has about fifty
MAX_MEDIA = 10
SID = re.compile(r"[A-Za-z0-9]{1,64}")
STATUSES = {
    "queued": Status.ACCEPTED,
    "accepted": Status.ACCEPTED,
    "scheduled": Status.ACCEPTED,
    "sending": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "undelivered": Status.FAILED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}
KINDS = {"image": "image", "audio": "voice", "video": "video"}


def read_form(body: bytes) -> Form:
    """Raises Malformed."""
    try:
        return parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise Malformed from None


def read_events(form: Form, *, now: datetime) -> Sequence[InboundEvent]:
    """One callback. Twilio names no time, so it is that of its call. Raises Malformed."""
    fields = dict(form)
    sid = sms.needed(fields, "MessageSid")
    if not SID.fullmatch(sid):
        raise Malformed
    if "MessageStatus" in fields:
        return [_receipt(fields, sid, now)]
    if "Body" not in fields and "NumMedia" not in fields:
        raise Malformed
    return _message(fields, sid, now)


def _receipt(fields: Mapping[str, str], sid: str, now: datetime) -> InboundEvent:
    said = sms.needed(fields, "MessageStatus").lower()
    address, key = sms.text_of(fields, "To"), sms.key_of("receipt", sid, said)
    status, code = STATUSES.get(said), sms.code_of(fields.get("ErrorCode"))
    if status is None:
        return InboundEvent(EventKind.OTHER, address, key, now)
    receipt = Receipt(sid, status)
    if status is Status.FAILED:
        receipt = Receipt(sid, status, failure_of(code), code)
    return InboundEvent(EventKind.RECEIPT, address, key, now, receipt=receipt)


def _message(fields: Mapping[str, str], sid: str, now: datetime) -> Sequence[InboundEvent]:
    address, text = sms.needed(fields, "From"), _words(fields)
    if not sms.E164.fullmatch(address):  # a network's short number, or a sender without one
        return [InboundEvent(EventKind.OTHER, address, sms.key_of(sid), now)]
    media = _media(fields)
    events = [
        InboundEvent(EventKind.MEDIA, address, sms.key_of(sid, str(number)), now, media=each)
        for number, each in enumerate(media)
    ]
    if text or not media:
        events.insert(0, InboundEvent(EventKind.TEXT, address, sms.key_of(sid), now, text=text))
    return events


def _words(fields: Mapping[str, str]) -> str:
    """What was written; where Twilio was told to take another word for STOP or START, that."""
    text, taken = sms.text_of(fields, "Body"), sms.text_of(fields, "OptOutType").upper()
    return taken if taken in ("STOP", "START") and carriers_keyword_in(text) is None else text


def _media(fields: Mapping[str, str]) -> list[Media]:
    said = sms.text_of(fields, "NumMedia") or "0"
    if said not in map(str, range(MAX_MEDIA + 1)):
        raise Malformed
    return [
        _one(sms.needed(fields, f"MediaUrl{number}"), fields.get(f"MediaContentType{number}", ""))
        for number in range(int(said))
    ]


def _one(url: str, content_type: str) -> Media:
    family, _slash, form = content_type.partition("/")
    return Media(KINDS.get(family, "file"), url, sms.code_of(form))
