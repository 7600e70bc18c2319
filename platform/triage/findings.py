"""What is known of a patient so far: signs that are there or not, and facts with a value.

Nothing here is a judgement. A sign is *present*, *absent* or *unsure* (asked, and the patient could
not say); what nobody spoke of is not in here at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Value = float | str | bool

# months: age · sex: male or female · pregnant: "may be" is yes · hours: how long it has lasted
# severity: 0 to 10 · temperature: °C · course: worse, same or better · who: self, child or other
# systolic, diastolic: mmHg · glucose: mmol/L
FACTS = (
    "months", "sex", "pregnant", "hours", "severity", "temperature", "course", "who",
    "systolic", "diastolic", "glucose",
)  # fmt: skip
FEVER_FROM = 37.8  # °C, wherever it was measured; patients rarely say where
OLDEST_MOTHER, YOUNGEST_MOTHER = 55 * 12, 11 * 12  # months


class Known(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Findings:
    signs: Mapping[str, Known] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()  # facts that were asked and are not known
    quotes: Mapping[str, str] = field(default_factory=dict)  # a sign in the patient's own words

    def has(self, sign: str) -> bool:
        return self.signs.get(sign) is Known.PRESENT

    def number(self, fact: str) -> float | None:
        value = self.facts.get(fact)
        return float(value) if isinstance(value, int | float) else None

    def joined(self, later: "Findings") -> "Findings":
        """Add what was said later; it goes before the earlier, but no doubt undoes a yes."""
        signs = dict(self.signs)
        for sign, known in later.signs.items():
            if known is not Known.UNSURE or sign not in signs:
                signs[sign] = known
        facts = {**self.facts, **later.facts}
        return _completed(
            replace(
                self,
                signs=signs,
                facts=facts,
                unsure=(self.unsure | later.unsure) - facts.keys(),
                quotes={**later.quotes, **self.quotes},
            )
        )

    def may_be_pregnant(self) -> bool:
        """False only when it is out of the question; what is not known may be."""
        if self.facts.get("pregnant") is False or self.facts.get("sex") == "male":
            return False
        months = self.number("months")
        return months is None or YOUNGEST_MOTHER <= months <= OLDEST_MOTHER

    def as_json(self) -> dict[str, Any]:
        return {
            "signs": dict(self.signs),
            "facts": dict(self.facts),
            "unsure": sorted(self.unsure),
            "quotes": dict(self.quotes),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Findings":
        return cls(
            signs={sign: Known(known) for sign, known in raw["signs"].items()},
            facts=dict(raw["facts"]),
            unsure=frozenset(raw["unsure"]),
            quotes=dict(raw["quotes"]),
        )


def _completed(findings: Findings) -> Findings:
    """Draw what follows by itself: a measured fever is a fever, who is pregnant is a woman."""
    signs, facts = dict(findings.signs), dict(findings.facts)
    if (celsius := findings.number("temperature")) is not None and celsius >= FEVER_FROM:
        signs["fever"] = Known.PRESENT
    if facts.get("pregnant") is True:
        facts["sex"] = "female"
    return replace(findings, signs=signs, facts=facts)
