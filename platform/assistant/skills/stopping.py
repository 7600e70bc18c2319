"""Whether a reminder is to stop: asked once, and never read out of a doubtful word."""

import re

from assistant.talk import Found, Talk, read_agreement

STOP, KEEP = "stop", "keep"
_KEEPS = re.compile(r"留|保留|继续|照旧|还要|不停|别停|\b(?:keep|go on|continue)\b", re.IGNORECASE)


def read_stop(talk: Talk, asked: bool) -> Found | None:
    if not asked:
        return None
    if kept := _KEEPS.search(talk.words):
        return Found(KEEP, [kept.span()])
    agreed = read_agreement(talk, asked)
    return Found(STOP if agreed.value else KEEP, agreed.spans) if agreed is not None else None
