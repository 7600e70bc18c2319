"""Whether a rewording says what its source says, and nothing else: pure, and strict in doubt.

It guards against a model's inventions, so it trusts no wording that it cannot follow. A good one
that is refused costs nothing: the patient then reads the article's own words.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from assistant.claims import Clause, Fact, Mode, clauses, normalize
from assistant.doubts import (
    ADDRESS,
    CHOICE,
    CONDITION,
    EXCEPTION,
    FOREIGN,
    HAN,
    HEDGE,
    LATIN,
    LIMITS,
    LIST,
    ONLY_FROM_SOURCE,
    ORDER,
    RATES,
    SHUT,
    SIGNS,
    STATE,
    STATE_PART,
    TAME,
    WARNING,
    Doubt,
)

# Chosen on tests/harness/rewordings.py: there no bad rewording passes, and most good ones do.
CARRIED = 0.8  # 0 to 1, the share of a clause's words that one clause of the source must hold
LEAD = 3  # words at the head of a text or sentence: its subject, which any clause may name
TOLD = 0.65  # 0 to 1, the share of a source's clause from which on it counts as told
WHOLE = 0.75  # 0 to 1, the share of a source's clause that must be told where it is told at all
KEPT = 0.5  # 0 to 1, the share of a warning that must be kept


def find_doubts(answer: str, *, source: str, question: str) -> list[Doubt]:
    """Everything that speaks against saying `answer` in place of `source`, each once."""
    if len(answer.strip()) > len(source.strip()):
        return [Doubt.LENGTH]
    said, known = clauses(answer), clauses(source)
    if not said:
        return [Doubt.EMPTY]
    if not known:
        return [Doubt.UNSUPPORTED]
    found = dict.fromkeys(_of_form(answer, source=source, question=question))
    found |= dict.fromkeys(_of_words(normalize(answer), normalize(source)))
    found |= dict.fromkeys(_of_support(said, known, normalize(source)))
    found |= dict.fromkeys(_of_order(said, known))
    found |= dict.fromkeys(_of_facts(said, known))
    found |= dict.fromkeys(_of_meaning(said, known))
    found |= dict.fromkeys(_of_openness(said, known))
    found |= dict.fromkeys(_of_omission(said, known))
    return list(found)


def _of_form(answer: str, *, source: str, question: str) -> Iterator[Doubt]:
    plain, known, asked = normalize(answer), normalize(source), normalize(question)
    if bool(HAN.search(known)) != bool(HAN.search(plain)) or FOREIGN.search(plain):
        yield Doubt.LANGUAGE
    latin = set(LATIN.findall(plain)) - set(LATIN.findall(known)) - {"am", "pm"}
    if HAN.search(known) and latin:
        yield Doubt.LANGUAGE
    if ADDRESS.search(plain) or LIST.search(plain) or set(SIGNS.findall(plain)) - set(known):
        yield Doubt.MARKUP
    if any(piece not in known and piece in plain for piece in _pieces(asked)):
        yield Doubt.ECHO


def _pieces(text: str) -> Iterator[str]:
    """Long stretches of a question: five characters, or five words."""
    if HAN.search(text):
        runs = re.findall(r"\w{5,}", text)
        yield from (run[at : at + 5] for run in runs for at in range(len(run) - 4))
    words = text.split()
    yield from (" ".join(words[at : at + 5]) for at in range(len(words) - 4))


def _of_words(answer: str, source: str) -> Iterator[Doubt]:
    for doubt, pattern in ONLY_FROM_SOURCE.items():
        if {f for f in pattern.findall(answer) if f not in source} - TAME:
            yield doubt


def _of_support(said: list[Clause], known: list[Clause], source: str) -> Iterator[Doubt]:
    """Each clause rests on one of the source's: two that are mixed may say what neither does."""
    leads = {clause.sentence: _lead(clause) for clause in reversed(known)}
    subject = leads[known[0].sentence]
    for clause in said:
        words = {word for word in clause.words if len(word) > 1 or word not in source}
        held = max(
            len(words & (other.words.keys() | leads[other.sentence] | subject)) for other in known
        )
        if held < CARRIED * len(words) or any(_is_new(word, source) for word in words):
            yield Doubt.UNSUPPORTED
        near, spoken = _nearest(clause, known), _sentence(clause, said)
        if len(words) > 1 and near and max(_whole(other, spoken) for other in near) < WHOLE:
            yield Doubt.LEFT_OUT


