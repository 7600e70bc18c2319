"""No pattern reads the same words in more ways than one: "谢谢谢谢…" would never end."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from re import _constants as op
from re import _parser as parser
from time import thread_time
from typing import Any

import pytest

PLATFORM = Path(__file__).parents[2] / "platform"
ROOMS = [
    "assistant",
    "careplans",
    "triage",
    "records",
    "knowledge",
    "conversations",
    "tickets",
    "hospital",
    "adapters",
    "workers.understanding",
    "workers.rephrasing",
    "workers.hearing",
]
NOT_OURS = ("migrations", "training", "management")  # or what no patient's words come to
STARS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
SHORT = 0.01  # seconds; what is read in one way only takes a hundredth of it


@pytest.mark.parametrize("room", ROOMS)
def test_words_said_over_and_over_are_read_in_one_way_only(room: str) -> None:
    """Each repetition of each pattern, fed with its own words and an end that fits nothing."""
    slow = [
        (pattern.pattern, before, word)
        for pattern in _patterns_of(room)
        for before, word in _repeated(parser.parse(pattern.pattern, pattern.flags))
        if _takes_long(pattern, before, word)
    ]

    assert not slow


@pytest.mark.parametrize(
    "words",
    [
        "(a|aa)*b",
        "x(的?下?上?)*y",
        "(我|我的|的)*约",
        "(谢谢你?|谢谢)+$",
        r"[a-h](?:[\s,]*(?:and)?\s*[a-h])*",
    ],
)
def test_what_is_read_in_two_ways_is_found(words: str) -> None:
    assert any(_takes_long(re.compile(words), *pair) for pair in _repeated(parser.parse(words)))


def _takes_long(pattern: re.Pattern[str], before: str, word: str) -> bool:
    """Said a little oftener each time: what doubles is found before it takes minutes."""
    for often in range(4, 24, 2):
        text = before + word * often + "\0"
        if all(_time(pattern, text) > SHORT for _ in range(3)):
            return True
    return False


def _time(pattern: re.Pattern[str], text: str) -> float:
    begun = thread_time()
    pattern.search(text)
    pattern.fullmatch(text)
    return thread_time() - begun


def _patterns_of(room: str) -> set[re.Pattern[str]]:
    package = importlib.import_module(room)
    found = {pattern for value in vars(package).values() for pattern in _within(value)}
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        if not any(part in NOT_OURS for part in module.name.split(".")):
            values = vars(importlib.import_module(module.name)).values()
            found |= {pattern for value in values for pattern in _within(value)}
    return found


def _within(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _within(each)


def _repeated(nodes: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What may be said over and over, each with what must stand before it."""
    for kind, what in nodes:
        if kind in STARS and what[1] > 9:
            yield from ((before, word) for word in _words(what[2]) if word)
        for inner in _inside(kind, what):
            yield from _repeated(inner, before)
        before += next(_words([(kind, what)]), "")


def _inside(kind: Any, what: Any) -> list[Any]:
    if kind in STARS:
        return [what[2]]
    if kind is op.SUBPATTERN:
        return [what[3]]
    if kind is op.BRANCH:
        return list(what[1])
    if kind is op.ATOMIC_GROUP:
        return [what]
    return [what[1]] if kind in (op.ASSERT, op.ASSERT_NOT) else []


def _words(nodes: Any) -> Iterator[str]:
    """Some of what it reads: every choice, with what may be missing and without."""
    often = product(range(_choices(nodes)), (0, 1), (0, 2))
    yield from dict.fromkeys(_one(nodes, *each) for each in often)


def _choices(nodes: Any) -> int:
    """How many alternatives its widest choice has."""
    here = [len(_inside(kind, what)) for kind, what in nodes]
    within = [_choices(inner) for kind, what in nodes for inner in _inside(kind, what)]
    return max([1, *here, *within])


def _one(nodes: Any, nth: int, optional: int, star: int) -> str:
    said = ""
    for kind, what in nodes:
        if kind is op.LITERAL:
            said += chr(what)
        elif kind is op.IN:
            said += _member(what)
        elif kind in (op.ANY, op.NOT_LITERAL):
            said += "一"
        elif kind not in (op.ASSERT, op.ASSERT_NOT) and (inside := _inside(kind, what)):
            inner = _one(inside[nth % len(inside)], nth, optional, star)
            least, most = what[:2] if kind in STARS else (1, 1)
            said += inner * max(least, min(most, star if most > 1 else optional))
    return said


def _member(members: Any) -> str:
    for kind, what in members:
        if kind is op.NEGATE:
            return "一"
        if kind is op.LITERAL:
            return chr(what)
        if kind is op.RANGE:
            return chr(what[0])
    return {op.CATEGORY_DIGIT: "1", op.CATEGORY_SPACE: " ", op.CATEGORY_WORD: "a"}.get(what, "-")
