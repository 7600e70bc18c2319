"""What SMS vendors have in common: numbers, lengths, templates, and callbacks that nobody signs.

Source of the lengths: 3GPP TS 23.038 (the 7-bit alphabet and its extension) and TS 23.040 (the
header that joins the parts of a long message). An address is E.164: +8613800000000.
"""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from adapters.contracts import (
    Callback,
    Field,
    InboundEvent,
    Malformed,
    OutboundMessage,
    Refused,
    Retry,
    SendResult,
    Step,
)

logger = logging.getLogger(__name__)

Row = Mapping[str, Any]

SHANGHAI = ZoneInfo("Asia/Shanghai")
E164 = re.compile(r"\+[0-9]{6,15}")
MIN_KEY = 16  # characters of a callback's key; fewer could be guessed
# A vendor's code, kept as it stands in logs and tables: nothing that could be a phone or a word.
CODE = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.:-]{1,80}")

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
GSM_7 = frozenset(_LETTERS + "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà")
GSM_7_EXTENSION = frozenset("^{}\\[~]|€\f")  # two places each

SIGN_NAME = Field(
    "sign_name", _("SMS signature"), help=_("The approved one, without the brackets 【】")
)
CALLBACK_KEY = Field(
    "callback_key",
    _("key of the callback address"),
    is_secret=True,
    help=_(
        "Of your own making: 16 characters or more, drawn at random. "
        "Add it to the address for the vendor's console: ?key=…"
    ),
)
TEMPLATE_EN = Field(
    "template_en",
    _("English SMS template"),
    is_required=False,
    help=_("empty: the Chinese one for all"),
)
CODE_TEMPLATE_EN = Field(
    "code_template_en",
    _("English SMS template for one-time codes"),
    is_required=False,
    help=_("empty: the Chinese one for all"),
)
API_URL = Field("api_url", _("API address"), is_required=False, help=_("empty: the vendor's own"))


# --- Lengths ------------------------------------------------------------------------------------


def segments_of(text: str) -> int:
    """How many messages the networks carry, and bill, for one text."""
    if set(text) <= GSM_7 | GSM_7_EXTENSION:
        return _parts([2 if each in GSM_7_EXTENSION else 1 for each in text], alone=160, joined=153)
    return _parts([2 if ord(each) > 0xFFFF else 1 for each in text], alone=70, joined=67)


def _parts(places: Sequence[int], *, alone: int, joined: int) -> int:
    """A character of two places is never cut in half, so a part may stay one place short."""
    if sum(places) <= alone:
        return 1
    parts, left = 1, joined
    for needs in places:
        if needs > left:
            parts, left = parts + 1, joined
        left -= needs
    return parts


# --- Templates ----------------------------------------------------------------------------------


def code_template(help: Any) -> Field:
    """The field for the template of one-time codes: without it nobody can prove who they are."""
    return Field(
        "code_template", _("SMS template for one-time codes"), is_required=False, help=help
    )


def filled(message: OutboundMessage, settings: Mapping[str, Any]) -> tuple[str, str]:
    """The template for this message, and the one thing that goes into it.

    Either is empty where there is none; in Chinese where the account has no English one.
    """
    kind, variable = "", message.link_code
    if message.code:
        kind, variable = "code_", message.code
    is_english = message.language.startswith("en")
    english = str(settings.get(f"{kind}template_en", "")) if is_english else ""
    return english or str(settings.get(f"{kind}template", "")), variable


def templates_of(settings: Mapping[str, Any], kind: str = "") -> list[str]:
    """Those of notices; with kind "code_" those of one-time codes."""
    named = (str(settings.get(f"{kind}{name}", "")) for name in ("template", "template_en"))
    return [each for each in named if each]


# --- Callbacks ----------------------------------------------------------------------------------


def check_key(callback: Callback, key: str) -> None:
    """Make sure that the caller knows our address to its last letter. Raises Refused.

    These vendors sign nothing, so this key is all there is to know them by.
    """
    if len(key) < MIN_KEY or not same(callback.query.get("key", ""), key):
        raise Refused


def same(one: str, other: str) -> bool:
    """Compare in a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def read_json(body: bytes) -> Any:
    """Raises Malformed."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Malformed from None


def readable(rows: Sequence[Row], read: Callable[[Row], InboundEvent]) -> list[InboundEvent]:
    """The events of these rows: one that can't be read takes no other patient's with it.

    Raises Malformed where none can be read; the log says how many were left out.
    """
    found = []
    for row in rows:
        with suppress(Malformed):
            found.append(read(row))
    if rows and not found:
        raise Malformed
    if left_out := len(rows) - len(found):
        logger.warning("rows left out", extra={"count": left_out})
    return found


def rows_of(found: Any) -> list[Row]:
    """A list of objects, and nothing else. Raises Malformed."""
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise Malformed
    return found


def text_of(row: Row, name: str) -> str:
    """A field as text that a database takes: no NUL, no half of a surrogate pair."""
    value = row.get(name)
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text.replace("\0", "").encode(errors="ignore").decode().strip()


def needed(row: Row, name: str) -> str:
    """The same of a field that must be there. Raises Malformed."""
    text = text_of(row, name)
    if not text:
        raise Malformed
    return text


def phone(text: str) -> str:
    """An address, if it is one. Raises Malformed."""
    if not E164.fullmatch(text):
        raise Malformed
    return text


def code_of(value: Any) -> str:
    """A vendor's code; empty when it is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if CODE.fullmatch(text) else ""


def moment_in_shanghai(text: str) -> datetime:
    """'2026-11-18 12:00:00', as vendors in China write it.

    Now where it can't be read: that costs nobody their message.
    """
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return timezone.now()
    return at.astimezone(UTC) if 2000 <= at.year < 2100 else timezone.now()


def key_of(*parts: str) -> str:
    """What makes a second event a redelivery of the first, from what the vendor tells of it."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


# --- Checks -------------------------------------------------------------------------------------


def key_step(key: str) -> Step:
    return Step(
        _("key of the callback address"),
        works=len(key) >= MIN_KEY,
        hint=_("It needs 16 characters or more: by it alone we know the vendor."),
    )


def hint_of(result: SendResult, hints: Mapping[str, Any]) -> Any:
    """What to do about a call that failed."""
    code = getattr(result, "code", "")
    if isinstance(result, Retry) and code == "no connection":
        return _("The vendor can't be reached from this server.")
    return hints.get(code, _("The vendor refused, code %(code)s.") % {"code": code})


def no_templates(names: Iterable[str]) -> list[Step]:
    """The step that fails where no template is named."""
    if any(names):
        return []
    return [Step(_("SMS template"), works=False, hint=_("No template is named yet."))]
