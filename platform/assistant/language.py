"""Which of our two languages a message is written in."""

import re

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_ENGLISH_WORD = re.compile(r"[A-Za-z]{2,}")


def language_of(text: str, *, otherwise: str) -> str:
    """ "zh-hans" or "en"; `otherwise` when the text does not tell, as an emoji or a number."""
    if _CHINESE.search(text):
        return "zh-hans"
    if len(_ENGLISH_WORD.findall(text)) >= 2:
        return "en"
    return otherwise
