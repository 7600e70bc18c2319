"""What tells who somebody is: name, phone, identity number, sex, pregnancy."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from assistant.reading.almanac import day_in
from assistant.reading.numbers import ZH_COUNT, number
from assistant.reading.people import find_people
from assistant.reading.refusals import refusal
from assistant.reading.spelling import plain
from triage.reading import Span


@dataclass(frozen=True)
class Name:
    span: Span
    name: str


SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜"
    "崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛"
    "樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛"
    "曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏"
    "席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_DOUBLE = "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|端木|南宫|独孤|长孙"
_HAN_NAME = (
    f"(?:(?:{_DOUBLE})[一-鿿]{{1,2}}|[{SURNAMES}][一-鿿]{{1,2}}|[一-鿿]{{1,12}}·[一-鿿]{{1,12}})"
)
_LATIN_NAME = r"[A-Z][a-zA-Z'’-]{0,24}(?: [A-Z][a-zA-Z'’.-]{0,24}){0,3}"
_ANY_LATIN = r"[A-Za-z][A-Za-z'’-]{1,24}(?: [A-Za-z][A-Za-z'’.-]{0,24}){0,3}"
_LED_NAME = re.compile(
    "(?:(?<!什么)(?:名字|姓名|患者|病人|就诊人|大名|本名)(?:就?是|叫|为|[:：])?"
    "|我?(?:就)?叫做?|我是|(?:他|她|孩子|宝宝|儿子|女儿|妈妈?|爸爸?|老公|老婆)的?"
    "(?:名字)?(?:是|叫做?))"
    rf" ?[:：,，“\"]? ?(?P<name>{_HAN_NAME}|{_ANY_LATIN})(?=$"
    r"|[\s,，。.!！;；、\"”0-9吧啊呀哦哈的(（])"
)
_LED_LATIN = re.compile(
    r"(?i:\b(?:my name is|my name's|name is|name's|name:|i am called|i'm called"
    "|call me|(?:he|she) is called|(?:his|her) name is|this is|i am"
    f"|i'm)) +(?P<name>{_LATIN_NAME})"
    rf"|(?i:\b(?:(?:my|his|her|the|patient'?s?) name is|my name's|name:)) *(?P<any>{_ANY_LATIN})"
)
_BARE_HAN = re.compile(
    rf"[\s,，。“\"]*(?P<name>{_HAN_NAME})(?:吧|啊|哦|的|，谢谢|。|！|!|\.|\s|”|\")*"
)
_BARE_LATIN = re.compile(rf"[\s,，。\"]*(?P<name>{_ANY_LATIN})[\s,，。.!\"]*")
_HAN_WORDS = (
    "安全 成功 高兴 方便 明天 明白 应该 时间 金额 关于 任何 于是 余额 和我 和他 全部"
    " 明早 明晚 单独 万一 向您 时候 解释 连续 管理 文字 温度 白天 高血压 马上 和妈妈"
    " 成人 全家 景区 常规 方法 易过敏 石头 江苏 周一 周二 周三 周四 周五 周六 周日 周末"
    " 白带 黄疸 黄色 金色 毛病 米饭 麻烦 麻烦你 麻烦您 查报告 查询 解决 算了 文件 游泳"
    " 高烧 高热 严重 华为 许多 何时 何人 易怒 程度 余下 段时间 施工 路上 车上 冷静 单号"
    " 项目 简单 商量 应急 钱多少 贺卡 史无 关节 关节炎 关节痛 毛囊炎 司机 和他妈 全身"
    " 宫颈 宫颈炎 连着 边上 党员 师傅 车祸 房间 包皮 包扎 左手 左腿 左眼 左边 向前 单身"
    " 成都 武汉 金华 温州 宁波 安徽 阳光 阳性 阴性 时不时 管床 解放 解手 龙华 石家庄"
)
_NO_NAME = frozenset(_HAN_WORDS.split())
_TITLES = ("女士", "先生", "小姐", "医生", "大夫", "护士", "老师", "主任", "阿姨", "大爷")
_LATIN_WORDS = (
    "yes no ok okay sure maybe hello hi hey thanks thank please none any all help stop"
    " back again what why how when where nurse doctor human agent tomorrow today monday"
    " tuesday wednesday thursday friday saturday sunday morning afternoon male female"
    " man woman boy girl sorry me myself not never mind cancel the a my i he she it"
    " pregnant sick fine good bad right wrong first second third one two three son"
    " daughter mother father"
)
_NO_LATIN_NAME = frozenset(_LATIN_WORDS.split())


def find_name(text: str, *, asked: bool = False) -> Name | None:
    """A person's name after "我叫" or "my name is"; `asked`: a bare 王小明 or "Anna Li" too."""
    text = text[:200]
    for pattern in (_LED_NAME, _LED_LATIN):
        for match in pattern.finditer(text):
            group = "name" if match["name"] else "any"
            if found := _name(match, group):
                return found
    if not asked:
        return None
    bare = _BARE_HAN.fullmatch(text) or _BARE_LATIN.fullmatch(text)
    return _name(bare, "name") if bare else None


