"""Whether a message is a complaint, whose it is and since when, and not a word more.

Of "头疼怎么办" a model can weigh nothing: what would make it urgent is not said, it must be asked.
"""

import re

from assistant.reading.spelling import plain
from triage.findings import Known
from triage.interview_rules import Rules
from triage.outcome import complaints_of

# The level of a complaint of which nothing else is known; up to 3 it may be grave.
ORDINARY_FROM = 4
MOST = 40  # characters; who writes more says more
_SOMEBODY = (
    r"(?:我(?:的|家|们)?)?(?:孩子|小孩|宝宝|宝贝|娃儿?|儿子|女儿|闺女|妈妈?|爸爸?|母亲|父亲|老公|老婆"
    r"|爱人|丈夫|妻子|奶奶|爷爷|姥姥|姥爷|外婆|外公|老人|家人|朋友)|俺|我|本人|自己|他|她"
)
_SINCE = (
    r"(?:(?:从|打)?(?:今天|昨天|前天|今早|昨晚|早上|上午|中午|下午|晚上|夜里|半夜|上周|上个?月|最近|近来|这两天"
    r"|这几天|这阵子|刚刚?)(?:开始|起)?)"
    r"|(?:有|都|已经|快)?(?:好?几|[0-9]+|[一二两三四五六七八九十半]+)(?:个)?多?(?:天|日|周|星期|礼拜|月|年|小时|次|回)(?:多)?"
)
_HOW = (
    r"有一?点儿?|有些|老是|总是|总|老|经常|常常|偶尔|一直|反复|断断续续|一阵一阵|时不时|时好时坏"
    r"|隐隐|轻微|稍微|不太|又|也|还|都|就|得了?|了|的"
)
_ASKS = (
    r"请问|你好|您好|医生|大夫|护士|谢谢|怎么办|咋办|咋整|怎么回事|咋回事|怎么弄|怎么处理"
    r"|[挂看去](?:什么|哪个|啥)科|要紧吗|要不要紧|严重吗|(?:是)?什么原因"
    r"|要不要(?:去)?(?:看医生|医院|看)|求助|啊|呀|呢|吧|吗|么"
)
_ENGLISH = (
    r"\b(?:i'?ve|i|have|had|has|having|got|an|a|the|my|some|mild|slight|bit|of|for|since|been|is|are|am|and|on|off|it|"
    r"son|daughter|child|kid|baby|mum|mom|mother|dad|father|wife|husband|hello|hi|please|thanks|doctor"
    r"|what|should|do|can|to|about|yesterday|today|this|last|morning|night|week|days?|weeks?|months?"
    r"|one|two|three|four|five|few|couple|[0-9]+)\b"
)
_VAGUE = re.compile(r"感冒|着凉|受凉|\ba cold\b")  # no sign by which anybody could ask on
# Atomic: what was read once is read one way only, so "刚刚刚刚…" costs no more than its length.
_FRAME = re.compile(rf"(?>{_SOMEBODY}|{_SINCE}|{_HOW}|{_ASKS}|{_ENGLISH}|[\s,.。?!~…'’])*+")


def is_bare(words: str, rules: Rules) -> bool:
    """One ordinary complaint: what may be grave, or comes with another, is weighed as a whole.

    What has a red flag in it never comes here; it was answered at the door.
    """
    if len(words) > MOST:
        return False
    findings = rules.read_signs(words)
    if not findings.signs and _VAGUE.search(plain(words)):
        return _FRAME.fullmatch(_VAGUE.sub(" ", plain(words))) is not None
    complaints = complaints_of(findings, rules)
    if not complaints or min(each.level for each in complaints) < ORDINARY_FROM:
        return False
    named = max((findings.quotes[each.id] for each in complaints), key=len)
    if any(
        known is not Known.PRESENT or findings.quotes[sign] not in named  # it says more than this
        for sign, known in findings.signs.items()
    ):
        return False
    return _FRAME.fullmatch(plain(words.replace(named, " ", 1))) is not None
