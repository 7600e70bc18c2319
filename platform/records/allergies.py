"""What somebody says that they, or somebody else, must not get.

"我对青霉素过敏" says it, "我对青霉素不过敏" and "青霉素过敏怎么办" do not, and "我妈对青霉素过敏"
says it of the mother. Rules only: nothing here is stored, a person or the patient confirms it first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from records.drugbook import Mention, find_drugs, plain

_KIN = (
    "妈妈?|母亲|爸爸?|父亲|爹|老公|丈夫|老婆|妻子|太太|爱人|先生|儿子|女儿|闺女|孩子|小孩|小朋友|宝宝|宝贝|娃娃?|婴儿"
    "|奶奶|爷爷|外婆|外公|姥姥|姥爷|岳母|岳父|婆婆|公公|哥哥?|弟弟?|姐姐?|妹妹?|朋友|同事|同学|家人|老人|男朋友|女朋友|老伴"
)
_WHO = re.compile(
    rf"(?P<kin>(?:我们?的?|俺)?(?:家的?)?(?:{_KIN})|他|她"
    r"|\bmy (?:mother|mom|mum|father|dad|son|daughter|child|kid|baby|husband|wife|partner|brother|sister"
    r"|friend|grandmother|grandma|grandfather|grandpa|aunt|uncle|\w+ in law)\b|\bhe\b|\bshe\b)"
    r"|(?P<self>我(?!们?的?(?:家的?)?(?:"
    + _KIN
    + r"))|本人|自己|\bi\b|\bi'm\b|\bim\b|\bme\b|\bmyself\b)"
)
_SENTENCE = re.compile(r"[^。!?！？;\n]+[!?！？]?")
# Who dictates says no comma: "对阿莫西林不过敏 对头孢过敏".
_CLAUSE_END = re.compile(r"[,，]|但是?|不过(?!敏)|\bbut\b|(?<=过敏)(?:\s+|(?=(?:就|而)?是?对))")

# --- X … 过敏, X allergy -------------------------------------------------------------------------
_ALLERGIC = re.compile(
    r"过敏|皮试(?:结果)?(?:是|呈|显示)?(?:阳性|没有?通过|没有?过)|\ball?er?g(?:y|ies|ic)\b|\breactions? to\b|\bnkda\b|\banaphyla\w+"
)
_BEFORE_CUE = re.compile(  # between the name and the word "allergic"
    r"^(?:我|本人|他|她|一|这个|这种|那种|那个|一?类|族|的|药物?|抗生素|制剂|片|针剂?|注射液|胶囊|颗粒|和其他|等|都|也|有点?|很|非常|严重|会|是|还|曾经?|以前|之前"
    r"|皮试|试验|做|阳性|打|吃|用|了|过|后|就|要|产生|发生|出现|引起|导致|药疹|高度|特别|可能|轻度|\(|\)|\s|产品|食物|食品|以及|全部|所有|本来|一直|从小|患者|病人"
    r"|is|are|drugs?|antibiotics?|severe|an|a|the|[:：]){0,6}$"
)
_AFTER_CUE = re.compile(  # between the word "allergic" and the name
    r"^(?:的?(?:药物?|食物|东西|物质)(?:有|是|为|包括|名称?)?|原|史|源|查出来?|检查|显示|提示|有|是|为|于|包括|主要|[:：]|\s|to|all|both|the|any|drugs?|antibiotics?"
    r"|called|known|as|of|against|are|is|include|includes|medications?|medicines?|some|certain|like|especially|severely|very){0,7}$"
)
_LINK = re.compile(  # between two names of one list
    r"^(?:[(（][^()（）]{1,8}[)）]|[、,，和跟与及或还有以也对同包括\s&+]|以及|还有|或者|类|药物?|这些?|等|and|or|drugs?|antibiotics?|as well as|to){0,6}$"
)
_NO = re.compile(
    r"不(?!小心|注意|舒服|好意思|行了|知不觉|良)|没(?!事|想到|注意)|无(?!意)|未|否认|从未|并非|非(?!那|布|常|甾)|\bnot?\b|\bnever\b|n't\b|\bden(?:y|ies|ied)\b|\bwithout\b|\bnon\b"
)
_ASKS_BEFORE = re.compile(
    r"会不会|是不是|是否|有没有|如何|怎么|怎样|怕|担心|万一|如果|要是|假如|假设|能否|容易|预防|什么|\bif\b|\bwhat\b|\bhow\b|\bcould\b|\bcan\b|\bam i\b|\bis my\b|\bwhether\b|\bmight\b|\bafraid\b|\bworried\b|\bdo i have\b|\bdoes\b"
)
_ASKS_AFTER = re.compile(
    r"^\s*(?:了|的)?(?:吗|么|嘛|\?|？|怎么办|怎么处理|怎么治|咋办|如何|的?症状|的?表现|会怎|会有什么|是什么|要做|试验|测试|检查|需要|几率|概率|率|\s*test|\s*symptoms|\s*shots?)"
)
_PEOPLE = re.compile(r"^(?:的?(?:人|患者|病人|者|体质)|\s*(?:people|patients|persons?)\b)")

# --- took X, and a rash came ---------------------------------------------------------------------
_TOOK = re.compile(
    r"(?:打|吃|用|输|挂|服用?|注射|抹|涂|做|喝|扎|点滴|口服|使用|静滴|碰|接触)(?:了|过|完|点|的)?(?:一?次|一?针|一?片|几天?|一点|点)?(?:的|个|一)?$|[打吃用输挂服]$"
    r"|\b(?:took|taking|take|taken|had|have|having|given|used|using|ate|with|after|from|on)\s+(?:the\s+|an?\s+|some\s+)?$"
)
_THEN = re.compile(
    r"^(?:类|片|针剂?|胶囊|颗粒|的?药|注射液)?(?:后|过后|以后|之后|就|时|的时候|会|以后就|,|，|了|过|它|那次|全身|浑身|身上|脸|嘴|起|出|长|休克)"
)
_REACTION = re.compile(
    r"(?:起|出|长|发|满身|全身|浑身|一身)(?:了|过|满|很多|好多|一?身|全身|浑身)?(?:的|好多|很多|大片|红色?)?(?:皮疹|疹子?|红疹|荨麻疹|风团|风疹块?|疙瘩|包|红点|红斑)"
    r"|皮疹|荨麻疹|药疹|休克|喉头?水肿|喉咙肿|喘不(?:上|过)来?气|呼吸困难|(?:浑身|全身|身上)(?:发|都)?痒|(?:脸|嘴|嘴唇|眼睛|眼皮)(?:都|就|也|会)?肿"
    r"|\bhives\b|\brash(?:es)?\b|\bswell(?:ed|ing)?\b|\bswollen\b|\banaphyla\w+|\bitch(?:y|ing|ed)?\b|\bcouldn't breathe\b|\bthroat clos\w+|\bwelts\b"
)
_GAVE = re.compile(
    r"\b(?:gave|gives|give|caused?|causes|made|makes|left)\b|\bbroke out\b|\breaction\b|\bcame (?:up|out)\b|\bgot\b|\bget\b|\bi (?:had|swell)\b"
)

# --- must not have X -----------------------------------------------------------------------------
_MUST_NOT = re.compile(
    r"(?<![能可该])(?:不能|不可以?|吃不了|用不了|打不了|吃不得|用不得|不耐受)(?:再)?(?:吃|用|打|碰|服用?|使用|注射|输|挂|接触|沾)?(?:任何|含)?$"
    r"|\b(?:can't|cannot|can not|must not|mustn't|not allowed to|shouldn't) (?:take|have|use|get|tolerate|be given)\s+(?:any\s+|the\s+)?$|\bintolerant (?:to|of)\s+$"
)
_NOT_BY_ME = re.compile(  # X 不能用, X 打不了
    r"^(?:类|药|针)?(?:是|都|就)?(?:(?:不能|不可以|不敢)再?(?:吃|用|打|碰|服用?|输|注射)|[吃用打]不[了得])(?=的?了?(?:[,，]|$))"
)
_FROM = re.compile(
    r"\b(?:from|after|with|to|whenever i take|when i (?:take|took|have|had))\s+(?:taking\s+|the\s+|an?\s+)?$"
)
_GENERAL = re.compile(
    r"孕妇|怀孕|儿童|小孩子?不|老年人|哺乳|喝酒|酒后|饮酒|术后|手术前|空腹|同时|一起|一块|检查前|备孕|高血压|糖尿病|哪些|什么人|为什么|为啥|多吃|长期|乱"
)
_QUESTION = re.compile(
    r"吗|么$|[?？]$|能不能|可不可以|是不是|会不会|为什么|为啥|怎么|\bcan i\b|\bcould\b|\bshould i\b|\bwhy\b"
)


_FAR = 200  # characters, in a sentence without end: what stands farther off speaks of another


@dataclass(frozen=True)
class Stated:
    """An allergy in somebody's own words; `whose` is empty for the writer."""

    words: str
    ids: tuple[str, ...]  # what the drug book knows of it; empty: a thing it does not know
    whose: str
    span: tuple[int, int]


