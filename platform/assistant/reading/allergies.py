"""Where a message says what somebody is allergic to, and whether it says anything else."""

import re

from assistant.reading.spelling import rest
from records.allergies import stated_allergies

_AROUND = re.compile(  # what stands around the name where nothing else is said
    r"药物?过敏史?|过敏的?|(?:打|做)过皮试(?:阳性)?(?:的|了)?|皮试(?:是|为)?阳性|对了|严重|以前|一直|从小|本人|患者|另外|还有|告诉|提醒|说|记住?|妈妈?|爸爸?|老公|老婆"
    r"|孩子|儿子|女儿|家|类|对|我|他|她|你|您|也|都|和|跟|有|很|会|药|\b(?:i|m|severely|very|allergic"
    r"|allergy|allergies|also|have|has|got|my|mum|mom|mother|dad|father|son|daughter|wife|husband"
    r"|note|know|you|should)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？吗]|怎么|能不能|可以|\b(?:can|what|how|should i)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[^,，。;；!！.\n]+[,，。;；!！.\n]*")


def states_only_allergies(words: str) -> bool:
    """Nothing but "I am allergic to penicillin"; a question beside it is what is asked."""
    stated = stated_allergies(words)
    if not stated or _ASKS.search(words):
        return False
    left = rest(words, [each.span for each in stated])
    return not _AROUND.sub("", left).strip(" ,，、")


def besides_allergies(words: str) -> str:
    """What a model has to understand: of "book dermatology, I'm allergic to sulfa" the first."""
    if not stated_allergies(words):
        return words
    clauses = _CLAUSE.findall(words)
    others = [each for each in clauses if not states_only_allergies(each)]
    return "".join(others).strip(" ,，") or words
