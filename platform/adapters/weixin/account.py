"""An account on WeChat, Official Account or mini-program: callbacks in, 客服消息 out.

Anything but "success" within 5 s makes WeChat deliver again, three times in all, and then tell the
patient that the account is out of service: so we answer at once, and reply later.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from adapters.contracts import (
    Accepted,
    Answer,
    Callback,
    Capabilities,
    Category,
    Field,
    InboundEvent,
    Malformed,
    Media,
    Notice,
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
from adapters.tokens import Fetched, access_token, renew_token
from adapters.vendor import NoAnswer, TooBig, Vendor
from adapters.weixin.callbacks import read_event, read_fields
from adapters.weixin.errors import MEANS, TOKEN, meaning_of
from adapters.weixin.notices import fields_of, filled, too_long
from adapters.wxcrypto import BadKey, Sealer, check, open_with_any

if TYPE_CHECKING:
    from patients.models import Channel

API = "https://api.weixin.qq.com"
FRESH_S = 600  # a callback signed longer ago, or so far ahead, is somebody's recording
MAX_BYTES = 2_048  # of one text message

SETUP = (
    Field("app_id", _("AppID"), help=_("In WeChat's console: development, basic settings")),
    Field("app_secret", _("AppSecret"), is_secret=True),
    Field("token", _("callback token"), is_secret=True),
    Field("aes_key", _("EncodingAESKey"), is_secret=True, is_required=False),
    Field("previous_aes_key", _("previous EncodingAESKey"), is_secret=True, is_required=False),
    Field(
        "mode",
        _("callback mode"),
        choices=(("secure", _("encrypted")), ("compatible", _("both")), ("plain", _("plain"))),
    ),
    Field("api_url", _("API address"), is_required=False, help=_("empty: WeChat's own")),
    Field(
        "notice_template",
        _("template of a notice"),
        is_required=False,
        help=_("Sent when the 48 hours are over: that there is a new answer, and no word of it."),
    ),
    Field(
        "notice_fields",
        _("fields of that template"),
        is_required=False,
        help=_("thing1=You have a new answer; time2={time}"),
    ),
)


class WeixinAdapter(ABC):
    """What both kinds share; `windows` are the kind's own.

    WeChat has changed those numbers before (20 messages in 2021), so an account's settings may say
    others: {"windows": {"message": [172800, 5]}}.
    """

    label: ClassVar[Any]
    setup: ClassVar[tuple[Field, ...]] = SETUP
    windows: ClassVar[Mapping[str, Window]]
    notice_path: ClassVar[str]
    notice_needs_grant: ClassVar[bool]

    def __init__(self, account: Account) -> None:
        self._account = account
        self._settings: dict[str, Any] = account.settings
        self._secrets: dict[str, str] = account.secrets
        self._vendor = Vendor(self._settings.get("api_url") or API)

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
            windows={**self.windows, **own},
            fetches=True,
        )

    def check(self) -> Sequence[Step]:
        steps = [self._check_keys(), self._check_token()]
        return [*steps, self._check_notice()] if self._settings.get("notice_template") else steps

    def _check_notice(self) -> Step:
        fields = fields_of(str(self._settings.get("notice_fields", "")))
        wrong = ", ".join(too_long(fields)) if fields else "—"
        name = _("template of a notice")
        if self.notice is None:
            hint = _("Say what a tap on the notice opens: without it no notice is sent.")
            return Step(name, works=False, hint=hint)
        hint = _("WeChat refuses these fields: %(fields)s. A thing has 20 characters at most.")
        return Step(name, works=not wrong, hint=hint % {"fields": wrong})

    def _check_keys(self) -> Step:
        name = _("keys of the callback")
        try:
            sealers = self._sealers
        except BadKey:
            return Step(name, works=False, hint=_("EncodingAESKey has 43 letters and digits."))
        if not sealers and self._settings.get("mode") == "secure":
            return Step(name, works=False, hint=_("Encrypted mode needs an EncodingAESKey."))
        return Step(name, works=bool(self._token), hint=_("The callback token is missing."))

    def _check_token(self) -> Step:
        name = _("access token")
        try:
            self._fetch_token(False)
        except NoAnswer as none:
            return Step(name, works=False, hint=_hint(none.result))
        return Step(name, works=True)

    # --- in -------------------------------------------------------------------------------------

    def verify(self, callback: Callback) -> None:
        if not self._token:
            raise Refused  # not set up yet: without a secret anybody could sign
        query = callback.query
        stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not stamp.isdecimal() or len(stamp) > 10 or abs(time.time() - int(stamp)) > FRESH_S:
            raise Refused
        if _is_sealed(callback):
            # Over the ciphertext; `signature` beside it says nothing of the body.
            sealed = _sealed_in(callback)
            check(query.get("msg_signature", ""), self._token, stamp, nonce, sealed)
            open_with_any(self._sealers, sealed)
            return
        if callback.method == "POST" and self._settings.get("mode") in ("secure", "compatible"):
            raise Refused  # in both modes it brings the ciphertext, which alone is signed
        check(query.get("signature", ""), self._token, stamp, nonce)

    def parse(self, callback: Callback) -> Sequence[InboundEvent]:
        if callback.method == "GET":
            return []  # WeChat is checking the address; `acknowledge` echoes its challenge
        if not _is_sealed(callback):
            return [read_event(_fields(callback.body))]
        text, _key = open_with_any(self._sealers, _sealed_in(callback))
        return [read_event(_fields(text))]

    def acknowledge(self, callback: Callback) -> Answer:
        if callback.method == "GET":
            return Answer(callback.query.get("echostr", ""))
        return Answer("success")

    @property
    def _token(self) -> str:
        return self._secrets.get("token", "")

    @property
    def _app_id(self) -> str:
        return str(self._settings.get("app_id", ""))

    @cached_property
    def _sealers(self) -> list[Sealer]:
        """The key in force, and the one before it while WeChat still uses that."""
        keys = [self._secrets.get(name, "") for name in ("aes_key", "previous_aes_key")]
        return [Sealer(key, receiver=self._app_id) for key in keys if key]

    # --- out ------------------------------------------------------------------------------------

    def send(self, message: OutboundMessage) -> SendResult:
        body = {"touser": message.address, "msgtype": "text", "text": {"content": message.text}}
        return self._give("/cgi-bin/message/custom/send", body)

    def show_typing(self, address: str) -> None:
        """Show for some 15 s that somebody writes; it costs no message, and may fail."""
        with suppress(NoAnswer):
            self._call("/cgi-bin/message/custom/typing", {"touser": address, "command": "Typing"})

    def fetch(self, media: Media, *, max_bytes: int) -> bytes | Retry | Rejected:
        """A temporary media file: WeChat keeps it for three days."""
        try:
            found = self._download(media.ref, max_bytes=max_bytes)
        except NoAnswer as none:
            why = none.result
            return why if isinstance(why, Retry) else Retry(Category.PROVIDER_DOWN, "no answer")
        except TooBig:
            return Rejected(Category.CONTENT, "too big")
        if isinstance(found, bytes):
            return found
        code = found.get("errcode", "no file")
        meant = MEANS.get(code) if isinstance(code, int) else None
        if isinstance(meant, Rejected) and meant.category is Category.AUTH:
            return Retry(meant.category, meant.code)  # it may be let in before the file is gone
        return meant if isinstance(meant, Retry) else Rejected(Category.CONTENT, str(code))

    def _ask(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        """GET with our token, renewed once. Raises NotPulled."""

        def ask(token: str) -> dict[str, Any]:
            return self._vendor.ask("GET", path, params={"access_token": token, **params})

        try:
            token = access_token(self._account, fetch=self._fetch_token, now=timezone.now())
            said = ask(token)
            if said.get("errcode") in TOKEN:
                now = timezone.now()
                said = ask(renew_token(self._account, token, fetch=self._fetch_token, now=now))
        except NoAnswer as none:
            raise NotPulled(none.result) from None
        return said

    def _download(self, media_id: str, *, max_bytes: int) -> bytes | dict[str, Any]:
        def ask(token: str) -> bytes | dict[str, Any]:
            params = {"access_token": token, "media_id": media_id}
            return self._vendor.download("/cgi-bin/media/get", params=params, max_bytes=max_bytes)

        token = access_token(self._account, fetch=self._fetch_token, now=timezone.now())
        found = ask(token)
        if isinstance(found, dict) and found.get("errcode") in TOKEN:
            token = renew_token(self._account, token, fetch=self._fetch_token, now=timezone.now())
            found = ask(token)
        # Source: "获取临时素材": of a film its address comes, though often the film itself does.
        if isinstance(found, dict) and (address := named(found, "video_url")):
            return self._download_film(address, max_bytes=max_bytes)
        return found

    def _download_film(self, address: str, *, max_bytes: int) -> bytes | dict[str, Any]:
        """From WeChat's own servers alone: nothing comes from anywhere else."""
        try:
            at = urlsplit(address)
            host, _port = at.hostname or "", at.port
        except ValueError:
            return {}
        own = urlsplit(self._vendor.base_url)
        is_wechats = at.scheme in ("http", "https") and host.endswith(".qq.com")
        if not is_wechats and (at.scheme, at.netloc) != (own.scheme, own.netloc):
            return {}
        vendor = Vendor(f"{at.scheme}://{at.netloc}")
        return vendor.download(f"{at.path}?{at.query}", max_bytes=max_bytes)

    @property
    def notice(self) -> Notice | None:
        template = str(self._settings.get("notice_template", ""))
        return Notice(template, needs_grant=self.notice_needs_grant) if template else None

    def notify(self, message: OutboundMessage) -> SendResult:
        body = {
            "touser": message.address,
            "template_id": self._settings.get("notice_template", ""),
            "data": filled(fields_of(str(self._settings.get("notice_fields", "")))),
            **self._way_in(message),
        }
        return self._give(self.notice_path, body)

    @abstractmethod
    def _way_in(self, message: OutboundMessage) -> dict[str, Any]:
        """What a tap on the notice opens."""

    def _give(self, path: str, body: dict[str, Any]) -> SendResult:
        try:
            said = self._call(path, body)
        except NoAnswer as none:
            return none.result
        code = said.get("errcode")
        if not isinstance(code, int):
            return Unknown("no errcode")  # not WeChat's answer: a proxy's, perhaps
        return Accepted(str(said.get("msgid", ""))) if code == 0 else meaning_of(code)

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call with our token; one that is refused is renewed, and the call made once more."""
        token = access_token(self._account, fetch=self._fetch_token, now=timezone.now())
        said = self._vendor.post(path, body=body, params={"access_token": token})
        if said.get("errcode") not in TOKEN:
            return said
        token = renew_token(self._account, token, fetch=self._fetch_token, now=timezone.now())
        return self._vendor.post(path, body=body, params={"access_token": token})

    def _fetch_token(self, anew: bool) -> Fetched:
        """Raises NoAnswer: without a token nothing was said to the patient yet."""
        asked = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secrets.get("app_secret", ""),
            "force_refresh": anew,
        }
        try:
            said = self._vendor.post("/cgi-bin/stable_token", body=asked)
        except NoAnswer:
            raise NoAnswer(Retry(Category.PROVIDER_DOWN, "token")) from None
        if "access_token" not in said:
            code = str(said.get("errcode", ""))
            raise NoAnswer(Retry(Category.AUTH, f"token {code}"))
        return Fetched(str(said["access_token"]), int(said.get("expires_in", 7_200)))


def _hint(result: SendResult) -> Any:
    code = result.code.removeprefix("token ") if isinstance(result, Retry) else ""
    hints = {
        "40013": _("WeChat knows no such AppID."),
        "40125": _("AppID and AppSecret don't belong together."),
        "40164": _("This server's address is not in the account's IP list."),
        "token": _("WeChat can't be reached from this server."),
    }
    return hints.get(code, _("WeChat refused, code %(code)s.") % {"code": code})


def _is_sealed(callback: Callback) -> bool:
    return callback.method == "POST" and callback.query.get("encrypt_type") == "aes"


def _sealed_in(callback: Callback) -> str:
    try:
        sealed = _fields(callback.body).get("Encrypt", "")
    except Malformed:
        raise Refused from None
    if not isinstance(sealed, str) or not sealed:
        raise Refused
    return sealed


def _fields(body: bytes | str) -> Any:
    try:
        return read_fields(body)
    except UnicodeDecodeError:
        raise Malformed from None


def named(said: Mapping[str, Any], name: str) -> str:
    """A name in an answer; `null` and what is no text are none, for two nobodies are not one."""
    value = said.get(name)
    return value if isinstance(value, str) else ""