def stated_allergies(text: str) -> list[Stated]:
    """Read who is allergic to what; nothing where it is denied, asked or supposed."""
    read = plain(text)
    mentions = find_drugs(text)
    found: dict[tuple[int, int], Stated] = {}
    for sentence in _SENTENCE.finditer(read):
        start, end = sentence.span()
        inside = [each for each in mentions if start <= each.start and each.end <= end]
        for mention in _meant(read, start, end, inside):
            whose = _whose(read, max(start, mention.start - _FAR), mention.start)
            words = text[mention.start : mention.end]
            found[mention.span] = Stated(words, mention.ids, whose, mention.span)
        for span in _unknown(read, start, end, inside):
            found[span] = Stated(
                text[slice(*span)], (), _whose(read, max(start, span[0] - _FAR), span[0]), span
            )
    return [found[span] for span in sorted(found)]


def _meant(read: str, start: int, end: int, inside: list[Mention]) -> Iterator[Mention]:
    for cue in _ALLERGIC.finditer(read, start, end):
        named = _named_before(read, start, cue.start(), inside)
        named = named or _named_after(read, cue.end(), inside)
        near, far = max(start, cue.start() - _FAR), min(end, cue.end() + _FAR)
        if named and not _is_taken_back(read, near, far, cue, named[0]):
            yield from named
    for at, mention in enumerate(inside):
        chain = [mention, *_linked(read, inside[at:])]
        near, far = max(start, mention.start - _FAR), min(end, chain[-1].end + _FAR)
        if _came_after(read, near, mention, read[chain[-1].end : far]):
            yield from chain
        if _must_not(read, near, far, mention):
            yield from chain