def _name(match: re.Match[str], group: str) -> Name | None:
    name = match[group].rstrip(" .")
    if (
        name.endswith(_TITLES)
        or name in _NO_NAME
        or any(word in _NO_LATIN_NAME for word in name.lower().split())
    ):
        return None
    if name[-1] in "吧啊呀哦的了吗呢" and len(name) > 2 and not name.isascii():
        name = name[:-1]
    return Name((match.start(group), match.start(group) + len(name)), name)


@dataclass(frozen=True)
class Phone:
    """A phone number; `mobile` is false for a landline, which gets no message."""

    span: Span
    number: str
    mobile: bool = True


_DIGIT = "[0-9零一二三四五六七八九幺洞拐]"
_MOBILE = re.compile(
    r"(?<![0-9+])(?:(?:\+|00)? ?86[ -]?)?(?P<n>[1一幺]"  # "+1 415…" is none of ours
    f"(?:[ -]{{0,2}}{_DIGIT}){{10}})(?!{_DIGIT})"
)
_LANDLINE = re.compile(
    "(?<![0-9])(?P<n>"
    r"(?:\(?0[1-9][0-9]{1,2}\)?[ -]?)[2-9][0-9]{2,3}[ -]?[0-9]{4})(?![0-9])"
)
_SPOKEN = {digit: str(n) for n, digit in enumerate("零一二三四五六七八九")} | {
    "幺": "1",
    "洞": "0",
    "拐": "7",
}


def find_phone(text: str) -> Phone | None:
    """A mainland mobile number however it is written or spoken; else a landline, not `mobile`."""
    same = plain(text)
    for match in _MOBILE.finditer(same):
        digits = "".join(_SPOKEN.get(letter, letter) for letter in match["n"] if letter not in " -")
        if digits[1] in "3456789" and not _is_identity(same, match.span()):
            return Phone(match.span(), digits)
    fixed = _LANDLINE.search(same)
    if fixed and not _is_identity(same, fixed.span()):
        return Phone(fixed.span(), re.sub("[^0-9]", "", fixed["n"]), mobile=False)
    return None


def _is_identity(same: str, span: Span) -> bool:
    return any(match.start() <= span[0] < match.end() for match in _IDENTITY.finditer(same))


@dataclass(frozen=True)
class IdentityNumber:
    """A number of the identity card; `number` is empty where it cannot be one."""

    span: Span
    number: str
    last_four: str
    born: date | None = None
    gender: str = ""

    @property
    def is_valid(self) -> bool:
        return bool(self.number)


