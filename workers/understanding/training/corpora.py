"""The data a shipped model may learn from, each line with what it says about each head.

Only sources with verdict A or A- in `sources.json` come in: free with notice, or machine- or
crowd-written under a free licence. What a source does not say is None, and no head learns it.
"""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from triage.labels import DEPARTMENTS, Distress, Intent
from workers.understanding.text import normalise

OWN_MESSAGES = Path(__file__).parents[1] / "data" / "messages.jsonl"
FREE = ("A", "A-")

# Held back by voice, never by line. The first set temperatures and thresholds; the second is only
# measured. One author wrote them all, so both flatter.
CALIBRATION_VOICES = frozenset({"night-shift-worker", "daughter-far-away", "en-grad-student"})
TEST_VOICES = frozenset({"market-stall-uncle", "first-time-mother", "en-engineer"})

# What a source is called in the files, where sources.json says it otherwise.
ALIASES = {"CLINC": "CLINC150", "generator": "generator"}

INTENTS = [str(i) for i in Intent]
DISTRESSES = [str(d) for d in Distress]


@dataclass(frozen=True)
class Example:
    """One message and what is known of it; indices into the label lists, None where unknown."""

    text: str  # normalised
    source: str
    intent: int | None = None
    urgency: int | None = None
    distress: int | None = None
    wants_human: int | None = None
    department: int | None = None
    no_department: bool = False  # known to concern none: the head learns to spread its bets
    weight: float = 1.0
    voice: str = field(default="", compare=False)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def free_sources(data: Path) -> frozenset[str]:
    """Name the sources whose verdict lets a model that learnt from them be given away."""
    verdicts = json.loads((data / "sources.json").read_text(encoding="utf-8"))
    return frozenset(name for name, about in verdicts.items() if about["verdict"] in FREE)


def is_free(source: str, free: frozenset[str]) -> bool:
    name = source.rsplit(":", maxsplit=1)[-1]
    return ALIASES.get(name, name) in free


def own_messages() -> list[Example]:
    """Read the messages written for this project, labelled on every head."""
    return [
        Example(
            text=normalise(m["text"]),
            source="own",
            intent=INTENTS.index(m["intent"]),
            urgency=m["urgency"],
            distress=DISTRESSES.index(m["distress"]),
            wants_human=int(m["wants_human"]),
            department=DEPARTMENTS.index(m["department"]) if m["department"] else None,
            no_department=m["department"] is None,
            voice=m["voice"],
        )
        for m in lines(OWN_MESSAGES)
    ]


def intent_examples(path: Path, free: frozenset[str]) -> list[Example]:
    return [
        _with_what_follows(
            Example(normalise(m["text"]), m["source"], intent=INTENTS.index(m["label"]))
        )
        for m in lines(path)
        if is_free(m["source"], free)
    ]


def _with_what_follows(example: Example) -> Example:
    """Add what an intent alone says about the other heads; where it says nothing, say nothing."""
    intent = INTENTS[example.intent or 0]
    asks_for_nobody = intent not in {"human_agent", "complaint", "emergency"}
    harmless = {"chitchat", "other", "fees_insurance", "visit_guide", "reminder"}
    urgency = {"emergency": 3, **dict.fromkeys(harmless, 0)}.get(intent)
    return replace(
        example,
        urgency=urgency,
        wants_human=1 if intent == "human_agent" else 0 if asks_for_nobody else None,
        no_department=intent in harmless,
    )


def department_examples(path: Path, free: frozenset[str]) -> list[Example]:
    """Read symptoms and diseases with a department; weak labels weigh half."""
    found = []
    for m in lines(path):
        if not is_free(m["source"], free) or m["label"] not in DEPARTMENTS:
            continue
        example = Example(
            normalise(m["text"]),
            m["source"],
            department=DEPARTMENTS.index(m["label"]),
            intent=_weak_intent(m["text"], m["source"]),
            weight=0.5 if m["quality"] == "weak" else 1.0,
        )
        found.append(example)
    return found


_GENERAL_QUESTION = (
    "是什么", "什么是", "会遗传", "遗传吗", "传染吗", "怎么预防", "如何预防", "什么原因引起",
    "病因", "有哪些", "的症状", "能活多久", "饮食", "能吃", "可以吃",
)  # fmt: skip
_DRUG = ("药", "片", "胶囊", "颗粒", "滴", "注射", "素", "膏")


def _weak_intent(text: str, source: str) -> int | None:
    """Guess the intent of a line from a search log: a general question is health_info.

    The open data holds no free Chinese health_info at all, so this is better than nothing; a
    line that names a drug or tells a story of its own stays unlabelled.
    """
    if "MidMed" in source:
        return INTENTS.index("symptom_triage")
    if "MCSCSet" not in source or any(word in text for word in (*_DRUG, "我", "宝宝", "孩子")):
        return None
    return INTENTS.index("health_info") if any(q in text for q in _GENERAL_QUESTION) else None


def emotion_examples(path: Path, free: frozenset[str]) -> list[Example]:
    """Read GoEmotions: English talk of the net, so it weighs little."""
    means = {"neutral": "calm", "positive": "calm", "angry": "angry", "anxious": "anxious"}
    return [
        Example(
            normalise(m["text"]),
            m["source"],
            distress=DISTRESSES.index(means[m["label"]]),
            weight=0.3,
        )
        for m in lines(path)
        if m["label"] in means and is_free(m["source"], free)
    ]


def pretraining_texts(data: Path, *, rng: random.Random) -> list[str]:
    """Gather running text of free sources and our own training messages, near-balanced."""
    free = free_sources(data)
    room = {"ChatDoctor5k": 700_000, "GoEmotions": 250_000, "CLINC150": 250_000}  # characters
    texts = []
    corpus = [m for m in lines(data / "corpus_open.jsonl") if is_free(m["source"], free)]
    rng.shuffle(corpus)
    for m in corpus:
        name = ALIASES.get(source := m["source"].split(":")[-1], source)
        if name in room:
            if room[name] <= 0:
                continue
            room[name] -= len(m["text"])
        texts.append(normalise(m["text"]))
    kept = held_back()
    texts += [e.text for e in own_messages() if e.voice not in kept] * 3
    rng.shuffle(texts)
    return texts


def held_back() -> frozenset[str]:
    return CALIBRATION_VOICES | TEST_VOICES


def of_voices(examples: Iterable[Example], voices: frozenset[str]) -> list[Example]:
    return [e for e in examples if e.voice in voices]
