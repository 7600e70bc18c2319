"""Train the model that ships: data in, model folder out.

    python -m workers.understanding.training --data DIR --out DIR [--encoder DIR] [--epochs N] …

It begins from an encoder that somebody has taught already (a Hugging Face folder; `training.e5`
writes the one that we used), or, without one, from nothing: then give it `--minutes` of masked
words. `--task FILE` trains one head on another labelling instead (lines of text and label), to
compare the network with published figures; what comes of that is measured and thrown away.

The work folder (default: OUT.work) keeps the tokenizer, the pretrained encoder and the last whole
epoch: a run that was cut off goes on from there.
"""

import argparse
import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from workers.understanding.folder import ModelFolder
from workers.understanding.sums import our_labels
from workers.understanding.training import corpora, export, linear, pretraining, report
from workers.understanding.training.augmentation import Slips
from workers.understanding.training.calibration import recalibrate
from workers.understanding.training.card import write_card
from workers.understanding.training.corpora import Example
from workers.understanding.training.finetuning import Collator, finetune
from workers.understanding.training.network import (
    LABELS,
    Masked,
    Understander,
    known_encoder,
    new_encoder,
)
from workers.understanding.training.task import Task
from workers.understanding.training.vocabulary import Reader, cut_down, train_tokenizer

NAME = "wenan-understanding"
WEAK_DEPARTMENTS = 1_500  # examples an epoch from the open data

logger = logging.getLogger("training")


def main() -> None:
    plan = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    plan.work.mkdir(parents=True, exist_ok=True)
    rng = random.Random(plan.seed)
    task = Task.read(plan.task) if plan.task else None

    reader, network = _begin(plan, LABELS if task is None else task.labels, rng)
    collator, unfinished = Collator(reader), plan.work / "finetuning.pt"
    draw = _epochs(plan.data, rng) if task is None else task.epochs()
    finetune(network, draw, collator, epochs=plan.epochs, keep=unfinished, rng=rng)
    held = corpora.of_authors(corpora.own_messages(), corpora.DEVELOPMENT)
    if task is None:
        linear.teach(network, corpora.to_learn_from(corpora.own_messages()))
        linear.weigh(network, held, collator)
    else:
        logger.info(
            "%s: %.3f right", plan.task.stem, task.accuracy(network, collator, plan.task_dev)
        )
        return
    export.write_folder(
        plan.out,
        network=network,
        reader=reader,
        labels=our_labels(),
        name=NAME,
        version=plan.version,
        made_with={name: getattr(plan, name) for name in ("layers", "epochs", "seed", "minutes")},
    )
    network.encoder.save_pretrained(plan.work / "encoder")
    recalibrate(plan.out)
    unfinished.replace(plan.work / "taught.pt")  # the next run starts afresh, on other messages
    model = ModelFolder(plan.out)
    figures = report.table(model, data=plan.data)
    cost = report.cost(model, plan.out, encoder=plan.work / "encoder")
    write_card(plan.out, model=model, figures=figures, cost=cost)
    logger.info("%s\n%s\n%s", model.name, figures, cost)


def _begin(
    plan: argparse.Namespace, labels: dict[str, int], rng: random.Random
) -> tuple[Reader, Understander]:
    """Tokenizer and network, as far as they come without our labels."""
    texts = corpora.pretraining_texts(plan.data, rng=rng)
    own = [e.text for e in corpora.to_learn_from(corpora.own_messages())]
    kept = plan.work / "tokenizer.json"
    if plan.encoder:
        encoder = known_encoder(plan.encoder, layers=plan.layers)
        cut_down(plan.encoder, encoder, texts=texts, own=own).save(str(kept))
    else:
        if not kept.exists():  # a checkpoint is worth nothing with another one
            train_tokenizer(texts).save(str(kept))
        size = Tokenizer.from_file(str(kept)).get_vocab_size()
        encoder = new_encoder(size, layers=plan.layers or 4)
    reader = Reader.of(Tokenizer.from_file(str(kept)))
    if plan.minutes:
        _pretrain(Masked(encoder), texts, reader, plan=plan, rng=rng)
    network = Understander(encoder, labels)
    logger.info("%.1f M parameters", sum(p.numel() for p in network.parameters()) / 1e6)
    return reader, network


def _pretrain(
    masked: Masked,
    texts: list[str],
    reader: Reader,
    *,
    plan: argparse.Namespace,
    rng: random.Random,
) -> None:
    words = pretraining.medical_words(plan.data / "thuocl_medical.tsv")
    keep = plan.work / "pretrained.pt"
    if pretraining.take_up(masked, keep, minutes=plan.minutes):
        logger.info("pretrained before, for %g minutes", plan.minutes)
        return
    if not keep.exists() and not plan.encoder:
        streams = [e.ids for e in reader.tokenizer.encode_batch(texts, add_special_tokens=False)]
        table = masked.encoder.embeddings.word_embeddings.weight
        table.data.copy_(pretraining.initial_embeddings(streams, *table.shape))
        logger.info("embeddings initialised from %d tokens", sum(map(len, streams)))
    packed = pretraining.blocks(texts, reader, words, rng)
    loss = pretraining.pretrain(masked, packed, reader, minutes=plan.minutes, keep=keep, rng=rng)
    logger.info("pretraining ended with loss %.2f over %d blocks", loss, len(packed))


def _epochs(data: Path, rng: random.Random) -> Iterator[list[Example]]:
    """Draw epochs without end: ours, typed a little differently each time, and weak departments."""
    own = corpora.to_learn_from(corpora.own_messages())
    slips = Slips(data / "typo_confusion_zh.tsv", rng)
    logger.info("own messages: %d", len(own))
    while True:
        again = [replace(e, text=slips.write_again(e.text)) for e in own]
        yield again + corpora.department_examples(data, at_most=WEAK_DEPARTMENTS, rng=rng)


def _arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.understanding.training")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the open data")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--work", type=Path, help="checkpoints; default: OUT.work")
    parser.add_argument("--encoder", type=Path, help="a Hugging Face folder to begin from")
    parser.add_argument(
        "--layers", type=int, default=0, help="of the encoder; 0: as it comes, or 4"
    )
    parser.add_argument("--minutes", type=float, default=0, help="of masked-word pretraining")
    parser.add_argument("--epochs", type=int, default=5, help="of fine-tuning on all heads")
    parser.add_argument("--task", type=Path, help="another labelling to learn instead (JSON lines)")
    parser.add_argument("--task-dev", type=Path, help="and to be measured on")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--version", default="0.2", help="as the folder will call itself")
    plan = parser.parse_args(argv)
    plan.work = plan.work or plan.out.with_name(plan.out.name + ".work")
    return plan


if __name__ == "__main__":
    main()
