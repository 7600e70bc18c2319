"""Drift: whether what is written to a model, and what it makes of it, is still what it was.

Each day of each model is one row of counts. The last seven days are held against a reference week
of the same model: the one that was chosen in the admin, else its first full one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from math import log

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.models import Message
from insight.characters import count_characters
from insight.labels import said_in
from insight.models import Bookmark, ModelDay, ReferenceWeek
from insight.reading import handled
from triage.labels import Intent

BOOKMARK = "drift"
WEEK = 7  # days; shorter, and a Sunday looks like a change
SETTLED_AFTER = timedelta(hours=1)  # past midnight, when the last message of a day is handled
BEGIN_AT_MOST = 60  # days back, when it counts for the first time
DAYS_AT_ONCE = 2  # in one sweep: a big hospital's day takes seconds

# The rule of thumb for a population stability index: below 0.10 nothing, from 0.25 on the people
# are others than before. Source: N. Siddiqi, Credit Risk Scorecards, Wiley 2006.
MAX_STABILITY_INDEX = 0.25
# Fewer messages in either week say nothing. By chance alone the index is about χ²(13) · (1/n + 1/m)
# with our 14 intents (B. Yurdakul, Western Michigan University 2018): with 300 in both it stays
# below 0.19 in 99 weeks of 100, and so below the threshold.
LEAST_MESSAGES = 300
LEAST_SHARE = 0.001  # given to each label, so that one that never occurs makes nothing infinite
SHARES = 1 + LEAST_SHARE * len(Intent)  # what all of them add up to then
# Shares, 0 to 1. One message in ten more (or fewer) left to a nurse is a change that nurses feel;
# with 300 messages chance alone makes less of it, in 99 weeks of 100, up to a share of 0.3.
MAX_CHANGE_OF_ABSTENTION = 0.10
# Ours write Chinese and English, with far less than one foreign character in a hundred: two more
# are another language, or a decoding that broke.
MAX_CHANGE_OF_UNKNOWN = 0.02


@dataclass
class Tally:
    """What a model understood of some messages, in counts."""

    messages: int = 0
    abstained: int = 0
    characters: int = 0
    unknown_characters: int = 0
    intents: Counter[str] = field(default_factory=Counter)
    urgencies: Counter[str] = field(default_factory=Counter)

    @property
    def abstained_share(self) -> float:  # 0 to 1
        return self.abstained / self.messages if self.messages else 0.0

    @property
    def unknown_share(self) -> float:  # 0 to 1
        return self.unknown_characters / self.characters if self.characters else 0.0


@dataclass(frozen=True)
class Drift:
    """One model's last seven days beside its reference week."""

    model: str
    recent: Tally
    reference: Tally | None  # None: there is no reference week yet

    @property
    def is_telling(self) -> bool:
        """Whether both weeks hold enough messages to say anything."""
        return self.reference is not None and (
            min(self.recent.messages, self.reference.messages) >= LEAST_MESSAGES
        )

    @property
    def stability_index(self) -> float:
        return stability_index((self.reference or Tally()).intents, self.recent.intents)

    @property
    def change_of_abstention(self) -> float:  # -1 to 1
        return self.recent.abstained_share - (self.reference or Tally()).abstained_share

    @property
    def change_of_unknown(self) -> float:  # -1 to 1
        return self.recent.unknown_share - (self.reference or Tally()).unknown_share

    @property
    def intents_changed(self) -> bool:
        return self.is_telling and self.stability_index >= MAX_STABILITY_INDEX

    @property
    def abstention_changed(self) -> bool:
        return self.is_telling and abs(self.change_of_abstention) >= MAX_CHANGE_OF_ABSTENTION

    @property
    def unknown_changed(self) -> bool:
        return self.is_telling and abs(self.change_of_unknown) >= MAX_CHANGE_OF_UNKNOWN

    @property
    def crossed(self) -> bool:
        return self.intents_changed or self.abstention_changed or self.unknown_changed


def stability_index(then: Mapping[str, int], now: Mapping[str, int]) -> float:
    """How far two distributions over the intents lie apart; 0 when they are the same."""
    labels = [str(intent) for intent in Intent]
    before, after = _shares(then, labels), _shares(now, labels)
    return sum((a - b) * log(a / b) for b, a in zip(before, after, strict=True))


def _shares(counts: Mapping[str, int], labels: list[str]) -> list[float]:
    total = max(1, sum(counts.get(label, 0) for label in labels))
    return [(counts.get(label, 0) / total + LEAST_SHARE) / SHARES for label in labels]


def count_days(*, now: datetime) -> int:
    """Count the days that are over and were not counted yet; returns how many it counted."""
    day = _first_uncounted(now=now)
    last = timezone.localdate(now - SETTLED_AFTER) - timedelta(days=1)
    counted = 0
    while day is not None and day <= last and counted < DAYS_AT_ONCE:
        count_day(day, now=now)
        counted, day = counted + 1, day + timedelta(days=1)
        Bookmark.objects.update_or_create(name=BOOKMARK, defaults={"at": _midnight(day)})
    return counted


