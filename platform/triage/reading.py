"""A message as the rules read it: one spelling, clauses, and the way back to the patient's text.

Full width, capitals and traditional characters become one form; what stands inside a word
("胸 口 痛", "不*想*活") falls out. Everything here is linear in the length of the message.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

Span = tuple[int, int]

CLAUSE_ENDS = ",。?"  # the only boundaries left after translation; "、" joins the items of a list


def _spelling() -> dict[str, Any]:
    return tomllib.loads((resources.files("triage") / "rules" / "spelling.toml").read_text("utf-8"))


def _translation(traditional: str) -> dict[int, str]:
    """Map one character to one character, so that positions stay what they were."""
    table = {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}
    table |= {code: chr(code - 0xFEE0).lower() for code in range(0xFF01, 0xFF5F)}
    table |= {ord(pair[0]): pair[1] for pair in traditional.split()}
    table |= dict.fromkeys(map(ord, ",;;,﹐﹔"), ",")
    table |= dict.fromkeys(map(ord, "。!!｡\n\r"), "。")
    table |= dict.fromkeys(map(ord, "??﹖"), "?")
    return table


_SPELLING = _spelling()
_TABLE = _translation(_SPELLING["traditional"])
_TYPOS: dict[str, str] = _SPELLING["typos"]  # each as long as its correction: spans depend on it
_ANY_TYPO = re.compile("|".join(map(re.escape, _TYPOS)))
_HAN = "\u3400-\u9fff"
# A comma after every single character is somebody spelling, or hiding a word from a filter.
_SPELT_OUT = re.compile(rf"(?<![{_HAN}])[{_HAN}][,、。.](?:[{_HAN}][,、。.])+[{_HAN}](?![{_HAN}])")
_HESITATION = re.compile(r"\.\.+")
_FULL_STOP = re.compile(r"\.(?![0-9])")
_BETWEEN = re.compile(r"[^a-z0-9\u3400-\u9fff,。?.、%]+")
_QUOTATION = re.compile('"[^"]{2,90}"|[“「『【《][^“”「」『』【】《》]{2,90}[”」』】》]')
LEAD = 16  # characters before a quotation, and half as many after it, that say where it comes from
# Whoever writes without commas puts a space between clauses; "胸 口 痛" stays one word.
_SPACE_FOR_COMMA = re.compile(rf"(?<=[{_HAN}]{{4}}) (?=[{_HAN}]{{3}})")
_BOUNDARY = re.compile(f"[{CLAUSE_ENDS}]")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_APOSTROPHES = frozenset("'’‘`´")


@dataclass(frozen=True)
class Reading:
    """The text the rules see, where its clauses begin, and where each piece came from."""

    text: str
    clause_starts: tuple[int, ...]
    _piece_starts: tuple[int, ...]
    _origins: tuple[int, ...]
    _quotations: tuple[tuple[int, int, str], ...] = ()  # start, end, and what stands around it

    def clauses(self) -> Iterator[Span]:
        """Yield every clause, without the mark that ends it."""
        return ((start, self._clause_end(nth)) for nth, start in enumerate(self.clause_starts))

    def clause_at(self, position: int) -> Span:
        """Return the clause around a position, without the mark that ends it."""
        nth = bisect_right(self.clause_starts, position) - 1
        return self.clause_starts[nth], self._clause_end(nth)

    def clause_before(self, start: int) -> Span:
        """Return the clause that ends where this one starts; empty at the beginning."""
        nth = bisect_right(self.clause_starts, start) - 2
        return (self.clause_starts[nth], self._clause_end(nth)) if nth >= 0 else (0, 0)

    def original_span(self, start: int, end: int) -> Span:
        """Map a span of the reading back to the text the patient wrote."""
        return self._origin(start), self._origin(end - 1) + 1

    def lead_of_quotation(self, position: int) -> str:
        """Return what stands around the quotation that holds a position, or nothing."""
        if not self._quotations:
            return ""
        origin = self._origin(position)
        held = (lead for start, end, lead in self._quotations if start <= origin < end)
        return next(held, "")

    def _clause_end(self, nth: int) -> int:
        last = nth + 1 == len(self.clause_starts)
        return len(self.text) if last else self.clause_starts[nth + 1] - 1

    def _origin(self, position: int) -> int:
        nth = bisect_right(self._piece_starts, position) - 1
        return self._origins[nth] + position - self._piece_starts[nth]


def one_spelling(text: str) -> str:
    """Bring full width, capitals and traditional characters into one form, place by place."""
    return text.translate(_TABLE)


def read(text: str) -> Reading:
    """Bring a message into the one spelling that the rules are written in."""
    same_length = one_spelling(text)
    quotations = tuple(
        (
            *mark.span(),
            text[max(0, mark.start() - LEAD) : mark.start()]
            + text[mark.end() : mark.end() + LEAD // 2],
        )
        for mark in _QUOTATION.finditer(text)
    )
    same_length = _SPACE_FOR_COMMA.sub(",", same_length)
    same_length = _HESITATION.sub(lambda dots: " " * len(dots[0]), same_length)
    same_length = _SPELT_OUT.sub(_join_spelt_out, same_length)
    same_length = _FULL_STOP.sub("。", same_length)
    kept, piece_starts, origins = _drop_what_stands_between(same_length)
    kept = _correct_typos(kept)
    clause_starts = (0, *(mark.end() for mark in _BOUNDARY.finditer(kept)))
    return Reading(kept, clause_starts, tuple(piece_starts), tuple(origins), quotations)


def _correct_typos(text: str) -> str:
    if not _ANY_TYPO.search(text):  # as most messages; it takes a tenth of the time
        return text
    for wrong, right in _TYPOS.items():
        text = text.replace(wrong, right)
    return text


def _join_spelt_out(spelt: re.Match[str]) -> str:
    return re.sub("[,、。.]", " ", spelt[0])


def _drop_what_stands_between(text: str) -> tuple[str, list[int], list[int]]:
    """Keep a single space between Latin words; drop every other space and symbol."""
    pieces: list[str] = []
    piece_starts, origins = [0], [0]
    length = origin = 0
    for run in _BETWEEN.finditer(text):
        start, end = run.span()
        between_words = start > 0 and end < len(text) and {text[start - 1], text[end]} <= _PLAIN
        if between_words and run[0] == " ":
            continue
        piece = text[origin:start]
        if between_words and not _APOSTROPHES.issuperset(run[0]):
            piece += " "
        pieces.append(piece)
        length += len(piece)
        origin = end
        piece_starts.append(length)
        origins.append(origin)
    pieces.append(text[origin:])
    return "".join(pieces), piece_starts, origins
