"""Which articles a question is about: pure, over weighed words.

Two views are added up. *Share*: how much of what the patient said an article speaks of (BM25,
divided by what a perfect article would get). *Likeness*: how near its title or one of its typical
questions is (cosine). Both are 0 to 1, so one threshold holds for short and long questions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.words import CHARACTER, weigh_question, weigh_words

K1, B = 0.3, 0.4  # BM25: how soon a repeated word says no more, and how much length counts
SHARE = 0.6  # 0 to 1: the part of the share in the score, the rest is likeness
UNKNOWN = 0.5  # what a word that no article knows weighs, of the rarest known word
ENOUGH = 1.0  # of the rarest word must speak for a find, or the score shrinks: "seen" is no subject
LINE_WEIGHT = 3.0  # a word of the title or of a typical question counts as three of the text


@dataclass(frozen=True)
class Entry:
    """One article in one language."""

    key: int
    lines: tuple[str, ...]  # title and typical questions
    body: str


@dataclass(frozen=True)
class Hit:
    key: int
    score: float  # 0 to 1
    matched: tuple[str, ...]  # the words that spoke for it, the strongest first


class Index:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._keys = [entry.key for entry in entries]
        texts = [_weigh_entry(entry) for entry in entries]
        lines = [
            (at, weigh_words(line)) for at, entry in enumerate(entries) for line in entry.lines
        ]
        self._rarity = _rarity(texts)
        self._rarest = max(self._rarity.values(), default=1.0)
        self._texts = _postings(list(enumerate(_saturate(texts))))
        self._line_owner = [at for at, _ in lines]
        self._lines = _postings(
            [(line, self._unit(words)) for line, (_, words) in enumerate(lines)]
        )

    def search(self, question: str, *, limit: int) -> list[Hit]:
        """The articles nearest to a question, best first, however far they are."""
        words = weigh_question(question)
        spoken = {word: weight * self._worth(word) for word, weight in words.items()}
        total = sum(spoken.values())
        if not total:
            return []
        share: dict[int, float] = {}
        matched: dict[int, list[tuple[float, str]]] = {}
        for word, worth in spoken.items():
            for at, weight in self._texts.get(word, ()):
                share[at] = share.get(at, 0.0) + worth * weight / total
                matched.setdefault(at, []).append((worth * weight, word))
        likeness = self._likeness(words)
        scores = {
            at: self._evidence(spoken, matched[at])
            * (SHARE * value + (1 - SHARE) * likeness.get(at, 0.0))
            for at, value in share.items()
        }
        best = sorted(scores, key=lambda at: -scores[at])[:limit]
        return [Hit(self._keys[at], scores[at], _strongest(matched[at])) for at in best]

    def _evidence(self, spoken: dict[str, float], matched: list[tuple[float, str]]) -> float:
        """1 where enough of what was said speaks for it, less where it is a stray syllable."""
        return min(1.0, sum(spoken[word] for _, word in matched) / (ENOUGH * self._rarest))

    def _likeness(self, words: dict[str, float]) -> dict[int, float]:
        lines: dict[int, float] = {}
        for word, value in self._unit(words).items():
            for line, weight in self._lines.get(word, ()):
                lines[line] = lines.get(line, 0.0) + value * weight
        best: dict[int, float] = {}
        for line, value in lines.items():
            owner = self._line_owner[line]
            best[owner] = max(best.get(owner, 0.0), value)
        return best

    def _unit(self, words: dict[str, float]) -> dict[str, float]:
        worth = {word: weight * self._worth(word) for word, weight in words.items()}
        length = math.sqrt(sum(value * value for value in worth.values())) or 1.0
        return {word: value / length for word, value in worth.items()}

    def _worth(self, word: str) -> float:
        return self._rarity.get(word, UNKNOWN * self._rarest)


def _weigh_entry(entry: Entry) -> dict[str, float]:
    words = weigh_words(entry.body)
    for line in entry.lines:
        for word, weight in weigh_words(line).items():
            words[word] = words.get(word, 0.0) + LINE_WEIGHT * weight
    return words


def _rarity(texts: Sequence[dict[str, float]]) -> dict[str, float]:
    """BM25's inverse document frequency: a word in every article says nothing."""
    found: dict[str, int] = {}
    for words in texts:
        for word in words:
            found[word] = found.get(word, 0) + 1
    return {
        word: math.log(1 + (len(texts) - count + 0.5) / (count + 0.5))
        for word, count in found.items()
    }


def _saturate(texts: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """BM25's weight of each word in each text, 0 to 1."""
    lengths = [sum(words.values()) for words in texts]
    usual = sum(lengths) / len(lengths) if lengths else 1.0
    return [
        {
            word: weight / (weight + K1 * (1 - B + B * length / usual))
            for word, weight in words.items()
        }
        for words, length in zip(texts, lengths, strict=True)
    ]


def _postings(rows: Sequence[tuple[int, dict[str, float]]]) -> dict[str, list[tuple[int, float]]]:
    postings: dict[str, list[tuple[int, float]]] = {}
    for at, words in rows:
        for word, weight in words.items():
            postings.setdefault(word, []).append((at, weight))
    return postings


def _strongest(matched: list[tuple[float, str]]) -> tuple[str, ...]:
    whole = [(worth, word.removeprefix("=")) for worth, word in matched if worth > CHARACTER]
    return tuple(dict.fromkeys(word for _, word in sorted(whole, reverse=True)))[:5]
