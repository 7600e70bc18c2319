"""What may speak against a rewording, and the words by which it is known.

The lists hold what must not come from a model. They need not be complete: what they miss meets the
rules of `assistant.grounding`, which let no word through that the source has not.
"""

import re
from enum import StrEnum


class Doubt(StrEnum):
    """Why a rewording is not said."""

    EMPTY = "empty"
    LENGTH = "longer than its source"
    LANGUAGE = "another language"
    MARKUP = "markup, an address or a sign that the source has not"
    LEAK = "speaks of its instructions, or of itself"
    ECHO = "repeats the question"
    NUMBER = "a number that the source has not, or another limit"
    SWAPPED = "a number beside what it does not belong to"
    PLACE = "a place or department that the source has not"
    MEDICINE = "a medicine that the source has not"
    ADVICE = "medical advice that the source has not"
    PROMISE = "a promise that the source has not"
    TOO_WIDE = "all, only, always or free, where the source does not say so"
    TURNED = "allows what the source forbids, or the other way round"
    UNSUPPORTED = "words that the source does not carry"
    LEFT_OUT = "leaves out a warning, a condition or a number of what it tells"


HAN = re.compile(r"[\u3400-\u9fff]")
LATIN = re.compile(r"[a-z]+")
SIGNS = re.compile(r"[^\w\s.,;:!?。、·'\"“”‘’()\-–—~%°《》「」/]|_|//")
ADDRESS = re.compile(r"https?|www\.|\w\.(?:com|cn|org|net|io|gov|edu)\b|\w@\w")
LIST = re.compile(r"(?m)^[^\S\n]*+(?:[-*•]|\d+[.)、])\s")
FOREIGN = re.compile(r"[\u0400-\u06ff\u3040-\u30ff\uac00-\ud7af\u0e00-\u0e7f]")