def _named_before(read: str, start: int, cue: int, inside: list[Mention]) -> list[Mention]:
    """青霉素、头孢都过敏: the list that ends at the cue."""
    before = [each for each in inside if each.end <= cue]
    if not before or not _BEFORE_CUE.match(read[before[-1].end : cue].translate(_NO_NO)):
        return []
    chain = [before[-1]]
    for each in reversed(before[:-1]):
        if not _LINK.match(read[each.end : chain[0].start]):
            break
        chain.insert(0, each)
    return chain


_NO_NO = {ord(sign): None for sign in "不没无未并从敏试"}


def _named_after(read: str, cue: int, inside: list[Mention]) -> list[Mention]:
    """过敏史:青霉素、头孢, allergic to penicillin and sulfa: the list that begins at the cue."""
    after = [each for each in inside if each.start >= cue]
    if not after or not _AFTER_CUE.match(read[cue : after[0].start]):
        return []
    return [after[0], *_linked(read, after)]


def _linked(read: str, named: list[Mention]) -> list[Mention]:
    """Those that follow the first in one list."""
    chain: list[Mention] = []
    for one, other in pairwise(named):
        if not _LINK.match(read[one.end : other.start]):
            break
        chain.append(other)
    return chain


def _is_taken_back(read: str, start: int, end: int, cue: re.Match[str], first: Mention) -> bool:
    """Whether the clause denies it, asks it, or speaks of people in general."""
    clause = _clause_start(read, start, min(cue.start(), first.start))
    ahead = read[clause : min(cue.start(), first.start)]
    between = read[first.end : cue.start()]
    after = read[max(cue.end(), first.end) if first.start > cue.start() else cue.end() : end]
    if _NO.search(between) or _NO.search(ahead[-14:]):
        return True
    if _ASKS_BEFORE.search(ahead[-12:]) or _ASKS_BEFORE.search(between):
        return True
    if first.start < cue.start() and _ASKS_AFTER.match(after):
        return True
    said_of = _WHO.search(read[clause : cue.start()])
    return bool(_PEOPLE.match(after)) and said_of is None


