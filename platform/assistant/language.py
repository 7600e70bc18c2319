"""Which of our two languages a message is written in."""

import re

from assistant.reading.particulars import find_name

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_ENGLISH_WORD = re.compile(r"[A-Za-z]{2,}")

# A patient who writes English is asked for a name, and gives it in characters.
_BESIDE_NAME = re.compile(r"[0-9+\s,，.。:：-]|\b(?:my )?name is\b", re.IGNORECASE)
LONGEST_NAME = 4  # characters


def language_of(text: str, *, otherwise: str) -> str:
    """ "zh-hans" or "en"; `otherwise` when the text does not tell, as an emoji or a number."""
    if _CHINESE.search(text):
        is_name = otherwise == "en" and find_name(_BESIDE_NAME.sub("", text), asked=True)
        return "en" if is_name and len(_CHINESE.findall(text)) <= LONGEST_NAME else "zh-hans"
    if len(_ENGLISH_WORD.findall(text)) >= 2:
        return "en"
    return otherwise
