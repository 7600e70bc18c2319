"""python manage.py understand: one message a line in, one JSON object a line out."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from triage.labels import Understanding
from triage.redflags import find_red_flags
from workers.understanding import understand_many

AT_ONCE = 64  # lines understood together


class Command(BaseCommand):
    help = "Say what rules and models understand of each line of standard input, as JSON lines."

    def handle(self, *args: Any, **options: Any) -> None:
        lines: list[str] = []
        # What is no UTF-8 is replaced, and said: one line of rubbish must not end the rest.
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        for number, line in enumerate(sys.stdin, 1):
            if "\N{REPLACEMENT CHARACTER}" in line:
                self.stderr.write(
                    f"第 {number} 行含有无效的 UTF-8，已替换。"
                    f" Line {number}: what is no UTF-8 was replaced."
                )
            lines.append(line.rstrip("\r\n"))
            if len(lines) == AT_ONCE:
                self._say(lines)
                lines = []
        self._say(lines)

    def _say(self, lines: list[str]) -> None:
        for text, meaning in zip(lines, understand_many(lines), strict=True):
            said = json.dumps(_row(text, meaning), ensure_ascii=False)
            self.stdout.write(said)
        self.stdout.flush()


def _row(text: str, meaning: Understanding) -> dict[str, Any]:
    return {
        "text": text,
        "intent": str(meaning.intent),
        "intent_confidence": round(meaning.intent_confidence, 4),
        "urgency": int(meaning.urgency),
        "distress": str(meaning.distress),
        "departments": [
            {"name": score.name, "confidence": round(score.confidence, 4)}
            for score in meaning.departments
        ],
        "red_flags": [flag.rule for flag in find_red_flags(text)],
        "wants_human": meaning.wants_human,
        "also": [str(intent) for intent in meaning.also],
        "abstained": meaning.abstained,
    }