def _of_order(said: list[Clause], known: list[Clause]) -> Iterator[Doubt]:
    """What comes before or after, what is a choice, and which sentence a bare number goes with."""
    before: tuple[int, set[int]] | None = None
    for clause in said:
        near = _nearest(clause, known)
        order = {way for other in near for way in _order(_sentence(other, known))}
        if near and not _order(clause.text) <= order:
            yield Doubt.TURNED
        if CHOICE.search(clause.text) and not any(CHOICE.search(other.text) for other in near):
            yield Doubt.TURNED
        of_facts = {o.sentence for o in known if clause.facts and clause.facts <= o.facts}
        leans = of_facts and len(clause.words) < LEAD  # on what was said just before it
        if leans and before and before[0] == clause.sentence and not of_facts & before[1]:
            yield Doubt.SWAPPED
        before = (clause.sentence, {other.sentence for other in near}) if near else before


def _is_new(word: str, source: str) -> bool:
    """Whether a word, or one of its characters, stands nowhere in the source."""
    if HAN.match(word):
        return any(character not in source for character in word)
    return word not in source


def _lead(clause: Clause) -> set[str]:
    words = list(clause.words)[:LEAD]
    runs_on = [True, *(not HAN.match(a) or a[-1] == b[0] for a, b in pairwise(words))]
    return set(words[: runs_on.index(False)] if False in runs_on else words)


def _whole(clause: Clause, spoken: str) -> float:
    """How much of a source's clause a sentence tells, whatever the order of its characters."""
    told = sum(not _is_new(word, spoken) for word in clause.words)
    return told / len(clause.words) if clause.words else 1.0


def _sentence(of: Clause, known: list[Clause]) -> str:
    return " ".join(clause.text for clause in known if clause.sentence == of.sentence)


def _order(text: str) -> set[str]:
    return {way for way, pattern in ORDER.items() if pattern.search(text)}


def _words(of: Iterable[Clause]) -> list[str]:
    return [word for clause in of for word in clause.words]


def _of_facts(said: list[Clause], known: list[Clause]) -> Iterator[Doubt]:
    facts = {fact for clause in known for fact in clause.facts}
    topics = dict(zip(map(id, known), _topics(known), strict=True))
    for clause, topic in zip(said, _topics(said), strict=True):
        for fact in clause.facts:
            stands_alone = fact.kind in ("phone", "weekday", "part")
            if not _is_known(fact, facts):
                yield Doubt.NUMBER
            elif not stands_alone and not _belongs(fact, topic, known, topics):
                yield Doubt.SWAPPED


def _is_known(fact: Fact, facts: Iterable[Fact]) -> bool:
    return any(_same(fact, other) for other in facts)


def _same(fact: Fact, other: Fact) -> bool:
    """A number that stands bare may be any of its value."""
    kinds = fact.kind == other.kind or not fact.kind
    return kinds and (fact.value, fact.bound) == (other.value, other.bound)


def _topics(of: list[Clause]) -> list[set[str]]:
    """What each clause speaks of, with the days that it names; one without words goes on."""
    topics: list[set[str]] = []
    for at, clause in enumerate(of):
        own = set(clause.words) | {
            f"{fact.kind} {fact.value}"
            for fact in clause.facts
            if fact.kind in ("weekday", "part") or (fact.value == "1" and fact.kind in RATES)
        }
        if not own and at and topics:
            own = topics[-1]
        topics.append(own)
    return topics


def _belongs(fact: Fact, topic: set[str], known: list[Clause], topics: dict[int, set[str]]) -> bool:
    """Whether no clause with another number of its kind is nearer to what is said of this one."""
    here, elsewhere = 0.0, 0.0
    rivals = False
    for clause in known:
        of_kind = [other for other in clause.facts if other.kind == fact.kind]
        if not of_kind:
            continue
        likeness = _likeness(topic, topics[id(clause)])
        if _is_known(fact, clause.facts):
            here = max(here, likeness)
        else:
            rivals = True
            elsewhere = max(elsewhere, likeness)
    return not rivals or (here >= elsewhere and here > 0)


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


def _of_meaning(said: list[Clause], known: list[Clause]) -> Iterator[Doubt]:
    """No word may be allowed that is forbidden, asked for that is unneeded, or the other way."""
    for clause in said:
        for word, modes in clause.words.items():
            meant = _meant(word, clause, known)
            if meant and not all(_agrees(mode, meant) for mode in modes):
                yield Doubt.TURNED
        for head, mode in clause.heads:
            if not head and mode is not Mode.MAY:
                yield Doubt.TURNED
            meant = {m for other in known for h, m in _all_heads(other) if h == head}
            if meant and not _agrees(mode, meant):
                yield Doubt.TURNED
        for mode in {mode for _, mode in clause.heads} - {Mode.MAY}:
            under = [word for word, modes in clause.words.items() if mode in modes]
            if not any(mode in _meant(word, clause, known) for word in under):
                yield Doubt.TURNED


