"""WeChat on this machine: its API with tokens, windows and quotas, and its signed callbacks."""

import secrets
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

from adapters.rehearsal.stand_in import Asked, Outgoing, Said, StandIn
from adapters.wxcrypto import Sealer, sign

GH_ID = "gh_0123456789ab"


@dataclass
class Fan:
    """Somebody who follows the account, as WeChat keeps them."""

    follows: bool = True
    left: int = 0
    closes_at: float = 0.0


def new_aes_key() -> str:
    """43 characters of base64, as the console makes them."""
    return b64encode(secrets.token_bytes(32)).decode().rstrip("=")


@dataclass(frozen=True)
class Credentials:
    app_id: str = "wx0123456789abcdef"
    app_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    aes_key: str = field(default_factory=new_aes_key)

    def settings(self, *, api_url: str, mode: str = "secure") -> dict[str, str]:
        return {"app_id": self.app_id, "api_url": api_url, "mode": mode}

    def secrets(self) -> dict[str, str]:
        return {"token": self.token, "aes_key": self.aes_key, "app_secret": self.app_secret}


class WeChatStandIn(StandIn):
    """`fans` by openid; `sent` is what reached them, in order."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        super().__init__()
        self.credentials = credentials or Credentials()
        self.fans: dict[str, Fan] = {}
        self.sent: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.typed: list[str] = []  # who saw that somebody writes
        self.files: dict[str, bytes] = {}  # by media_id
        self.films: dict[str, str] = {}  # by media_id, the address that is told; empty: our own
        self.templates: dict[str, set[str]] = {}  # by id, the names of their fields
        self.granted: Counter[tuple[str, str]] = Counter()  # by openid and template
        self.notices_sent: list[tuple[str, dict[str, Any]]] = []
        self.codes: dict[str, str] = {}  # of wx.login, and whose
        self.unions: dict[str, str] = {}  # by openid
        self.busy_with: set[str] = set()  # paths
        self._ids = count(time.time_ns())  # 64 bits, as WeChat's

    # --- the API --------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/cgi-bin/stable_token":
            return self._token(asked)
        if asked.path == "/sns/jscode2session":
            return self._session(asked)
        if asked.path == "/film":
            return Said(self.files[asked.query["of"]])
        if asked.query.get("access_token", "") not in self.tokens[-1:]:
            return _error(40001)
        if asked.path in self.busy_with:
            return _error(-1)
        if asked.path == "/cgi-bin/message/custom/send":
            return self._send(asked)
        if asked.path in ("/cgi-bin/message/template/send", "/cgi-bin/message/subscribe/send"):
            return self._notify(asked, is_counted="subscribe" in asked.path)
        if asked.path == "/cgi-bin/message/custom/typing":
            self.typed.append(asked.json.get("touser", ""))
            return _error(0)
        if asked.path == "/cgi-bin/user/info":
            openid = asked.query.get("openid", "")
            return Said({"openid": openid, **self._union(openid)})
        if asked.path == "/cgi-bin/media/get":
            return self._file(asked.query.get("media_id", ""))
        return _error(48001)

    def forget_tokens(self) -> None:
        """What happens when somebody refreshes the token elsewhere."""
        self.tokens.append(secrets.token_hex(32))

    def _token(self, asked: Asked) -> Said:
        known = (self.credentials.app_id, self.credentials.app_secret)
        if (asked.json.get("appid"), asked.json.get("secret")) != known:
            return _error(40125)
        if not self.tokens or asked.json.get("force_refresh"):
            self.tokens.append(secrets.token_hex(32))
        return Said({"access_token": self.tokens[-1], "expires_in": 7_200})

    def _send(self, asked: Asked) -> Said:
        fault = self.next_fault()
        if fault is not None and fault.code:
            return _error(int(fault.code))
        code = self._carry_out(asked)
        if fault is not None:
            return Said(status=fault.status or 200, breaks=fault.breaks, delay_s=fault.delay_s)
        return _error(code)

    def _file(self, media_id: str) -> Said:
        """Of a film in `films` only its address comes."""
        found = self.files.get(media_id)
        if found is None:
            return _error(40007)
        if media_id in self.films:
            return Said({"video_url": self.films[media_id] or f"{self.url}/film?of={media_id}"})
        return Said(found)

    def _session(self, asked: Asked) -> Said:
        """code2Session of a mini-program: each code of wx.login is good for one time."""
        known = (self.credentials.app_id, self.credentials.app_secret)
        if (asked.query.get("appid"), asked.query.get("secret")) != known:
            return _error(40013)
        openid = self.codes.pop(asked.query.get("js_code", ""), "")
        if not openid:
            return _error(40029)
        return Said({"openid": openid, "session_key": "k", **self._union(openid)})

    def _union(self, openid: str) -> dict[str, str]:
        return {"unionid": self.unions[openid]} if openid in self.unions else {}

    def _notify(self, asked: Asked, *, is_counted: bool) -> Said:
        """A template message, or a subscription message, of which each was agreed to."""
        openid, template = asked.json.get("touser", ""), asked.json.get("template_id", "")
        if template not in self.templates:
            return _error(40037)
        if set(asked.json.get("data", {})) != self.templates[template]:
            return _error(47003)
        fan = self.fans.get(openid)
        if fan is None or not fan.follows:
            return _error(40003 if fan is None else 43004)
        if is_counted and self.granted[openid, template] < 1:
            return _error(43101)
        self.granted[openid, template] -= is_counted
        self.notices_sent.append((openid, asked.json))
        return Said({"errcode": 0, "errmsg": "ok", "msgid": next(self._ids)})

    def _carry_out(self, asked: Asked) -> int:
        openid = asked.json.get("touser", "")
        text = asked.json.get("text", {}).get("content", "")
        fan = self.fans.get(openid)
        if fan is None:
            return 40003
        if not fan.follows:
            return 43004
        if len(text.encode()) > 2_048:
            return 45002
        if time.time() > fan.closes_at:
            return 45015
        if fan.left == 0:
            return 45047
        fan.left -= 1
        self.sent.append((openid, text))
        return 0

    # --- its callbacks --------------------------------------------------------------------------

    def writes(
        self, openid: str, text: str, *, sealed: bool = True, message_id: int = 0
    ) -> Outgoing:
        """A follower writes: 48 hours, 5 messages."""
        self.fans[openid] = Fan(left=5, closes_at=time.time() + 48 * 3_600)
        fields = {
            "MsgType": "text", "Content": text, "MsgId": str(message_id or next(self._ids)),
        }  # fmt: skip
        return self.calls(openid, fields, sealed=sealed)

    def notices(self, openid: str, event: str, *, sealed: bool = True, **fields: str) -> Outgoing:
        if event == "subscribe":
            self.fans[openid] = Fan(left=3, closes_at=time.time() + 60)
        if event == "unsubscribe":
            self.fans.setdefault(openid, Fan()).follows = False
        return self.calls(openid, {"MsgType": "event", "Event": event, **fields}, sealed=sealed)

    def grants(self, openid: str, template: str, answer: str = "accept") -> Outgoing:
        """Somebody has tapped that they want one message by this template, or that they don't."""
        self.granted[openid, template] = (
            self.granted[openid, template] + 1 if answer == "accept" else 0
        )
        fields = {
            "MsgType": "event", "Event": "subscribe_msg_popup_event", "TemplateId": template,
            "SubscribeStatusString": answer,
        }  # fmt: skip
        return self.calls(openid, fields)

    def calls(
        self, openid: str, fields: Mapping[str, str], *, sealed: bool = True, at: int = 0
    ) -> Outgoing:
        """Any callback, signed, and encrypted where the account is set to it."""
        common = {
            "ToUserName": GH_ID, "FromUserName": openid, "CreateTime": str(at or int(time.time())),
        }  # fmt: skip
        body = _xml({**common, **fields})
        stamp, nonce = str(at or int(time.time())), secrets.token_hex(5)
        query = {
            "signature": sign(self.credentials.token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid,
        }
        if not sealed:
            return Outgoing(query, body.encode())
        cipher = Sealer(self.credentials.aes_key, receiver=self.credentials.app_id).seal(body)
        signature = sign(self.credentials.token, stamp, nonce, cipher)
        query |= {"encrypt_type": "aes", "msg_signature": signature}
        return Outgoing(query, _xml({"ToUserName": GH_ID, "Encrypt": cipher}).encode())


def _xml(fields: Mapping[str, str]) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return f"<xml>{inner}</xml>"


def _error(code: int) -> Said:
    return Said({"errcode": code, "errmsg": "ok" if code == 0 else f"stand-in {code}"})
