"""Masked characters: the encoder learns Chinese before it learns our questions.

Whole words of the medical word list are masked together. Progress is kept in the work folder
and taken up again there.
"""

import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.decomposition import TruncatedSVD
from torch import Tensor, nn

from workers.understanding.training.network import Masked
from workers.understanding.training.vocabulary import SPECIAL, Reader

logger = logging.getLogger(__name__)

BLOCK = 64  # tokens; short blocks: patients write short, and attention is cheap
BATCH = 32
MASKED = 0.15
LEARNING_RATE = 6e-4
SAVE_EVERY_S = 60


def initial_embeddings(streams: list[list[int]], vocabulary: int, width: int) -> Tensor:
    """Return token vectors from co-occurrence (shifted PPMI, then SVD): the cheap cousin of
    skip-gram, a minute of work that is worth several points."""
    flat = np.concatenate([np.array([*s, 0, 0, 0, 0], dtype=np.int32) for s in streams])
    counts = csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    for gap in (1, 2, 3, 4):
        left, right = flat[:-gap], flat[gap:]
        real = (left >= len(SPECIAL)) & (right >= len(SPECIAL))
        ones = np.full(int(real.sum()), 1.0 / gap, dtype=np.float32)
        one_way = csr_matrix((ones, (left[real], right[real])), shape=counts.shape)
        counts = counts + one_way + one_way.T
    table = counts.tocoo()
    sums = np.asarray(counts.sum(axis=1)).ravel() + 1e-6
    pmi = np.log(table.data * sums.sum() / (sums[table.row] * sums[table.col] ** 1.0))
    kept = pmi > 0
    ppmi = csr_matrix((pmi[kept], (table.row[kept], table.col[kept])), shape=counts.shape)
    vectors = TruncatedSVD(width, n_iter=4, random_state=0).fit_transform(ppmi)
    vectors = vectors / (vectors.std() + 1e-9) * 0.04
    return torch.tensor(vectors, dtype=torch.float32)


def medical_words(path: Path, known: int = 6) -> frozenset[str]:
    """Read the THUOCL word list (MIT): words of two to six characters."""
    words = (line.split("\t")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(w for w in words if 2 <= len(w) <= known)


def word_spans(tokens: list[str], words: frozenset[str]) -> list[tuple[int, int]]:
    """Group tokens that are masked together: a word of the list, or the pieces of one word."""
    spans, i = [], 0
    while i < len(tokens):
        j = i + 1
        for length in range(6, 1, -1):
            if "".join(tokens[i : i + length]) in words:
                j = i + length
                break
        while j < len(tokens) and tokens[j].startswith("##"):
            j += 1
        spans.append((i, min(j, len(tokens))))
        i = j
    return spans


def blocks(
    texts: list[str], reader: Reader, words: frozenset[str], rng: random.Random
) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """Pack texts one behind the other into blocks without padding, with their word spans."""
    start, end = reader.start, reader.end
    packed: list[tuple[list[int], list[tuple[int, int]]]] = []
    ids: list[int] = [start]
    spans: list[tuple[int, int]] = []
    for encoding in reader.tokenizer.encode_batch(texts, add_special_tokens=False):
        for a, b in word_spans(encoding.tokens, words):
            if len(ids) + (b - a) > BLOCK - 1:
                packed.append((ids + [end] * (BLOCK - len(ids)), spans))
                ids, spans = [start], []
            spans.append((len(ids), len(ids) + b - a))
            ids.extend(encoding.ids[a:b][: BLOCK - 2])
        if len(ids) < BLOCK - 1:
            ids.append(end)
    rng.shuffle(packed)
    return packed


def _masked_batches(
    packed: list[tuple[list[int], list[tuple[int, int]]]],
    reader: Reader,
    rng: random.Random,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    mask, size = reader.mask, reader.tokenizer.get_vocab_size()
    while True:
        rng.shuffle(packed)
        for at in range(0, len(packed) - BATCH + 1, BATCH):
            tokens, places, answers = [], [], []
            for row, (block, spans) in enumerate(packed[at : at + BATCH]):
                ids = list(block)
                budget = int(BLOCK * MASKED)
                for a, b in rng.sample(spans, len(spans)):
                    if budget < b - a:
                        continue
                    budget -= b - a
                    for i in range(a, b):
                        places.append(row * BLOCK + i)
                        answers.append(ids[i])
                        dice = rng.random()
                        if dice < 0.8:
                            ids[i] = mask
                        elif dice < 0.9:
                            ids[i] = rng.randrange(len(SPECIAL), size)
                    if budget <= 0:
                        break
                tokens.append(ids)
            yield torch.tensor(tokens), torch.tensor(places), torch.tensor(answers)


def pretrain(
    model: Masked,
    packed: list[tuple[list[int], list[tuple[int, int]]]],
    reader: Reader,
    *,
    minutes: float,
    keep: Path,
    rng: random.Random,
) -> float:
    """Fill in masked characters for so many minutes in all, earlier runs counted; return the loss.

    The learning rate falls with the minutes, so a longer plan may go on from a shorter run.
    """
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, weight_decay=0.01, betas=(0.9, 0.98)
    )
    spent, loss_now = 0.0, 9.0
    if keep.exists():
        saved = torch.load(keep, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        spent, loss_now = saved["spent_s"], saved["loss"]
    began, saved_at = time.monotonic() - spent, time.monotonic()
    model.train()
    for step, (tokens, places, answers) in enumerate(_masked_batches(packed, reader, rng), 1):
        progress = (time.monotonic() - began) / (minutes * 60)
        if progress >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, step / 100) * (1.02 - progress)
        loss = nn.functional.cross_entropy(model(tokens, places), answers)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        loss_now = 0.98 * loss_now + 0.02 * loss.item()
        if step % 100 == 0:
            logger.info("pretraining step %d, loss %.2f, %.0f%%", step, loss_now, progress * 100)
        if time.monotonic() - saved_at > SAVE_EVERY_S:
            _save(model, optimiser, keep, spent_s=time.monotonic() - began, loss=loss_now)
            saved_at = time.monotonic()
    _save(model, optimiser, keep, spent_s=time.monotonic() - began, loss=loss_now)
    return loss_now


def take_up(model: Masked, keep: Path, *, minutes: float) -> bool:
    """Load an encoder that has had its minutes; False if there is still something to do."""
    if not keep.exists():
        return False
    saved = torch.load(keep, weights_only=True)
    if saved["spent_s"] < minutes * 60:
        return False
    model.load_state_dict(saved["model"])
    return True


def _save(
    model: Masked, optimiser: torch.optim.Optimizer, keep: Path, *, spent_s: float, loss: float
) -> None:
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "spent_s": spent_s,
        "loss": loss,
    }
    torch.save(state, keep.with_suffix(".new"))
    keep.with_suffix(".new").replace(keep)
