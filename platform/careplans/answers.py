"""What a patient's answer to a reminder means: by rule, in Chinese and English, and pure.

It answers for what is plainly an answer. A symptom, a dose that was not as planned, or a question
is not: whoever calls hands those on as any other message. "好的" says that it was read, not that
the medicine was taken.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from careplans.models import Reason


class Meaning(StrEnum):
    TAKEN = "taken"
    LATER = "later"
    NOT = "not"
    REFILL = "refill"
    STOP = "stop"
    NOTED = "noted"  # read, and no word of the medicine
    WORRIED = "worried"  # a symptom, or something went wrong: an ordinary message
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Answer:
    meaning: Meaning
    minutes: int | None = None  # of LATER, where said
    reason: str = ""  # of NOT, one of models.Reason
    taken: bool = False  # of what worries or runs out: was this dose taken nevertheless?


# Beyond these it tells a story, which a person or a model has to read; in Chinese sooner.
MOST_CHARS, MOST_CHARS_ZH = 80, 40
MOST_MINUTES = 12 * 60

_HAN = re.compile(r"[\u4e00-\u9fff]")
_DIGITS = {"一": 1, "二": 2, "两": 2, "俩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}  # fmt: skip
_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10,
    "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "sixty": 60,
}  # fmt: skip
_COUNT = r"\d{1,3}|[一二两俩三四五六七八九]?十[一二三四五六七八九]?|[一二两俩三四五六七八九]"
_EN_COUNT = r"\d{1,3}|" + "|".join(sorted(_WORDS, key=len, reverse=True))

_STOP = re.compile(
    r"(别|不要|不用|不必|停止|取消|关掉|关闭|停了)(再|一直|老)?(给我|跟我)?(发|推|来)?(送)?(这个|这些|吃药|用药|服药)*(的)?提醒"
    r"|(别|不要)再(给我)?(发|烦|催)|(别|不要|不用)(再|天天|老是?|总是?|一直)*(给我|跟我)?(发|烦|催)了|提醒(可以)?(停|取消|关)"
    r"|退订|^td$|unsubscribe|opt out|stop (remind|send|text|messag|the remind|these)|no more remind|(don'?t|do not) remind"
    r"|cancel (the |my |these )?remind|turn off (the )?remind"
)
_OVERDOSE = re.compile(
    r"(多|重复)(吃|服|喝|打)了|(吃|服|喝|打)(多|错|重)了|(吃|服)了(两|2|三|3)(次|遍|回)|(吃|服|打)成了?(两|2|双|三|3)|吃错"
    r"|(took|taken|had) (it )?(twice|two times|too (much|many)|double|the wrong)|double dose|overdos"
)
_SYMPTOM = re.compile(
    r"头晕|头昏|头疼|头痛|恶心|想吐|呕吐|吐了|拉肚子|腹泻|肚子(疼|痛)|胃(疼|痛|不舒服|难受)|皮疹|起疹|疹子|过敏|痒|肿|水肿"
    r"|喘|胸闷|胸(口)?(疼|痛)|心慌|心悸|发烧|发热|高烧|出血|流血|便血|黑便|难受|不舒服|不适|乏力|没力气|晕倒|昏倒"
    r"|看不清|手抖|发抖|冒汗|出冷汗|抽筋|吃不下|咽不下|副作用|不良反应|血压(高|低|太|很)|血糖(高|低|太|很)|害怕|担心|不想活|(好|很|越来越|还)?(疼|痛)(得|死|了|厉害)?"
    r"|dizz|headache|nause|vomit|threw up|throw(ing)? up|diarr|rash|hives|itch|swell|swollen|short of breath"
    r"|can'?t breathe|chest|palpitation|fever|bleed|pain|hurt|unwell|feel(ing)? (sick|bad|ill|weak|faint)"
    r"|side effect|allerg|faint|worried|scared"
)
_NO_SYMPTOM = re.compile(
    r"(没有?|无|不)(再|什么|啥|觉得|感到)?(头晕|头昏|头疼|头痛|恶心|想吐|疼|痛|痒|不舒服|难受|不适|副作用|不良反应|过敏|发烧)(了)?"
    r"|\bno (more )?(pain|side effects?|fever|rash|nausea)"
)
_QUESTION = re.compile(
    r"[??]|吗|嘛$|(?<!还没起床)(?<!还没吃)(?<!还没醒)呢$|么$|能不能|可不可以|可以不|会不会|要不要|是不是|怎么|什么|多久|为什么|咋|哪"
    r"|^(can|could|should|may|do|does|is|are|what|when|why|how|which|will) "
)
_PARTLY = re.compile(
    r"(吃|服|喝|用)了(一半|半片|半粒|一部分|一点)|只(吃|服|喝)了|(one|some) of them|only (took|one|half)|half of"
)
_RUNS_OUT = re.compile(
    r"(吃|用|服|喝)(完|光|没)了?(都|就|又)?(要|想|得|该|需要?|去|怎么|咋)(续|开|配|再开|买)|药?(快|就要|马上|快要)(吃|用|服|喝)?(没|完|光)(药)?了?|(药|片|粒|支)?(不多|剩得?不多|所剩不多|没几(片|粒|天|支))了?"
    r"|(只|就)(剩|有)(下)?了?.{0,5}(片|粒|天|支|颗|盒)|快断药|(需要?|要|想|得|该)(续方|续药|开药|配药|再开)|再(开|配)(一?点|些|一?盒)"
    r"|running (out|low)|run(s)? out soon|almost (out|gone|finished)|nearly (out|finished)|refill|few (pills|tablets|left)"
    r"|only .{0,15} left"
)
_NONE_LEFT = re.compile(
    r"没(有)?药(了|吃)?|药(没|吃完|用完|都?完)了|断药|(药)?(吃|用)光了|药不?在(身边|家)|没带药|没带"
    r"|no (more )?(pills|tablets|medicine|meds)|(ran|am|i'm|all|run) out|none left|don'?t have (it|any|the)"
)
_DOCTOR = re.compile(
    r"(医生|大夫|医师|护士|主任)(说|让|叫|建议)?(我)?(停|不用|不要|别|先不|换|先停)|停药了|已经停了|换药了"
    r"|(doctor|dr\.?|nurse) (said|told|asked|wants).*(stop|not|pause)|was (stopped|changed)"
)
_FORGOT = re.compile(
    r"忘(了|记|吃|掉)(?!说|回|告诉|讲|点|跟)|没想起|没记(得|住)|漏(吃|服|了)|forgot(?! to (say|tell|reply|answer|write))|forget(?! to)|missed (it|that|the)|slipped my"
)
_REFUSED = re.compile(
    r"(不|没|先不|就不|暂不)(想|愿意?)?(吃|服|喝|用|打)(药|了|这个|它|这次)?|跳过|略过|算了|不吃|没有吃|没有服"
    r"|(暂时)?不(需要|用)了?$|skip|not (needed|taking|taken|this time|today|going to)|won'?t|don'?t (want|need)|didn'?t (take|have)|did not take|haven'?t taken|^no$|^nope$|^没$|^没有$|^不$"
)
_NOT_YET = re.compile(
    r"还没(有)?(吃|服|喝|到|来得?及|用|打)?|^在(开会|上班|忙|外面|路上|开车|吃饭|睡觉)|等(一?下|一?会|会儿|等|吃|饭|我|到|回)|(过|待|一)(一?会儿?|会儿|阵)"
    r"|晚(点|一点|些|一些|上再|饭后)|稍(后|等|晚)|迟(点|一点|些)|回头|一会儿?|马上|这就|正(要|准备|在)(吃|服|去)?|就(去|来)(吃|服)?|准备吃"
    r"|待会儿?|(睡前|饭后|回家|下班|吃完饭|到家)(后|再|就|了)?(再)?(吃|服|喝|用)(?!过|了|完)|再提醒|提醒我|后(再)?(吃|服|提醒|说)(?!过|了|完)"
    r"|later|not yet|in a (bit|minute|moment|while|sec)|wait|soon|remind me|snooze|after (lunch|dinner|breakfast|work|my meal)"
    r"|about to|will (take|do)|going to take|i'?ll (take|do)|give me|on my way|\bbusy\b"
)
_TAKEN = re.compile(
    r"(吃|服|喝|用|打|涂|滴|贴|注射|含|吸)(过|完|好|下去?|上|掉|药)*了|已(经)?(吃|服|喝|用|打|注射|完成)|(吃|服|喝|用|打)(过|好|完)(药)?$"
    r"|^(嗯|恩|对|是的?|好的?|哦|噢|搞定|完成|ok)*(吃|服)(了|过)?$|(吃|服|喝|打)(咯|喽|啰|哒|嘞|噻)|食[咗左]|服药完(成|毕)|完成了?|搞定|刚(刚|才)?(吃|服|喝|用|打)|按时(吃|服|用|打)|都吃"
    r"|\bdone\b|\btaken\b|\btook\b|swallow|\bjust had (it|them)|had (my|the) (pill|med|tablet|insulin|dose)|\bfinished\b|injected|all good|✅|👌|💊|\byes\b|\byep\b|\byeah\b"
)
_NOTED = re.compile(
    r"^(嗯|恩|好[的嘞滴]?|行|可以|知道了?|收到|了解|明白了?|谢谢你?您?|多谢|哦|噢|ok(?:ay|ey)?|got it|noted|thanks|thank you|sure|fine|👍|🙏|[,.,。!! ])+(啦|了|哈|的)?$"
)
_NOT_BUT = re.compile(
    r"(忘|没|漏).{0,12}((现在|刚刚?|刚才|后来|马上|补|又)(已经)?(吃|服|补|喝|打)(了|上|过|好)|补(吃|服|上)了?)"
    r"|(forgot|missed).{0,25}(just took|took it|taken|have now|now done)|(没忘|没有忘|didn'?t forget)"
)


def read_answer(text: str) -> Answer:
    """What this answer to a reminder means; UNCLEAR when a rule should not say."""
    plain = _plain(text)
    if not plain:
        return Answer(Meaning.UNCLEAR)
    if _STOP.search(plain):
        return Answer(Meaning.STOP)
    if _OVERDOSE.search(plain) or _SYMPTOM.search(_NO_SYMPTOM.sub("", plain)):
        return Answer(Meaning.WORRIED, taken=_is_taken(_NO_SYMPTOM.sub("", plain)))
    if _is_story(plain) or _QUESTION.search(plain) or _PARTLY.search(plain):
        return Answer(Meaning.UNCLEAR)
    return _plain_answer(plain)


def _is_story(plain: str) -> bool:
    return len(plain) > (MOST_CHARS_ZH if _HAN.search(plain) else MOST_CHARS)


def _plain_answer(plain: str) -> Answer:
    if _NOT_BUT.search(plain):
        return Answer(Meaning.TAKEN, taken=True)
    if _RUNS_OUT.search(plain):
        return Answer(Meaning.REFILL, taken=_is_taken(_RUNS_OUT.sub("", plain)))
    if _NONE_LEFT.search(plain):
        return Answer(Meaning.NOT, reason=Reason.NO_MEDICINE)
    if _DOCTOR.search(plain):
        return Answer(Meaning.NOT, reason=Reason.DOCTOR)
    minutes = _minutes(plain)
    if minutes is not None or _NOT_YET.search(plain):
        return Answer(Meaning.LATER, minutes=minutes)
    if _FORGOT.search(plain):
        return Answer(Meaning.NOT, reason=Reason.FORGOT)
    if _REFUSED.search(plain):
        return Answer(Meaning.NOT, reason=Reason.REFUSED)
    if _is_taken(plain):
        return Answer(Meaning.TAKEN, taken=True)
    if _NOTED.search(plain):
        return Answer(Meaning.NOTED)
    return Answer(Meaning.UNCLEAR)


def _is_taken(plain: str) -> bool:
    negated = re.search(r"(没|不|还没|未)(有)?(吃|服|喝|用|打)|not taken|haven'?t|didn'?t", plain)
    return bool(_TAKEN.search(plain)) and negated is None


_HALF_HOUR = re.compile(r"半个?(小时|钟头|钟)(以?后|之后|再|吃|提醒)?|half (an )?hour")
_ZH_TIME = re.compile(rf"({_COUNT})(个)?(半)?(小时|钟头|分钟?|刻钟)(半)?")
_EN_TIME = re.compile(rf"\b({_EN_COUNT}) ?(hours?|hrs?|h|minutes?|mins?|m)\b")


def _minutes(plain: str) -> int | None:
    """So many minutes as the answer names; None where it names none. A time ago is no wait."""
    if re.search(r"(小时|分钟?|钟头|刻钟)(之|以)?前|\bago\b", plain):
        return None
    if found := _ZH_TIME.search(plain):
        count, unit = _number(found[1]), found[4]
        per = 60 if unit in ("小时", "钟头") else 15 if unit == "刻钟" else 1
        half = per // 2 if found[3] or found[5] else 0
        return _bounded(count * per + half)
    if _HALF_HOUR.search(plain):
        return 30
    if found := _EN_TIME.search(plain):
        count = int(found[1]) if found[1].isdecimal() else _WORDS[found[1]]
        return _bounded(count * (60 if found[2].startswith("h") else 1))
    return None


def _number(word: str) -> int:
    if word.isdecimal():
        return int(word)
    if "十" in word:
        tens, _, ones = word.partition("十")
        return 10 * _DIGITS.get(tens, 1) + _DIGITS.get(ones, 0)
    return _DIGITS[word]


def _bounded(minutes: int) -> int | None:
    return min(minutes, MOST_MINUTES) if minutes > 0 else None


def _plain(text: str) -> str:
    """Width, case and spaces made one, none between Chinese characters."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    plain = re.sub(rf"(?<={_HAN.pattern})\s+(?={_HAN.pattern})", "", plain)
    return re.sub(r"\s+", " ", plain).strip(" .。!！,，~～、;；")
