"""Picks from a list that was shown, and yes or no."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from assistant.reading.numbers import whole
from assistant.reading.refusals import refusal
from assistant.reading.spelling import has_han, plain, touches
from triage.reading import Span


class Whole(Enum):
    NONE_OF_THEM = "none"
    ANY = "any"


NONE_OF_THEM, ANY = Whole.NONE_OF_THEM, Whole.ANY


@dataclass(frozen=True)
class Picked:
    """What was picked of a list: places from 0, or none of them, or any."""

    span: Span
    places: tuple[int, ...] = ()
    all_or_none: Whole | None = None


_NONE = re.compile(
    "(?:都|全|一个也?都?|哪个都|全部?都)(?:不要|不行|不选|不想要?|不合适|不好"
    "|不可以|不满意|不是|不对|没有|不方便)"
    r"|没有(?:合适|想要|我要|一个|喜欢)的?|没一个|换一批|以上都不|\b(?:none(?: of "
    "(?:them|these|those|the above))?|neither|no one|nothing (?:fits|works|suits)"
    r"|not any)\b",
    re.ASCII,
)
_ANY = re.compile(
    "(?:(?:哪|随便|任意|任何)一?个?)?(?:都|全都|全)(?:可以|行|好|成|没问题|ok"
    "|一样)(?:的)?|随便(?:哪|一)?个?|任意一?个?|无所谓|你(?:帮我)?(?:选|定|安排)"
    "|听你的"
    r"|\b(?:any(?: of (?:them|these|those))?|any one|anyone|either(?: one"
    "| of them)?|whichever|whatever|all (?:fine|good|ok|okay)|all of them|both"
    r"|you (?:choose|pick|decide)|don't mind|no preference|doesn't matter)\b",
    re.ASCII,
)
_ORDINAL_WORDS = (
    "first 1st,second 2nd,third 3rd,fourth 4th,fifth 5th,sixth 6th,seventh 7th"
    ",eighth 8th,ninth 9th,tenth 10th"
)
_EN_ORDINALS = {
    word: n
    for n, words in enumerate(
        _ORDINAL_WORDS.split(","),
        start=1,
    )
    for word in words.split()
}
_NUMBER_WORDS = "one two three four five six seven eight nine ten"
_EN_NUMBERS = _NUMBER_WORDS.split()
_CIRCLED = {chr(0x2460 + n): n + 1 for n in range(20)} | {chr(0x2776 + n): n + 1 for n in range(10)}
_N = "[0-9]{1,2}|[一二两三四五六七八九十]{1,2}"
_ORDINAL = re.compile(
    f"(?:选|要|挂|就)?第 ?(?P<zh>{_N}) ?(?:个|项|条|种|位|家|号|选项|行|的)?"
    f"|倒数第?(?P<back>{_N})个?|(?P<last>最后(?:面)?(?:那|一|这)?(?:一)?个"
    "|最下面?那?个?的?)|(?P<top>最上面?那?个?的?|最前面?那?个?|头一个)"
    "|(?:选项?|要|挂|选择|就|答案) ?(?:是"
    f"|第)?(?P<chosen>{_N})(?![0-9.:点月号日岁天周个])(?: ?号| ?吧)?"
    f"|(?<![0-9])(?P<number>[0-9]{{1,2}}) ?(?:号(?![0-9]|楼)|#)"
    rf"|\b(?:the )?(?P<en>{'|'.join(_EN_ORDINALS)})(?: (?:one|option|choice|doctor"
    r"|slot))?\b|\b(?:the )?(?P<en_last>last)(?: one| option)?\b"
    rf"|\b(?:number|no\.?|option|choice|#) ?(?P<option>[0-9]{{1,2}}|{'|'.join(_EN_NUMBERS)})\b",
    re.ASCII,
)
_BARE_LETTER = re.compile(
    "[^a-z0-9]*(?:选项?|要|option|choice|choose|pick|answer"
    "|就)? ?(?P<letter>[a-h])[^a-z0-9]*(?:吧|please)?[^a-z0-9]*",
    re.ASCII,
)
_BARE_NUMBERS = re.compile(
    rf"[\s,。?!#(]*(?P<n>{_N}|{'|'.join(_EN_NUMBERS)})(?:[\s,。和与&+/]|and|或"
    rf"|、)*(?P<n2>{_N}|{'|'.join(_EN_NUMBERS)})?(?:[\s,。)!]|吧|please|号|个)*",
    re.ASCII,
)
_LABEL_PARTS = re.compile(r"[a-z]{2,}|[0-9]+(?:[:.][0-9]+)?|[一-鿿]+", re.ASCII)
_CHEAPER = re.compile(
    r"便宜|价格?低|少花钱|费用?低|\b(?:cheap(?:er|est)?|less expensive)\b", re.ASCII
)
_DEARER = re.compile(r"贵的|最贵|\b(?:most )?expensive\b", re.ASCII)
_EARLIER = re.compile(r"(?:最|更|比较)?早(?:一?点|些)?(?:的|那个|$)|\bearli(?:er|est)\b", re.ASCII)
_LATER = re.compile(r"(?:最|更|比较)?晚(?:一?点|些)?(?:的|那个|$)|\blat(?:er|est)\b", re.ASCII)
_PRICE = re.compile(
    r"[¥￥$] ?([0-9]+(?:\.[0-9]+)?)|([0-9]+(?:\.[0-9]+)?) ?(?:元|块|yuan|rmb|cny)", re.ASCII
)
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def pick(text: str, labels: Sequence[str]) -> int | Whole | None:
    """The one place that was picked, from 0; NONE_OF_THEM, ANY, or None when it is unclear."""
    picked = find_pick(text, labels)
    if picked is None:
        return None
    if picked.all_or_none:
        return picked.all_or_none
    return picked.places[0] if len(picked.places) == 1 else None


def find_pick(text: str, labels: Sequence[str]) -> Picked | None:
    """What was picked, by its place, letter or label's own words; None when it is unclear.

    "第一个和第三个" picks two, "不要第一个" none that is known, a number beyond the list none.
    """
    same = _with_figures(text)
    if not same.strip() or not labels:
        return None
    if found := _NONE.search(same):
        return Picked(found.span(), all_or_none=NONE_OF_THEM)
    for picked in (
        _by_bare_number(same, len(labels)),
        _by_exact_label(same, labels),
        _by_ordinal(same, len(labels)),
        _by_extreme(same, labels),
        _by_label(same, labels),
    ):
        if picked:
            return picked
    if found := _ANY.search(same):
        return Picked(found.span(), all_or_none=ANY)
    return None


def _with_figures(text: str) -> str:
    """① and ⑩ are figures too; two-place ones fit nowhere in one place, and are rare."""
    return plain("".join(str(_CIRCLED[c]) if _CIRCLED.get(c, 10) < 10 else c for c in text))


def _place(written: str, count: int) -> int | None:
    if written in _EN_NUMBERS:
        n: int | None = _EN_NUMBERS.index(written) + 1
    else:
        n = _EN_ORDINALS.get(written) or whole(written)
    return n - 1 if n is not None and 1 <= n <= count else None


def _by_bare_number(same: str, count: int) -> Picked | None:
    if letter := _BARE_LETTER.fullmatch(same):
        place = ord(letter["letter"]) - ord("a")
        return Picked(letter.span("letter"), (place,)) if place < count else None
    match = _BARE_NUMBERS.fullmatch(same)
    if match is None:
        return None
    written = [match[group] for group in ("n", "n2") if match[group]]
    places = [found for one in written if (found := _place(one, count)) is not None]
    if len(places) != len(written):
        return None
    return Picked((match.start("n"), match.end("n2" if match["n2"] else "n")), tuple(places))


def _by_exact_label(same: str, labels: Sequence[str]) -> Picked | None:
    for place, label in enumerate(labels):
        if plain(label).strip() == same.strip():
            return Picked((0, len(same)), (place,))
    return None


def _by_ordinal(same: str, count: int) -> Picked | None:
    places: list[int] = []
    spans: list[Span] = []
    for match in _ORDINAL.finditer(same):
        place = _ordinal_place(match, count)
        if place is None or refusal(same, match.span()):
            continue
        spans.append(match.span())
        if place not in places:
            places.append(place)
    if not places:
        return None
    return Picked((spans[0][0], spans[-1][1]), tuple(places))


def _ordinal_place(match: re.Match[str], count: int) -> int | None:
    if match["last"] or match["en_last"]:
        return count - 1
    if match["top"]:
        return 0
    if match["back"]:
        place = _place(match["back"], count)
        return None if place is None else count - 1 - place
    written = next((match[g] for g in ("zh", "chosen", "number", "en", "option") if match[g]), "")
    return _place(written, count)


def _by_extreme(same: str, labels: Sequence[str]) -> Picked | None:
    """ "便宜的那个", "the earlier one": where the labels tell prices and hours."""
    for words, value, best in (
        (_CHEAPER, _price, min),
        (_DEARER, _price, max),
        (_EARLIER, _clock, min),
        (_LATER, _clock, max),
    ):
        found = words.search(same)
        if found is None or refusal(same, found.span()):
            continue
        values = [value(plain(label)) for label in labels]
        told = [one for one in values if one is not None]
        if len(told) == len(labels) and told.count(best(told)) == 1:
            return Picked(found.span(), (values.index(best(told)),))
    return None


def _price(label: str) -> float | None:
    match = _PRICE.search(label)
    return float(match[1] or match[2]) if match else None


def _clock(label: str) -> float | None:
    match = _CLOCK.search(label)
    return int(match[1]) * 60 + int(match[2]) if match else None


def _by_label(same: str, labels: Sequence[str]) -> Picked | None:
    """By words that only one label has: "普外那个", "下午的", "Dr Li"."""
    parts = [_parts(plain(label)) for label in labels]
    hits: dict[int, list[Span]] = {}
    read: list[Span] = []  # longer words were read there, or refused
    words = {
        (word, place)
        for place, own in enumerate(parts)
        for word in own
        if word in same and not any(word in other for n, other in enumerate(parts) if n != place)
    }
    for word, place in sorted(words, key=lambda one: (-len(one[0]), one)):
        for match in re.finditer(_bounded(word), same):
            if any(touches(match.span(), span) for span in read):
                continue
            read.append(match.span())
            if not refusal(same, match.span()):
                hits.setdefault(place, []).append(match.span())
    if not hits:
        return None
    if len(hits) > 1:  # the longest word decides, unless two are equally long
        longest = {place: max(end - start for start, end in spans) for place, spans in hits.items()}
        best = max(longest.values())
        winners = [place for place, length in longest.items() if length == best]
        if len(winners) > 1:
            spans = sorted(span for place in winners for span in hits[place])
            return Picked((spans[0][0], spans[-1][1]), tuple(sorted(winners)))
        hits = {winners[0]: hits[winners[0]]}
    ((place, spans),) = hits.items()
    return Picked((min(s for s, _ in spans), max(e for _, e in spans)), (place,))


def _parts(label: str) -> set[str]:
    """Latin words and figures of a label, and every stretch of its Chinese from two characters."""
    parts: set[str] = set()
    for word in _LABEL_PARTS.findall(label)[:24]:
        if has_han(word):
            run = word[:16]
            parts |= {run[i:j] for i in range(len(run)) for j in range(i + 2, len(run) + 1)}
        elif not word.isdigit() or len(word) > 1:
            parts.add(word)
    return parts


def _bounded(word: str) -> str:
    if has_han(word):
        return re.escape(word)
    return rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])"


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Answered:
    span: Span
    answer: Answer


_UNSURE = re.compile(
    "不(?:太|是很|大)?(?:确定|清楚|知道|了解|记得|好说|晓得|懂|明白)|说不(?:准|清"
    "|好|上来)|拿不准|没(?:注意|量|测|查)过?|记不(?:清|得)|忘了|可能(?:吧|是|有)?"
    "|也许|大概(?:吧|是|有)?|或许|应该(?:吧|是|有|没有?)?|看情况|再说吧?|再想想"
    "|考虑一?下?|不好说|好像(?:是|有|没有?)?|吧[?]"
    r"|\b(?:maybe|perhaps|possibly|not (?:really )?sure|unsure|no idea|don'?t know"
    "|do not know|dunno|can'?t (?:say|tell|remember)|i guess|i think so|probably"
    r"|might|idk|depends|hard to say|let me think)\b",
    re.ASCII,
)
_YES_OF_TWO_NOS = re.compile(
    "不是不(?:可以|行|好|能|要|想)|没错|没(?:有)?(?:什么)?(?:问题|关系|意见"
    "|异议)|不(?:介意|反对|错|要紧|碍事)|未尝不可|不得不|没有?不(?:好|行|可以"
    r")|怎么不(?:行|可以)|\b(?:no problem|not a problem|no objection"
    r"|don'?t mind|why not|not bad|no worries|not no|can't complain)\b",
    re.ASCII,
)
_NO = re.compile(
    "(?<!要)(?<![可行好对能想有是用])(?:不(?:行|可以|好|要|用|是|对|想|需要|必|能"
    "|同意|愿意|方便|去|来|了|会|接受|满意|合适|成|太好|太行|怎么好|大好|疼|痛|发烧|吃|过敏|怀孕"
    "|喝|抽)|没有?(?!事)|没(?=[,。 了]|$)|别|算了|免了|否|拒绝|无$|^无|取消|从来?没"
    "|^不$|^不[,。 啊呀吧]|^不不|^莫)"
    r"|\b(?:no|nope|nah|not|never|don'?t|doesn'?t|didn'?t|isn'?t|won'?t|can'?t"
    r"|cannot|negative|none|wrong|incorrect|no way|i'?d rather not|decline)\b|^n$",
    re.ASCII,
)
_YES = re.compile(
    "好(?:的|呀|啊|吧|嘞|滴|哒|了)?(?![像多久几])|行(?:吧|的|啊|呀|了)?|可以(?:的"
    "|啊|呀)?|嗯+|恩+|对(?:的|啊|呀|对|了)?(?!不起|面)|是(?:的|啊|呀|滴)?|没错"
    "|当然|确认|确定|同意|愿意|需要|要(?:的|啊)?|想|能|会|有(?:的|过|点|一点|啊)?"
    "|成(?:交)?|中(?:$|[,。])|没问题|ok|okk|哦+$|噢$|收到|知道了|明白了?|就这样"
    "|就这个|那就|必须|肯定|正确|准确|过敏|怀孕|疼|得嘞|妥|👌|👍"
    r"|\b(?:yes|yeah|yep|yup|ya|sure|ok|okay|k|fine|right|correct|of course"
    "|absolutely|definitely|certainly|exactly|agree[d]?|confirm(?:ed)?|please do"
    "|go ahead|sounds good|great|perfect|alright|all right|true|i do|i am|i have"
    r"|it is|that'?s it|please|works for me|i will|good)\b|^y$",
    re.ASCII,
)
_ASKS = re.compile(
    "(?:可不可以|行不行|好不好|对不对|能不能|要不要|是不是|有没有|用不用|需不需要"
    "|会不会|可以吗|行吗|好吗|对吗|要吗)"
)
# "要空腹吗", "我想想", "is it far": they hold a word that can be a yes or a no, and are none.
_QUESTION = re.compile(
    r"[?吗么]|呢$|怎么|怎样|如何|多少|多久|多远|多大|几[点楼个天号时]|哪|什么|啥|谁|是否"
    r"|\b(?:what|where|when|how|which|who|why|whether"
    r"|(?:can|could|may|should|shall|will|would|do|does|did|must|am) (?:i|we|you|he|she|they|it)"
    r"|(?:is|are|was) (?:it|that|this|there|he|she|the|they)(?= ))\b",
    re.ASCII,
)
_SECOND_THOUGHT = re.compile(
    r"想(?:想|一想|再|看|问|考虑|知道|了解)|再(?:想|看|考虑|问|说)|考虑|犹豫|商量|要不|先(?:别|不|等|问|看)"
    r"|算了|等一?[下等]|等会|\b(?:think|consider|wait|hold on)\b",
    re.ASCII,
)
# ... unless a plain yes stands before it, by itself: "好的,那要带什么".
_YES_FIRST = re.compile(
    r"[ ,。.!~]*(?:嗯+|恩+|好(?:的|呀|啊|吧|嘞|滴|哒|了|好)*|行(?:吧|的|啊|呀|了|行)*"
    r"|可以(?:的|啊|呀)*|对(?:的|啊|呀|对|了)*|是(?:的|啊|呀|滴)*|没错|没(?:有)?问题|确认(?:预约)?|确定|同意"
    r"|要(?:的|得)*|就这个|就这样|yes|yeah|yep|yup|sure|ok|okay|right|correct|confirm"
    r"|book it)(?:吧|please)?(?=$|[ ,。.!~])",
    re.ASCII,
)
_THANKS_NO = re.compile(r"\bno,? thank(?:s| you)\b|谢谢,?(?:不用|不要|不必)|不用(?:了|谢)")


def consent(text: str) -> Answered | None:
    """The same of what is then done, as a visit booked: a question is no answer to it.

    "好的,几楼?" is one all the same.
    """
    answered, same = yes_or_no(text), plain(text)
    if answered is None or only_asks(text):
        return None
    turned = answered.answer is Answer.YES and _SECOND_THOUGHT.search(same)
    return None if turned and not _YES_FIRST.match(same) else answered


def only_asks(text: str) -> bool:
    """A question with no plain yes before it."""
    same = plain(text)
    return _QUESTION.search(same) is not None and not _YES_FIRST.match(same)


def yes_or_no(text: str) -> Answered | None:
    """Yes, no or unsure; None where nothing of the kind was said, or it was a question."""
    same = plain(text)
    asked = _ASKS.search(same)
    if asked:
        same = same[: asked.start()] + " " * (asked.end() - asked.start()) + same[asked.end() :]
    for answer, words in (
        (Answer.NO, _THANKS_NO),
        (Answer.YES, _YES_OF_TWO_NOS),
        (Answer.UNSURE, _UNSURE),
        (Answer.NO, _NO),
        (Answer.YES, _YES),
    ):
        if found := words.search(same):
            return Answered(found.span(), answer)
    return None
