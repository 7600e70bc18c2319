"""Template and subscription messages: what fills their fields, and how long it may be.

Nothing of what was said stands in them: they show on a locked screen.
Source of the limits: "订阅消息参数值内容限制" of WeChat's documentation, the same for both kinds.
"""

import re
from collections.abc import Mapping

from django.utils import timezone

MAX_CHARS = {
    "thing": 20,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "character_string": 32,
    "phone_number": 17,
    "car_number": 8,
    "name": 10,
    "phrase": 5,
    "const": 20,
}
_FIELD = re.compile(r"([a-z_]+)\d+")


def fields_of(said: str) -> dict[str, str]:
    """The fields of a template as an admin wrote them: `thing1=有新回复; time2={time}`."""
    pairs = (each.partition("=") for each in re.split(r"[;；\n]", said) if each.strip())
    return {name.strip(): text.strip() for name, _sign, text in pairs}


def filled(fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """As the API takes them; {time} is this minute in the hospital."""
    now = timezone.localtime().strftime("%Y-%m-%d %H:%M")
    return {name: {"value": text.replace("{time}", now)} for name, text in fields.items()}


def too_long(fields: Mapping[str, str]) -> list[str]:
    """Names of the fields that WeChat would refuse with 47003: unknown, empty or too long."""
    wrong = []
    for name, text in fields.items():
        found = _FIELD.fullmatch(name)
        kind = found[1] if found else ""
        limit = MAX_CHARS.get(kind, 32 if kind in ("time", "date", "amount") else 0)
        if not 0 < len(text) <= limit:
            wrong.append(name)
    return wrong