_IDENTITY = re.compile(r"(?<![0-9])(?P<n>[1-9](?:[ -]?[0-9]){16}[ -]?[0-9x])(?![0-9a-z])")
_LAST_FOUR = re.compile(r"(?<![0-9])(?P<n>[0-9]{3}[0-9x])(?![0-9a-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_CHECKS = "10X98765432"


def find_identity_number(text: str, *, last_four: bool = False) -> IdentityNumber | None:
    """A number of 18 places with its checksum looked at. `last_four`: those were asked for."""
    same = plain(text)
    if match := _IDENTITY.search(same):
        written = re.sub("[ -]", "", match["n"]).upper()
        born = day_in(int(written[6:10]), int(written[10:12]), int(written[12:14]))
        total = sum(
            int(digit) * weight for digit, weight in zip(written[:17], _WEIGHTS, strict=True)
        )
        right = born is not None and _CHECKS[total % 11] == written[17]
        gender = ("female", "male")[int(written[16]) % 2] if right else ""
        return IdentityNumber(
            match.span(), written if right else "", written[-4:], born if right else None, gender
        )
    if last_four and (match := _LAST_FOUR.search(same)):
        return IdentityNumber(match.span(), "", match["n"].upper())
    return None


@dataclass(frozen=True)
class Gender:
    span: Span
    gender: str  # male or female


_FEMALE = re.compile(
    r"女孩子?|女生|女性|女士|女宝宝?|女娃|小姑娘|姑娘|女的|女|母(?=的)|\b(?:female"
    r"|woman|girl|lady|she|her|f)\b",
    re.ASCII,
)
_MALE = re.compile(
    r"男孩子?|男生|男性|男士|男宝宝?|男娃|小伙子|男的|男|公(?=的)|\b(?:male|man"
    r"|boy|gentleman|guy|he|him|his|m)\b",
    re.ASCII,
)


def find_gender(text: str) -> Gender | None:
    """Male or female; what is refused ("不是男的,是女的") is passed over, a word for kin counts."""
    same = plain(text)
    found = [
        Gender(match.span(), gender)
        for gender, words in (("female", _FEMALE), ("male", _MALE))
        for match in words.finditer(same)
        if not refusal(same, match.span())
    ]
    if found:
        return min(found, key=lambda one: one.span)
    kin = [person for person in find_people(text) if person.gender]
    return Gender(kin[0].span, kin[0].gender) if kin else None


class Expecting(StrEnum):
    PREGNANT = "pregnant"
    NOT = "not"
    TRYING = "trying"
    BREASTFEEDING = "breastfeeding"
    MAYBE = "maybe"


@dataclass(frozen=True)
class Pregnancy:
    span: Span
    state: Expecting
    along: timedelta | None = None  # how far


_EXPECTING = [
    (state, re.compile(words, re.ASCII))
    for state, words in (
        (Expecting.BREASTFEEDING,
            r"哺乳期?|喂奶|母乳|喂母乳|坐月子|\b(?:breast-?feeding|nursing (?:a|my) "
            r"(?:baby|child)|lactating)\b"),
        (Expecting.TRYING,
            r"备孕|想要?(?:怀孕|怀宝宝|要孩子|要宝宝)|准备(?:怀孕|要孩子)|试管|\b"
            r"(?:trying (?:to (?:conceive|get pregnant|have a baby)|for a baby)|ivf)\b"),
        (Expecting.MAYBE,
            "(?:可能|好像|也许|不确定是?不?是?|不知道(?:是不是|有没有)|怀疑|会不会)"
            r"(?:是)?(?:怀孕?|有了|怀上)了?|月经推迟|\b(?:might be|may be|could be|maybe"
            r"|not sure if i'?m|possibly) (?:pregnant|expecting)\b"),
        (Expecting.NOT,
            "(?:没有?|不是?|未|不可能|不会)(?:有)?(?:怀孕|怀|孕妇?|在怀孕)|没有?孕|已绝经"
            r"|绝经|\b(?:not|isn't|never|no longer|am not|n't) (?:currently )?(?:pregnant"
            r"|expecting)\b|\bno pregnancy\b|\bmenopaus"),
        (Expecting.PREGNANT,
            "怀孕|怀着|怀了|孕妇|有喜|有身孕|怀上|孕(?=[0-9一二三四五六七八九十早中晚])"
            r"|孕[早中晚]期|双胎|\b(?:pregnant|expecting|pregnancy)\b"),
    )
]  # fmt: skip
_ALONG = re.compile(
    rf"[^,。?0-9]{{0,6}}?(?P<n>{ZH_COUNT}) ?(?P<more>多)?个?(?P<half>半)?(?P<unit>周|月|天)"
    r"|[^,.?0-9]{0,6}?(?P<en>[0-9]{1,2}) ?(?P<en_unit>weeks?|months?)"
)
_ALONG_BEFORE = re.compile(r"(?P<n>[0-9]{1,2}|[a-z]{3,7}) (?P<unit>weeks?|months?) (?:along )?$")


def find_pregnancy(text: str) -> Pregnancy | None:
    """Pregnant and how far, not, trying, breastfeeding, or perhaps."""
    same = plain(text)
    for state, words in _EXPECTING:
        match = words.search(same)
        if match is None:
            continue
        if state is not Expecting.PREGNANT:
            return Pregnancy(match.span(), state)
        return _how_far(same, match)
    return None


def _how_far(same: str, match: re.Match[str]) -> Pregnancy:
    start, end = match.span()
    after = _ALONG.match(same, end)
    if after:
        count = number(after["n"] or after["en"])
        unit = after["unit"] or after["en_unit"]
        half = 0.5 if after["half"] else 0
        return Pregnancy((start, after.end()), Expecting.PREGNANT, _along(count, half, unit))
    if before := _ALONG_BEFORE.search(same[:start]):
        along = _along(number(before["n"]), 0, before["unit"])
        return Pregnancy((before.start(), end), Expecting.PREGNANT, along)
    return Pregnancy((start, end), Expecting.PREGNANT)


def _along(count: float | None, half: float, unit: str) -> timedelta | None:
    if count is None or count > 300:
        return None
    days = {"周": 7, "w": 7, "月": 30, "m": 30, "天": 1}[unit[0]]
    return timedelta(days=round((count + half) * days))
