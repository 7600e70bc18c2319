"""Every set, both models, one table; and what a message costs."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from workers.understanding.folder import ModelFolder
from workers.understanding.training import corpora
from workers.understanding.training.baseline import Baseline
from workers.understanding.training.corpora import Example
from workers.understanding.training.measures import COLUMNS, Answer, Pairs, accuracy

Sets = dict[str, list[Example]]
OURS, LINEAR = "this model", "n-grams"
FEWEST = 15  # messages of a voice; fewer say nothing
WARM_UP = 20  # messages


def sets(data: Path | None) -> Sets:
    """Gather what the network did not learn from, and how it divides."""
    own = corpora.own_messages()
    test = corpora.of_authors(own, corpora.TEST)
    found = {
        "test": test,
        "test, zh": [e for e in test if e.lang == "zh"],
        "test, en": [e for e in test if e.lang == "en"],
        "test, danger and look-alikes": [e for e in test if e.danger],
        "development (chose thresholds)": corpora.of_authors(own, corpora.DEVELOPMENT),
    }
    if data is not None:
        real = corpora.real_messages(data)
        found["real messages, zh"] = [e for e in real if e.lang == "zh"]
        found["real messages, en"] = [e for e in real if e.lang == "en"]
    return found


def table(model: ModelFolder, *, data: Path | None, baseline: bool = True) -> str:
    """Return Markdown: a row per set and model, then a row per voice of the test."""
    linear = Baseline(corpora.to_learn_from(corpora.own_messages())).answer if baseline else None

    def ours(examples: Sequence[Example]) -> list[Answer]:
        said = model.understand_many([e.text for e in examples])
        return [Answer.of(s, e.text) for e, s in zip(examples, said, strict=True)]

    answers = {OURS: ours} | ({LINEAR: linear} if linear else {})
    rows = [
        "| set (messages) | model | " + " | ".join(name for name, _ in COLUMNS) + " |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    by_voice: list[str] = []
    for name, examples in sets(data).items():
        if not examples:
            continue
        for who, answer in answers.items():
            pairs = list(zip(examples, answer(examples), strict=True))
            rows.append(_row(f"{name} ({len(examples)})", who, pairs))
            if name == "test" and who == OURS:
                by_voice = _by_voice(pairs)
    return "\n".join([*rows, "", *by_voice])


def _row(label: str, model: str, pairs: Pairs) -> str:
    cells = [measure(pairs) for _, measure in COLUMNS]
    figures = " | ".join("–" if c is None else f"{c:.3f}".removesuffix(".000") for c in cells)
    return f"| {label} | {model} | {figures} |"


def _by_voice(pairs: Pairs) -> list[str]:
    rows = ["| voice (messages) | lang | intent right |", "|---|---|---|"]
    ordered = sorted(pairs, key=lambda pair: pair[0].voice)
    for voice, group in groupby(ordered, key=lambda pair: pair[0].voice):
        theirs = list(group)
        if len(theirs) >= FEWEST:
            right = accuracy(
                [corpora.INTENTS[e.first("intent") or 0] == a.intent for e, a in theirs]
            )
            rows.append(f"| {voice} ({len(theirs)}) | {theirs[0][0].lang} | {right:.2f} |")
    return rows


def cost(model: ModelFolder, folder: Path, *, encoder: Path | None = None) -> str:
    """Say what a message costs: time of one core, many at once, size, and beside torch."""
    texts = [e.text for e in corpora.of_authors(corpora.own_messages(), corpora.TEST)]
    cuts = statistics.quantiles(_times(model.understand, texts), n=100)
    began = time.perf_counter()
    model.understand_many(texts)
    rate = len(texts) / (time.perf_counter() - began)
    size = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
    data = sum(f.stat().st_size for f in corpora.MESSAGES.parent.rglob("*.jsonl")) / 1e6
    said = (
        f"One message on one core: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms; many at once:"
        f" {rate:.0f} a second. Folder {size:.1f} MB, messages {data:.1f} MB."
    )
    if encoder is None or not encoder.exists() or find_spec("torch") is None:
        return f"{said} Beside torch: left out, it needs the training extra and its work folder."
    slow = statistics.median(_times(_torch_pipeline(encoder), texts[:100]))
    return (
        f"{said} The same encoder through a torch pipeline of transformers, one core, in the same"
        f" run: p50 {slow:.1f} ms, {slow / cuts[49]:.1f} times as long."
    )


def _times(act: Callable[[str], object], texts: Iterable[str]) -> list[float]:
    """Milliseconds of each, after a warm-up."""
    times = []
    for text in [*list(texts)[:WARM_UP], *texts]:
        began = time.perf_counter()
        act(text)
        times.append((time.perf_counter() - began) * 1000)
    return times[WARM_UP:]


def _torch_pipeline(encoder: Path) -> Callable[[str], object]:
    """What one would write without onnxruntime: one core, as ours has."""
    import torch  # half a gigabyte, and only to compare
    from transformers import BertForSequenceClassification, PreTrainedTokenizerFast, pipeline

    torch.set_num_threads(1)
    model = BertForSequenceClassification.from_pretrained(encoder, num_labels=len(corpora.INTENTS))
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(encoder.parent / "tokenizer.json"))
    tokenizer.pad_token = "<pad>"  # noqa: S105 - a piece of text
    run = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    return lambda text: run(text, truncation=True, max_length=128)
