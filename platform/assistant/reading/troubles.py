"""Everyday troubles of a visit: a card left at home, a full car park, a number that was missed.

Their "怎么办" sounds to a model as a cry for help. Only a message that holds nothing else is one.
"""

import re

from assistant.reading.spelling import plain

_THING = (
    r"(?:(?:医保|社保|就诊|健康|银行|身份|诊疗|住院|停车)?卡|电子凭证|医保码|二维码|身份证|证件|户口[本簿]|护照"
    r"|病历本?|发票|收据|小票|(?:挂号|检查|化验|缴费|报告|预约|处方)?单子?|报告|预约[码号]|手机|钱包|钥匙"
    r"|衣服|外套|眼镜|帽子|围巾|充电器|耳机|雨伞|伞|行李|背包|书包|水杯|东西|现金|密码|停车[场位]|车位|票|号)"
)
_AROUND = (
    r"(?:对了|那个?|请问|问一?下|你好|您好|护士|医生|老师|我们?|你们?|如果|要是|万一|今天|昨天"
    r"|刚才|突然|不小心|好像|都|也|又|全|把|给|的|,|[.!~ ])*"
)
_PLACE = r"(?:你们?)?(?:医院|门诊|家|车上|出租车上|诊室|窗口)里?面?"
_GONE = (
    rf"(?:忘记?了?(?:带|拿)?|没有?(?:带|拿|电)够?|(?:弄|搞)?丢(?:在?{_PLACE})?|掉(?:在?{_PLACE})?了?"
    rf"|[落忘]在?{_PLACE}|遗失|找不[到着]|不见|坏|过期|停?满|不够|被偷|消磁|刷不[出了]|打不开|取不[出了])"
)
_TAKEN = r"(?:忘记?了?(?:带|拿)|没有?(?:带|拿)|丢了?|弄丢了?|找不[到着])"
_LATE = (
    r"(?:快|要|可能|已经|路上|堵车|会)*(?:迟到|晚到|来晚|过号|堵车)|号(?:都|也)?过|堵车了?(?:来不及|赶不[上到过]来?)"
    r"|停?满|挂错(?:号|科室?)|约错(?:时间|号)?|排不上号?|[抢挂]不[到上]号|(?:缴费|付款|支付)失败"
    r"|带?钱(?:没|不)(?:带)?够"
)
_CRY = (
    r"(?:了|啦|的|呢|啊|呀|吗|吧|,|[.!?~ ])*"
    r"(?:(?:该|应该|要|可)?(?:怎么[办弄搞找]|咋[办整弄]|怎么处理|如何是好|找谁)"
    r"(?:了|呢|啊|呀|好|,|[.!?~ ])*)?"
    r"(?:(?:好|真|很)?着?急(?:死)?(?:人|我)?(?:了|啊|呀)*|在线等|救命|帮帮我|[.!?~ 😭😢😫])*"
)
_ZH = re.compile(rf"{_AROUND}(?:{_THING}{_AROUND}{_GONE}|{_TAKEN}{_AROUND}{_THING}|{_LATE}){_CRY}")
_EN = re.compile(
    r"(?:hi|hello|hey|oh no|help|sorry|so|,|[.! ])*(?:i(?:'ve| have)?|we|my)? ?(?:just )?"
    r"(?:(?:lost|forgot|left|misplaced|can'?t find|cannot find|dropped) (?:to bring )?(?:my |the )?"
    r"(?:insurance |id |identity |health |bank |parking )?"
    r"(?:card|id|passport|phone|wallet|keys?|bag|umbrella|ticket|report|receipt|number)"
    r"(?: (?:at home|at the hospital|in the (?:car|taxi)))?"
    r"|(?:am|'m|will be|'ll be|might be)? ?(?:running )?late(?: for my (?:appointment|visit))?"
    r"|missed my (?:turn|number|appointment))"
    r"[,.! ]*(?:what (?:should|do|can) i do|what now|help|please help)?(?: now| please)?[.!? ]*",
)


def is_everyday(words: str) -> bool:
    """Whether a message is such a trouble and nothing else."""
    same = plain(words).strip()
    return len(same) <= 60 and bool(_ZH.fullmatch(same) or _EN.fullmatch(same))
