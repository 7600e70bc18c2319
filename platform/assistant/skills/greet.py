"""Say hello, and what can be done here."""

import re

from django.utils.translation import gettext as _

from assistant.turn import Reply, Turn, choice

_FACES = r"👍👌🙏🌹😊❤\ufe0f\U0001f3fb-\U0001f3ff"
_END = rf"[~!！。.,， {_FACES}]*"
_THANKS = re.compile(
    r"(好的?|嗯+|行|知道了|明白了|没事了|没有了|不用了|那|真是)?[,,。 ]*"
    r"(非常|太|十分)?(谢谢|感谢|多谢|谢[了啦谢]|辛苦了?|麻烦[你您]?了)"
    rf"(你|您|啦|了|啊|呀|哈|哦|咯|们|护士|医生|大夫|小助手)*{_END}"
    rf"|(ok(ay)?,? ?)?(many )?(thanks?( you)?( so much| a lot)?|thx|cheers){_END}",
    re.IGNORECASE,
)
_BYE = re.compile(
    r"(好的?|那|嗯)?[,,。 ]*"
    r"(再见|拜拜|拜|下次见|回头见|先这样|没事了|没有了|没啥了|晚安|886?)(啦|了|哈)?"
    rf"{_END}|((many )?thanks?( you)?,? )?((good ?)?bye( bye)?|see you( later)?|good ?night){_END}",
    re.IGNORECASE,
)
# Atomic, so that no row of "嗯嗯嗯" is read in more ways than one.
_NODS = re.compile(
    r"(?>嗯|[哦噢喔]|好(?:[的滴嘞哒吧啊呀])?|行吧?|可以|对(?:[的啊呀])?|是[的啊]|确认|知道了|晓得了|明白了?"
    r"|了解|收到|懂了|没问题|么么哒|ok(?:ay)?|yes|yep|sure|got it|great|fine|all ?right"
    r"|\[(?:玫瑰|抱拳|ok|强|握手|微笑|爱心|愉快)\]"
    rf"|[{_FACES}~!！。., ，])++",
    re.IGNORECASE,
)


def is_courtesy(words: str) -> bool:
    """Thanks, a goodbye or a nod and nothing else: nobody need be called for it."""
    plain = words.strip()
    return any(each.fullmatch(plain) for each in (_THANKS, _BYE, _NODS))


def greet(turn: Turn) -> Reply:
    if _THANKS.fullmatch(turn.text.strip()):
        return Reply(_("You're welcome. Write to me whenever you need something."))
    if _BYE.fullmatch(turn.text.strip()):
        return Reply(_("Goodbye, and get well soon."))
    if _NODS.fullmatch(turn.text.strip()):
        return Reply(_("All right. Write to me whenever you need something."), {"choices": menu()})
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
