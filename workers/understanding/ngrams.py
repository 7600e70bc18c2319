"""N-gram eyes: the character n-grams of a message, hashed into a fixed number of rows.

A small transformer from scratch overlooks what a linear model over n-grams sees at once. So the
heads get both. Training and use must agree on every number here: they are part of the model.
"""

import zlib
from collections.abc import Iterator

BUCKETS = 1 << 16  # row 0 is for messages without any n-gram
SIZES = (1, 2, 3, 4)
WORD_SIZES = (1, 2)  # Latin text: words and pairs of words
MAX_NGRAMS = 768


def hashed_ngrams(text: str) -> list[int]:
    """List the rows of a normalised text's distinct n-grams, in a stable order."""
    rows = dict.fromkeys(1 + zlib.crc32(gram.encode()) % (BUCKETS - 1) for gram in _grams(text))
    return list(rows)[:MAX_NGRAMS] or [0]


def _grams(text: str) -> Iterator[str]:
    words = text.split()
    if text.isascii():
        for size in WORD_SIZES:
            for start in range(len(words) - size + 1):
                yield "w" + " ".join(words[start : start + size])
        sizes: tuple[int, ...] = (3, 4)  # single Latin letters say nothing
    else:
        sizes = SIZES
    # The end of a long message matters as much as its beginning; see text.keep_ends.
    line = f" {text} " if len(text) <= 190 else f" {text[:110]} {text[-80:]} "
    for size in sizes:
        for start in range(len(line) - size + 1):
            yield f"{size}{line[start : start + size]}"
