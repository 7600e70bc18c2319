"""One spelling for every reader, place by place, and what is left when all have read."""

import re
from collections.abc import Iterable

from triage.reading import Span, one_spelling

READ_AT_MOST = 600  # characters; an answer is short, and a pasted page must not cost a second

_PAIRS = (
    "〇零 ○零 −- –- —- ―- ~- ∼- ·. •. ﹑, 、, ’' ‘' ´' `' 預预 約约 掛挂 號号 禮礼 週周"
    " 點点 鐘钟 後后 從从 來来 兩两 個个 歲岁 內内 連连 號号 該该 變变 換换 嗎吗 麼么"
    " 係是 啱对 誰谁 選选 項项 單单 雙双 願愿 確确 認认 謝谢 請请 幫帮 護护 僅仅 軀躯"
    " 節节 歷历 陽阳 陰阴 臘腊 農农 親亲 婦妇 爺爷 這这 壞坏 罵骂 滾滚 殺杀"
)
_MORE = {ord(pair[0]): pair[1] for pair in _PAIRS.split()} | dict.fromkeys(
    map(ord, "\u3000\t\u00a0"), " "
)
_NOISE = re.compile(
    r"[\s,.。?!;:、\"'“”‘’()()\[\]【】~…—\-+*/&@#]+"
    r"|那个|这个|就是|然后|不好意思|麻烦你?您?|请问?|谢谢你?您?|拜托|一下|好像|应该|可能|大概|想要?"
    "|我要|我|俺|您好|你好|嗯+|呃+|额+|哦+|噢+|啊+|哈+|唉+|从|到|哪天|随时|都(?:行|可以)|吧|呢|呀|嘛|哎|喔"
    "|诶|了|的|那|就|是|要|在"
    r"|(?<![a-z])(?:please|pls|thanks|thank you|well|um+|uh+|er+|hmm+|so|like|just|hi|hello|hey|the"
    r"|a|an|on|at|for|to|is|it|it's|i|i'd|i'm|am|would|want|my|that|this|and|maybe|about|around|in"
    r"|of|then|be|one|we|let's|oh|ok|okay|from|between|by)(?![a-z])",
    re.ASCII,
)


def plain(text: str) -> str:
    """The message in the spelling of the rules, each character where it was; the end cut off."""
    return one_spelling(text[:READ_AT_MOST]).translate(_MORE)


def has_han(text: str) -> bool:
    return any("\u3400" <= character <= "\u9fff" for character in text)


def rest(text: str, spans: Iterable[Span]) -> str:
    """What was said outside the spans, without fillers; empty when nothing else was."""
    letters = list(text)
    for start, end in spans:
        letters[start:end] = " " * (min(end, len(letters)) - start)
    left = "".join(letters)
    same = plain(left) + left[READ_AT_MOST:]
    kept = list(left)
    for noise in _NOISE.finditer(same):
        kept[noise.start() : noise.end()] = " " * (noise.end() - noise.start())
    return " ".join("".join(kept).split())


def touches(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
