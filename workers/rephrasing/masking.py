"""What is taken out of a question before it leaves the machine: who somebody is."""

import re
import unicodedata
from collections.abc import Iterable

_HIDDEN = "***"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[\w.+-]++@[\w-]+(?:\.[\w-]+)+",  # e-mail
        # A date with its year is a birth date, mostly.
        r"\d{4}\s*[年./-]\s*\d{1,2}\s*[月./-]\s*\d{1,2}\s*[日号]?",
        r"[a-z]{1,2}\d{6,}",  # passports, card and record numbers
        # Phones, identity and record numbers, however they are grouped; spoken digits as well.
        r"\+?\d(?:[\s().\-–—]{0,2}\d){5,}[\s\-]?x?",
        r"[零〇一二三四五六七八九幺两]{6,}",
        # People who say their name, or another's.
        r"(?<=我叫)[\u3400-\u9fff·]{2,4}",
        r"(?<=我是)[\u3400-\u9fff·]{2,3}(?=[,，。!！;；\s]|$)",
        r"(?<=名叫)[\u3400-\u9fff·]{2,4}",
        r"(?<=名字是)[\u3400-\u9fff·]{2,4}",
        r"(?<=名字叫)[\u3400-\u9fff·]{2,4}",
        r"(?<=姓名)[:： 是]*[\u3400-\u9fff·]{2,4}",
        r"(?<=患者)[:： ]*[\u3400-\u9fff·]{2,3}(?=[,，。!！;；\s]|$)",
        r"(?<=\bmy name is )[a-z][\w'-]*(?: [a-z][\w'-]*)?",
        r"(?<=\bi am )[A-Z][\w'-]*(?: [A-Z][\w'-]*)",
        r"(?<=\b(?:mr|ms)[. ])\s?[a-z][\w'-]*",
        r"(?<=\bmrs[. ])\s?[a-z][\w'-]*",
        r"(?:微信|wechat|qq)号?[:： ]*[a-z0-9][\w-]{4,}",
        r"[\u3400-\u9fff]{2,8}(?:路|街|巷|弄|小区|村)\d+[号弄栋幢\d室单元-]*",  # an address
    )
)


def mask(text: str, *, names: Iterable[str] = ()) -> str:
    """The text without phones, identity and record numbers, dates of birth, addresses and names.

    `names`: those that the record has. A name that nobody announces as one may stay.
    """
    text = unicodedata.normalize("NFKC", text)
    for name in sorted(filter(None, map(str.strip, names)), key=len, reverse=True):
        text = re.sub(re.escape(unicodedata.normalize("NFKC", name)), _HIDDEN, text, flags=re.I)
    for pattern in _PATTERNS:
        text = pattern.sub(_HIDDEN, text)
    return text
