"""What WeChat tells us, from XML or JSON to events of the house. The same for a mini-program."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

from adapters.contracts import (
    Category,
    EventKind,
    Grant,
    InboundEvent,
    Malformed,
    Media,
    Receipt,
    Status,
)
from adapters.xml import parse_xml

Fields = Mapping[str, Any]

NUMBER = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
MEDIA = {"image": "image", "voice": "voice", "video": "video", "shortvideo": "video"}
FAILURES = {  # of a template message, by the words of its result event
    "failed:user block": Category.OPTED_OUT,
    "failed: system failed": Category.PROVIDER_DOWN,
    "failed:freq limit": Category.THROTTLED,
}


def read_fields(body: bytes | str) -> Fields:
    """The fields of a callback, whichever of its two formats the console is set to."""
    text = body.decode("utf-8-sig", errors="strict") if isinstance(body, bytes) else body
    if not text.lstrip().startswith("{"):
        return _fields_of(parse_xml(text))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict):
        raise Malformed
    return found


def _fields_of(root: Element) -> dict[str, Any]:
    """Elements by name; one that comes twice becomes a list."""
    found: dict[str, Any] = {}
    for child in root:
        value = _fields_of(child) if len(child) else (child.text or "").strip()
        if child.tag in found:
            known = found[child.tag]
            found[child.tag] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            found[child.tag] = value
    return found


def read_event(fields: Fields) -> InboundEvent:
    """One event. Raises Malformed where sender, time or kind are missing."""
    address, kind = _text(fields, "FromUserName"), _text(fields, "MsgType").lower()
    if not address or not kind:
        raise Malformed
    at = _moment(fields)
    if kind == "event":
        return _notice(fields, address=address, at=at)
    trigger = "menu" if _text(fields, "bizmsgmenuid") else "message"
    common: dict[str, Any] = {
        "address": address, "dedupe_key": _key_of(fields, address), "occurred_at": at,
        "trigger": trigger, "union": _text(fields, "UnionId") or _text(fields, "unionid"),
    }  # fmt: skip
    if kind == "text":
        return InboundEvent(EventKind.TEXT, text=_text(fields, "Content"), **common)
    if kind in MEDIA:
        media = Media(MEDIA[kind], _text(fields, "MediaId"), _text(fields, "Format"))
        return InboundEvent(
            EventKind.MEDIA, media=media, text=_text(fields, "Recognition"), **common
        )
    if kind == "location":
        return InboundEvent(EventKind.PLACE, text=_place(fields), **common)
    if kind == "link":
        said = " ".join(filter(None, (_text(fields, "Title"), _text(fields, "Url"))))
        return InboundEvent(EventKind.TEXT, text=said, **common)
    if kind == "miniprogrampage":
        return InboundEvent(EventKind.TEXT, text=_text(fields, "Title"), **common)
    return InboundEvent(EventKind.MEDIA, media=Media("file", ""), **common)


def _place(fields: Fields) -> str:
    """Its name; where WeChat knows none, what finds it on a map."""
    at = [str(fields.get(name, "")) for name in ("Location_X", "Location_Y")]
    on_map = f"[位置] {','.join(at)}" if all(map(NUMBER.fullmatch, at)) else ""
    return _text(fields, "Label") or on_map


def _notice(fields: Fields, *, address: str, at: datetime) -> InboundEvent:
    name = _text(fields, "Event")
    common: dict[str, Any] = {
        "address": address, "dedupe_key": _key_of(fields, address), "occurred_at": at,
    }  # fmt: skip
    match name.lower():
        case "subscribe":
            scanned = _text(fields, "EventKey").startswith("qrscene_")
            return InboundEvent(
                EventKind.FOLLOWED, trigger="scan" if scanned else "follow", **common
            )
        case "unsubscribe":
            return InboundEvent(EventKind.LEFT, **common)
        case "scan":
            return InboundEvent(EventKind.OTHER, trigger="scan", **common)
        case "click":
            return InboundEvent(
                EventKind.TAP, text=_text(fields, "EventKey"), trigger="menu", **common
            )
        case "user_enter_tempsession":
            return InboundEvent(EventKind.OTHER, trigger="enter", **common)
        case "templatesendjobfinish":
            return InboundEvent(EventKind.RECEIPT, receipt=_template_receipt(fields), **common)
        case "subscribe_msg_sent_event":
            return InboundEvent(EventKind.RECEIPT, receipt=_subscribed_receipt(fields), **common)
        case "subscribe_msg_popup_event" | "subscribe_msg_change_event":
            return InboundEvent(EventKind.GRANTED, grants=_grants(fields, name), **common)
    return InboundEvent(EventKind.OTHER, **common)


def _template_receipt(fields: Fields) -> Receipt:
    vendor_id = _text(fields, "MsgID") or _text(fields, "MsgId")  # the capitals are WeChat's
    said = _text(fields, "Status")
    if said == "success":
        return Receipt(vendor_id, Status.DELIVERED)
    return Receipt(vendor_id, Status.FAILED, FAILURES.get(said, Category.PROVIDER_DOWN), said[:80])


def _subscribed_receipt(fields: Fields) -> Receipt:
    inner = next(iter(_many(fields, "SubscribeMsgSentEvent")), {})
    code = _text(inner, "ErrorCode")
    vendor_id = _text(inner, "MsgID")
    if code in ("", "0"):
        return Receipt(vendor_id, Status.DELIVERED)
    return Receipt(vendor_id, Status.FAILED, Category.NO_CONSENT, code[:80])


def _grants(fields: Fields, name: str) -> tuple[Grant, ...]:
    outer = {"subscribe_msg_popup_event": "SubscribeMsgPopupEvent"}.get(
        name.lower(), "SubscribeMsgChangeEvent"
    )
    return tuple(
        Grant(_text(each, "TemplateId")[:64], _text(each, "SubscribeStatusString") == "accept")
        for each in _many(fields, outer)
        if _text(each, "TemplateId")
    )


def _many(fields: Fields, outer: str) -> Sequence[Fields]:
    """`List` is one thing, many, or stands in an object of the event's name: all come."""
    inner = fields.get(outer, fields)
    found = inner.get("List", inner) if isinstance(inner, Mapping) else inner
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, Mapping)]


def _text(fields: Fields, name: str) -> str:
    """A field as text that a database takes: no NUL, no half of a surrogate pair."""
    value = fields.get(name, "")
    text = str(value) if isinstance(value, str | int) else ""
    return text.replace("\0", "").encode(errors="ignore").decode().strip()


def _moment(fields: Fields) -> datetime:
    said = _text(fields, "CreateTime")
    if not said.isdecimal() or len(said) > 10:  # seconds; milliseconds would lie centuries ahead
        raise Malformed
    return datetime.fromtimestamp(int(said), tz=UTC)


def _key_of(fields: Fields, address: str) -> str:
    """What makes a second one a redelivery: of a message its id; of an event who, when and what."""
    event = ("CreateTime", "Event", "EventKey", "MsgID")
    names = ("MsgId",) if _text(fields, "MsgId") else event
    said = "\0".join((address, *(_text(fields, name) for name in names)))
    return hashlib.sha256(said.encode()).hexdigest()[:40]
