"""Print the figures of a model folder beside those of the linear baseline.

    python -m workers.understanding.evaluation [--model DIR] [--data DIR] [--encoder DIR]

With the folder of open data it also measures on real messages; with the encoder that a training
left in its work folder, and torch, how long the same takes there.
"""

import argparse
from pathlib import Path

from workers.understanding import SHIPPED
from workers.understanding.folder import ModelFolder
from workers.understanding.training.card import write_card
from workers.understanding.training.report import cost, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workers.understanding.evaluation")
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--data", type=Path, help="the folder with the open data")
    parser.add_argument("--encoder", type=Path, help="the same encoder for torch, to compare times")
    parser.add_argument("--no-baseline", action="store_true", help="skip a minute of training")
    parser.add_argument("--card", action="store_true", help="write the model card anew")
    asked = parser.parse_args()
    model = ModelFolder(asked.model)
    figures = table(model, data=asked.data, baseline=not asked.no_baseline)
    took = cost(model, asked.model, encoder=asked.encoder)
    print(model.name, figures, took, sep="\n")
    if asked.card:
        write_card(asked.model, model=model, figures=figures, cost=took)


if __name__ == "__main__":
    main()
