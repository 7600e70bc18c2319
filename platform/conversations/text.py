"""What a person typed, made safe to store and to show."""

import re
import unicodedata

MAX_CHARS = 4_000  # of one message; a longer one is refused with a reason, never cut

# Control characters, lone surrogates, and the embedding and override marks, which can make a
# sentence read as another one (CVE-2021-42574). Line breaks and tabs stay, and so do the plain
# left-to-right and right-to-left marks: honest text needs them.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class EmptyText(Exception):
    """Nothing that a person could read."""


class TextTooLong(Exception):
    """Longer than MAX_CHARS."""


def clean_text(raw: str, *, max_chars: int | None = MAX_CHARS) -> str:
    """The text without control characters and lone surrogates. Raises EmptyText, TextTooLong.

    Emoji, their joiners and every script stay as they are; markup is text like any other.
    """
    text = _UNSEEN.sub("", raw).strip()
    if not any(unicodedata.category(c)[0] not in "CZM" for c in text):
        raise EmptyText
    if max_chars is not None and len(text) > max_chars:
        raise TextTooLong
    return text
