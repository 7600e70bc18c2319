"""What is written into a model folder beside the network, and the seal around all of it."""

import json
from pathlib import Path
from typing import Any

from workers.understanding.sums import CHECKSUMS, SUMMED, sum_of


def seal(folder: Path) -> None:
    """Write the checksums. Nothing in the folder may change afterwards but the card."""
    lines = [f"{sum_of(folder / name)}  {name}\n" for name in SUMMED]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
