"""Is a sign of danger meant, here and now? Negation, the past, hearsay, fear, figures of speech.

Each question looks only at a bounded stretch around the words, and each silences only what it
clearly covers: in doubt the sign stands.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from triage.reading import Reading, Span

BEFORE, AFTER = 48, 28  # characters of the clause that can change what a sign means


class Silence(StrEnum):
    """Why a sign that was found does not count."""

    FIGURE = "figure"
    JOKE = "joke"
    NEGATION = "negation"
    HISTORY = "history"
    KNOWLEDGE = "knowledge"
    FEAR = "fear"


_MARKERS: dict[str, list[str]] = tomllib.loads(
    (resources.files("triage") / "rules" / "context.toml").read_text("utf-8")
)


def _any_of(name: str, *, before: str = "", after: str = "") -> re.Pattern[str]:
    return re.compile(f"{before}(?:{'|'.join(_MARKERS[name])}){after}", re.ASCII)


_FIGURE = _any_of("figures")
_TURN = _any_of("turns")
_NO = _any_of("negators", before="(?:", after=f")(?:{'|'.join(_MARKERS['fillers'])}){{0,4}}$")
_FILLED = _any_of("fillers", before="(?:", after="){0,4}")
_NO_LISTED = _any_of("negators", after="(?P<first>[^,。?]{1,14})$")
_LACKS = _any_of("lacks")
_LIST_MARK = re.compile(r"[、和或及与跟]|以及| or | nor ")
_NO_AFTER = _any_of("negated_after")
_PAST = _any_of("past")
_ONLY_PAST = _any_of(
    "past",
    before="^(?:我|他|她|我妈|我爸)?(?:在|是)?",
    after="(?:的?时候|[春夏秋冬]天|[初底末]|有一次|一次|那会儿?|有天|某天|里)?$",
)
_NOW = _any_of("now")
_QUESTION = _any_of("knowledge_questions")
_SOURCE = _any_of("sources")
_OPEN_SOURCE = _any_of("sources_left_open")
_LEAFLET = _any_of("leaflets")
_LED_BY_LEAFLET = _any_of("leaflet_leads")
_STORY = _any_of("stories")
_STUDY = _any_of("studies")
_OVER = _any_of("over")
_BACK = _any_of("back_to_life")
_SAVED = _any_of("saved", before="^(?:(?!上次|上回|去年|前年|以前|那次)[^。])*")
_JOKE = _any_of("jokes")
_FEAR = _any_of("fears", after="[^,。?]{0,14}$")
_REAL = _any_of("real")
_LESSON = _any_of("lessons")
_DISCLAIMER = _any_of("disclaimers")


@dataclass(frozen=True)
class _Place:
    """A sign within its clause: the words before it, itself, and the words after it."""

    before: str
    sign: str
    after: str
    previous: str  # the clause before, within the same sentence
    following: str  # the two clauses after, within the same sentence
    around: str  # what was said shortly before and after, in whichever sentence
    quoted: str  # what leads to the quotation that the sign stands in

    @property
    def clause(self) -> str:
        return self.before + self.sign + self.after


class Context:
    """What one message says about the signs found in it; the same place is judged once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._judged: dict[tuple[_Place, frozenset[Silence]], Silence | None] = {}

    def silence(self, sign: Span, *, may_silence: frozenset[Silence]) -> Silence | None:
        """Return why the sign does not count, or None when it does."""
        place = self._place(sign)
        if (place, may_silence) not in self._judged:
            self._judged[place, may_silence] = _judge(place, may_silence)
        return self._judged[place, may_silence]

    def _place(self, sign: Span) -> _Place:
        text = self._reading.text
        start, end = sign
        clause_start, clause_end = self._reading.clause_at(start)
        earlier_start, earlier_end = self._reading.clause_before(clause_start)
        if text[earlier_end : earlier_end + 1] != ",":
            earlier_start = earlier_end  # another sentence says nothing about this one
        later_end = clause_end
        for _ in range(2):
            if text[later_end : later_end + 1] == ",":
                later_end = self._reading.clause_at(later_end + 1)[1]
        return _Place(
            before=text[max(clause_start, start - BEFORE) : start],
            sign=text[start:end],
            after=text[end : min(clause_end, end + AFTER)],
            previous=text[max(earlier_start, earlier_end - BEFORE) : earlier_end],
            following=text[clause_end + 1 : min(later_end, clause_end + 1 + AFTER)],
            around=text[max(0, clause_start - BEFORE) : clause_start]
            + text[clause_end : clause_end + BEFORE],
            quoted=self._reading.lead_of_quotation(start),
        )


def _judge(place: _Place, may_silence: frozenset[Silence]) -> Silence | None:
    questions = {
        Silence.FIGURE: _is_figure,
        Silence.JOKE: _is_joke,
        Silence.NEGATION: _is_negated,
        Silence.HISTORY: _is_past,
        Silence.KNOWLEDGE: _is_hearsay,
        Silence.FEAR: _is_feared,
    }
    return next((why for why, ask in questions.items() if why in may_silence and ask(place)), None)


def _is_figure(place: _Place) -> bool:
    start = len(place.before)
    end = start + len(place.sign)
    return any(
        figure.start() < end and figure.end() > start for figure in _FIGURE.finditer(place.clause)
    )


def _is_joke(place: _Place) -> bool:
    if _REAL.search(place.clause):
        return False
    return bool(_JOKE.search(place.after) or _JOKE.search(place.following))


def _is_negated(place: _Place) -> bool:
    if _NO_AFTER.match(place.after):
        return True
    before = _since_last_turn(place.before)
    if _NO.search(before):
        return True
    return _is_in_negated_list(before)


def _is_in_negated_list(before: str) -> bool:
    """Recognise "没有发烧、胸痛和呼吸困难": one "no" before a list covers its items."""
    marks = list(_LIST_MARK.finditer(before))
    if not marks or not _FILLED.fullmatch(before, marks[-1].end()):
        return False
    head = before[: marks[0].start()]
    negated = _NO_LISTED.search(head)
    # "没有力气、喘不上气": what is missing there is itself a complaint.
    return bool(negated) and not _LACKS.search(head)


def _since_last_turn(before: str) -> str:
    """Drop what stands before the last "but"."""
    turns = list(_TURN.finditer(before))
    return before[turns[-1].end() :] if turns else before


def _is_past(place: _Place) -> bool:
    before = _since_last_turn(place.before)
    if _SAVED.search(place.after) or _SAVED.search(place.following):
        return True
    if _NOW.search(before) or _NOW.search(place.after):
        return False
    if _PAST.search(before + place.sign) or _PAST.search(place.after):
        return True
    if _OVER.search(place.after) or _OVER.search(place.following):
        return True
    return bool(_ONLY_PAST.search(place.previous))


def _is_hearsay(place: _Place) -> bool:
    source = _SOURCE.search(place.before)
    if source and not _BACK.search(place.before[source.start() :] + place.sign):
        return True
    if _LEAFLET.search(place.clause):
        return True
    if place.quoted and _LED_BY_LEAFLET.search(place.quoted):
        return True
    if _DISCLAIMER.search(place.clause + place.around):
        return True
    if _REAL.search(place.clause) or _BACK.search(place.clause):
        return False
    if _STORY.search(place.clause + place.around) or _STUDY.search(place.around):
        return True
    if _LESSON.search(place.clause + place.around):
        return True
    return bool(_OPEN_SOURCE.search(place.previous) or _QUESTION.search(place.clause))


def _is_feared(place: _Place) -> bool:
    before = _since_last_turn(place.before)
    return bool(_FEAR.search(before)) and not _NOW.search(before)
