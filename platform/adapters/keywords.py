"""Words by which somebody ends, and begins again, what we send unasked.

They count only when they are all of a message: "stop" does, "should I stop the pills?" does not.
Source: China's rule that a campaign names the word that refuses it (拒收请回复R, 退订回T), and the
words that carriers in the US and the UK act on.
"""

import re
import unicodedata
from enum import StrEnum


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"


_STOP = frozenset(
    {
        *("退订", "退訂", "取消订阅", "取消訂閱", "拒收", "td", "t", "r"),
        *("我要退订", "请退订", "退订短信", "退订谢谢", "回复退订", "回复td", "回复t", "回复r"),
        *("td退订", "t退订", "退订t", "退订td", "拒收r", "拒收请回复r", "退订回t"),
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
        *("stopplease", "pleasestop", "stopthanks", "stopthankyou"),
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


# What a short message holds that may mean the same, and may not: "我想退订住院餐".
_NEAR = ("退订", "退訂", "拒收", "取消订阅", "取消訂閱")
NEAR_CHARS, NEAR_WORDS = 12, 3

# Who says so from the phone of a record is not whom it names.
_ANOTHER = re.compile(
    r"(?:发|打|搞|弄|送|留)错|错(?:了?号|人)|号码?(?:不对|错)|不是(?:我|他|她)?本人|不认识|你(?:们)?找谁"
    r"|(?:我|这里?)(?:不是|没有?)(?:这个|这位|此|叫)"
    r"|我是(?:他|她|患者|病人|机主)?的?(?:大|小|二|亲)?(?:女儿|儿子|妈|爸|母亲|父亲|老公|老婆|爱人|丈夫|妻子|老伴"
    r"|家属|家人|孙子|孙女|外孙|姐|妹|哥|弟|儿媳|媳妇|女婿|保姆|护工|同事|朋友|邻居)"
    r"|\b(?:i'?m|i am|this is) (?:his|her|the patient'?s)"
    r" (?:son|daughter|wife|husband|mother|father|mum|dad)\b"
    r"|wrong (?:number|person)|not (?:my|the right) (?:number|person)|don'?t know (?:him|her|this)",
    re.IGNORECASE,
)
ANOTHER_CHARS = 30


def keyword_in(text: str) -> Keyword | None:
    """The keyword that a whole message is, however it was typed: 【ＴＤ。】, " Stop! "."""
    word = "".join(_words(text))
    if word in _STOP:
        return Keyword.STOP
    return Keyword.START if word in _START else None


def is_near_stop(text: str) -> bool:
    """Whether somebody must read if a message that is no keyword asks for the same."""
    words = _words(text)
    if len(words) <= NEAR_WORDS and (words[:1] == ["stop"] or "unsubscribe" in words):
        return True
    whole = "".join(words)
    return len(whole) <= NEAR_CHARS and any(each in whole for each in _NEAR)


def is_another(text: str) -> bool:
    """Whether somebody says, in short, that they are not the one an SMS was for."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'")
    return len(plain) <= ANOTHER_CHARS and _ANOTHER.search(plain) is not None


def _words(text: str) -> list[str]:
    """Letters and digits alone: "Opt-out." is one word."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = (
        "".join(each for each in word if unicodedata.category(each)[0] in "LN")
        for word in plain.split()
    )
    return [word for word in kept if word]


def carriers_keyword_in(text: str) -> Keyword | None:
    """The keyword that a carrier has obeyed before we heard of it; None: this one is ours alone."""
    return _CARRIERS.get(text.strip().casefold())
