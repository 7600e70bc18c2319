"""A 微信客服 account in WeCom: callbacks only ring, what was said is fetched, replies go by API.

We may write while a patient's session is new or ours. Once it waits for, or is with, somebody in
the WeCom app, WeCom refuses what we send, and no call brings it back before it ends: so where
nurses answer in our console, a session is never passed on.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from adapters.contracts import (
    Accepted,
    Answer,
    Batch,
    Callback,
    Capabilities,
    Category,
    EventKind,
    Field,
    InboundEvent,
    Malformed,
    Media,
    NotPulled,
    OutboundMessage,
    Refused,
    Rejected,
    Retry,
    SendResult,
    Step,
    Unknown,
    Window,
)
from adapters.models import Account
from adapters.vendor import NoAnswer, TooBig, Vendor
from adapters.wecom.api import Api, listed
from adapters.wecom.checks import SETUP, WECOM, check_account, check_token
from adapters.wecom.errors import NOT_IN_THIS_STATE, RING_OVER
from adapters.wecom.messages import read_message
from adapters.wecom.sessions import Sessions, State
from adapters.wxcrypto import BadKey, Sealer, check, open_with_any
from adapters.xml import field, parse_xml

if TYPE_CHECKING:
    from patients.models import Channel

logger = logging.getLogger(__name__)

API = "https://qyapi.weixin.qq.com"
FRESH_S = 600  # a callback signed longer ago, or so far ahead, is somebody's recording
MAX_BYTES = 2_048  # of one text message
PAGE = 100  # messages in one answer, at most; source: "接收消息和事件" of 微信客服
# Source: "发送消息" and "发送欢迎语等事件响应消息" of 微信客服. An account's settings may say other
# numbers: {"windows": {"message": [172800, 5]}}.
WINDOWS = {
    "message": Window(48 * 3_600, 5),
    "enter": Window(20, 1),
    "ended": Window(20, 1),
}


class WeComAdapter:
    label: ClassVar[Any] = _("WeCom customer service")
    setup: ClassVar[tuple[Field, ...]] = SETUP

    def __init__(self, account: Account) -> None:
        self._account = account
        self._settings: dict[str, Any] = account.settings
        self._secrets: dict[str, str] = account.secrets
        self._token = self._secrets.get("token", "")
        self._corp_id = str(self._settings.get("corp_id", ""))
        self._open_kfid = str(self._settings.get("open_kfid", ""))
        self._api = Api(
            account,
            corp_id=self._corp_id,
            secret=self._secrets.get("secret", ""),
            vendor=Vendor(self._settings.get("api_url") or API),
        )
        servicers = _names(str(self._settings.get("servicers") or ""))
        self._sessions = Sessions(self._api, self._open_kfid, servicers)

    @classmethod
    def of(cls, channel: "Channel") -> Self:
        return cls(Account.objects.get(channel=channel))

    @cached_property
    def capabilities(self) -> Capabilities:
        said = self._settings.get("windows", {})
        own = {trigger: Window(seconds, messages) for trigger, (seconds, messages) in said.items()}
        return Capabilities(
            max_length=MAX_BYTES,
            length_unit="bytes",
            windows={**WINDOWS, **own},
            takes_idempotency_id=True,
            passes_on=self._settings.get("handoff") == "wecom",
            fetches=True,
        )

    @property
    def mailbox(self) -> str:
        return self._open_kfid

    def check(self) -> Sequence[Step]:
        keys, token = self._check_keys(), check_token(self._api)
        if not token.works:
            return [keys, token]
        return [keys, token, check_account(self._api, self._open_kfid)]

    def _check_keys(self) -> Step:
        name = _("keys of the callback")
        try:
            sealers = self._sealers
        except BadKey:
            return Step(name, works=False, hint=_("EncodingAESKey has 43 letters and digits."))
        if not sealers:
            return Step(name, works=False, hint=_("The EncodingAESKey is missing."))
        return Step(name, works=bool(self._token), hint=_("The callback token is missing."))

    # --- in: the bell ---------------------------------------------------------------------------

    def verify(self, callback: Callback) -> None:
        if not (self._token and self._corp_id and self._sealers):
            raise Refused  # not set up yet: without a secret anybody could sign
        query = callback.query
        stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not stamp.isdecimal() or len(stamp) > 10 or abs(time.time() - int(stamp)) > FRESH_S:
            raise Refused
        sealed = _sealed_in(callback)
        check(query.get("msg_signature", ""), self._token, stamp, nonce, sealed)
        open_with_any(self._sealers, sealed)

    def parse(self, callback: Callback) -> Sequence[InboundEvent]:
        if callback.method == "GET":
            return []  # WeCom is checking the address; `acknowledge` opens its challenge
        root = parse_xml(self._open(callback))
        event, mailbox, ring, at = (
            field(root, name) for name in ("Event", "OpenKfId", "Token", "CreateTime")
        )
        rang = event == "kf_msg_or_event"
        if not at.isdecimal() or len(at) > 10 or (rang and not mailbox):
            raise Malformed
        said = "\0".join((event, mailbox, ring, at))
        return [
            InboundEvent(
                EventKind.RANG if rang else EventKind.OTHER,
                address=mailbox,
                dedupe_key=hashlib.sha256(said.encode()).hexdigest()[:40],
                occurred_at=datetime.fromtimestamp(int(at), tz=UTC),
                text=ring if rang else "",
            )
        ]

    def acknowledge(self, callback: Callback) -> Answer:
        return Answer(self._open(callback) if callback.method == "GET" else "success")

    @cached_property
    def _sealers(self) -> list[Sealer]:
        """The key in force, and the one before it while WeCom still uses that."""
        keys = [self._secrets.get(name, "") for name in ("aes_key", "previous_aes_key")]
        return [Sealer(key, receiver=self._corp_id) for key in keys if key]

    def _open(self, callback: Callback) -> str:
        return open_with_any(self._sealers, _sealed_in(callback))[0]

    # --- in: what was said ----------------------------------------------------------------------

    def pull(self, cursor: str, *, ring: str) -> Batch:
        asked: dict[str, Any] = {"limit": PAGE, "voice_format": 0, "open_kfid": self._open_kfid}
        if cursor:
            asked["cursor"] = cursor
        try:
            said = self._sync(asked, ring=ring)
        except NoAnswer as none:
            raise NotPulled(none.result) from None
        then = str(said.get("next_cursor") or cursor)
        # A page may be empty and not the last. A cursor that stands still would be asked for ever.
        has_more = said.get("has_more") == 1 and then != cursor
        return Batch(self._read(listed(said, "msg_list")), then, has_more)

    def _sync(self, asked: dict[str, Any], *, ring: str) -> dict[str, Any]:
        """With a ring that is over, ask without one: WeCom answers that too, only less often."""
        path = "/cgi-bin/kf/sync_msg"
        if ring:
            try:
                return self._api.call(path, {**asked, "token": ring})
            except NoAnswer as none:
                if not _is_refused(none.result, RING_OVER):
                    raise
        return self._api.call(path, asked)

    def _read(self, entries: Sequence[object]) -> list[InboundEvent]:
        """What can't be read is left out, and the rest kept."""
        events, now = [], timezone.now()
        for entry in entries:
            try:
                events.append(read_message(entry, mailbox=self._open_kfid, now=now))
            except Malformed:
                logger.warning("message left out", extra={"account": self._account.pk})
        return events

    def fetch(self, media: Media, *, max_bytes: int) -> bytes | Retry | Rejected:
        if not media.ref:
            return Rejected(Category.CONTENT, "no name")
        try:
            return self._api.download(media.ref, max_bytes=max_bytes)
        except TooBig:
            return Rejected(Category.CONTENT, "too big")
        except NoAnswer as none:
            result = _surely_not_done(none.result)
        # An account that is refused today may be let in before the file is gone.
        is_gone = result.category is Category.CONTENT
        return result if is_gone or isinstance(result, Retry) else _later(result)

    # --- out ------------------------------------------------------------------------------------

    def send(self, message: OutboundMessage) -> SendResult:
        result = self._give(message)
        if message.reply_code and _is_closed(result):
            # The code was used or is over; whoever wrote meanwhile can be answered without one.
            return self.send(replace(message, reply_code=""))
        answers_here = self._settings.get("handoff") != WECOM
        if answers_here and _is_refused(result, NOT_IN_THIS_STATE):
            return self._give_once_ours(message, refused=result)
        return result

    def _give(self, message: OutboundMessage) -> SendResult:
        body = {"msgid": message.uid, "msgtype": "text", "text": {"content": message.text}}
        try:
            if message.reply_code:
                code = {"code": message.reply_code}
                said = self._api.call("/cgi-bin/kf/send_msg_on_event", {**code, **body})
            else:
                to = {"touser": message.address, "open_kfid": self._open_kfid}
                said = self._api.call("/cgi-bin/kf/send_msg", {**to, **body})
        except NoAnswer as none:
            return none.result
        return Accepted(str(said.get("msgid") or message.uid)[:64])

    def _give_once_ours(self, message: OutboundMessage, *, refused: SendResult) -> SendResult:
        """Take a new session for us and try once more; whoever else has it keeps it."""
        try:
            state = self.state_of(message.address)
            if state not in (State.NEW, State.OURS):
                return refused
            if state == State.NEW:
                self._sessions.put(message.address, State.OURS)
        except NoAnswer as none:
            return _surely_not_done(none.result)
        return self._give(message)

    # --- whose session it is --------------------------------------------------------------------

    def state_of(self, address: str) -> int:
        """A `State`. Raises NoAnswer."""
        return self._sessions.state_of(address)

    def move(self, address: str, state: int, servicer: str = "") -> SendResult:
        """Lead a session to another state; WINDOW_CLOSED where no way leads there."""
        return self._sessions.move(address, state, servicer=servicer)

    def pass_on(self, address: str) -> SendResult:
        """Leave a session to the nurses in the WeCom app. Twice is once."""
        return self._sessions.pass_on(address)


def _names(said: str) -> list[str]:
    return [name for each in said.replace("，", ",").split(",") if (name := each.strip())]


def _sealed_in(callback: Callback) -> str:
    if callback.method == "GET":
        return callback.query.get("echostr", "")
    try:
        return field(parse_xml(callback.body), "Encrypt")
    except Malformed:
        raise Refused from None


def _is_refused(result: SendResult, code: str) -> bool:
    return isinstance(result, Rejected) and result.code == code


def _is_closed(result: SendResult) -> bool:
    return isinstance(result, Rejected) and result.category is Category.WINDOW_CLOSED


def _surely_not_done(result: SendResult) -> Retry | Rejected:
    """What a broken line means where the patient can't have got anything."""
    if isinstance(result, Retry | Rejected):
        return result
    return Retry(Category.PROVIDER_DOWN, result.code if isinstance(result, Unknown) else "")


def _later(result: Rejected) -> Retry:
    return Retry(result.category, result.code)
