"""The small language in which the rules are written, and its compiler.

    喘不上气            these characters, one after another
    (胸口|心口)痛       one of several; `(我|他)?` may be missing
    <chest>~<pain>      a word list of `rules/words.toml`, a short gap (~~ is longer), another
    中毒!(热线|科)       ... and not followed by one of these
    高压2[0-9]          one character of a class
    ambulan*            the rest of the word, whatever it is; 得? may be missing

A gap stays inside its clause and does not step over a "no". There is no way to write a repetition,
so no phrase can take more than linear time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Language = Literal["zh", "en"]
Words = Mapping[str, list[str]]

HAN_GAP = {"~": 4, "~~": 9}  # characters
LATIN_GAP = {"~": 16, "~~": 34}  # characters, whole words
_NO_ZH = "(?!不(?!知|停|住|断|得|行|晓|是)|没(?!来由|完没了)|无(?!缘|故)|未)"
_NO_EN = r"(?!\b(?:no|not|never|without|dont|doesnt|isnt)\b)"
_TOKEN = re.compile(
    r"<(?P<name>[a-z_]+)>|~~?|!\(|\(|\)\??|\||\*|\[[^\]]+\]|[^<~!()|\[\]?*]\?|(?:[^<~!()|\[\]?*](?!\?))+"
)


class BadPhrase(ValueError):
    """A rule is written in a way that cannot be read."""


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class OneOf:
    """A character class, in brackets."""

    chars: str


@dataclass(frozen=True)
class Tail:
    """The rest of a Latin word."""


@dataclass(frozen=True)
class Gap:
    mark: str


@dataclass(frozen=True)
class Choice:
    options: tuple[tuple["Node", ...], ...]
    optional: bool = False
    unless: bool = False


Node = Text | OneOf | Tail | Gap | Choice

TAIL = 8  # characters


@dataclass(frozen=True)
class Phrase:
    """One phrase: every match holds an anchor of each group, none exceeds its reach."""

    source: str
    pattern: str
    anchors: tuple[frozenset[str], ...]  # the most telling group first
    reach: int  # characters

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Compiled at the first use: all together take a second, and most are seldom needed."""
        return re.compile(self.pattern, re.ASCII)


def compile_phrase(source: str, *, language: Language, words: Words) -> Phrase:
    """Compile one phrase of the rule book. Raises BadPhrase."""
    nodes = _parse(re.sub(" ?(~~?) ?", r"\1", source), words)
    pattern = "".join(_render(node, language) for node in nodes)
    if language == "en":
        pattern = rf"\b(?:{pattern})\b"
    anchors = _anchors(nodes, language, word_start=True)
    if not anchors:
        raise BadPhrase(f"nothing in {source!r} must be there: it would be tried everywhere")
    return Phrase(source, pattern, anchors, sum(_reach(node, language) for node in nodes))


def _parse(source: str, words: Words) -> tuple[Node, ...]:
    tokens = list(_TOKEN.finditer(source))
    if "".join(token[0] for token in tokens) != source:
        raise BadPhrase(source)
    options, rest = _parse_options(tokens, 0, words)
    if rest != len(tokens) or len(options) != 1:
        raise BadPhrase(source)
    return options[0]


def _parse_options(
    tokens: list[re.Match[str]], at: int, words: Words
) -> tuple[tuple[tuple[Node, ...], ...], int]:
    """Parse `a|b|c` up to a closing bracket or the end; return the options and the position."""
    options: list[tuple[Node, ...]] = []
    nodes: list[Node] = []
    while at < len(tokens) and not tokens[at][0].startswith(")"):
        token = tokens[at]
        at += 1
        match token[0]:
            case "|":
                options.append(tuple(nodes))
                nodes = []
            case "(" | "!(" as bracket:
                inner, at = _parse_options(tokens, at, words)
                if at == len(tokens):
                    raise BadPhrase("a bracket is not closed")
                optional = tokens[at][0] == ")?"
                nodes.append(Choice(inner, optional=optional, unless=bracket == "!("))
                at += 1
            case "~" | "~~" as mark:
                nodes.append(Gap(mark))
            case text if token["name"]:
                if token["name"] not in words:
                    raise BadPhrase(f"no word list {text}")
                listed = words[token["name"]]
                nodes.append(Choice(tuple(_parse(word, words) for word in listed)))
            case "*":
                nodes.append(Tail())
            case text if text.startswith("["):
                nodes.append(OneOf(text))
            case text if text.endswith("?"):
                nodes.append(Choice(((Text(text[:-1]),),), optional=True))
            case text:
                nodes.append(Text(text))
    return (*options, tuple(nodes)), at


def _render(node: Node, language: Language) -> str:
    match node:
        case Text(text):
            return re.escape(text)
        case OneOf(chars):
            return chars
        case Tail():
            return f"[a-z]{{0,{TAIL}}}"
        case Gap(mark) if language == "zh":
            return rf"(?:{_NO_ZH}[^,。?]){{0,{HAN_GAP[mark]}}}"
        case Gap(mark):
            return rf"\b(?:{_NO_EN}[^,。?]){{0,{LATIN_GAP[mark]}}}\b"
        case Choice(options, optional, unless):
            inner = "|".join("".join(_render(n, language) for n in nodes) for nodes in options)
            if unless:
                return rf"\b(?!{inner})" if language == "en" else f"(?!{inner})"
            return f"(?:{inner}){'?' if optional else ''}"


def _reach(node: Node, language: Language) -> int:
    match node:
        case Text(text):
            return len(text)
        case OneOf():
            return 1
        case Tail():
            return TAIL
        case Gap(mark):
            return (HAN_GAP if language == "zh" else LATIN_GAP)[mark]
        case Choice(options):
            return max(sum(_reach(n, language) for n in nodes) for nodes in options)


def _anchors(
    nodes: tuple[Node, ...], language: Language, *, word_start: bool
) -> tuple[frozenset[str], ...]:
    """Return groups of pieces, the most telling first: every match holds one of each group."""
    found: list[set[str]] = []
    for node in nodes:
        match node:
            case Text(text) if language == "zh":
                found.append({text[:2]})
            case Text(text):
                found.append(_word_beginnings(text, word_start=word_start))
            case Choice(options, optional=False, unless=False):
                each = [_anchors(option, language, word_start=word_start) for option in options]
                found.append(set().union(*(best[0] for best in each)) if all(each) else set())
        word_start = _ends_before_a_word(node, word_start=word_start)
    usable = {frozenset(pieces) for pieces in found if pieces}
    return tuple(sorted(usable, key=lambda pieces: (-min(map(len, pieces)), len(pieces))))


def _word_beginnings(text: str, *, word_start: bool) -> set[str]:
    words = text.split(" ")
    whole = words if word_start else words[1:]
    longest = max((word for word in whole if re.match("[a-z][a-z0-9]", word)), key=len, default="")
    return {longest[:3]} if longest else set()


def _ends_before_a_word(node: Node, *, word_start: bool) -> bool:
    match node:
        case Text(text):
            return text.endswith(" ")
        case Gap():
            return True  # a gap brings its own word boundaries
        case Choice(options, optional, unless):
            inside = all(
                bool(nodes) and _ends_before_a_word(nodes[-1], word_start=word_start)
                for nodes in options
            )
            return word_start if unless else inside and (word_start or not optional)
        case OneOf() | Tail():
            return False
