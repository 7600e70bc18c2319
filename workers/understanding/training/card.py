"""The model card: what the folder holds, how it was made, how good it is, what it cannot do."""

import argparse
from pathlib import Path

from workers.understanding.folder import ModelFolder
from workers.understanding.training import corpora
from workers.understanding.training.calibration import STATED_ACCURACY

CARD = """\
# {name}

Says of one patient message, in Chinese or English: intent (14), urgency (4), distress (4), wish
for a person, and department (31), with calibrated confidences. A 4-layer, 256-wide transformer
trained from scratch, hashed character n-grams beside it, one linear head per question; int8 ONNX.
Chinese is read by character, Latin letters by word piece.

It is a **first model**. Red flags are found by rule before it runs; it may raise an alarm, never
lower one. When it is unsure it abstains, and a person reads the message.

## Figures
{cost}

{figures}

*Coverage*: the share it does not abstain from. *Kept right*: intent accuracy among those.
*Emerg.*: intent `emergency` or urgency 3, without the red-flag rules. The baseline is TF-IDF over
character 1- to 4-grams with a linear SVM, taught the same data in the same run; it never abstains.

Calibration: temperatures {temperature}. It abstains below {abstain}, chosen for {accuracy:.0%}
accuracy of what it keeps on {calibrated} messages; an emergency counts from {emergency}.

**How to read them.** One author wrote all of our own messages; "held-back voices" are other
characters by the same hand, so these figures flatter. So does the slot grammar, from which both
training and development data come. No figure here was measured on messages of real patients. With
some seventy messages a set, a figure is uncertain by about ten points. The calibration voices
chose the thresholds, so their row is no measurement.

## Made with
```
python -m workers.understanding.training --data DIR --out DIR \\
    --minutes {minutes:g} --epochs {epochs} --seed {seed}
```
Our own messages: {own} to learn from, of {all_own} (`../data/messages.jsonl`, Apache-2.0).
Voices held back for calibration: {calibration_voices}; for measuring: {test_voices}.

| learnt from | licence |
|---|---|
| our own messages, slot grammar | original, Apache-2.0 |
| CLINC150 (intents) | CC BY 3.0, Larson et al. 2019 |
| MCSCSet (departments, weakly labelled; typing slips) | Apache-2.0, yzhihao/MCSCSet |
| Huatuo-Llama-Med-Chinese (departments, weakly labelled) | Apache-2.0, SCIR-HI |
| MidMed (departments) | MIT, Copyright (c) 2023 Xiaoming Shi |
| GoEmotions (distress, English) | Apache-2.0, Google Research |
| ChatDoctor5k (masked words only) | Apache-2.0, Kent0n-Li/ChatDoctor |
| THUOCL medical words (what is masked together) | MIT, Copyright (c) 2018 THUNLP |

It learnt nothing from texts gathered in public forums, for research only, or without a licence.
Some of those are used to measure.

## What it cannot do
- It does not diagnose, and no clinician has checked its labels of urgency and emergency.
- It reads one message, not the conversation: "still the same" means nothing to it.
- Implicit emergencies, irony, dialect and two wishes in one message are its weak spots.
- Distress in Chinese was learnt from our own messages alone: hundreds, not thousands.
- Departments were mostly learnt from weak labels, which favour named diseases over told symptoms;
  rare departments (plastic surgery, andrology, rheumatology) are hardly known, and in English
  there is next to nothing.
- Other languages and scripts, pictures, emoji alone: it abstains.
"""


def write_card(
    folder: Path, *, model: ModelFolder, figures: str, cost: str, plan: argparse.Namespace
) -> None:
    own = corpora.own_messages()
    chosen = model.calibration
    card = CARD.format(
        name=model.name,
        cost=cost,
        figures=figures,
        temperature=", ".join(f"{h} {t:.2f}" for h, t in chosen.temperature.items()),
        abstain=chosen.abstain_below,
        emergency=chosen.emergency_from,
        accuracy=STATED_ACCURACY,
        calibrated=len(corpora.of_voices(own, corpora.CALIBRATION_VOICES)),
        minutes=plan.minutes,
        epochs=plan.epochs,
        seed=plan.seed,
        own=sum(e.voice not in corpora.held_back() for e in own),
        all_own=len(own),
        calibration_voices=", ".join(sorted(corpora.CALIBRATION_VOICES)),
        test_voices=", ".join(sorted(corpora.TEST_VOICES)),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
