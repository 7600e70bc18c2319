"""Print the figures of a model folder beside those of the linear baseline.

python -m workers.understanding.evaluation --data DIR [--model DIR]
"""

import argparse
from pathlib import Path

from workers.understanding import SHIPPED
from workers.understanding.folder import ModelFolder
from workers.understanding.training.report import cost, sets, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workers.understanding.evaluation")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the open data")
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--no-baseline", action="store_true", help="skip two minutes of training")
    asked = parser.parse_args()
    model = ModelFolder(asked.model)
    print(model.name)
    print(table(asked.data, model, baseline=not asked.no_baseline))
    print(cost(model, asked.model, sets(asked.data)["own, held-back voices"]))


if __name__ == "__main__":
    main()
