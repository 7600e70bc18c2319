"""Train the model that ships: data in, model folder out.

    python -m workers.understanding.training --data DIR --out DIR [--minutes N] [--epochs N]

The work folder (default: OUT.work) keeps the tokenizer and the pretrained encoder: a second run
takes them up again, and a longer plan of minutes goes on where the shorter one ended. A run that
was cut off goes on after its last whole epoch.
"""

import argparse
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer

from workers.understanding.folder import ModelFolder
from workers.understanding.training import corpora, export, pretraining, report
from workers.understanding.training.augmentation import Slips
from workers.understanding.training.calibration import calibrate
from workers.understanding.training.card import write_card
from workers.understanding.training.corpora import Example
from workers.understanding.training.finetuning import Collator, epoch_of, finetune
from workers.understanding.training.network import HEADS, Masked, Shape, Understander
from workers.understanding.training.vocabulary import train_tokenizer

NAME = "wenan-understanding"

logger = logging.getLogger("training")


def main() -> None:
    plan = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    plan.work.mkdir(parents=True, exist_ok=True)
    rng = random.Random(plan.seed)

    texts = corpora.pretraining_texts(plan.data, rng=rng)
    words = pretraining.medical_words(plan.data / "thuocl_medical.tsv")
    tokenizer = _tokenizer(plan.work / "tokenizer.json", [*texts, *sorted(words)])
    shape = Shape(vocabulary=tokenizer.get_vocab_size())
    network = Understander(shape)
    if plan.minutes:
        _pretrain(network, texts, tokenizer, words=words, plan=plan, rng=rng)
    unfinished = plan.work / "finetuning.pt"
    finetune(
        network,
        _epochs(plan.data, rng),
        Collator(tokenizer),
        epochs=plan.epochs,
        keep=unfinished,
        rng=rng,
    )

    export.write_folder(
        plan.out,
        network=network,
        shape=shape,
        tokenizer=tokenizer,
        name=NAME,
        version=plan.version,
    )
    unfinished.unlink()  # the next run starts afresh: its messages may be others
    _calibrate(plan.out)
    model = ModelFolder(plan.out)
    figures = report.table(plan.data, model)
    cost = report.cost(model, plan.out, report.sets(plan.data)["own, held-back voices"])
    write_card(plan.out, model=model, figures=figures, cost=cost, plan=plan)
    logger.info("%s\n%s\n%s", model.name, figures, cost)


def _tokenizer(path: Path, texts: list[str]) -> Tokenizer:
    """Train the tokenizer once per work folder: a checkpoint is worth nothing with another one."""
    if not path.exists():
        train_tokenizer(texts).save(str(path))
    return Tokenizer.from_file(str(path))


def _pretrain(
    network: Understander,
    texts: list[str],
    tokenizer: Tokenizer,
    *,
    words: frozenset[str],
    plan: argparse.Namespace,
    rng: random.Random,
) -> None:
    size = tokenizer.get_vocab_size()
    masked = Masked(network.encoder, size)
    keep = plan.work / "pretrained.pt"
    if pretraining.take_up(masked, keep, minutes=plan.minutes):
        logger.info("pretrained before, for %g minutes", plan.minutes)
        return
    if not keep.exists():
        streams = [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
        width = network.encoder.config.hidden_size
        vectors = pretraining.initial_embeddings(streams, size, width)
        network.encoder.embeddings.word_embeddings.weight.data.copy_(vectors)
        logger.info("embeddings initialised from %d tokens", sum(map(len, streams)))
    packed = pretraining.blocks(texts, tokenizer, words, rng)
    loss = pretraining.pretrain(masked, packed, tokenizer, minutes=plan.minutes, keep=keep, rng=rng)
    logger.info("pretraining ended with loss %.2f over %d blocks", loss, len(packed))


def _epochs(data: Path, rng: random.Random) -> Iterator[list[Example]]:
    """Draw epochs without end."""
    free, kept = corpora.free_sources(data), corpora.held_back()
    own = [e for e in corpora.own_messages() if e.voice not in kept]
    intents = corpora.intent_examples(data / "intent_train.jsonl", free)
    departments = corpora.department_examples(data / "triage_train.jsonl", free)
    emotions = corpora.emotion_examples(data / "emotion_train.jsonl", free)
    logger.info(
        "own %d, intents %d, departments %d, emotions %d",
        *map(len, (own, intents, departments, emotions)),
    )
    slips = Slips(data / "typo_confusion_zh.tsv", rng)
    while True:
        yield epoch_of(own, intents, departments, emotions, slips=slips, rng=rng)


def _calibrate(folder: Path) -> None:
    """Seal once with a blank calibration to load the model, then again with the real one."""
    blank = {"temperature": dict.fromkeys(HEADS, 1.0), "abstain_below": 0.5, "emergency_from": 0.5}
    export.write_json(folder / "calibration.json", blank)
    export.seal(folder)
    held = corpora.of_voices(corpora.own_messages(), corpora.CALIBRATION_VOICES)
    found = calibrate(ModelFolder(folder), held)
    export.write_json(folder / "calibration.json", found)
    export.seal(folder)
    logger.info("calibrated: %s", found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.understanding.training")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the open data")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--work", type=Path, help="checkpoints; default: OUT.work")
    parser.add_argument("--minutes", type=float, default=0, help="of masked-character pretraining")
    parser.add_argument("--epochs", type=int, default=5, help="of fine-tuning on all heads")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--version", default="0.1", help="as the folder will call itself")
    plan = parser.parse_args()
    plan.work = plan.work or plan.out.with_name(plan.out.name + ".work")
    return plan


if __name__ == "__main__":
    main()