def _all_heads(clause: Clause) -> Iterator[tuple[str, Mode]]:
    yield from clause.heads
    for word, modes in clause.words.items():
        if HAN.match(word):
            yield from ((word[0], mode) for mode in modes)


def _meant(word: str, clause: Clause, known: list[Clause]) -> set[Mode]:
    """How the source means a word, where it speaks of most of the same things."""
    return {m for other in _nearest(clause, known, word=word) for m in other.words[word]}


def _nearest(clause: Clause, known: list[Clause], *, word: str = "") -> list[Clause]:
    """The source's clauses that share the most words with this one."""
    holding = [other for other in known if not word or word in other.words]
    near = [_likeness(set(clause.words), set(other.words)) for other in holding]
    return [o for o, n in zip(holding, near, strict=True) if n and n == max(near)]


def _of_openness(said: list[Clause], known: list[Clause]) -> Iterator[Doubt]:
    """What is open or closed is so in the source, of the same thing."""
    of_source = [
        (_subject(topic), clause) for clause, topic in zip(known, _topics(known), strict=True)
    ]
    for clause, topic in zip(said, _topics(said), strict=True):
        state, subject = _states(clause), _subject(topic)
        if not state or not subject:
            continue
        day = {word for word in subject if word.startswith("weekday ")}
        of_day = [each for each in of_source if day & each[0]] or of_source
        near = [(_likeness(subject, other), source) for other, source in of_day]
        most = max(likeness for likeness, _ in near)
        for likeness, source in near:
            theirs = _states(source)
            shut = state & SHUT
            if likeness == most > 0 and (theirs or shut) and shut != theirs & SHUT:
                yield Doubt.TURNED


def _states(clause: Clause) -> set[str]:
    return set(STATE.findall(clause.text))


def _subject(topic: set[str]) -> set[str]:
    return {word for word in topic if not STATE_PART.search(word)}


def _agrees(mode: Mode, meant: set[Mode]) -> bool:
    if mode is Mode.PLAIN:
        return bool(meant & {Mode.PLAIN, Mode.MAY})
    if mode is Mode.MAY:
        return bool(meant & {Mode.PLAIN, Mode.MAY})
    return mode in meant


def _of_omission(said: list[Clause], known: list[Clause]) -> Iterator[Doubt]:
    """What is told is told whole: numbers, limits, hedges, exceptions; and warnings always."""
    text, words = " ".join(clause.text for clause in said), set(_words(said))
    facts = {fact for clause in said for fact in clause.facts}
    told = _told(said, known)
    warns = [bool(WARNING.search(clause.text)) for clause in known]
    of_told = {c.sentence for c, t, w in zip(known, told, warns, strict=True) if t and not w}
    for at, clause in enumerate(known):
        missing = [f for f in clause.facts if not any(_same(other, f) for other in facts)]
        limits = [f for f in missing if f.bound in LIMITS and f.kind != "time"]
        if warns[at] and _part(clause, words) < KEPT:
            yield Doubt.LEFT_OUT
        after_told = any(
            told[i] and known[i].sentence == clause.sentence for i in range(max(at - 2, 0), at)
        )
        if (missing and told[at]) or (limits and after_told):
            yield Doubt.LEFT_OUT
        if told[at] and any(hedge not in text for hedge in HEDGE.findall(clause.text)):
            yield Doubt.LEFT_OUT
        before = known[at - 1] if at else clause
        is_condition = before.sentence == clause.sentence and CONDITION.search(before.text)
        if told[at] and is_condition and _whole(before, text) < WHOLE:
            yield Doubt.LEFT_OUT
        is_exception = clause.sentence in of_told and EXCEPTION.search(clause.text)
        if is_exception and _part(clause, words) < KEPT:
            yield Doubt.LEFT_OUT


def _told(said: list[Clause], known: list[Clause]) -> list[bool]:
    """Which of the source's clauses are told: most of one stands in what draws on it."""
    told = [False] * len(known)
    for clause in said:
        near = [
            len(clause.words.keys() & other.words.keys()) + 2 * len(clause.facts & other.facts)
            for other in known
        ]
        for at, nearness in enumerate(near):
            if nearness == max(near) > 0:
                told[at] |= _part(known[at], set(clause.words)) >= TOLD
    return told


def _part(clause: Clause, words: set[str]) -> float:
    """How much of a clause these words tell, 0 to 1; one of numbers alone goes with its facts."""
    return sum(word in words for word in clause.words) / len(clause.words) if clause.words else 0.0
