"""A patient's words, made ready for the model: no I/O, the same in training and in use."""

import re
import unicodedata
from collections.abc import Sequence

MAX_CHARACTERS = 4000  # what lies between head and tail beyond this is never looked at
MAX_TOKENS = 128
MIDDLE_TOKENS = 48
OVERLAP = 16  # tokens; so that no wish is cut in two
HEAD_TOKENS = 80  # a long message greets and tells first and asks last: keep both ends

_SPACES = re.compile(r"\s+")
_REPEATS = re.compile(r"(.)\1{3,}")
_LATIN_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?", re.IGNORECASE)


def normalise(text: str) -> str:
    """Return the text in one width and one case, without control characters, spaces joined.

    Emoji stay (the tokenizer calls them unknown, which is a sign too); traditional characters
    stay as they are; a character repeated more than three times is kept three times.
    """
    if len(text) > MAX_CHARACTERS:
        half = MAX_CHARACTERS // 2
        text = f"{text[:half]} {text[-half:]}"
    wide = unicodedata.normalize("NFKC", text)
    visible = "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in wide)
    return _REPEATS.sub(r"\1\1\1", _SPACES.sub(" ", visible)).strip().lower()


def keep_ends(tokens: Sequence[int], limit: int = MAX_TOKENS) -> list[int]:
    """Cut a long sequence in its middle, so that head and tail stay."""
    if len(tokens) <= limit:
        return list(tokens)
    head = min(HEAD_TOKENS, limit // 2 + limit // 8)
    return [*tokens[:head], *tokens[head - limit :]]


def middles(count: int, limit: int = MAX_TOKENS) -> list[tuple[int, int]]:
    """Where the short stretches lie that `keep_ends` cuts out of so many tokens.

    They are short, so that what little they say is not drowned by what stands around it.
    """
    if count <= limit:
        return []
    head = min(HEAD_TOKENS, limit // 2 + limit // 8)
    first, last = head - OVERLAP, count - (limit - head) + OVERLAP
    starts = range(first, last - OVERLAP, MIDDLE_TOKENS - OVERLAP)
    return [(at, min(at + MIDDLE_TOKENS, last)) for at in starts]


def foreign_share(text: str) -> float:
    """Say which share of the letters is neither Chinese nor Latin: 0 to 1, 1 without letters."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return 1.0
    return sum(not (_is_han(c) or _is_latin(c)) for c in letters) / len(letters)


def han_share(text: str) -> float:
    """Say which share of the letters is Chinese: 0 to 1."""
    letters = [c for c in text if c.isalpha()]
    return sum(map(_is_han, letters)) / len(letters) if letters else 0.0


def latin_words(text: str) -> list[str]:
    """List the words in Latin letters."""
    return _LATIN_WORD.findall(text)


_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def _is_latin(character: str) -> bool:
    return character < "\u0250"
