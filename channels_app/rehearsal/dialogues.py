"""What real patients wrote, to be said again. A line is one JSON: {"turns": [["P", text], …]}."""

import json
from collections.abc import Iterator
from pathlib import Path

from conversations.text import EmptyText, TextTooLong, clean_text

MAX_TURNS = 6  # of one patient; more would meet the limit of messages a minute


class NoDialogues(Exception):
    """The file holds nothing that a patient said."""


def read_dialogues(path: Path, *, at_most: int, turns: int = MAX_TURNS) -> list[list[str]]:
    """What each patient says, in order. Raises NoDialogues, OSError."""
    found: list[list[str]] = []
    for said in _patients(path):
        if len(found) == at_most:
            break
        if said:
            found.append(said[:turns])
    if not found:
        raise NoDialogues
    return found


def _patients(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                turns = json.loads(line)["turns"]
                yield [text for who, raw in turns if who == "P" and (text := _sayable(raw))]
            except (ValueError, KeyError, TypeError):
                raise NoDialogues from None


def _sayable(raw: str) -> str:
    """The text as the house will store it, so that the ledger can compare; empty when it can't."""
    try:
        return clean_text(raw)
    except (EmptyText, TextTooLong):
        return ""
