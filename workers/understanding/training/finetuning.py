"""All heads at once on one encoder: each example teaches the heads whose answer it knows."""

import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from workers.understanding.text import MAX_TOKENS, keep_ends
from workers.understanding.training.corpora import Example
from workers.understanding.training.network import Understander
from workers.understanding.training.vocabulary import Reader

logger = logging.getLogger(__name__)

BATCH = 32
POOL = BATCH * 40  # sorted by length inside a pool: little padding, still well mixed
ENCODER_RATE, HEADS_RATE = 1.5e-4, 1e-3
WARM_UP = 100  # steps
SLOWEST = 0.02  # of the rate, at the end
HEAD_WEIGHT = {
    "intent": 1.0,
    "urgency": 0.6,
    "distress": 0.5,
    "wants_human": 0.3,
    "department": 0.7,
}


class Collator:
    """Examples to padded tensors."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def tensors(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        start, end, pad = self._reader.start, self._reader.end, self._reader.pad
        rows = [[start, *keep_ends(self._reader.ids(t), MAX_TOKENS - 2), end] for t in texts]
        longest = max(map(len, rows))
        tokens = torch.tensor([r + [pad] * (longest - len(r)) for r in rows])
        mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
        return tokens, mask


def batches(examples: Sequence[Example], rng: random.Random) -> Iterator[list[Example]]:
    """Bucket by length, so that no time goes into padding."""
    mixed = rng.sample(list(examples), len(examples))
    found = []
    for at in range(0, len(mixed), POOL):
        pool = sorted(mixed[at : at + POOL], key=lambda e: len(e.text))
        found += [pool[i : i + BATCH] for i in range(0, len(pool), BATCH)]
    rng.shuffle(found)
    yield from found


def loss_of(said: dict[str, Tensor], examples: Sequence[Example]) -> Tensor:
    """Cross-entropy against the shares of the truth, over the heads whose truth is known."""
    weights = torch.tensor([e.weight for e in examples])
    total = torch.zeros(())
    for head, logits in said.items():
        truth = torch.zeros(logits.shape)
        for row, e in enumerate(examples):
            for label, share in (getattr(e, head) or {}).items():
                truth[row, label] = share
        losses = -(truth * nn.functional.log_softmax(logits.float(), dim=1)).sum(1)
        total = total + HEAD_WEIGHT.get(head, 1.0) * (losses * weights).sum() / len(examples)
    return total


def finetune(
    network: Understander,
    draw: Iterator[list[Example]],
    collator: Collator,
    *,
    epochs: int,
    keep: Path,
    rng: random.Random,
) -> None:
    """Teach for so many epochs, those counted that an earlier, cut-off run left in `keep`."""
    optimiser = torch.optim.AdamW(
        [
            {"params": network.encoder.parameters(), "lr": ENCODER_RATE},
            {"params": network.heads.parameters(), "lr": HEADS_RATE},
        ],
        weight_decay=0.01,
    )
    first = next(draw)
    steps = epochs * (len(first) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1.0, (s + 1) / WARM_UP) * max(SLOWEST, 1 - s / steps)
    )
    done = 0
    if keep.exists():
        saved = torch.load(keep, weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        done = saved["epochs"]
    network.train()
    for epoch in range(done, epochs):
        examples = first if epoch == done else next(draw)
        summed = 0.0
        for step, batch in enumerate(batches(examples, rng), 1):
            # Half precision: twice as fast on a processor that has it, and as good here.
            with torch.autocast("cpu", dtype=torch.bfloat16):
                read = network(*collator.tensors([e.text for e in batch]))
            loss = loss_of(network.split(read), batch)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            summed += loss.item()
            if step % 50 == 0:
                logger.info("epoch %d, step %d, loss %.3f", epoch + 1, step, summed / step)
        _save(keep, network=network, optimiser=optimiser, schedule=schedule, epochs=epoch + 1)
        logger.info("epoch %d of %d, loss %.3f", epoch + 1, epochs, summed / step)


def _save(
    keep: Path,
    *,
    network: Understander,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    epochs: int,
) -> None:
    state = {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "epochs": epochs,
    }
    torch.save(state, keep.with_suffix(".new"))
    keep.with_suffix(".new").replace(keep)
