"""Answer from signed-off knowledge, with its source; silence where there is none."""

import logging
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from assistant.grounding import find_doubts
from assistant.skills.facts import facts_for
from assistant.skills.places import tell_place
from assistant.turn import Asked, Reply, Turn, choice
from events.logs import kind_and_place
from knowledge.filling import FactMissing, fill
from knowledge.retrieval import find_articles

logger = logging.getLogger(__name__)


# Above it an article is right though the model abstains: of 333 questions of three authors it was
# wrong for 2, and for none of 136 that no article answers (tests/knowledge/questions.jsonl).
SURE_SCORE = 0.6  # 0 to 1


def is_known(words: str, *, lang: str, now: datetime) -> bool:
    """Whether one article clearly answers this, whatever a model says."""
    found = find_articles(words, lang="en" if lang == "en" else "zh", now=now, limit=1)
    return bool(found) and found[0].score >= SURE_SCORE


def answer(turn: Turn) -> Reply | None:
    """What the hospital's rows say of a place, else the best article; None when nothing fits.

    An article is said in its own words, or in some that say the same.
    """
    if not turn.tap and (told_by_rows := tell_place(turn)) is not None:
        return told_by_rows
    lang = "en" if turn.lang == "en" else "zh"
    found = find_articles(turn.text, lang=lang, now=turn.now)
    if not found:
        return None
    best, others = found[0].version, found[1:]
    try:
        body = fill(best.in_language("body", lang), facts_for(turn.lang))
    except FactMissing as missing:
        logger.error("article names an unknown fact", extra={"fact": str(missing)})
        return None
    title = best.in_language("title", lang)
    text, told = _reworded(turn, body, lang=lang)
    # Tapped, it is found by its title and said as it stands: what was tapped is never reworded.
    unfold = [choice(_("The article's own words"), text=title, tap="guide")] if told else []
    return Reply(
        text,
        {
            "source": {
                "title": title,
                "version": best.number,
                "article_version_id": best.pk,
            },
            **told,
            "choices": [
                *unfold,
                *(choice(each.version.in_language("title", lang), tap="guide") for each in others),
                choice(_("Talk to a nurse"), tap="nurse"),
            ],
        },
    )


def _reworded(turn: Turn, body: str, *, lang: str) -> tuple[str, dict[str, Any]]:
    """What to say, and what to tell of it. In any doubt it is the article's own words."""
    if turn.rephrase is None:
        return body, {}
    try:
        made = turn.rephrase(Asked(turn.text, body, lang, turn.names))
        if made is None or made.text == body:
            return body, {}
        doubted = find_doubts(made.text, source=body, question=turn.text)
    except Exception as error:  # an answer is at hand; neither the error nor its words go on
        logger.error("rewording failed", extra=kind_and_place(error))
        return body, {}
    if doubted:
        logger.info("rewording refused", extra={"doubts": " ".join(d.name for d in doubted)})
        return body, {}
    return made.text, {"rephrased": {"model": made.model}, "original": body}
