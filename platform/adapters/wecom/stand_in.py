"""WeCom's 微信客服 on this machine: its log of messages, sessions, windows, codes, and its bell."""

import secrets
import time
from base64 import b64encode
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from adapters.rehearsal.stand_in import Asked, Fault, Outgoing, Said, StandIn
from adapters.wecom.sessions import LEADS_TO, State
from adapters.wxcrypto import Sealer, sign

WINDOW_S, CODE_S = 48 * 3_600, 20


@dataclass
class Customer:
    """Somebody who came to the account, as WeCom keeps them."""

    state: int = State.NEW
    servicer: str = ""
    left: int = 0
    closes_at: float = 0.0


@dataclass
class Code:
    """What allows one message in answer to an event."""

    user: str
    closes_at: float


def new_aes_key() -> str:
    """43 characters of base64, as the console makes them."""
    return b64encode(secrets.token_bytes(32)).decode().rstrip("=")


@dataclass(frozen=True)
class Credentials:
    corp_id: str = "ww0123456789abcdef"
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    aes_key: str = field(default_factory=new_aes_key)
    open_kfid: str = "wk0123456789abcdef"

    def settings(self, *, api_url: str, handoff: str = "console") -> dict[str, str]:
        return {
            "corp_id": self.corp_id, "open_kfid": self.open_kfid, "api_url": api_url,
            "handoff": handoff,
        }  # fmt: skip

    def secrets(self) -> dict[str, str]:
        return {"secret": self.secret, "token": self.token, "aes_key": self.aes_key}


