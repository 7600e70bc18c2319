"""Is a model folder whole, and made for our labels? Asked without loading it."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from triage.labels import DEPARTMENTS, Distress, Intent, Urgency

CHECKSUMS = "checksums.txt"
SUMMED = ("config.json", "tokenizer.json", "model.onnx", "labels.json", "calibration.json")


class ModelBroken(Exception):
    """A file of the model folder is missing, altered, or made for other labels than ours."""


def our_labels() -> dict[str, list[Any]]:
    """Return the labels of every head, in the order of their logits."""
    return {
        "intent": [str(i) for i in Intent],
        "urgency": [int(u) for u in Urgency],
        "distress": [str(d) for d in Distress],
        "wants_human": [0, 1],
        "department": list(DEPARTMENTS),
    }


def check(folder: Path) -> dict[str, str]:
    """Compare every file with its checksum, and the labels with ours; return the checksums.

    Raises ModelBroken.
    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        sums = {name: written for written, name in (line.split() for line in lines)}
        for name in SUMMED:
            if sums.get(name) != sum_of(folder / name):
                raise ModelBroken(f"{name} differs from its checksum")
        labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelBroken(f"{type(error).__name__} in the model folder") from error
    if labels != our_labels():
        raise ModelBroken("labels differ from triage.labels")
    return sums


def sum_of(path: Path) -> str:
    about = path.stat()
    return _sum(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=32)
def _sum(path: Path, _changed_ns: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