def _came_after(read: str, start: int, mention: Mention, after: str) -> bool:
    clause = _clause_start(read, start, mention.start)
    ahead = read[clause : mention.start]
    if _FROM.search(ahead) and _REACTION.search(ahead):
        return not (_NO.search(ahead) or _QUESTION.search(ahead) or _ASKS_BEFORE.search(ahead))
    reaction = _REACTION.search(after[:60])
    if reaction is None:
        return False
    if _QUESTION.search(after) or _ASKS_BEFORE.search(read[clause : mention.start]):
        return False
    between = after[: reaction.start()]
    if _NO.search(between) or _REACTION.search(read[clause : mention.start]):
        return False
    if read[mention.start : mention.end].isascii():
        took = _TOOK.search(read[start : mention.start])
        return bool(_GAVE.search(after[: reaction.end()]) or took) and len(between) <= 45
    took = _TOOK.search(read[clause : mention.start])
    return len(between) <= 14 and bool(took or _THEN.match(after))


def _must_not(read: str, start: int, end: int, mention: Mention) -> bool:
    ahead = _MUST_NOT.search(read[start : mention.start])
    sentence = read[start:end].rstrip("。!！")
    if not ahead and not _NOT_BY_ME.match(sentence[mention.end - start :]):
        return False
    clause = sentence[_clause_start(read, start, mention.start) - start :]
    return not (_GENERAL.search(sentence) or _QUESTION.search(clause))


_OF = re.compile(
    r"对(?P<what>[^,，、。对]{1,12}?)(?:严重|有点?|都|也|会|很|有)?过敏(?!吗|么|不|怎)"
)

_NOTHING_NAMED = re.compile(
    r"我|他|她|它|谁|这|药物?|[这那][个种些]药?|(?:某些|哪些|什么|有些|一些).*"
)


def _unknown(read: str, start: int, end: int, inside: list[Mention]) -> Iterator[tuple[int, int]]:
    """对……过敏, of something that the drug book does not know."""
    for said in _OF.finditer(read, start, end):
        what = said.span("what")
        if any(what[0] < each.end and each.start < what[1] for each in inside):
            continue
        ahead = read[_clause_start(read, start, said.start()) : said.start()]
        text = said["what"]
        denied = _NO.search(text) or _NO.search(ahead) or _ASKS_BEFORE.search(ahead)
        if denied or _ASKS_BEFORE.search(text) or _PEOPLE.match(read[said.end() :]):
            continue
        if not _NOTHING_NAMED.fullmatch(text):
            yield what


def _clause_start(read: str, start: int, at: int) -> int:
    ends = list(_CLAUSE_END.finditer(read, start, at))
    return ends[-1].end() if ends else start


def _whose(read: str, start: int, at: int) -> str:
    """Of whom the clause speaks, else the sentence: empty for the writer."""
    for begin in (_clause_start(read, start, at), start):
        spoken = list(_WHO.finditer(read, begin, at))
        if spoken:
            return spoken[-1]["kin"] or ""
    return ""
