"""Say hello, and what can be done here."""

import re

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice

_THANKS = re.compile(
    r"(好的?|嗯+|行|知道了|明白了|没事了|没有了|不用了)?[,,。 ]*"
    r"(非常|太|十分)?(谢谢|感谢|多谢|谢了)"
    r"(你|您|啦|了|啊|哈|呀|哦|噢|嘞|护士|医生|小助手)*[~!！。. ]*"
    r"|(ok(ay)?,? ?)?(thanks?( you)?( so much| a lot)?|thx)[!. ]*|[🙏🌹❤️♥️ ]+",
    re.IGNORECASE,
)
_BYE = re.compile(
    r"(好的?|那|嗯)?[,,。 ]*(再见|拜拜|拜|下次见|先这样|没事了|没有了)[~!！。. ]*"
    r"|((many )?thanks?( you)?,? )?((good ?)?bye( bye)?|see you( later)?)[!. ]*",
    re.IGNORECASE,
)
# A nod to what was done; no question is open that it could answer.
_NOD = re.compile(
    r"(好(的|嘞|滴|吧|啊|呀|好)*|行(吧|啊)?|可以|对(的|啊|呀)?|是(的|啊)|嗯+(好的?)?|收到|知道了"
    r"|明白了?|确认|晓得了)[~!！。. ]*|[👌👍 ]+"
    r"|(ok(ay)?|yes|yep|sure|got it|great|fine|alright|all right)[!. ]*",
    re.IGNORECASE,
)


def is_courtesy(words: str) -> bool:
    """Thanks, a nod or a goodbye and nothing else: nobody need be called for it."""
    plain = words.strip()
    return any(pattern.fullmatch(plain) for pattern in (_THANKS, _BYE, _NOD))


def greet(turn: Turn) -> Reply:
    if _THANKS.fullmatch(turn.text.strip()):
        return Reply(_("You're welcome. Write to me whenever you need something."))
    if _BYE.fullmatch(turn.text.strip()):
        return Reply(_("Goodbye, and get well soon."))
    if _NOD.fullmatch(turn.text.strip()):
        return Reply(_("All right. Write to me whenever you need something."))
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
