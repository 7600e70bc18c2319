"""A model folder: read, checked against its checksums and our labels, ready to say logits."""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from triage.labels import Understanding
from workers.understanding.decision import HEADS, Calibration, Logits, decide
from workers.understanding.ngrams import hashed_ngrams
from workers.understanding.sums import check
from workers.understanding.text import (
    MAX_TOKENS,
    foreign_share,
    han_share,
    keep_ends,
    latin_words,
    middles,
    normalise,
)

MOSTLY = 0.5  # 0 to 1
ONE_WORD = 0.75  # a single word, as "unsubscribe", may well be a rare one
FEWEST_LETTERS = 8  # Latin letters; less is too little to tell a language by


class ModelFolder:
    """One loaded model. Safe to share between threads: nothing in it changes after loading."""

    def __init__(self, folder: Path) -> None:
        """Load and check a folder. Raises ModelBroken, or whatever the libraries raise."""
        sums = check(folder)
        self.config: Mapping[str, Any] = _read(folder / "config.json")
        self.name = f"{self.config['name']} {self.config['version']} {sums['model.onnx'][:12]}"
        self.calibration = Calibration.from_json(_read(folder / "calibration.json"))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._start: int = self.config["bos_token_id"]
        self._end: int = self.config["eos_token_id"]
        self._session = _session(folder / "model.onnx")

    def understand(self, text: str) -> Understanding:
        words = normalise(text)
        return decide(
            self.looks(words),
            text=words,
            readable=self._is_readable(words),
            calibration=self.calibration,
            model=self.name,
        )

    def understand_many(self, texts: Sequence[str]) -> list[Understanding]:
        """Each as if it had come alone, several at a time: one a core."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return list(pool.map(self.understand, texts))

    def tokens(self, words: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(words, add_special_tokens=False).ids
        return ids

    def looks(self, words: str) -> list[Logits]:
        """Logits of the whole message, or of its two ends; then of what lies between them."""
        read = self._tokenizer.encode(words, add_special_tokens=False)
        room = MAX_TOKENS - 2
        found = [self._logits(keep_ends(read.ids, room), words)]
        for start, end in middles(len(read.ids), room):
            piece = words[read.offsets[start][0] : read.offsets[end - 1][1]]
            found.append(self._logits(read.ids[start:end], piece))
        return found

    def _logits(self, tokens: list[int], words: str) -> Logits:
        """Run one message. Never batched: int8 scales are found per batch, so a message's
        answer would depend on its neighbours."""
        fed = {
            "tokens": np.array([[self._start, *tokens, self._end]], dtype=np.int64),
            "ngrams": np.array([hashed_ngrams(words)], dtype=np.int64),
        }
        return {
            head: row[0] for head, row in zip(HEADS, self._session.run(HEADS, fed), strict=True)
        }

    def _is_readable(self, words: str) -> bool:
        """Tell Chinese and English from the rest: other scripts, other languages, key mashing."""
        if foreign_share(words) > MOSTLY:
            return False
        latin = latin_words(words)
        letters = sum(map(len, latin))
        if han_share(words) > MOSTLY / 5 or letters < FEWEST_LETTERS:
            return True
        crumbs = len(self.tokens(" ".join(latin)))
        least = self.calibration.letters_per_piece_from
        return letters / crumbs >= (least if len(latin) > 1 else least * ONE_WORD)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a worker process has one core; more threads only wait
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
