"""What a sentence is about, as weighed words: Chinese without a word segmenter, and English.

Chinese becomes single characters and pairs of neighbours, English becomes stems, and words that
mean one thing (`synonyms.toml`) become one idea besides.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VOCABULARY = Path(__file__).with_name("synonyms.toml")
CHINESE = re.compile(r"[\u3400-\u9fff]")
RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z0-9][a-z0-9&'.-]*")

IDEA = 2.0  # how much a word says of the subject; a pair of characters is 1
HINT = 0.5  # an idea said in passing: who, and when
PAIR = 1.0
STEM = 1.0
CHARACTER = 0.25
MEDICAL = "!medical"  # said by patients, never by an article: it only weighs against a find
MEDICAL_WEIGHT = 12.0  # one sign outweighs what a short question shares with an article


class WordList:
    """Finds the words of a list in a text, the longest first, without overlap."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_first: dict[str, list[str]] = {}
        for word in sorted(words, key=len, reverse=True):
            self._by_first.setdefault(word[0], []).append(word)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and word of each find."""
        at = 0
        while at < len(text):
            word = next((w for w in self._by_first.get(text[at], ()) if _stands(w, text, at)), "")
            if word:
                yield at, at + len(word), word
            at += len(word) or 1

    def blank(self, text: str) -> str:
        """The text with every find made a space."""
        kept, last = [], 0
        for start, end, _ in self.find(text):
            kept.append(text[last:start])
            last = end
        return " ".join([*kept, text[last:]])


@dataclass(frozen=True)
class Vocabulary:
    ideas: dict[str, tuple[str, float]]  # any word of a list of synonyms → the idea, its weight
    idea_words: WordList
    stop_words: WordList
    stop_words_en: frozenset[str]
    medical: WordList
    not_medical: WordList


@cache
def vocabulary() -> Vocabulary:
    file = tomllib.loads(VOCABULARY.read_text(encoding="utf-8"))
    ideas = {
        word: (f"={group[0]}", weight)
        for groups, weight in ((file["hints"], HINT), (file["synonyms"], IDEA))
        for group in groups
        for word in group
    }
    return Vocabulary(
        ideas=ideas,
        idea_words=WordList(ideas),
        stop_words=WordList(file["stop_words"]),
        stop_words_en=frozenset(file["stop_words_en"]),
        medical=WordList(file["medical"]),
        not_medical=WordList(file["not_medical"]),
    )


def normalize(text: str) -> str:
    """One width, one case, straight quotes: 'Ｂ超' and 'b超' are the same word."""
    return unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")


def is_chinese(text: str) -> bool:
    return bool(CHINESE.search(text))


def weigh_words(text: str) -> dict[str, float]:
    """The words of an article's text and how much each weighs in all."""
    text = normalize(text)
    words: dict[str, float] = {}
    for word, weight in (*_ideas(text), *_grams(text)):
        words[word] = words.get(word, 0.0) + weight
    return words


def weigh_question(text: str) -> dict[str, float]:
    """The same for what a patient wrote, with a mark where it asks for medical advice."""
    words = weigh_words(text)
    known = vocabulary()
    signs = len(list(known.medical.find(known.not_medical.blank(normalize(text)))))
    return words | {MEDICAL: MEDICAL_WEIGHT * signs} if signs else words


def _ideas(text: str) -> Iterator[tuple[str, float]]:
    known = vocabulary()
    return (known.ideas[word] for _, _, word in known.idea_words.find(text))


def _grams(text: str) -> Iterator[tuple[str, float]]:
    known = vocabulary()
    for run in RUNS.findall(known.stop_words.blank(text)):
        if CHINESE.match(run):
            yield from ((character, CHARACTER) for character in run)
            yield from ((run[at : at + 2], PAIR) for at in range(len(run) - 1))
        elif run not in known.stop_words_en:
            yield stem(run), STEM


def stem(word: str) -> str:
    """Take off the commonest English endings; rough, and the same on both sides."""
    word = word.strip("'.-").removesuffix("'s")
    for ending, least in (("ies", 3), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3), ("e", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word.removesuffix(ending)
    return word


def _stands(word: str, text: str, at: int) -> bool:
    if not text.startswith(word, at):
        return False
    # Chinese has no word boundary; "er" must not be found in "her", nor "ct" in "act".
    end = at + len(word)
    end += text.startswith("s", end)
    return not word.isascii() or not (_is_letter(text, at - 1) or _is_letter(text, end))


def _is_letter(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isascii() and text[at].isalpha()
