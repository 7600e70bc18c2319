"""What a person typed, made safe to store and to show."""

import unicodedata

MAX_CHARS = 4_000  # of one message; a longer one is refused with a reason, never cut

# Embedding and override marks can make a sentence read as another one (CVE-2021-42574). The plain
# left-to-right and right-to-left marks stay: honest text needs them.
_REORDERING = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


class EmptyText(Exception):
    """Nothing that a person could read."""


class TextTooLong(Exception):
    """Longer than MAX_CHARS."""


def clean_text(raw: str) -> str:
    """The text without control characters and lone surrogates. Raises EmptyText, TextTooLong.

    Emoji, their joiners and every script stay as they are; markup is text like any other.
    """
    text = "".join(c for c in raw.translate(_REORDERING) if c in "\n\t" or not _is_control(c))
    text = text.strip()
    if not any(unicodedata.category(c)[0] not in "CZM" for c in text):
        raise EmptyText
    if len(text) > MAX_CHARS:
        raise TextTooLong
    return text


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")