# Each find that the source has not is a doubt of its kind.
ONLY_FROM_SOURCE: dict[Doubt, re.Pattern[str]] = {
    Doubt.LEAK: re.compile(
        r"提示词|系统提示|指令|角色扮演|语言模型|大模型|人工智能|作为(?:一[个名])?(?:ai|助手|机器人)|原文|文章|根据(?:提供|以上|上述|资料)"
        r"|改写|json|\b(?:as an ai|language model|system prompt|prompts?|instructions?"
        r"|article|rephras\w*"
        r"|assistant|system|developer|openai|provided text|question)\b"
    ),
    Doubt.PLACE: re.compile(
        r"[\u3400-\u9fff](?:科(?!学)|门(?!诊)|处|楼|站|厅|街|库|台|窗口|药房|诊室|病区|病房|中心|路(?!上))"
        r"|(?:内|外|妇|儿|产|眼|皮肤|骨|口腔|急诊|检验|放射|超声|药剂|财务|医保|医务|护理|住院)(?:科|部|处|办)"
        r"|[东南西北左右前后](?:侧|边|门|区|面|走|拐|转)|地下|负\d|二维码|公众号|小程序|网站|官网|热线|app\b"
        r"|\b(?:north|south|east|west|left|right|basement|lobby|hall|desk|window|website"
        r"|hotline|app"
        r"|pharmacy|clinic|department|ward|office|entrance|gate|street|avenue|surgery|cardiology"
        r"|pa?ediatrics?|gyna?ecology|obstetrics|dermatology|dentistry|orthopa?edics|neurology"
        r"|oncology|radiology|emergency)\b"
    ),
    Doubt.MEDICINE: re.compile(
        r"阿司匹林|布洛芬|对乙酰氨基酚|扑热息痛|胰岛素|二甲双胍|华法林|氯吡格雷|头孢|青霉素|激素|止痛药|退烧药|感冒药"
        r"|抗生素|消炎药|降压药|降糖药|安眠药|泻药|维生素|造影剂|麻药|疫苗|保健品|中成药"
        r"|[\u3400-\u9fff]{2}(?:霉素|西林|沙坦|他汀|地平|洛尔|普利|替丁|拉唑|洛芬|沙星|唑仑|西泮)"
        r"|[\u3400-\u9fff]{2}(?:胶囊|颗粒|注射液|口服液|滴眼液|软膏|糖浆)"
        r"|\b(?:aspirin|ibuprofen|paracetamol|acetaminophen|insulin|metformin|warfarin"
        r"|clopidogrel"
        r"|antibiotics?|painkillers?|steroids?|vitamins?|vaccines?|laxatives?"
        r"|\w+(?:cillin|mycin|statin"
        r"|prazole|sartan|olol|pril|dipine|floxacin|azepam))\b"
    ),
    Doubt.ADVICE: re.compile(
        r"诊断|确诊|疑似|可能是|应该是|多半是|处方|剂量|用量|服用|口服|吃药|用药|停药|停用|停服|换药|加量|减量|加倍|减半|外用|涂抹|注射|输液"
        r"|治疗|治好|治愈|病情|症状|并发症|副作用|不良反应|感染|炎症|肿瘤|癌|手术|复查|随访|检查(?=一下)|化验|抽血|空腹|禁食|忌口|饮食|喝水|休息"
        r"|多喝|少吃|锻炼|热敷|冷敷|按摩|不严重|没问题|没事|不要紧|无大碍|问题不大|别担心|不用担心|不必担心|放松心态|早日康复|对症"
        r"|\b(?:diagnos\w*|prescri\w*|dos(?:e|es|age|ing)|tablets?|pills?|medicat\w*"
        r"|treat(?:ed|ment)?|therap\w*"
        r"|symptoms?|infect\w*|cancer|tumou?r|side effects?|surger\w*|rest|drink|fasting"
        r"|fast|diet|exercise"
        r"|don't worry|do not worry|no need to worry|not serious|nothing serious|harmless"
        r"|probably|likely"
        r"|recommend\w*|advi[sc]e\w*|should take|stop taking|cure\w*|heal\w*|get well|safe)\b"
    ),
    Doubt.PROMISE: re.compile(
        r"保证|肯定|一定(?!要|得)|确保|绝对|承诺|包您|包你|放心|马上|立刻|立即|尽快|优先|我(?:会|来|将|们会|们将|已)|(?:已经?|会|将"
        r"|来)?(?:为|帮|替|给)您(?!打|电话)"
        r"|已(?:经)?(?:预约|安排|登记|通知|办|转)|稍后|回电|联系您|赔|退款|优惠|折扣|赠送|补贴"
        r"|\b(?:guarantee\w*|promis\w*|definitely|certainly|surely|absolutely|for sure"
        r"|i will|i'll|i can|i have|i've|i am"
        r"|i'm|we will|we'll|we have (?:booked|arranged)|immediately|right away|asap"
        r"|booked for you|call you back"
        r"|refund\w*|discount\w*|compensat\w*|rest assured|sure)\b"
    ),
    Doubt.TOO_WIDE: re.compile(
        r"就(?:可以|能)(?=[\u3400-\u9fff])|所有|全部|任何|一律|全都|统统|随时|永远|一直|总是|从来|唯一|只有|仅限?|只要|只需|只能|免费|不收费|不要钱|不花钱|全额|全免|全天|无限"
        r"|不限|每个人|人人|谁都"
        r"|\b(?:all|any|anyone|anybody|anything|anytime|anywhere|always|only|every(?!day)"
        r"|everyone|everybody"
        r"|everything|free|unlimited|fully|entire(?:ly)?|whenever|wherever|no matter|never)\b"
    ),
}  # fmt: skip
RATES = frozenset({"分", "时", "天", "周", "月", "年", "次"})  # "an hour" says of what a price is
TAME = frozenset({  # what looks like a place, and is none
    "好处", "到处", "别处", "部门", "专门", "上门", "开门", "出门", "进门", "各科", "哪科", "一处",
})  # fmt: skip

WARNING = re.compile(
    r"(?<!\d)120(?!\d)|请勿|切勿|不要|勿|别(?=[^的人处墅])|禁止|严禁|不得|不允许|不准|必须|务必|一定要|危急|危险|紧急|紧要|立即|立刻"
    r"|^never\b|\b(?:must|do not|don't(?! need| have)|danger|at once|immediately)\b"
)
ORDER = {
    "before": re.compile(r"前|\b(?:before|until)\b"),
    "after": re.compile(r"后|\b(?:after|once)\b"),
}
CHOICE = re.compile(r"或|\bor\b")
STATE = re.compile(r"停诊|开诊|休息|开放|关闭|照常|暂停|恢复|停用|\b(?:open|close|never)")
STATE_PART = re.compile(r"[停开休息放关闭照常]|^(?:open|clos|never)")
LIMITS = frozenset({"max", "min", "under", "over"})
SHUT = frozenset({"停诊", "休息", "关闭", "暂停", "停用", "close", "never"})
EXCEPTION = re.compile(
    r"^还?(?:需要?|要)(?!的)|除外|除了|除非|例外|但|不过|另算|\b(?:except|unless|but|however|otherwise)\b"
)
HEDGE = re.compile(
    r"除外|除了|除非|例外|一般|通常|大多|大约|(?<![预爽])约|可能|也许|原则上|视情况|部分|符合|以.{0,8}为准"
    r"|\b(?:unless|except|usually|generally|normally|perhaps|may be|mostly|some|partly"
    r"|where the rules allow|about)\b"
)
CONDITION = re.compile(
    r"^(?:如|若|凡|要是|没|未|第一次|对于?|符合|已)|(?:的|时|者|的话|后|前)$|^(?:if|when|where|with|without|for)\b"
)
