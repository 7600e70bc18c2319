"""Another labelling, to hold the network against published figures: lines of text and label."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from workers.understanding.text import normalise
from workers.understanding.training.corpora import Example, lines
from workers.understanding.training.finetuning import BATCH, Collator
from workers.understanding.training.network import Understander

HEAD = "intent"  # an example's field that holds the answer


@dataclass(frozen=True)
class Task:
    names: tuple[str, ...]
    examples: list[Example]

    @classmethod
    def read(cls, path: Path) -> "Task":
        names = tuple(sorted({m["label"] for m in lines(path)}))
        return cls(names, _examples(path, names))

    @property
    def labels(self) -> dict[str, int]:
        return {HEAD: len(self.names)}

    def epochs(self) -> Iterator[list[Example]]:
        while True:
            yield self.examples

    def accuracy(self, network: Understander, collator: Collator, path: Path) -> float:
        held = sorted(_examples(path, self.names), key=lambda e: len(e.text))
        network.eval()
        right = 0
        with torch.no_grad():
            for at in range(0, len(held), BATCH):
                batch = held[at : at + BATCH]
                said = network(*collator.tensors([e.text for e in batch])).argmax(1)
                right += sum(int(s) == e.first(HEAD) for s, e in zip(said, batch, strict=True))
        return right / len(held)


def _examples(path: Path, names: tuple[str, ...]) -> list[Example]:
    return [
        Example(normalise(m["text"]), path.stem, intent={names.index(m["label"]): 1.0})
        for m in lines(path)
    ]
