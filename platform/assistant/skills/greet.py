"""Say hello, and what can be done here."""

import re

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice

_THANKS = re.compile(
    r"(好的?|嗯+|行|知道了|明白了|没事了|没有了|不用了)?[,,。 ]*"
    r"(非常|太|十分)?(谢谢|感谢|多谢|谢了)(你|您|啦|了|护士|医生|小助手)*[~!!。. ]*"
    r"|(ok(ay)?,? ?)?(thanks?( you)?( so much| a lot)?|thx)[!. ]*",
    re.IGNORECASE,
)
_BYE = re.compile(
    r"(好的?|那|嗯)?[,,。 ]*(再见|拜拜|拜|下次见|先这样|没事了|没有了)[~!!。. ]*"
    r"|(good ?)?bye( bye)?[!. ]*|see you( later)?[!. ]*",
    re.IGNORECASE,
)


def is_courtesy(words: str) -> bool:
    """Thanks or a goodbye and nothing else: nobody need be called for it."""
    plain = words.strip()
    return bool(_THANKS.fullmatch(plain) or _BYE.fullmatch(plain))


def greet(turn: Turn) -> Reply:
    if _THANKS.fullmatch(turn.text.strip()):
        return Reply(_("You're welcome. Write to me whenever you need something."))
    if _BYE.fullmatch(turn.text.strip()):
        return Reply(_("Goodbye, and get well soon."))
    return hello()


def hello() -> Reply:
    return Reply(
        _(
            "Hello, I am the hospital's AI assistant. I can help you find the right department,"
            " book a visit, look up reports, and tell you about fees and preparation; and I call a"
            " nurse for you at any time. I can't diagnose or prescribe."
        ),
        {"choices": menu()},
    )


def menu() -> list[dict[str, str]]:
    return [
        choice(_("I feel unwell"), tap="unwell"),
        choice(_("Book an appointment"), tap="booking"),
        choice(_("My reports"), tap="report"),
        choice(_("My medicines"), tap="medicine"),
        choice(_("Talk to a nurse"), tap="nurse"),
    ]
