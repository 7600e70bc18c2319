"""The facts that articles name, from the rooms that hold them."""

from functools import partial

from appointments.fees import fee_in_words
from hospital.facts import find_fact
from knowledge.filling import FindFact


def facts_for(lang: str) -> FindFact:
    return partial(_find, lang=lang)


def _find(kind: str, name: str, *, lang: str) -> str | None:
    return fee_in_words(name) if kind == "fee" else find_fact(kind, name, lang=lang)