def count_day(day: date, *, now: datetime) -> None:
    """Count one day, model by model, in place of what was counted before."""
    begins, ends = _midnight(day), _midnight(day + timedelta(days=1))
    tallies = tally(handled(since_moment=begins, until=ends))
    with transaction.atomic():
        ModelDay.objects.filter(day=day).exclude(model__in=tallies).delete()
        for model, counts in tallies.items():
            ModelDay.objects.update_or_create(
                day=day,
                model=model,
                defaults={
                    "messages": counts.messages,
                    "abstained": counts.abstained,
                    "intents": dict(counts.intents),
                    "urgencies": dict(counts.urgencies),
                    "characters": counts.characters,
                    "unknown_characters": counts.unknown_characters,
                    "counted_at": now,
                },
            )


def tally(messages: Iterable[Message]) -> dict[str, Tally]:
    """What each model understood of these messages."""
    tallies: dict[str, Tally] = {}
    for message in messages:
        said = said_in(message.details)
        if said is None:
            continue
        counts = tallies.setdefault(said.model, Tally())
        characters, unknown = count_characters(message.text)
        counts.messages += 1
        counts.abstained += said.abstained
        counts.characters += characters
        counts.unknown_characters += unknown
        counts.intents[str(said.labels.intent)] += 1
        counts.urgencies[str(int(said.labels.urgency))] += 1
    return tallies


def drifts(*, now: datetime) -> Iterator[Drift]:
    """Each model of the last seven days beside its reference, the newest model first."""
    today = timezone.localdate(now)
    recent_days = ModelDay.objects.filter(day__gte=today - timedelta(days=WEEK), day__lt=today)
    models = dict.fromkeys(recent_days.order_by("-day", "-pk").values_list("model", flat=True))
    for model in models:
        recent = _sum(recent_days.filter(model=model))
        yield Drift(model, recent, _reference(model, before=today - timedelta(days=WEEK)))


def _reference(model: str, *, before: date) -> Tally | None:
    """The week to compare with; None while it is not over, or overlaps with the last seven days."""
    first_day = first_day_of_reference(model)
    if first_day is None or first_day + timedelta(days=WEEK) > before:
        return None
    after = first_day + timedelta(days=WEEK)
    return _sum(ModelDay.objects.filter(model=model, day__gte=first_day, day__lt=after))


def first_day_of_reference(model: str) -> date | None:
    """As chosen in the admin; else the model's second day, since its first may be half a one."""
    chosen = ReferenceWeek.objects.filter(model=model).first()
    if chosen is not None:
        return chosen.first_day
    first = ModelDay.objects.filter(model=model).order_by("day").first()
    return first.day + timedelta(days=1) if first else None


def _sum(days: Iterable[ModelDay]) -> Tally:
    total = Tally()
    for day in days:
        total.messages += day.messages
        total.abstained += day.abstained
        total.characters += day.characters
        total.unknown_characters += day.unknown_characters
        total.intents.update(day.intents)
        total.urgencies.update(day.urgencies)
    return total


@dataclass(frozen=True)
class Sentence:
    """What a person is told of one figure."""

    words: str
    is_warning: bool = False


def in_words(drift: Drift) -> list[Sentence]:
    """The three figures of a model as a person reads them, in the language in force."""
    recent, reference = drift.recent, drift.reference
    if reference is None:
        alone = _("abstains %(now)s; no reference week is over yet")
        return [Sentence(alone % {"now": percent(recent.abstained_share)})]
    said = [
        Sentence(
            _("abstains %(now)s, %(then)s in the reference week")
            % {"now": percent(recent.abstained_share), "then": percent(reference.abstained_share)},
            drift.abstention_changed,
        ),
        Sentence(
            _("unknown characters %(now)s, %(then)s in the reference week")
            % {
                "now": percent(recent.unknown_share, digits=1),
                "then": percent(reference.unknown_share, digits=1),
            },
            drift.unknown_changed,
        ),
        Sentence(
            _("intents moved by %(index)s, a change from %(threshold)s on")
            % {
                "index": f"{drift.stability_index:.2f}",
                "threshold": f"{MAX_STABILITY_INDEX:.2f}",
            },
            drift.intents_changed,
        ),
    ]
    if not drift.is_telling:
        few = _("fewer than %(least)s messages in one of the two weeks: too few to warn")
        said.append(Sentence(few % {"least": LEAST_MESSAGES}))
    return said


def percent(share: float, *, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _first_uncounted(*, now: datetime) -> date | None:
    mark = Bookmark.objects.filter(name=BOOKMARK).first()
    if mark is not None:
        return timezone.localdate(mark.at)
    first = Message.objects.order_by("pk").first()
    if first is None:
        return None
    earliest = timezone.localdate(now) - timedelta(days=BEGIN_AT_MOST)
    return max(timezone.localdate(first.created_at), earliest)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
