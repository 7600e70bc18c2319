"""A model folder: read, checked against its checksums and our labels, ready to say logits."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from triage.labels import DEPARTMENTS, Distress, Intent, Understanding, Urgency
from workers.understanding.decision import HEADS, Calibration, Logits, decide
from workers.understanding.ngrams import hashed_ngrams
from workers.understanding.text import (
    MAX_TOKENS,
    foreign_share,
    han_share,
    keep_ends,
    latin_words,
    normalise,
)

CHECKSUMS = "checksums.txt"
SUMMED = ("config.json", "tokenizer.json", "model.onnx", "labels.json", "calibration.json")
MOSTLY = 0.5  # 0 to 1
ONE_WORD = 0.75  # a single word, as "unsubscribe", may well be a rare one
FEWEST_LETTERS = 8  # Latin letters; less is too little to tell a language by


class ModelBroken(Exception):
    """A file of the model folder is missing, altered, or made for other labels than ours."""


class ModelFolder:
    """One loaded model. Safe to share between threads: nothing in it changes after loading."""

    def __init__(self, folder: Path) -> None:
        """Load and check a folder. Raises ModelBroken, or whatever the libraries raise."""
        sums = check_sums(folder)
        if _read(folder / "labels.json") != our_labels():
            raise ModelBroken("labels differ from triage.labels")
        config = _read(folder / "config.json")
        self.name = f"{config['name']} {config['version']} {sums['model.onnx'][:12]}"
        self.calibration = Calibration.from_json(_read(folder / "calibration.json"))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._start: int = config["start_token"]
        self._end: int = config["end_token"]
        self._session = _session(folder / "model.onnx")

    def understand(self, text: str) -> Understanding:
        words = normalise(text)
        tokens = self.tokens(words)
        return decide(
            self.logits(words, tokens),
            text=words,
            readable=self._is_readable(words),
            calibration=self.calibration,
            model=self.name,
        )

    def tokens(self, words: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(words, add_special_tokens=False).ids
        return ids

    def logits(self, words: str, tokens: list[int]) -> Logits:
        """Run one message. Never batched: int8 scales are found per batch, so a message's
        answer would depend on its neighbours."""
        kept = [self._start, *keep_ends(tokens, MAX_TOKENS - 2), self._end]
        fed = {
            "tokens": np.array([kept], dtype=np.int64),
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


def our_labels() -> dict[str, list[str] | list[int]]:
    """Return the labels of every head, in the order of their logits."""
    return {
        "intent": [str(i) for i in Intent],
        "urgency": [int(u) for u in Urgency],
        "distress": [str(d) for d in Distress],
        "wants_human": [0, 1],
        "department": list(DEPARTMENTS),
    }


def check_sums(folder: Path) -> dict[str, str]:
    """Compare every file with its checksum and return them. Raises ModelBroken."""
    sums = {}
    for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines():
        written, name = line.split()
        sums[name] = written
    for name in SUMMED:
        if sums.get(name) != sum_of(folder / name):
            raise ModelBroken(f"{name} differs from its checksum")
    return sums


def sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a worker process has one core; more threads only wait
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
