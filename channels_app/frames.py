"""What a screen is shown of a message, and the errors it can be told. See docs/protocol.md."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from adapters.policy import CODE
from conversations.models import Author, Kind, Message
from insight.labels import CANDIDATE
from tickets.card import readable

Frame = dict[str, Any]

AT_ONCE = 100  # messages in one frame

# What the patient is shown of an event; the rest is for staff.
PATIENT_EVENTS = frozenset({"queued", "claimed", "transferred", "requeued", "resolved", "reopened"})
EVENT_DETAILS = ("event", "nurse", "department", "department_en")
PATIENT_DETAILS = (
    "choices", "source", "original", "departments", "card", "handoff",
    "appointment", "report", "triage", "progress",
)  # fmt: skip
# To anybody: it decided nothing; it is for one phone alone.
UNSHOWN = frozenset({CANDIDATE, CODE})


def for_patient(messages: Iterable[Message]) -> list[Frame]:
    """A patient's view. What is not for them keeps its `seq` and nothing else, so no gap shows."""
    return [_patient_item(message) for message in messages]


def for_staff(messages: Iterable[Message]) -> list[Frame]:
    return [
        {
            **_item(message),
            "details": _details_for_staff(message.details or {}),
            "handled": message.handled_at is not None,
            "sent": message.sent_at is not None,
            "undelivered": message.given_up_at is not None,
        }
        for message in map(readable, messages)
    ]


def _details_for_staff(details: Frame) -> Frame:
    """All but what only explains a decision, number by number, to whoever audits it."""
    shown = {name: value for name, value in details.items() if name not in UNSHOWN}
    if meaning := shown.get("understanding"):
        shown["understanding"] = {k: v for k, v in meaning.items() if k != "evidence"}
    return shown


def error(code: str, **extra: Any) -> Frame:
    return {"type": "error", "code": code, "message": sentence(code), **extra}


def sentence(code: str) -> str:
    """What a person reads when this goes wrong, in the language in force."""
    return {
        "bad_frame": _("This page sent something that we don't understand. Please reload it."),
        "empty": _("Please write something first."),
        "too_long": _("Please keep a message under 4,000 characters; send a long one in parts."),
        "too_fast": _("That was very quick. Please wait a moment, then send it again."),
        "bad_token": _("Your earlier chat has expired. We have started a new one."),
        "link_expired": _("This link has expired. A newer one came with our last text message."),
        "client_id_reused": _(
            "This message was sent before with another text. Please send it again."
        ),
        "not_ready": _("The connection is not ready yet. Please try again."),
        "already_claimed": _("A colleague was faster: this ticket is taken or closed."),
        "not_your_ticket": _("This ticket is not yours. Claim it first."),
        "out_of_scope": _("This ticket belongs to a department that you don't look after."),
        "cannot_transfer": _("Choose a department, or a colleague who takes tickets."),
        "cannot_reopen": _(
            "This can't be reopened: another ticket is open, or it ended too long ago."
        ),
        "new_message": _("The patient has just written again. Please read it first."),
        "needs_reason": _(
            "This names a medicine that speaks against the patient's record. Please change it, or"
            " say why it is right."
        ),
        "not_found": _("This does not exist, or no longer."),
        "failed": _("Something went wrong on our side. Nothing is lost; please try again."),
    }[code]


def _patient_item(message: Message) -> Frame:
    hidden = {"seq": message.seq, "kind": "hidden"}
    if message.kind == Kind.NOTE:
        return hidden
    details = readable(message).details or {}
    if message.kind == Kind.EVENT and details.get("event") not in PATIENT_EVENTS:
        return hidden
    item = _item(message)
    if message.author != Author.PATIENT:
        item["details"] = {name: details[name] for name in PATIENT_DETAILS if name in details}
        if message.kind == Kind.EVENT:
            item["details"] |= {name: details[name] for name in EVENT_DETAILS if name in details}
    return item


def _item(message: Message) -> Frame:
    item = {
        "seq": message.seq,
        "author": message.author,
        "kind": message.kind,
        "text": message.text,
        "at": message.created_at.isoformat(),
    }
    if message.client_id:
        item["client_id"] = message.client_id
    if message.nurse_id and message.nurse is not None:
        item["nurse"] = message.nurse.display_name
    return item
