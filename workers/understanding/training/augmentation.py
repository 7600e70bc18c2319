"""The same message as another hand would have typed it: slips, voice input, no punctuation."""

import random
import re
from pathlib import Path

_MARKS = re.compile(r"[,。!?、;:,.!?;:…~]+")


class Slips:
    """Changes a message a little, drawn anew each time."""

    def __init__(self, confusions: Path, rng: random.Random) -> None:
        """Read the confusion table: a character, a tab, what it is mistaken for."""
        self._rng = rng
        self._confused: dict[str, list[str]] = {}
        for line in confusions.read_text(encoding="utf-8").splitlines():
            character, _, others = line.partition("\t")
            if others.split():
                self._confused[character] = others.split()[:8]  # the likeliest come first

    def write_again(self, text: str) -> str:
        dice = self._rng.random()
        if dice < 0.5:
            return text
        if dice < 0.65:
            return _MARKS.sub(" " if self._rng.random() < 0.3 else "", text).strip() or text
        if dice < 0.85:
            return self._mistype(text)
        if dice < 0.93:
            return self._lose_a_character(text)
        return self._mistype(_MARKS.sub("", text)) or text

    def _mistype(self, text: str, share: float = 0.06) -> str:
        return "".join(self._slip(c) if self._rng.random() < share else c for c in text)

    def _slip(self, character: str) -> str:
        if character in self._confused:
            return self._rng.choice(self._confused[character])
        return character * self._rng.choice((0, 2)) if character.isalpha() else character

    def _lose_a_character(self, text: str) -> str:
        if len(text) < 6:
            return text
        at = self._rng.randrange(len(text))
        return text[:at] + text[at + 1 :]
