"""Every set, both models, one table; and what a message costs."""

import statistics
import time
from pathlib import Path

from workers.understanding.folder import ModelFolder
from workers.understanding.training import corpora
from workers.understanding.training.baseline import Baseline
from workers.understanding.training.corpora import Example
from workers.understanding.training.measures import COLUMNS, Answer, Pairs

Sets = dict[str, list[Example]]


def sets(data: Path) -> Sets:
    """Gather what the network did not learn from. Measuring needs no free licence."""
    anything = frozenset(
        m["source"].split(":")[-1]
        for name in ("intent_dev", "triage_dev", "emotion_dev")
        for m in corpora.lines(data / f"{name}.jsonl")
    )
    own = corpora.own_messages()
    intents = corpora.intent_examples(data / "intent_dev.jsonl", anything)
    return {
        "own, held-back voices": corpora.of_voices(own, corpora.TEST_VOICES),
        "own, calibration voices": corpora.of_voices(own, corpora.CALIBRATION_VOICES),
        "open intents, slot grammar": [e for e in intents if e.source == "generator"],
        "open intents, people": [e for e in intents if e.source != "generator"],
        "open departments (zh)": corpora.department_examples(data / "triage_dev.jsonl", anything),
        "open emotions (en)": corpora.emotion_examples(data / "emotion_dev.jsonl", anything),
    }


def learnt(data: Path) -> list[Example]:
    """Gather what a model may learn from: the free sources and our own training voices."""
    free = corpora.free_sources(data)
    kept = corpora.held_back()
    return [
        *(e for e in corpora.own_messages() if e.voice not in kept),
        *corpora.intent_examples(data / "intent_train.jsonl", free),
        *corpora.department_examples(data / "triage_train.jsonl", free),
        *corpora.department_examples(data / "triage_en_train.jsonl", free),
        *corpora.emotion_examples(data / "emotion_train.jsonl", free),
    ]


def table(data: Path, model: ModelFolder, *, baseline: bool = True) -> str:
    """Return a Markdown table: a row per set and model."""
    rows = [
        "| set (messages) | model | " + " | ".join(name for name, _ in COLUMNS) + " |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    linear = Baseline(learnt(data)) if baseline else None
    for name, examples in sets(data).items():
        label = f"{name} ({len(examples)})"
        said = [Answer.of(model.understand(e.text)) for e in examples]
        rows.append(_row(label, "this model", list(zip(examples, said, strict=True))))
        if linear:
            said = linear.answer([e.text for e in examples])
            rows.append(_row("", "n-gram baseline", list(zip(examples, said, strict=True))))
    return "\n".join(rows)


def _row(label: str, model: str, pairs: Pairs) -> str:
    cells = [measure(pairs) for _, measure in COLUMNS]
    figures = " | ".join("–" if c is None else f"{c:.3f}" for c in cells)
    return f"| {label} | {model} | {figures} |"


def cost(model: ModelFolder, folder: Path, examples: list[Example]) -> str:
    """Say what a message costs in time of one core, whoever else is running, and the size."""
    times = []
    for e in examples * 3:
        began = time.process_time()
        model.understand(e.text)
        times.append((time.process_time() - began) * 1000)
    cuts = statistics.quantiles(times, n=100)
    size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
    took = f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms"
    return f"One message, CPU time: {took}; folder {size:.1f} MB."
