"""A message in plain text, for channels without buttons: who speaks, source, choices by letter."""

import unicodedata

from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from adapters.policy import code_of
from conversations.models import Author, Kind, Message
from hospital.models import Hospital

LETTERS = "ABCDEFGH"  # not digits: departments are numbered in the text itself


def plain_text(message: Message) -> str:
    """All that a patient's screen would show of it, in words, whatever they write in since."""
    details = message.details or {}
    with translation.override(details.get("lang") or message.conversation.language):
        if code := code_of(message):
            return _code_in_words(code["digits"])
        parts = [_signed(message)]
        if source := details.get("source"):
            reworded = "original" in details
            named = _("Reworded by AI from: %(title)s") if reworded else _("Source: %(title)s")
            parts.append(named % {"title": source["title"]})
        if choices := details.get("choices"):
            lines = [
                f"{letter} {each['label']}" for letter, each in zip(LETTERS, choices, strict=False)
            ]
            parts.append("\n".join([_("Reply with a letter:"), *lines]))
    return "\n\n".join(parts)


def _code_in_words(digits: str) -> str:
    """Where free text goes to phones; elsewhere the vendor's template says this."""
    hospital = Hospital.objects.this_one()
    named = hospital.name_en if get_language() == "en" else hospital.name
    return _(
        "[%(hospital)s] Your code is %(code)s, good for 10 minutes. Tell it to nobody: our staff"
        " never ask for it."
    ) % {"hospital": named or hospital.name, "code": digits}


def _signed(message: Message) -> str:
    """A machine says that it is one; a nurse says her name."""
    text: str = message.text
    if message.author == Author.ASSISTANT:
        text = _("[AI assistant] %(text)s") % {"text": message.text}
    elif message.author == Author.NURSE and message.nurse is not None:
        named = {"name": message.nurse.display_name, "text": message.text}
        text = _("[Nurse %(name)s] %(text)s") % named
    return text


def chosen(conversation_id: int, text: str) -> dict[str, str] | None:
    """The choice that a typed letter means: one of those that were offered last, or none."""
    letter = unicodedata.normalize("NFKC", text).strip().rstrip(".、。)").upper()
    if len(letter) != 1 or letter not in LETTERS:
        return None
    last = (
        Message.objects.filter(conversation=conversation_id, kind=Kind.TEXT)
        .exclude(author=Author.PATIENT)
        .order_by("-seq")
        .first()
    )
    choices = (last.details or {}).get("choices", []) if last is not None else []
    at = LETTERS.index(letter)
    return choices[at] if at < len(choices) else None