class WeComStandIn(StandIn):
    """`log` is what a sync lists, `sent` what reached customers, in order.

    `page_size` and `empty_pages` say how a sync is cut up; `refuses`, by path, what is always
    answered with a code; `on_duty`, which servicers take a session.
    """

    def __init__(self, credentials: Credentials | None = None) -> None:
        super().__init__()
        self.credentials = credentials or Credentials()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nobody has come yet, and nothing was asked."""
        self.asked.clear()
        self.faults.clear()
        self.sync_faults: deque[Fault] = deque()
        self.page_size = 1_000
        self.empty_pages = 0
        self.refuses: dict[str, int] = {}
        self.on_duty: set[str] = set()
        self.accounts = [self.credentials.open_kfid]
        self.customers: dict[str, Customer] = {}
        self.codes: dict[str, Code] = {}
        self.rings: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.log: list[dict[str, Any]] = []
        self.sent: list[tuple[str, str]] = []
        self.taken: dict[str, str] = {}  # msgid → whom it was for
        self.tokens: list[str] = []

    # --- the API --------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/cgi-bin/gettoken":
            return self._token(asked)
        if asked.query.get("access_token", "") not in self.tokens[-1:]:
            return _error(40014)
        if asked.path in self.refuses:
            return _error(self.refuses[asked.path])
        match asked.path.removeprefix("/cgi-bin/"):
            case "kf/sync_msg":
                fault = self.sync_faults.popleft() if self.sync_faults else None
                return self._with_faults(asked, self._sync, fault)
            case "kf/send_msg":
                return self._with_faults(asked, self._send, self.next_fault())
            case "kf/send_msg_on_event":
                return self._with_faults(asked, self._send_on_event, self.next_fault())
            case "kf/service_state/get":
                return self._state(asked)
            case "kf/service_state/trans":
                return self._trans(asked)
            case "kf/account/list":
                return self._list(asked)
            case "media/get":
                found = self.files.get(asked.query.get("media_id", ""))
                return _error(40007) if found is None else Said(found)
        return _error(48002)

    def forget_tokens(self) -> None:
        """What happens when WeCom ends a token early."""
        self.tokens.append(secrets.token_hex(32))

    def _token(self, asked: Asked) -> Said:
        if asked.query.get("corpid") != self.credentials.corp_id:
            return _error(40013)
        if asked.query.get("corpsecret") != self.credentials.secret:
            return _error(40001)
        if not self.tokens:
            self.tokens.append(secrets.token_hex(32))
        return _done(access_token=self.tokens[-1], expires_in=7_200)

    def _with_faults(self, asked: Asked, carry_out: Any, fault: Fault | None) -> Said:
        if fault is not None and fault.code:
            return _error(int(fault.code))
        said: Said = carry_out(asked)
        if fault is not None:
            return Said(status=fault.status or 200, breaks=fault.breaks, delay_s=fault.delay_s)
        return said

    def _sync(self, asked: Asked) -> Said:
        ring, cursor = asked.json.get("token", ""), asked.json.get("cursor", "")
        if ring and ring not in self.rings:
            return _error(95007)
        # A cursor says how many were given, and how many pages were empty there.
        given, _, empty = cursor.partition("+")
        at = int(given or 0)
        if self.empty_pages:
            self.empty_pages -= 1
            return _done(next_cursor=f"{at}+{int(empty or 0) + 1}", has_more=1, msg_list=[])
        then = min(at + min(self.page_size, asked.json.get("limit", 1_000)), len(self.log))
        return _done(
            next_cursor=str(then), has_more=int(then < len(self.log)), msg_list=self.log[at:then]
        )

    def _send(self, asked: Asked) -> Said:
        user, msgid = asked.json.get("touser", ""), asked.json.get("msgid", "")
        if asked.json.get("open_kfid") not in self.accounts:
            return _error(95000)
        if msgid in self.taken:
            return _done(msgid=msgid)
        customer = self.customers.get(user)
        if customer is None:
            return _error(40096)
        if customer.state not in (State.NEW, State.OURS):
            return _error(95018)
        if time.time() > customer.closes_at:
            return _error(95002)
        if customer.left == 0:
            return _error(95001)
        said = self._deliver(user, asked)
        customer.left -= int(said.body["errcode"] == 0)
        return said

    def _send_on_event(self, asked: Asked) -> Said:
        msgid = asked.json.get("msgid", "")
        if msgid in self.taken:
            return _done(msgid=msgid)
        code = self.codes.pop(asked.json.get("code", ""), None)
        if code is None or time.time() > code.closes_at:
            return _error(95007)
        return self._deliver(code.user, asked)

    def _deliver(self, user: str, asked: Asked) -> Said:
        text = asked.json.get("text", {}).get("content", "")
        if not text or len(text.encode()) > 2_048:
            return _error(45002 if text else 44004)
        msgid = asked.json.get("msgid") or secrets.token_hex(16)
        self.taken[msgid] = user
        self.sent.append((user, text))
        return _done(msgid=msgid)

    def _state(self, asked: Asked) -> Said:
        customer = self.customers.get(asked.json.get("external_userid", ""))
        if customer is None:
            return _error(40096)
        return _done(service_state=int(customer.state), servicer_userid=customer.servicer)

    def _trans(self, asked: Asked) -> Said:
        user, servicer = (asked.json.get(k, "") for k in ("external_userid", "servicer_userid"))
        customer, state = self.customers.get(user), asked.json.get("service_state")
        if customer is None:
            return _error(40096)
        if not isinstance(state, int) or state not in LEADS_TO.get(customer.state, ()):
            return _error(95016)
        if state == State.WITH_SERVICER and servicer not in self.on_duty:
            return _error(95014)
        customer.state, customer.servicer = state, servicer
        return _done(msg_code=self._new_code(user))

    def _list(self, asked: Asked) -> Said:
        at, limit = asked.json.get("offset", 0), asked.json.get("limit", 100)
        accounts = [{"open_kfid": each, "name": each} for each in self.accounts]
        return _done(account_list=accounts[at : at + limit])

    def _new_code(self, user: str) -> str:
        code = secrets.token_hex(16)
        self.codes[code] = Code(user, closes_at=time.time() + CODE_S)
        return code

    # --- what happens at its customers' -----------------------------------------------------------

    def writes(self, user: str, text: str, /, *, menu_id: str = "") -> Outgoing:
        """A customer writes: 48 hours, 5 messages; and a session that was over begins anew."""
        said = {"content": text, **({"menu_id": menu_id} if menu_id else {})}
        return self.sends(user, "text", said)

    def sends(self, user: str, msgtype: str, said: dict[str, Any]) -> Outgoing:
        with self._lock:
            customer = self.customers.setdefault(user, Customer())
            if customer.state == State.OVER:
                customer.state = State.NEW
            customer.left, customer.closes_at = 5, time.time() + WINDOW_S
        return self.notes(external_userid=user, origin=3, msgtype=msgtype, **{msgtype: said})

    def enters(self, user: str, *, is_welcomed: bool = True) -> Outgoing:
        """A customer opens the chat; WeCom gives no code to who was welcomed within 48 hours."""
        self.customers.setdefault(user, Customer())
        code = {"welcome_code": self._new_code(user)} if is_welcomed else {}
        return self.notices(user, "enter_session", scene="123", **code)

    def recalls(self, user: str, msgid: str) -> Outgoing:
        return self.notices(user, "user_recall_msg", recall_msgid=msgid)

    def servicer_says(self, user: str, text: str, *, servicer: str = "wangfang") -> Outgoing:
        return self.notes(
            external_userid=user, origin=5, servicer_userid=servicer, msgtype="text",
            text={"content": text},
        )  # fmt: skip

    def ends(self, user: str) -> Outgoing:
        """A servicer ends the session."""
        self.customers[user].state = State.OVER
        code = self._new_code(user)
        return self.notices(user, "session_status_change", change_type=3, msg_code=code)

    def fails(self, msgid: str, fail_type: int) -> Outgoing:
        """What was taken did not arrive after all."""
        user = self.taken[msgid]
        return self.notices(user, "msg_send_fail", fail_msgid=msgid, fail_type=fail_type)

    def notices(self, user: str, event_type: str, **fields: Any) -> Outgoing:
        """A system event: who and where stands inside of it, not beside it."""
        common = {"event_type": event_type, "open_kfid": self.credentials.open_kfid}
        event = {**common, "external_userid": user, **fields}
        return self.notes(origin=4, msgtype="event", event=event)

    def notes(self, **fields: Any) -> Outgoing:
        """Anything: it stands in the log, and the bell rings."""
        entry = {"msgid": secrets.token_hex(22), "send_time": int(time.time()), **fields}
        if entry["msgtype"] != "event":
            entry.setdefault("open_kfid", self.credentials.open_kfid)
        self.log.append(entry)
        return self.rang()

    # --- its callbacks ----------------------------------------------------------------------------

    def rang(self, *, event: str = "kf_msg_or_event", at: int = 0) -> Outgoing:
        ring = f"ENC{secrets.token_hex(20)}"
        self.rings.add(ring)
        stamp = str(at or int(time.time()))
        return self.calls(
            f"<xml><ToUserName>{self.credentials.corp_id}</ToUserName>"
            f"<CreateTime>{stamp}</CreateTime><MsgType>event</MsgType><Event>{event}</Event>"
            f"<Token>{ring}</Token><OpenKfId>{self.credentials.open_kfid}</OpenKfId></xml>",
            at=at,
        )

    def calls(self, text: str, *, at: int = 0, receiver: str = "") -> Outgoing:
        """Any text, encrypted and signed."""
        query, cipher = self._sealed(text, at=at, receiver=receiver)
        corp_id = self.credentials.corp_id
        body = f"<xml><ToUserName>{corp_id}</ToUserName><Encrypt>{cipher}</Encrypt></xml>"
        return Outgoing(query, body.encode())

    def challenges(self, text: str) -> Outgoing:
        """The check of our address: a GET, to be answered with the text."""
        query, cipher = self._sealed(text)
        return Outgoing({**query, "echostr": cipher})

    def _sealed(self, text: str, *, at: int = 0, receiver: str = "") -> tuple[dict[str, str], str]:
        sealer = Sealer(self.credentials.aes_key, receiver=receiver or self.credentials.corp_id)
        cipher = sealer.seal(text)
        stamp, nonce = str(at or int(time.time())), secrets.token_hex(5)
        signature = sign(self.credentials.token, stamp, nonce, cipher)
        return {"msg_signature": signature, "timestamp": stamp, "nonce": nonce}, cipher


def _done(**fields: Any) -> Said:
    return Said({"errcode": 0, "errmsg": "ok", **fields})


def _error(code: int) -> Said:
    return Said({"errcode": code, "errmsg": f"stand-in {code}"})
