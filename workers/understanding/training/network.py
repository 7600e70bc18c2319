"""The network: a small transformer and n-gram eyes beside it, one linear head per question."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from triage.labels import DEPARTMENTS, Distress, Intent, Urgency
from workers.understanding.ngrams import BUCKETS
from workers.understanding.text import MAX_TOKENS

HEADS: dict[str, int] = {
    "intent": len(Intent),
    "urgency": len(Urgency),
    "distress": len(Distress),
    "wants_human": 2,
    "department": len(DEPARTMENTS),
}


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    layers: int = 4
    width: int = 256
    ngram_width: int = 64


def encoder_config(shape: Shape) -> BertConfig:
    return BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.width // 64,
        intermediate_size=shape.width * 4,
        max_position_embeddings=MAX_TOKENS,
        type_vocab_size=1,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
        attn_implementation="sdpa",
    )


class Understander(nn.Module):
    """Tokens and hashed n-grams in, one row of logits per head out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = BertModel(encoder_config(shape), add_pooling_layer=False)
        self.ngrams = nn.Embedding(BUCKETS, shape.ngram_width)
        nn.init.normal_(self.ngrams.weight, std=0.05)
        self.dropout = nn.Dropout(0.2)
        seen = 2 * shape.width + shape.ngram_width
        self.heads = nn.ModuleDict({name: nn.Linear(seen, n) for name, n in HEADS.items()})

    def forward(
        self, tokens: Tensor, ngrams: Tensor, token_mask: Tensor, ngram_mask: Tensor
    ) -> tuple[Tensor, ...]:
        states = self.encoder(input_ids=tokens, attention_mask=token_mask).last_hidden_state
        read = torch.cat([states[:, 0], _mean(states, token_mask)], dim=1)
        bag = _mean(self.ngrams(ngrams), ngram_mask) * 8.0  # means of small rows are tiny
        if self.training:
            read, bag = _blindfold(read, bag)
        seen = self.dropout(torch.cat([read, bag], dim=1))
        return tuple(head(seen) for head in self.heads.values())


class Exported(nn.Module):
    """The same for one message without padding: no masks, so nothing to compute for them."""

    def __init__(self, network: Understander) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, ngrams: Tensor) -> tuple[Tensor, ...]:
        states = self.network.encoder(input_ids=tokens).last_hidden_state
        read = torch.cat([states[:, 0], states.mean(dim=1)], dim=1)
        bag = self.network.ngrams(ngrams).mean(dim=1) * 8.0
        seen = torch.cat([read, bag], dim=1)
        return tuple(head(seen) for head in self.network.heads.values())


class Masked(nn.Module):
    """The encoder while it learns to fill in masked characters; the weights of the output are
    those of the embedding."""

    def __init__(self, encoder: BertModel, vocabulary: int) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Return logits for the flat places that were masked, not for all: it saves a third."""
        states = self.encoder(input_ids=tokens).last_hidden_state.flatten(0, 1)[places]
        weight = self.encoder.embeddings.word_embeddings.weight
        return nn.functional.linear(self.transform(states), weight, self.bias)


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    m = mask.unsqueeze(-1).to(states.dtype)
    return (states * m).sum(1) / m.sum(1)


def _blindfold(read: Tensor, bag: Tensor, share: float = 0.15) -> tuple[Tensor, Tensor]:
    """Cover one eye now and then, so that neither leans on the other."""
    dice = torch.rand(read.shape[0], 1)
    return read * (dice > share), bag * (dice < 1 - share)
