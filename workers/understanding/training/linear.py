"""The n-gram eyes: a linear model over hashed n-grams, and how much it counts beside the encoder.

Support vector machines over TF-IDF, as the baseline that we measure against, folded into two tables
by the row of each n-gram; so inference is a sum.
"""

import logging
from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from workers.understanding.ngrams import BUCKETS, hashed_ngrams
from workers.understanding.training.corpora import Example
from workers.understanding.training.finetuning import BATCH, Collator
from workers.understanding.training.network import Understander

logger = logging.getLogger(__name__)

SCALES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # what confidence is worth, with each weight
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0)


def teach(network: Understander, examples: Sequence[Example]) -> None:
    """Fill the tables of the n-grams."""
    counts = _counts([e.text for e in examples])
    weighing = TfidfTransformer(norm=None).fit(counts)
    rarity = weighing.idf_.astype(np.float32)
    seen = TfidfTransformer().fit_transform(counts)
    columns = []
    for head, size in network.labels.items():
        known = [nth for nth, e in enumerate(examples) if e.first(head) is not None]
        answers = [examples[nth].first(head) for nth in known]
        machine = LinearSVC(C=0.5).fit(seen[known], answers)
        spread = np.full((BUCKETS, size), 0.0, dtype=np.float32)
        # Of two classes it keeps one row: what speaks for the second.
        rows = (
            machine.coef_
            if len(machine.classes_) > 2
            else np.vstack([-machine.coef_, machine.coef_])
        )
        spread[:, machine.classes_] = (rows * rarity).T
        columns.append(spread)
    network.ngrams.weight.data.copy_(torch.from_numpy(np.hstack(columns)))
    network.rarity.weight.data.copy_(torch.from_numpy(rarity[:, None] ** 2))


def _counts(texts: Sequence[str]) -> "csr_matrix":
    rows = [hashed_ngrams(t) for t in texts]
    ends = np.cumsum([0, *map(len, rows)])
    places = np.concatenate([np.array(row) for row in rows])
    return csr_matrix((np.ones(len(places)), places, ends), shape=(len(rows), BUCKETS))


def weigh(network: Understander, held: Sequence[Example], collator: Collator) -> None:
    """Choose for each head how much the n-grams count, on messages that neither learnt from."""
    network.eval()
    with torch.no_grad():
        read = torch.cat(
            [
                network(*collator.tensors([e.text for e in held[at : at + BATCH]]))
                for at in range(0, len(held), BATCH)
            ]
        )
        spelt = torch.cat([network.spell(torch.tensor([hashed_ngrams(e.text)])) for e in held])
    ours, theirs = network.split(read), network.split(spelt)
    for head in network.labels:
        known = [nth for nth, e in enumerate(held) if e.first(head) is not None]
        if not known:
            continue
        truth = torch.tensor([held[nth].first(head) for nth in known])
        weight = _best(ours[head][known], theirs[head][known], truth)
        network.weigh(head, weight)
        logger.info("%s: n-grams count %.2f", head, weight)


def _best(read: Tensor, spelt: Tensor, truth: Tensor) -> float:
    def surprise(pair: tuple[float, float]) -> float:
        scale, weight = pair
        return float(nn.functional.cross_entropy(scale * (read + weight * spelt), truth))

    return min(product(SCALES, WEIGHTS), key=surprise)[1]
