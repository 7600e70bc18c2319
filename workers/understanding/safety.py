"""Plain phrases that raise what the model says: a wish for a person, a crisis. They never lower.

The red flags at the door come first and hold far more; this is the last net under the model.
"""

import re
from dataclasses import replace

from triage.labels import Distress, Understanding, Urgency

SAID_OUTRIGHT = 0.95  # 0 to 1: confidence where the words themselves leave little doubt

_WISH_FOR_A_PERSON = re.compile(
    r"""
    (转|接|找|要|叫|换|召唤|来个|给我个?|说|跟|揾)[^,。,.!?]{0,4}(人工|真人|活人)
        (?!流产|授精|受精|关节|耳蜗|晶|智能|呼吸|心|肾|泪)
    | 人工(客服|服务|座席|坐席)
    | ^人工[!!。.]*$
    | (有没有|哪有|叫个?|找个?|让)(真人|活人|护士(?!站)|值班医生)
    | 护士(姐姐|小姐姐|小姐)?(在吗|在不在|在线吗)
    | (?<!别)(?<!不要)(?<!不用)(给|跟)我(回|打|来)(一?个|一?通)电话(?!说|讲|通知|让|了)
    | (回|打)(一?个|一?通)电话(给我|过来)(?!说|讲|通知|让|了)
    | 派个?(人|护士|医生|大夫)(来|跟|给|过来)
    | (找|叫|喊|来|换)个?(能拍板|管事|负责|说了算)的
    | (叫|喊|找)个?(医生|护士|大夫)(来|给|跟)(我|他|她|我们)?.{0,2}(说|讲|谈|看|回)
    | \b(talk|speak|chat)\s(to|with)\s(an?\s|some|any)?\s?(real\s|actual\s|live\s)?
        (human|person|nurse|someone|somebody|agent|body|one)\b
    | \b(real|actual|live)\s(person|human|agent)\b
    | \btransfer\s(me\s)?(to\s)?(an?\s)?(agent|human|nurse|person)\b
    | \bget\sme\s(the\s|a\s|your\s)?(boss|manager|supervisor|nurse|human|person)\b
    | \b(someone|somebody|a\snurse|a\sdoctor|please|pls)\s(please\s)?(call|ring|phone)\sme\b
    | ^(human|agent|operator|representative)(\splease|\spls|\snow)?[.! ]*$
    """,
    re.VERBOSE,
)
_NOT_A_WISH = re.compile(
    r"(真人|人工)还是|是(真人|人工)|(are|is)\s(you|it|this)\s(a|an)\s(real|actual|live)"
)

_CRISIS = re.compile(
    r"""
    不想活了 | 不想再活 | 活不下去了
    | (想|要|准备|打算)(自杀|轻生|自尽|割腕|跳楼|上吊|结束(自己|生命|一切)|了结自己)
    | (割了|划了)(手腕|腕)
    | 写好?了?遗书 | 遗书(都|已经|也)?写
    | 杀了(他|她|你们?|那个|自己) | (想|要)(伤害自己|弄死(他|她|自己))
    | \b(kill|hurt|harm|cut)(ing)?\smyself\b | \bend\s(my\slife|it\sall)\b
    | \bwant(ed)?\sto\sdie\b | \bsuicidal\b
    """,
    re.VERBOSE,
)
# Somebody jokes, denies, asks in general, or speaks of long ago: the model alone decides.
_HARMLESS_FRAME = re.compile(
    r"哈哈|开玩笑|游戏|电影|电视|新闻|小说|预防|以前|曾经|不会(想|要)|没有?(想|要)|不是(想|要)|lol|haha|movie|never\swant"
)


def raise_where_plain(said: Understanding, text: str) -> Understanding:
    """Raise wish, distress and urgency where the normalised text says it in plain words."""
    if not said.wants_human and asks_for_person(text):
        said = replace(said, wants_human=True)
    if said.distress is not Distress.CRISIS and speaks_of_crisis(text):
        said = replace(said, distress=Distress.CRISIS, distress_confidence=SAID_OUTRIGHT)
    if said.distress is Distress.CRISIS and said.urgency < Urgency.EMERGENCY:
        # A crisis is an emergency by definition; the two heads must not contradict each other.
        said = replace(said, urgency=Urgency.EMERGENCY)
    return said


def asks_for_person(text: str) -> bool:
    return bool(_WISH_FOR_A_PERSON.search(text)) and not _NOT_A_WISH.search(text)


def speaks_of_crisis(text: str) -> bool:
    return bool(_CRISIS.search(text)) and not _HARMLESS_FRAME.search(text)
