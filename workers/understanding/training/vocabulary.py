"""The tokenizer: learnt from our texts, or that of a known encoder, cut down to what we read.

Whoever begins without an encoder reads Chinese by character and Latin letters by word piece: whole
English as characters would waste the 128 tokens.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertModel

PAD, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = [PAD, UNKNOWN, START, END, MASK]
KNOWN_SPECIAL = frozenset({"<s>", "</s>", "<pad>", "<unk>"})  # of XLM-R's kind
SELDOM = 40  # times in the whole corpus; a rarer piece is spelt in smaller ones


@dataclass(frozen=True)
class Reader:
    """A tokenizer, and what its special tokens are called."""

    tokenizer: Tokenizer
    start: int
    end: int
    pad: int
    mask: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "Reader":
        def one(*names: str) -> int:
            found = [i for name in names if (i := tokenizer.token_to_id(name)) is not None]
            return found[0]

        return cls(
            tokenizer,
            start=one(START, "<s>"),
            end=one(END, "</s>"),
            pad=one(PAD, "<pad>"),
            mask=one(MASK, "<mask>", UNKNOWN, "<unk>"),
        )

    def ids(self, text: str) -> list[int]:
        found: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return found


def train_tokenizer(texts: Iterable[str], size: int = 7000) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=3, limit_alphabet=4600, special_tokens=SPECIAL
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def cut_down(
    folder: Path, encoder: BertModel, *, texts: Sequence[str], own: Sequence[str]
) -> Tokenizer:
    """Keep of a known encoder's pieces those that our texts use, and their rows of `encoder`.

    Only for unigram tokenizers (XLM-R's kind); another one is kept whole.
    """
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    written = json.loads(whole.to_str())
    if written["model"]["type"] != "Unigram":
        return whole
    pieces: list[tuple[str, float]] = [(piece, score) for piece, score in written["model"]["vocab"]]
    seen = Counter(
        i for e in whole.encode_batch(list(texts), add_special_tokens=False) for i in e.ids
    )
    ours = {i for e in whole.encode_batch(list(own), add_special_tokens=False) for i in e.ids}
    special = {i for i, (piece, _) in enumerate(pieces) if piece in KNOWN_SPECIAL}
    kept = sorted(
        special
        | ours
        | {i for i, times in seen.items() if times >= SELDOM or len(pieces[i][0]) == 1}
    )
    rows = encoder.embeddings.word_embeddings.weight.data[kept]
    encoder.resize_token_embeddings(len(kept))
    encoder.embeddings.word_embeddings.weight.data.copy_(rows)
    written["model"]["vocab"] = [pieces[i] for i in kept]
    written["model"]["unk_id"] = kept.index(written["model"]["unk_id"])
    written["added_tokens"], written["post_processor"] = [], None  # we set start and end ourselves
    return Tokenizer.from_str(json.dumps(written))
