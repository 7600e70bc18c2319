"""Which characters a message is made of. Pure."""

import unicodedata

_KNOWN = frozenset("NPSZ")  # numbers, punctuation, symbols with the emoji, spaces
_BESIDE_AN_EMOJI = frozenset("\u200d\ufe0e\ufe0f\u20e3")
_REPLACED = "\ufffd"  # what a broken decoding leaves


def count_characters(text: str) -> tuple[int, int]:
    """How many characters there are, spaces left out, and how many of them are unknown to us:
    neither Han nor Latin, digit, punctuation nor emoji."""
    written = [c for c in text if not c.isspace()]
    return len(written), sum(not is_known(c) for c in written)


def is_known(character: str) -> bool:
    if character in _BESIDE_AN_EMOJI or "\U000e0020" <= character <= "\U000e007f":  # flags
        return True
    if character == _REPLACED:
        return False
    if unicodedata.category(character)[0] in _KNOWN:
        return True
    return is_han(character) or is_latin(character)


def is_han(character: str) -> bool:
    name = unicodedata.name(character, "")
    return name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH"))


def is_latin(character: str) -> bool:
    name = unicodedata.name(character, "")
    return name.startswith(("LATIN ", "FULLWIDTH LATIN "))


def language_of(text: str) -> str:
    """ "zh", "en" or "other", as workers/understanding/data calls them."""
    if any(map(is_han, text)):
        return "zh"
    return "en" if any(map(is_latin, text)) else "other"
