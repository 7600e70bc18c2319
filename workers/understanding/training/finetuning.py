"""All heads at once on one encoder: each example teaches the heads whose answer it knows."""

import logging
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from workers.understanding.ngrams import hashed_ngrams
from workers.understanding.text import MAX_TOKENS, keep_ends
from workers.understanding.training.augmentation import Slips
from workers.understanding.training.corpora import Example
from workers.understanding.training.network import HEADS, Understander
from workers.understanding.training.vocabulary import END, PAD, START, id_of

logger = logging.getLogger(__name__)

BATCH = 64
POOL = BATCH * 40  # sorted by length inside a pool: little padding, still well mixed
HEAD_WEIGHT = {
    "intent": 1.0,
    "urgency": 0.6,
    "distress": 0.6,
    "wants_human": 0.3,
    "department": 0.7,
}
SPREAD_BETS = 0.2  # weight of "no department" against a named one
OWN_REPEATS = 3  # an epoch; each time typed a little differently
OWN_WEIGHT = 2.0
UNKNOWN = -100


def epoch_of(
    own: list[Example],
    intents: list[Example],
    departments: list[Example],
    emotions: list[Example],
    *,
    slips: Slips,
    rng: random.Random,
) -> list[Example]:
    """Draw one epoch: ours several times, of the rest a share that does not drown it."""
    drawn = [
        replace(e, text=slips.write_again(e.text), weight=OWN_WEIGHT)
        for e in own
        for _ in range(OWN_REPEATS)
    ]
    drawn += _even_draw(intents, 3000, rng)
    drawn += rng.sample(departments, min(3000, len(departments)))
    drawn += rng.sample(emotions, min(400, len(emotions)))
    return drawn


def _even_draw(examples: list[Example], size: int, rng: random.Random) -> list[Example]:
    """Draw about the same number of each intent: a grammar writes what it likes best."""
    by_intent: defaultdict[int | None, list[Example]] = defaultdict(list)
    for e in examples:
        by_intent[e.intent].append(e)
    share = size // len(by_intent)
    return [e for group in by_intent.values() for e in rng.sample(group, min(share, len(group)))]


class Collator:
    """Examples to padded tensors."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._start, self._end, self._pad = (id_of(tokenizer, t) for t in (START, END, PAD))

    def rows(self, text: str) -> tuple[list[int], list[int]]:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [self._start, *keep_ends(ids, MAX_TOKENS - 2), self._end], hashed_ngrams(text)

    def tensors(self, texts: list[str]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        rows = [self.rows(t) for t in texts]
        tokens, token_mask = _padded([r[0] for r in rows], self._pad)
        ngrams, ngram_mask = _padded([r[1] for r in rows], 0)
        return tokens, ngrams, token_mask, ngram_mask


def _padded(rows: list[list[int]], fill: int) -> tuple[Tensor, Tensor]:
    longest = max(map(len, rows))
    values = torch.tensor([r + [fill] * (longest - len(r)) for r in rows])
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
    return values, mask


def batches(examples: list[Example], rng: random.Random) -> Iterator[list[Example]]:
    """Bucket by length, so that no time goes into padding."""
    rng.shuffle(examples)
    found = []
    for at in range(0, len(examples), POOL):
        pool = sorted(examples[at : at + POOL], key=lambda e: len(e.text))
        found += [pool[i : i + BATCH] for i in range(0, len(pool), BATCH)]
    rng.shuffle(found)
    yield from found


def loss_of(outputs: tuple[Tensor, ...], examples: list[Example]) -> Tensor:
    weights = torch.tensor([e.weight for e in examples])
    total = torch.zeros(())
    for head, logits in zip(HEADS, outputs, strict=True):
        answers = [getattr(e, head) for e in examples]
        target = torch.tensor([UNKNOWN if a is None else a for a in answers])
        losses = nn.functional.cross_entropy(
            logits, target, ignore_index=UNKNOWN, reduction="none", label_smoothing=0.03
        )
        total = total + HEAD_WEIGHT[head] * (losses * weights).sum() / len(examples)
        if head == "department":
            none = torch.tensor([float(e.no_department) for e in examples])
            bets = -nn.functional.log_softmax(logits, dim=1).mean(dim=1)
            total = total + SPREAD_BETS * (bets * none * weights).sum() / len(examples)
    return total


def finetune(
    network: Understander,
    draw: "Iterator[list[Example]]",
    collator: Collator,
    *,
    epochs: int,
    keep: Path,
    rng: random.Random,
) -> None:
    """Teach for so many epochs, those counted that an earlier, cut-off run left in `keep`."""
    slow = list(network.encoder.parameters())
    optimiser = torch.optim.AdamW(
        [
            {"params": slow, "lr": 4e-4},
            {"params": network.ngrams.parameters(), "lr": 4e-3, "weight_decay": 0.0},
            {"params": network.heads.parameters(), "lr": 1.5e-3},
        ],
        weight_decay=0.02,
    )
    first = next(draw)
    steps = epochs * (len(first) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1.0, (s + 1) / 100) * max(0.02, 1 - s / steps)
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
        seen, summed = 0, 0.0
        for batch in batches(examples, rng):
            loss = loss_of(network(*collator.tensors([e.text for e in batch])), batch)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(slow, 1.0)
            optimiser.step()
            schedule.step()
            seen, summed = seen + 1, summed + loss.item()
        _save(keep, network=network, optimiser=optimiser, schedule=schedule, epochs=epoch + 1)
        logger.info("epoch %d of %d, loss %.3f", epoch + 1, epochs, summed / seen)


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
