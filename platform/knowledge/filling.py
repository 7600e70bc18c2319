"""Texts with facts that stand elsewhere: "open {hours:门诊楼}" is filled when it is said."""

import re
from collections.abc import Callable, Iterator

FindFact = Callable[[str, str], str | None]  # kind and name → what to say, None: nothing is known

_FACT = re.compile(r"\{(?P<kind>[a-z]+):(?P<name>[^{}]+)\}")


class FactMissing(Exception):
    """A text names a fact that nobody knows: it is better not said. Holds kind and name."""


def fill(text: str, find: FindFact) -> str:
    """The text with its facts. Raises FactMissing."""

    def told(named: re.Match[str]) -> str:
        fact = find(named["kind"], named["name"])
        if fact is None:
            raise FactMissing(f"{named['kind']}:{named['name']}")
        return fact

    return _FACT.sub(told, text)


def facts_in(text: str) -> Iterator[tuple[str, str]]:
    return ((named["kind"], named["name"]) for named in _FACT.finditer(text))


def without_facts(text: str) -> str:
    """The text as it is searched: what will be filled in is no word of it."""
    return _FACT.sub(" ", text)
