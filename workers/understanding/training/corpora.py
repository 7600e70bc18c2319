"""The messages that a model learns from and is measured on, split by author, never by line.

`../data/messages/AUTHOR.jsonl` are our own, labelled on every head. Other people's words are found
in the folder of open data; what may not be given away is measured on and never learnt from.
"""

import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.labels import DEPARTMENTS, Distress, Intent
from workers.understanding.text import normalise

MESSAGES = Path(__file__).parents[1] / "data" / "messages"
REAL = MESSAGES.with_name("real_labels.jsonl")
FREE = ("A", "A-")  # verdicts of `sources.json`: free with notice, or crowd-written under one

DEVELOPMENT = frozenset({"county"})  # sets temperatures, thresholds, and when to stop
TEST = frozenset({"everybody"})  # is measured, and nothing else

INTENTS = [str(i) for i in Intent]
DISTRESSES = [str(d) for d in Distress]
FIRST = 0.75  # of the whole: what a message is first of all; the rest is shared by what it is too

Shares = Mapping[int, float]  # a label's index and its share of the truth; together 1


@dataclass(frozen=True)
class Example:
    """One message and what is known of it; None where nothing is, and no head learns it."""

    text: str  # normalised
    author: str
    intent: Shares | None = None
    urgency: Shares | None = None
    distress: Shares | None = None
    wants_human: Shares | None = None
    department: Shares | None = None
    lang: str = "zh"
    voice: str = ""
    danger: str = ""  # explicit, implicit, lookalike/…
    weight: float = 1.0

    def first(self, head: str) -> int | None:
        """The label that counts when one is asked for."""
        shares: Shares | None = getattr(self, head)
        return max(shares, key=lambda label: shares[label]) if shares else None


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def own_messages() -> list[Example]:
    """Read the messages written for this project."""
    return [
        example(m, author=path.stem)
        for path in sorted(MESSAGES.glob("*.jsonl"))
        for m in lines(path)
    ]


def example(m: Mapping[str, Any], *, author: str) -> Example:
    """Turn a line of a message file into an example; see `../data/README.md` for its fields."""
    department = m["department"]
    return Example(
        text=normalise(m["text"]),
        author=author,
        intent=_shares(INTENTS.index(m["intent"]), map(INTENTS.index, m.get("also", ()))),
        urgency={m["urgency"]: 1.0},
        distress={DISTRESSES.index(m["distress"]): 1.0},
        wants_human={int(m["wants_human"]): 1.0},
        department=_shares(
            DEPARTMENTS.index(department), map(DEPARTMENTS.index, m.get("accept", ()))
        )
        if department
        else None,
        lang=m["lang"],
        voice=m["voice"],
        danger=m.get("danger", ""),
    )


def _shares(first: int, others: Iterable[int]) -> Shares:
    rest = [other for other in dict.fromkeys(others) if other != first]
    if not rest:
        return {first: 1.0}
    return {first: FIRST, **dict.fromkeys(rest, (1 - FIRST) / len(rest))}


def real_messages(data: Path) -> list[Example]:
    """What real patients and crowds wrote, labelled by us, to be measured on and never learnt from.

    Their words stand in the open data alone; what we keep is the labels, by the hash of the words.
    """
    labels = {m["sha"]: m for m in lines(REAL)}
    found = {}
    for text in _open_texts(data):
        sha = sha_of(text)
        if sha in labels and sha not in found:
            found[sha] = example({**labels[sha], "text": text}, author=labels[sha]["source"])
    return list(found.values())


def sha_of(text: str) -> str:
    """The name of a text: of its words, whatever stands between them."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def _open_texts(data: Path) -> Iterator[str]:
    for m in lines(data / "corpus_open.jsonl"):
        yield " ".join(m["text"].split())
    for m in lines(data / "dialogues.jsonl"):
        for who, text in m["turns"]:
            if who == "P":
                yield " ".join(text.split())


def to_learn_from(examples: Iterable[Example]) -> list[Example]:
    return [e for e in examples if e.author not in DEVELOPMENT | TEST]


def of_authors(examples: Iterable[Example], authors: frozenset[str]) -> list[Example]:
    return [e for e in examples if e.author in authors]


def free_sources(data: Path) -> frozenset[str]:
    """Name the sources whose verdict lets a model that learnt from them be given away."""
    verdicts = json.loads((data / "sources.json").read_text(encoding="utf-8"))
    return frozenset(name for name, about in verdicts.items() if about["verdict"] in FREE)


def source_of(m: Mapping[str, Any]) -> str:
    return str(m["source"]).rsplit(":", maxsplit=1)[-1]


def department_examples(data: Path, *, at_most: int, rng: random.Random) -> list[Example]:
    """Draw symptoms with a department from the free open data, evenly over the departments.

    Their labels are weak: those that came from a disease's name weigh little.
    """
    free = free_sources(data)
    by_department: dict[str, list[Example]] = {name: [] for name in DEPARTMENTS}
    for m in lines(data / "triage_train.jsonl"):
        if m["label"] in by_department and source_of(m) in free:
            by_department[m["label"]].append(
                Example(
                    text=normalise(m["text"]),
                    author=source_of(m),
                    department={DEPARTMENTS.index(m["label"]): 1.0},
                    weight=0.3 if m["quality"] == "weak" else 0.6,
                )
            )
    share = at_most // len(DEPARTMENTS)
    return [
        e for found in by_department.values() for e in rng.sample(found, min(share, len(found)))
    ]


def pretraining_texts(data: Path, *, rng: random.Random) -> list[str]:
    """Gather running text of free sources and our own training messages."""
    free = free_sources(data)
    texts = [
        normalise(m["text"]) for m in lines(data / "corpus_open.jsonl") if source_of(m) in free
    ]
    texts += [e.text for e in to_learn_from(own_messages())] * 3
    rng.shuffle(texts)
    return texts
