"""Words that steer any dialogue: stop, say it again, back, from the start, help, a person."""

import re
from dataclasses import dataclass
from enum import StrEnum

from assistant.reading.spelling import plain, rest
from triage.reading import Span


class Command(StrEnum):
    STOP = "stop"
    REPEAT = "repeat"
    BACK = "back"
    START_OVER = "start_over"
    HELP = "help"
    HUMAN = "human"


@dataclass(frozen=True)
class Steer:
    span: Span
    command: Command


# "取消预约" asks for a service and stops nothing; "算了不挂了" stops what is being done.
_SERVICE = (
    "(?!(?:我|这个|那个|掉|一下|明天|后天|今天|周|星期|下午|上午|的)*(?:预约"
    "|挂号|号|提醒|订单|就诊|复诊|检查|手术|appointment|booking))"
)
_WORDS = [
    (command, re.compile(words, re.ASCII))
    for command, words in (
        (Command.HUMAN,
            "(?:转|找|要|叫|换|接|来|喊)(?:个|一个|一下|到|成)?(?:真人|活人|人工(?!流|授"
            "|受|关|晶|泪|耳)|护士|大夫聊|客服|值班|工作人员|医护)|人工(?!流产|授精|受孕"
            "|关节|晶体|智能|泪液|耳蜗|瓣膜|喂养)(?:客服|服务)?|真人|(?:和|跟|同|与)"
            "(?:真人|护士|人)(?:说|聊|谈|讲|沟通)|有(?:没有)?(?:人|真人|活人)(?:在)?吗|"
            r"(?:不要|别|不想)(?:和|跟|用|再)?(?:机器人|ai|机器)|护士在吗|\b(?:(?:talk"
            "|speak|chat) (?:to|with) (?:a |an |the |some)?(?:real )?(?:human|person"
            "|nurse|agent|staff|somebody|someone|people|one)|(?:real|live) (?:person"
            "|human|nurse)|human(?: agent| please)?|call (?:a|the) nurse|get me a "
            "(?:nurse|person|human)|a nurse please|customer service|representative"
            r"|operator|no (?:more )?(?:bots?|robots?))\b"),
        (Command.START_OVER,
            "重新(?:开始|来|填|选|说|挂|预约|弄)|从头(?:开始|来|再来)|重来|重头"
            r"|再来一[次遍](?:吧|$)|全部?(?:重|改)|重填|\b(?:start (?:over|again|from "
            "(?:the )?(?:start|beginning|scratch))|begin again|restart|reset|from the "
            r"(?:start|beginning))\b"),
        (Command.BACK,
            "上一(?:步|个问题|题|条|页)|返回|退回|后退|回(?:到)?(?:上一?步|去|前面|刚才)|"
            "(?:我)?(?:要|想)?改(?:一下|下|正)|(?:刚才|前面|上面)(?:的|那个)?(?:说|选|填"
            "|写|点)?错了?|(?:说|选|填|写|点|搞|弄|打)错了|更正|撤[销回]|不是这个"
            "|不是那个|不对,?(?:是|我|应该|改)|修改一?下?"
            r"|(?<!my )(?<!lower )(?<!upper )(?<!the )\bback(?: please)?[ 。!,]*$|\b"
            "(?:go back(?! to (?:work|school|hospital|home|sleep|my|the))|previous"
                "(?: step| question)?|undo|step back|not that(?: one)?"
            "|change (?:that|it|my answer)|i (?:made a mistake|was wrong|meant)|that'?s "
            r"(?:wrong|not right|not it)|correction|wrong (?:one|button))\b"),
        (Command.REPEAT,
            "(?:再|重新?)(?:说|讲|发|问|念)(?:一)?[次遍下]|重复(?:一)?[次遍下]|没(?:听"
            "|看)(?:清楚?|懂|明白|见)|^什么[? 。]*$|^什么意思|啥意思|^(?:啊|嗯|哈|啥"
            "|什么)[?]+|你(?:刚才?|刚刚)?说(?:的)?(?:是)?(?:什么|啥)|刚才(?:说|问)"
            r"(?:的)?什么|看不懂|听不懂|不明白你|\b(?:say (?:that |it )?again|repeat"
            "(?: that| please)?|pardon(?: me)?|come again|what did you (?:say|ask)"
            "|once more|i (?:did not|didn'?t|don'?t) (?:get|understand|catch)(?: that"
            "| it)?|sorry[?]|what do you mean|what was the question)|^(?:what|huh|sorry"
            "|eh)[ ?.。]*$"),
        (Command.HELP,
            "^(?:帮助|帮帮我|菜单|功能|主菜单|目录|怎么用)[。?!]*$|你(?:能|会|可以)(?:做"
            "|干|帮我?做?)(?:些)?(?:什么|啥|哪些)|(?:有|都有)(?:什么|哪些)功能|怎么"
            "(?:操作|使用|用你|弄|填)|不会(?:用|弄|填|操作)|^(?:help|menu"
            r"|options)[ .。?!]*$|\b(?:what can you do|how does this work|how do i use"
            r"|main menu|help me use|i need help with this)\b"),
        (Command.STOP,
            "算了|不(?:挂|约|预约|弄|填|办|查|看|问|做|搞|聊|说|要|用|需要|想(?:挂|约|弄"
            f"|填|做|说|聊|回答))了|(?:取消|停止|结束|退出){_SERVICE}(?:这个|吧|了|掉|操作"
            "|流程|对话|聊天)?(?=$|[,。 ?吧了])|先这样|到此为止|别(?:弄|问|挂|约|说)了"
            "|下次再(?:说|弄|来|约)|以后再(?:说|弄|约)|打住|^停[。!]*$|^(?:退出|结束|不弄"
            r"|拜拜|再见)|放弃|\b(?:never ?mind|stop(?: it| this| now| asking)?|forget it"
            "|quit|exit|cancel(?! (?:my |the |an? |this |that )?(?:appointment|booking"
            "|reservation|visit|reminder|slot))|no more|i(?:'m| am) done|leave it|abort"
            "|drop it|end (?:this|it|chat)|not now|goodbye|bye|maybe later"
            r"|another time)\b"),
    )
]  # fmt: skip
_CANCEL_SERVICE = re.compile(
    "(?:取消|退)(?:掉|一下|了)?(?:我|的|这个|那个|今天|明天|后天"
    "|下?周[一二三四五六日]|[上下]午|[0-9]+[号日])*(?:预约|挂号|号|提醒|就诊|复诊"
    r"|订单)|(?:预约|挂号|号)(?:给我|帮我|都)?(?:取消|退)|\bcancel (?:my |the "
    "|an? |this |that )?(?:appointment|booking"
    "|reservation|visit|reminder|slot)",
    re.ASCII,
)
_MORE_ZH, _MORE_EN = 8, 16  # characters beside it; with more, the word is part of a story


def find_command(text: str) -> Steer | None:
    """The word that steers, or None. A person is asked for anywhere, all else in few words.

    "my back hurts" and "什么时候能好" tell something and steer nothing.
    """
    same = plain(text)
    for command, words in _WORDS:
        match = words.search(same)
        if match is None:
            continue
        if command is Command.HUMAN:
            return Steer(match.span(), command)
        if command is Command.STOP and _CANCEL_SERVICE.search(same):
            continue
        if _is_all(same, match.span()):
            return Steer(match.span(), command)
    return None


def asks_to_cancel(text: str) -> bool:
    """True for "取消预约": a service, which must not be taken for the end of a talk."""
    return bool(_CANCEL_SERVICE.search(plain(text)))


def _is_all(same: str, span: Span) -> bool:
    """Little else is said than the word that steers."""
    left = rest(same, [span])
    return len(left) <= (_MORE_EN if left.isascii() else _MORE_ZH)
