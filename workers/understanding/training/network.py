"""The network: one small encoder with n-gram eyes beside it, and one linear head a question."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from triage.labels import DEPARTMENTS, Distress, Intent, Urgency
from workers.understanding.ngrams import BUCKETS
from workers.understanding.text import MAX_TOKENS

LABELS: dict[str, int] = {
    "intent": len(Intent),
    "urgency": len(Urgency),
    "distress": len(Distress),
    "wants_human": 2,
    "department": len(DEPARTMENTS),
}


def new_encoder(vocabulary: int, *, layers: int, width: int = 256) -> BertModel:
    """An encoder that knows nothing yet."""
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        intermediate_size=width * 4,
        max_position_embeddings=MAX_TOKENS,
        type_vocab_size=1,
        attn_implementation="sdpa",
    )
    return BertModel(config, add_pooling_layer=False)


def known_encoder(folder: Path, *, layers: int) -> BertModel:
    """The lowest layers of an encoder that somebody has taught already; 0 keeps them all."""
    encoder = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="sdpa")
    if layers:
        encoder.encoder.layer = encoder.encoder.layer[:layers]
        encoder.config.num_hidden_layers = len(encoder.encoder.layer)
    return encoder


class Understander(nn.Module):
    """Tokens and hashed n-grams in, logits for every head out, by two pairs of eyes.

    The encoder reads; beside it stands a linear model over n-grams (`training.linear`), which knows
    at once what an encoder needs long to learn. `mix` weighs them for each head.
    """

    mix: Tensor

    def __init__(self, encoder: BertModel, labels: dict[str, int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.labels = labels
        self.dropout = nn.Dropout(0.1)
        seen = 2 * encoder.config.hidden_size
        self.heads = nn.ModuleDict({name: nn.Linear(seen, n) for name, n in labels.items()})
        self.ngrams = nn.Embedding(BUCKETS, sum(labels.values()))  # what each n-gram says
        self.rarity = nn.Embedding(BUCKETS, 1)  # squared: its share of the message's length
        for table in (self.ngrams, self.rarity):
            nn.init.zeros_(table.weight)
            table.requires_grad_(False)
        self.register_buffer("mix", torch.zeros(sum(labels.values())))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """What the encoder says, all heads side by side: the part that learns by steps."""
        states = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        shown = mask.unsqueeze(-1).to(states.dtype)
        return self.read(states[:, 0], (states * shown).sum(1) / shown.sum(1)).float()

    def spell(self, ngrams: Tensor) -> Tensor:
        """What the n-grams of one message say, all heads side by side."""
        length = torch.sqrt(self.rarity(ngrams).sum(dim=1) + 1e-6)
        return self.ngrams(ngrams).sum(dim=1) / length

    def read(self, first: Tensor, mean: Tensor) -> Tensor:
        seen = self.dropout(torch.cat([first, mean], dim=1))
        return torch.cat([head(seen) for head in self.heads.values()], dim=1)

    def split(self, logits: Tensor) -> dict[str, Tensor]:
        parts = logits.split(list(self.labels.values()), dim=1)
        return dict(zip(self.labels, parts, strict=True))

    def weigh(self, head: str, weight: float) -> None:
        """Set how much the n-grams count for a head beside the encoder."""
        start = list(self.labels).index(head)
        first = sum(list(self.labels.values())[:start])
        self.mix[first : first + self.labels[head]] = weight


class Exported(nn.Module):
    """The same for one message without padding: no mask, so nothing to compute for it."""

    def __init__(self, network: Understander) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, ngrams: Tensor) -> tuple[Tensor, ...]:
        states = self.network.encoder(input_ids=tokens).last_hidden_state
        read = self.network.read(states[:, 0], states.mean(dim=1))
        both = read + self.network.mix * self.network.spell(ngrams)
        return tuple(self.network.split(both).values())


class Masked(nn.Module):
    """The encoder while it learns to fill in masked words; the weights of the output are those of
    the embedding."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(encoder.config.vocab_size))

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Return logits for the flat places that were masked, not for all: it saves a third."""
        states = self.encoder(input_ids=tokens).last_hidden_state.flatten(0, 1)[places]
        weight = self.encoder.embeddings.word_embeddings.weight
        return nn.functional.linear(self.transform(states), weight, self.bias)
