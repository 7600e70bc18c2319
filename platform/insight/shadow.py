"""Shadow: what a candidate model would have said, kept beside what was said, and shown to nobody.

The candidate is a callable that is handed down; only workers.understanding knows models.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.db import transaction

from conversations.models import Message
from events.logs import kind_and_place
from insight.labels import CANDIDATE, Labels, Said, said_in
from insight.reading import handled
from insight.reviews import labels_of, settled
from triage.labels import Understanding
from vault.datakeys import Erased

logger = logging.getLogger(__name__)

HEADS = ("intent", "urgency", "distress", "wants_human", "department")


def note_shadow(message_ids: Sequence[int], *, understand: Callable[[str], Understanding]) -> None:
    """Let a candidate understand what a model has just understood, and keep what it says.

    Whatever breaks here is logged without words, and changes nothing. Twice is once.
    """
    for message_id in message_ids:
        try:
            _note(message_id, understand=understand)
        except Exception as error:  # a candidate may fail in any way, and must disturb nobody
            logger.error("shadow failed", extra={"message_id": message_id, **kind_and_place(error)})


def _note(message_id: int, *, understand: Callable[[str], Understanding]) -> None:
    message = Message.objects.filter(pk=message_id, data_key__destroyed_at=None).first()
    if message is None or said_in(message.details) is None or CANDIDATE in (message.details or {}):
        return
    said = asdict(understand(message.text))  # no transaction is open
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        message.details = {**(message.details or {}), CANDIDATE: said}
        try:
            message.save(update_fields=["details"])
        except Erased:
            return


@dataclass
class Pair:
    """One model and its candidate, over the messages that both understood. Counts alone."""

    messages: int = 0
    agreed: Counter[str] = field(default_factory=Counter)  # head → messages
    differ: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # head, both labels
    emergencies_of_model: int = 0  # which the candidate did not see
    emergencies_of_candidate: int = 0  # which the model did not see
    abstained: Counter[str] = field(default_factory=Counter)  # "model" or "candidate" → messages
    reviewed: int = 0
    right: Counter[tuple[str, str]] = field(default_factory=Counter)  # who, head → reviews


def compare(*, since: datetime, until: datetime) -> dict[tuple[str, str], Pair]:
    """Each model beside its candidate, by names, over what was written between two moments."""
    verdicts: dict[int, Labels] = {}
    for review in settled():
        if (labels := labels_of(review)) is not None:
            verdicts.setdefault(review.message_id, labels)  # the newest verdict stands
    pairs: dict[tuple[str, str], Pair] = {}
    for message, model, candidate in _understood_twice(handled(since_moment=since, until=until)):
        pair = pairs.setdefault((model.model, candidate.model), Pair())
        _add(pair, model, candidate)
        if message.pk in verdicts:
            _judge(pair, model, candidate, truth=verdicts[message.pk])
    return pairs


def _understood_twice(messages: Iterable[Message]) -> Iterator[tuple[Message, Said, Said]]:
    for message in messages:
        model, candidate = said_in(message.details), said_in(message.details, CANDIDATE)
        if model and candidate:
            yield message, model, candidate


def _add(pair: Pair, model: Said, candidate: Said) -> None:
    pair.messages += 1
    pair.abstained["model"] += model.abstained
    pair.abstained["candidate"] += candidate.abstained
    pair.emergencies_of_model += model.is_emergency and not candidate.is_emergency
    pair.emergencies_of_candidate += candidate.is_emergency and not model.is_emergency
    for head in HEADS:
        one, other = label_of(model.labels, head), label_of(candidate.labels, head)
        if one == other:
            pair.agreed[head] += 1
        else:
            pair.differ[head, one, other] += 1


def _judge(pair: Pair, model: Said, candidate: Said, *, truth: Labels) -> None:
    pair.reviewed += 1
    for who, said in (("model", model), ("candidate", candidate)):
        for head in HEADS:
            pair.right[who, head] += _is_right(label_of(said.labels, head), head, truth)


def _is_right(label: str, head: str, truth: Labels) -> bool:
    return label == label_of(truth, head) or (head == "department" and label in truth.accept)


def label_of(labels: Labels, head: str) -> str:
    held = getattr(labels, head)
    if isinstance(held, bool):
        return "yes" if held else "no"
    return "none" if held is None else str(int(held) if isinstance(held, int) else held)
