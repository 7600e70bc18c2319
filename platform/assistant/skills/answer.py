"""Answer from signed-off knowledge, with its source; silence where there is none."""

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice
from knowledge.retrieval import find_articles


def answer(turn: Turn) -> Reply | None:
    """The best article's own words, never rephrased; None when nothing fits well enough."""
    lang = "en" if turn.lang == "en" else "zh"
    found = find_articles(turn.text, lang=lang, now=turn.now)
    if not found:
        return None
    best, others = found[0].version, found[1:]
    return Reply(
        best.in_language("body", lang),
        {
            "source": {
                "title": best.in_language("title", lang),
                "version": best.number,
                "article_version_id": best.pk,
            },
            "choices": [
                *(choice(each.version.in_language("title", lang), tap="guide") for each in others),
                choice(_("Talk to a nurse"), tap="nurse"),
            ],
        },
    )
