"""The medicines that the house knows by name, and where a text names them.

The data lie in `drugs/*.toml` and are a draft, to be signed off by a pharmacist. A table there is
a class; `substances` gives each substance its names (Chinese, English, brands). `within` says what
an allergy to one member means for another: avoid, caution, or none. A name is found in simplified
and traditional characters, any width and case, with spaces inside, misspelt by a homophone, and,
where it is long and Latin, with a letter or two amiss.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Risk = Literal["avoid", "caution"]
Within = Literal["avoid", "caution", "none"]

SHELVES = ("antibiotics", "pain_allergy", "chronic", "others")
_HAN = "\u3400-\u9fff"
_SHORT = 3  # a Chinese name of fewer characters has too many homophones
_ONE_AMISS, _TWO_AMISS = 6, 9  # letters of a Latin name from which on so many may be amiss
_BROKEN_UP = re.compile(rf"(?<=[{_HAN}])[\s*·\-_.\u200b]+(?=[{_HAN}])")
_LATIN_WORD = re.compile(r"[a-z]{6,}")
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


@dataclass(frozen=True)
class DrugClass:
    id: str
    zh: str
    en: str
    within: Within


@dataclass(frozen=True)
class Cross:
    """What an allergy to one thing means for another, in either direction."""

    of: str
    to: str
    risk: Risk
    zh: str
    en: str
    source: str


@dataclass(frozen=True)
class Warning:
    """For whom a medicine is not: a state, or an age in years."""

    of: frozenset[str]
    who: str  # "pregnancy", "breastfeeding", or "age"
    risk: Risk
    zh: str
    en: str
    source: str
    under: float | None = None
    since: float | None = None

    def concerns(self, age: float) -> bool:
        young = self.under is not None and age < self.under
        return young or (self.since is not None and age >= self.since)


@dataclass(frozen=True)
class Name:
    """One written name, and the substances or classes behind it."""

    text: str
    ids: tuple[str, ...]
    vague: bool = False  # "painkillers": a shelf, not a medicine


@dataclass(frozen=True)
class Mention:
    name: Name
    start: int
    end: int
    is_exact: bool = True

    @property
    def ids(self) -> tuple[str, ...]:
        return self.name.ids

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end


class Book:
    def __init__(self, shelves: dict[str, Any], products: dict[str, Any], cross: dict[str, Any],
                 warnings: dict[str, Any]) -> None:  # fmt: skip
        self.classes: dict[str, DrugClass] = {}
        self.class_of: dict[str, str] = {}
        self.labels: dict[str, tuple[str, str]] = {}
        self.groups: dict[str, list[str]] = cross["groups"]
        self.names: dict[str, Name] = {}
        for each, table in shelves.items():
            self._take_class(each, table)
        for kind in ("product", "vague"):
            for row in products[kind]:
                for text in row["names"].split("、"):
                    self._take_name(Name(plain(text), tuple(row["contains"]), kind == "vague"))
        self.cross = tuple(Cross(**row) for row in cross["cross"])
        self.warnings = tuple(_warning(row) for row in warnings["warning"])
        self._kin: dict[str, frozenset[str]] = {}
        self._check()

    def kin(self, each: str) -> frozenset[str]:
        """A substance with its class and its groups; a class is only itself."""
        return self._kin[each]

    def members(self, each: str) -> list[str]:
        return [substance for substance, home in self.class_of.items() if home == each]

    def _take_class(self, each: str, table: dict[str, Any]) -> None:
        self.classes[each] = DrugClass(each, table["zh"], table["en"], table.get("within", "avoid"))
        self.labels[each] = (table["zh"], table["en"])
        for text in filter(None, table.get("names", "").split("、")):
            self._take_name(Name(plain(text), (each,)))
        for substance, names in table["substances"].items():
            english = substance.replace("-", " ")
            self.class_of[substance] = each
            self.labels[substance] = (names.split("、")[0], english)
            for text in (english, *names.split("、")):
                self._take_name(Name(plain(text), (substance,)))

    def _take_name(self, name: Name) -> None:
        known = self.names.setdefault(name.text, name)
        if set(known.ids) != set(name.ids):
            raise ValueError(f"{name.text} names {known.ids} and {name.ids}")

    def _check(self) -> None:
        """Every id that the data speak of exists."""
        grouped = defaultdict(set)
        for group, substances in self.groups.items():
            for substance in substances:
                grouped[substance].add(group)
        for each in self.labels:
            home = {self.class_of[each]} if each in self.class_of else set()
            self._kin[each] = frozenset({each, *home, *grouped[each]})
        known = {*self.labels, *self.groups}
        spoken = {each for row in self.cross for each in (row.of, row.to)}
        spoken |= {each for row in self.warnings for each in row.of} | set(grouped)
        spoken |= {each for name in self.names.values() for each in name.ids}
        if spoken - known:
            raise ValueError(f"not in the drug book: {sorted(spoken - known)}")


class _Finder:
    """Finds all names in one pass: by the two first characters, the longest first."""

    def __init__(self, names: dict[str, Name], words: frozenset[str]) -> None:
        self._by_head: dict[str, list[tuple[str, Name]]] = defaultdict(list)
        self._amiss: dict[str, list[Name]] = defaultdict(list)
        self._words = words
        self._names = names
        for name in names.values():
            alike = name.text.translate(_ALIKE)
            self._by_head[alike[:2]].append((alike, name))
            if _LATIN_WORD.fullmatch(name.text):
                for shorter in _shorter(name.text):
                    self._amiss[shorter].append(name)
        self._longest = max(map(len, self._amiss), default=0)
        for candidates in self._by_head.values():
            candidates.sort(key=lambda pair: -len(pair[0]))

    def find(self, text: str) -> list[Mention]:
        """The names in a text in its plain form, by position."""
        alike = text.translate(_ALIKE)
        found, at = [], 0
        while at < len(text):
            candidates = self._by_head.get(alike[at : at + 2])
            mention = self._at(text, alike, at, candidates) if candidates else None
            mention = mention or self._single(text, at)
            if mention:
                found.append(mention)
                at = mention.end
            else:
                at += 1
        found += self._misspelt(text, found)
        return sorted(found, key=lambda each: each.start)

    def _at(
        self, text: str, alike: str, at: int, candidates: list[tuple[str, Name]]
    ) -> Mention | None:
        best: Mention | None = None
        for sound, name in candidates:
            if best is not None and len(sound) < best.end - best.start:
                break
            if not alike.startswith(sound, at):
                continue
            end = at + len(sound)
            exact = text.startswith(name.text, at)
            if not exact and len(sound) < _SHORT:
                continue
            if _is_latin(sound) and not _stands_alone(text, at, end):
                continue
            if exact:
                return Mention(name, at, end)
            best = best or Mention(name, at, end, is_exact=False)
        return best

    def _single(self, text: str, at: int) -> Mention | None:
        """碘 is a name where it stands alone or somebody is allergic to it, else a syllable."""
        name = self._names.get(text[at])
        if name and (text.strip() == name.text or text.startswith("过敏", at + 1)):
            return Mention(name, at, at + 1)
        return None

    def _misspelt(self, text: str, found: list[Mention]) -> Iterator[Mention]:
        for word in _LATIN_WORD.finditer(text):
            start, end = word.span()
            taken = any(each.start < end and start < each.end for each in found)
            if taken or word[0] in self._words:
                continue
            if (name := self._nearest(word[0])) is not None:
                yield Mention(name, start, end, is_exact=False)

    def _nearest(self, word: str) -> Name | None:
        if len(word) > self._longest + 2:  # no name is near, and a thousand letters cost seconds
            return None
        near = {name.text: name for each in _shorter(word) for name in self._amiss.get(each, ())}
        best, least = None, 3
        for text, name in near.items():
            allowed = 2 if min(len(text), len(word)) >= _TWO_AMISS else 1
            if text[0] == word[0] and (far := _distance(text, word)) <= allowed and far < least:
                best, least = name, far
        return best


@cache
def book() -> Book:
    shelves: dict[str, Any] = {}
    for name in SHELVES:
        shelves |= _toml(name)
    return Book(shelves, _toml("products"), _toml("cross"), _toml("warnings"))


def find_drugs(text: str) -> list[Mention]:
    """Every medicine, class and allergen that a text names, with its span in that text."""
    read, origins = _read(text)
    found = _finder().find(read)
    if origins is None:
        return found
    return [
        Mention(each.name, origins[each.start], origins[each.end - 1] + 1, each.is_exact)
        for each in found
    ]


def plain(text: str) -> str:
    """One width, one case, simplified characters; as long as the text was."""
    return text.translate(_PLAIN)


@cache
def _finder() -> _Finder:
    return _Finder(book().names, frozenset(_SPELLING["words"]))


def _read(text: str) -> tuple[str, list[int] | None]:
    """The plain form without what stands between Chinese characters, and where each came from."""
    same_length = plain(text)
    if not _BROKEN_UP.search(same_length):
        return same_length, None
    kept = list(range(len(text)))
    for gap in reversed(list(_BROKEN_UP.finditer(same_length))):
        del kept[gap.start() : gap.end()]
    return "".join(same_length[at] for at in kept), kept


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("records") / "drugs" / f"{name}.toml").read_text("utf-8"))


def _plain_table() -> dict[int, str]:
    table = {code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}
    table |= {code: chr(code - 0xFEE0).lower() for code in range(0xFF01, 0xFF5F)}
    table |= {ord(pair[0]): pair[1] for pair in _SPELLING["traditional"].split()}
    table |= {ord("\u3000"): " ", ord("\xa0"): " ", ord("’"): "'"}
    table |= dict.fromkeys(map(ord, "-‐‑–/"), " ")
    table |= {ord(roman): digit for roman, digit in zip("ⅠⅡⅢⅣⅤⅥ", "123456", strict=True)}
    return table


def _warning(row: dict[str, Any]) -> Warning:
    given = {"who": "age", **row, "of": frozenset(row["of"])}
    given["since"] = given.pop("from", None)
    return Warning(**given)


def _is_latin(text: str) -> bool:
    return text[0] in _LATIN and text[-1] in _LATIN


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a Latin name is a word, or several, and not a piece of one."""
    before = start == 0 or text[start - 1] not in _LATIN
    return before and (end == len(text) or text[end] not in _LATIN)


def _shorter(word: str) -> set[str]:
    """The word itself, and what is left of it without a letter, or two where it is long."""
    once = {word[:at] + word[at + 1 :] for at in range(len(word))}
    if len(word) < _TWO_AMISS:
        return {word, *once}
    twice = {each[:at] + each[at + 1 :] for each in once for at in range(len(each))}
    return {word, *once, *twice}


def _distance(one: str, other: str) -> int:
    """Letters added, lost, changed or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        older, before, row = before, row, [at]
        for to, wanted in enumerate(other, 1):
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                cost = min(cost, older[to - 2] + 1)
            row.append(cost)
    return row[-1]


_SPELLING = _toml("spelling")
_PLAIN = _plain_table()
_ALIKE = {
    ord(other): line[0] for line in _SPELLING["alike"] for other in line[1:] if other != line[0]
}
