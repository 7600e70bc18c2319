"""What `sync_msg` lists, from WeCom's words to events of the house.

Source: "接收消息和事件" of 微信客服 (developer.work.weixin.qq.com/document/path/94670).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.contracts import EventKind, InboundEvent, Malformed, Media, Receipt, Status
from adapters.wecom.errors import failure_of

Fields = Mapping[str, Any]

CUSTOMER, SYSTEM, SERVICER = 3, 4, 5  # `origin`
SESSION_ENDED = 3  # `change_type`
MAX_KEY = 64  # characters, of a `dedupe_key`
MAX_CODE = 128  # characters, of a `reply_code`; WeCom's have 32

NUMBER = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
MEDIA = ("image", "voice", "video", "file")
# What stands in the thread for what a servicer sent and is not text.
NAMES = {
    "image": "[图片]", "voice": "[语音]", "video": "[视频]", "file": "[文件]",
    "location": "[位置]", "link": "[链接]", "business_card": "[名片]", "miniprogram": "[小程序]",
}  # fmt: skip
OTHERWISE = "[其他消息]"


def read_message(fields: object, *, mailbox: str, now: datetime) -> InboundEvent:
    """One entry of the list; `mailbox` is our open_kfid. Raises Malformed: it says not from whom.

    A date that can't be read costs nobody their message: it counts as said `now`.
    """
    if not isinstance(fields, Mapping):
        raise Malformed
    event = _inner(fields, "event")
    address = _text(fields, "external_userid") or _text(event, "external_userid")
    common: dict[str, Any] = {
        "address": address, "dedupe_key": _key_of(fields), "occurred_at": _moment(fields) or now,
    }  # fmt: skip
    owner = _text(fields, "open_kfid") or _text(event, "open_kfid")
    origin = _number(fields, "origin")
    if owner not in ("", mailbox) or origin not in (CUSTOMER, SYSTEM, SERVICER):
        return InboundEvent(EventKind.OTHER, **common)
    if origin == SYSTEM:
        return _notice(event, common)
    if not address:
        raise Malformed
    return _written(fields, common) if origin == CUSTOMER else _mirrored(fields, common)


def key_of(msgid: str) -> str:
    """A message's `dedupe_key`, also where something else names the message."""
    return msgid if len(msgid) <= MAX_KEY else _digest(msgid)


def _written(fields: Fields, common: Mapping[str, Any]) -> InboundEvent:
    kind = _text(fields, "msgtype")
    said, common = _inner(fields, kind), {**common, "trigger": "message"}
    if kind == "text":
        tapped = EventKind.TAP if _text(said, "menu_id") else EventKind.TEXT
        return InboundEvent(tapped, text=_text(said, "content"), **common)
    if kind in MEDIA:
        media = Media(kind, _text(said, "media_id"), "amr" if kind == "voice" else "")
        return InboundEvent(EventKind.MEDIA, media=media, **common)
    if kind == "location":
        at = [str(said.get(name, "")) for name in ("latitude", "longitude")]
        on_map = f"[位置] {','.join(at)}" if all(map(NUMBER.fullmatch, at)) else ""
        place = _joined(said, "name", "address") or on_map
        return InboundEvent(EventKind.PLACE, text=place, **common)
    text = _joined(said, "title", "url") if kind in ("link", "miniprogram") else ""
    if text:
        return InboundEvent(EventKind.TEXT, text=text, **common)
    return InboundEvent(EventKind.MEDIA, media=Media("file", ""), **common)


def _mirrored(fields: Fields, common: Mapping[str, Any]) -> InboundEvent:
    kind = _text(fields, "msgtype")
    text = _text(_inner(fields, kind), "content") if kind == "text" else ""
    return InboundEvent(
        EventKind.MIRRORED,
        text=text or NAMES.get(kind, OTHERWISE),
        author=_text(fields, "servicer_userid"),
        **common,
    )


def _notice(event: Fields, common: Mapping[str, Any]) -> InboundEvent:
    match _text(event, "event_type") if common["address"] else "":
        case "enter_session" if code := _code(event, "welcome_code"):
            return InboundEvent(EventKind.FOLLOWED, trigger="enter", reply_code=code, **common)
        case "msg_send_fail":
            return InboundEvent(EventKind.RECEIPT, receipt=_failure(event), **common)
        case "session_status_change" if _number(event, "change_type") == SESSION_ENDED:
            code = _code(event, "msg_code")
            # Without a code there is nothing to say at the end, so no window opens.
            return InboundEvent(
                EventKind.ENDED, trigger="ended" if code else "", reply_code=code, **common
            )
        case "user_recall_msg" if msgid := _text(event, "recall_msgid"):
            return InboundEvent(EventKind.RECALLED, text=key_of(msgid), **common)
    return InboundEvent(EventKind.OTHER, **common)


def _failure(event: Fields) -> Receipt:
    fail_type = _number(event, "fail_type")
    category = failure_of(fail_type)
    return Receipt(_text(event, "fail_msgid"), Status.FAILED, category, str(fail_type))


def _inner(fields: Fields, name: str) -> Fields:
    found = fields.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(fields: Fields, name: str) -> str:
    """A field as text that a database takes: no NUL, no half of a surrogate pair."""
    value = fields.get(name, "")
    text = str(value) if isinstance(value, str | int) else ""
    return text.replace("\0", "").encode(errors="ignore").decode().strip()


def _joined(fields: Fields, *names: str) -> str:
    return " ".join(filter(None, (_text(fields, name) for name in names)))


def _code(event: Fields, name: str) -> str:
    code = _text(event, name)
    return code if len(code) <= MAX_CODE else ""


def _number(fields: Fields, name: str) -> int:
    """-1 where it is none."""
    said = _text(fields, name)
    return int(said) if said.isdecimal() and len(said) <= 10 else -1


def _moment(fields: Fields) -> datetime | None:
    said = _number(fields, "send_time")  # seconds
    return datetime.fromtimestamp(said, tz=UTC) if said > 0 else None


def _key_of(fields: Fields) -> str:
    msgid = _text(fields, "msgid")
    return key_of(msgid) if msgid else _digest(json.dumps(fields, sort_keys=True))


def _digest(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:40]
