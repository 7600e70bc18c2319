"""Words by which somebody ends, and begins again, what we send unasked.

They count only when they are all of a message: "stop" does, "should I stop the pills?" does not.
Source: China's rule that a campaign names the word that refuses it (拒收请回复R, 退订回T), and the
words that carriers in the US and the UK act on.
"""

import unicodedata
from enum import StrEnum


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"


_STOP = frozenset(
    {
        *("退订", "取消订阅", "拒收", "td", "t", "r"),
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
    }
)
_START = frozenset({"恢复", "恢复订阅", "订阅", "start", "unstop"})
# What a carrier obeys by itself, and only so: without a sign beside it, and in no other language.
# Source: Twilio, "Support for opt-out keywords (SMS STOP filtering)".
_CARRIERS = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
        Keyword.STOP,
    ),
    **dict.fromkeys(("start", "yes", "unstop"), Keyword.START),
}


def keyword_in(text: str) -> Keyword | None:
    """The keyword that a whole message is, however it was typed: 【ＴＤ。】, " Stop! "."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    word = "".join(
        each for each in plain if not each.isspace() and unicodedata.category(each)[0] in "LN"
    )
    if word in _STOP:
        return Keyword.STOP
    return Keyword.START if word in _START else None


def carriers_keyword_in(text: str) -> Keyword | None:
    """The keyword that a carrier has obeyed before we heard of it; None: this one is ours alone."""
    return _CARRIERS.get(text.strip().casefold())
