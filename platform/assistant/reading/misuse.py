"""What has its own plain answer: attempts to re-instruct, abuse and threats, and other topics.

Rules, to be read and disputed; a message that also tells of an illness is never out of scope.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from assistant.reading.spelling import plain
from triage.reading import Span


class Misuse(StrEnum):
    INJECTION = "injection"
    THREAT = "threat"
    ABUSE = "abuse"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class Misused:
    span: Span
    kind: Misuse
    topic: str = ""  # of what is out of scope: weather, money, homework, code, politics, chat


_RULES = [
    (kind, topic, re.compile(words, re.ASCII))
    for kind, topic, words in (
        (
            Misuse.INJECTION,
            "",
            "(?:忽略|无视|忘记|忘掉|不要管|跳过|绕过|抛开)(?:你|掉|之前|以上|上面|前面"
            "|先前|所有|全部|一切|的|任何|这些|系统|安全)*(?:指令|指示|规则|设定|提示词?"
            "|限制|要求|命令|约束|内容|审核)"
            "|(?:你现在|从现在起,?你|现在开始,?你|接下来你|请你)(?:就)?(?:是|扮演|充当"
            "|变成|作为|当)(?:一[个名位])?(?:没有限制的|不受限制的)?(?:医生|主任|专家"
            "|大夫|医师|药师|管理员|黑客|开发者|chatgpt|gpt|dan|猫|女朋友|律师|老师)"
            "|(?:扮演|假装|假设|假如)(?:你)?(?:是|成)?(?:一[个名位])?(?:没有限制的)?"
            "(?:医生|主任|专家|大夫|医师|药师|管理员|开发者)|系统提示词?|(?:输出|显示"
            "|告诉我|打印|重复|泄露)(?:你|的|一下|全部|完整)*(?:提示词|系统指令|初始指令"
            "|内部规则|后台|密钥|prompt)|开发者模式|越狱模式?|解除限制|管理员模式"
            "|进入.{0,6}模式"
            "|(?:查|看|给|显示|告诉)(?:我|一下)*(?:别的|其他|其它|所有|全部|另一个)"
            "(?:病人|患者|人)的?(?:病历|报告|信息|电话|资料|记录)"
            r"|\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:instructions?"
            r"|rules|prompts?|guidelines|restrictions|guardrails|above|said before)\b|\b"
            r"(?:system|initial|hidden|developer) (?:prompt|message|instructions?)\b"
            r"|\byou are (?:now )?(?:a |an |my )?(?:doctor|physician|dan|jailbroken"
            r"|unrestricted|admin|hacker|pharmacist|pirate|root)\b|\b(?:pretend|act"
            r"|roleplay|role-play|behave)\b.{0,16}\b(?:doctor|physician|dan|admin|no "
            r"(?:rules|limits)|unrestricted|pharmacist|surgeon)\b|\b(?:jailbreak"
            r"|developer mode|debug mode|god mode|sudo|prompt injection|dan mode)\b|</?"
            r"(?:system|assistant|instructions?)>|\[(?:inst|system)\]|###? ?(?:system"
            r"|instruction)|\b(?:show|list|give|tell|dump|print|reveal)\b.{0,20}\b(?:other"
            r"|all|another|every) patients?|\b(?:reveal|print|show|repeat"
            r"|output)\b.{0,16}\b(?:your (?:prompt|instructions|rules|secrets?)|api key"
            r"|password)\b|\bselect \* from\b|\bdrop table\b|' or '?1'?=",
        ),
        (
            Misuse.THREAT,
            "",
            "(?:弄死|砍死|杀了?|打死|捅死?|砍|整死|炸|(?<![发高低退])烧)(?:了)?(?:你们?"
            "|他们?|她|医生|护士|那个?医生|那个?护士|医院|大夫)(?!才)|(?:让|叫|要)"
            "(?:你们?|医生|护士)(?:不得好死|好看|偿命|付出代价|死|吃不了兜着走)|(?:你们?"
            "|医生|护士)(?:给我)?(?:等着|小心点|走着瞧)|带(?:刀|人)(?:来|去|过来|上门)"
            "|砸了?(?:你们)?(?:医院|诊室|门诊)|杀你?全家|同归于尽|找人(?:弄|收拾|打)你"
            r"|\b(?:i(?:'ll| will|'m going to| am going to|'m gonna| gonna| want to)?) "
            "(?:kill|shoot|stab|hurt|beat(?: up)?|burn|bomb|destroy|attack|murder)"
            "(?: down)? (?:you|him|her|them|the (?:doctor|nurse|hospital)|that (?:doctor"
            r"|nurse)|your|this (?:hospital|place)|all of you|every(?:one|body))\b|\byou"
            r"(?:'ll| will| are going to) (?:pay for this|regret (?:this|it)|die)\b"
            r"|\bwatch your back\b|\bbring a (?:gun|knife)\b|\bi know where you (?:live"
            r"|work)\b",
        ),
        (
            Misuse.ABUSE,
            "",
            "傻[逼比叉b×x子屌]|煞笔|沙雕|[操艹草日]你(?:妈|大爷|全家|祖宗)?|你妈[的逼比]"
            "|真?他妈的(?=$|[,。? !什破烂能到会就怎真])|(?:真|都"
            "|又)他妈(?=[能到什就快不])|(?<![他她我你])妈的(?=$|[,。! ?])|妈逼|尼玛|nmsl"
            "|cnm|tmd|sb(?![a-z])|滚(?:开"
            "|蛋|犊子|$|[,。!])|去死|王八蛋?|混蛋|畜生|贱人|婊子|狗(?:东西|屁|日|娘|医)"
            "|垃圾(?:医院|系统|机器人|玩意|东西|客服|ai|软件|程序|护士|医生|$)|废物|白痴"
            "|智障|脑残|弱智|蠢(?:货|猪|$|死)|饭桶|骗子|不要脸|放屁|有病吧你?|神经病(?!科"
            "|学|变)吧?|什么(?:破|烂|垃圾|狗屁)(?:医院|系统|玩意|东西|机器人|软件)|草泥马"
            "|cao你"
            r"|\b(?:fuck(?:ing|er|ed)?(?: (?:you|off|this))?|shit(?:ty)?|bullshit|bitch"
            "|asshole|bastard|idiots?|morons?|stupid (?:bot|robot|machine|system|hospital"
            "|nurse|doctor|thing|ai|app)|you(?:'re| are)? (?:so |all |a |such an? )*"
            "(?:stupid|dumb|useless|idiots?|pathetic|worthless|liars?|trash|garbage)"
            "|dumbass|screw you|piss off|shut up|go to hell|crap|useless (?:bot|robot"
            r"|piece|machine|hospital|thing)|damn you|wtf|stfu|retard(?:ed)?|scumbag)\b",
        ),
        (
            Misuse.OUT_OF_SCOPE,
            "weather",
            "(?:今天|明天|后天|周末|[一-鿿]{2,3})?(?:的)?天气(?!.{0,6}(?:咳|疼|痛|痒|难受"
            "|不舒服|发作|过敏|犯))(?:怎么样|如何|好吗|预报|热不热|冷不冷|会|$)|(?:会不会"
            r"|要不要|明天|今天)(?:下雨|下雪|带伞)|几度(?:了|啊)?$|\b(?:weather|forecast"
            r"|will it rain|rain tomorrow)\b",
        ),
        (
            Misuse.OUT_OF_SCOPE,
            "money",
            r"股票|股市|基金|炒股|比特币|彩票|买房|房价|理财|汇率|大盘|涨停|中奖|贷款|\b"
            "(?:stocks?(?: price| market| tip)?|bitcoin|crypto|lottery|exchange rate"
            r"|mortgage|invest(?:ing|ment)?|forex)\b",
        ),
        (
            Misuse.OUT_OF_SCOPE,
            "homework",
            "(?:写|做|帮我?写|来)(?:一)?[篇首份个](?:作文|诗|论文|文章|作业|演讲稿|情书"
            "|检讨|小说|故事)|作业|数学题|解方程|翻译(?:一下|成|这)|写(?:作文|论文|诗"
            r"|情书)|[0-9]+ ?[+*×÷] ?[0-9]+ ?(?:=|等于|是多少)|背诵|考试答案|\b(?:homework"
            "|essay|write (?:me )?(?:a |an )?(?:poem|essay|story|letter|song)|translate "
            r"(?:this|the|into)|solve (?:this|the|for)|equation|math problem|term paper)\b",
        ),
        (
            Misuse.OUT_OF_SCOPE,
            "code",
            "写(?:一?[个段])?(?:代码|程序|脚本|爬虫|网站|sql|python|java)|(?:python|java"
            r"|javascript|sql|c\+\+|php)(?:代码|程序|怎么)|编程|爬虫|\b(?:python"
            r"|javascript|java code|c\+\+|html|write (?:some |a )?(?:code|script|program"
            r"|function)|debug (?:my|this)|programming|sql query)\b",
        ),
        (
            Misuse.OUT_OF_SCOPE,
            "politics",
            "总统|主席(?!台)|选举|台独|政治|共产党|国民党|民主党|共和党|特朗普|拜登|普京"
            r"|习近平|打仗|战争|台海|领导人|六四|\b(?:president|election|politic(?:s|al"
            "|ian)|trump|biden|putin|democrats?|republicans?|war in|communist"
            r"|government)\b",
        ),
        (
            Misuse.OUT_OF_SCOPE,
            "chat",
            "讲(?:个|一个)(?:笑话|故事)|唱(?:首|一首|个)歌|你(?:喜欢|爱)(?:我|什么)|做我"
            "(?:女|男)朋友|你(?:多大|几岁|结婚)了|(?:推荐|放|找)(?:一?[部首个]|点|些)?"
            "(?:电影|电视剧|歌|游戏|小说|餐厅|美食|外卖)|世界杯|足球|篮球|nba(?![a-z])"
            r"|王者荣耀|打游戏|(?:火车|飞机|机|高铁)票|(?:点|叫|订)外卖|打车|快递|\b"
            "(?:tell me a (?:joke|story)|sing|do you love|be my (?:girlfriend|boyfriend)"
            "|recommend (?:a |some |me )?(?:movies?|restaurants?|games?|songs?|books?)"
            "|football|soccer|basketball|world cup|video games?|book (?:a )?(?:flight"
            r"|hotel|taxi|train)|order (?:pizza|food))\b",
        ),
    )
]
# Whoever tells of an illness is in the right place, whatever else is said.
_ILL = re.compile(
    "[疼痛痒晕烧咳吐泻血肿]|难受|不舒服|过敏|挂号|预约|报告|吃药|药|医保|住院"
    r"|受伤|骨折|扭伤|摔|看病|门诊|检查|发炎|感冒|\b(?:pain|hurts?|fever|sick|ill"
    "|cough|bleed(?:ing)?|appointment|doctor|medicine|report|dizzy|rash|injur"
    r"(?:ed|y)|sprain(?:ed)?|ankle|swollen)\b",
    re.ASCII,
)


def find_misuse(text: str) -> Misused | None:
    """The first of: re-instruction, threat, abuse, another topic; None for what belongs here."""
    same = plain(text)
    for kind, topic, words in _RULES:
        match = words.search(same)
        if match is None or not match[0]:
            continue
        if kind is Misuse.OUT_OF_SCOPE and _ILL.search(same):
            continue
        return Misused(match.span(), kind, topic)
    return None
