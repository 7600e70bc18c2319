"""The table that a rehearsal prints."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from channels_app.rehearsal.day import ACKNOWLEDGED_WITHIN_MS, Day
from channels_app.rehearsal.simulation import Case, Outcome

Row = tuple[str, str]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of them do not exceed, by nearest rank; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def simulation_rows(outcome: Outcome, reasons: Mapping[str, int] | None) -> list[Row]:
    """`reasons` are the handoffs by reason, where somebody could ask the database."""
    findings, sent = outcome.findings, outcome.sent
    acks = [s.acked_at - s.sent_at for s in sent if s.acked_at is not None]
    replies = [s.answered_at - s.sent_at for s in sent if s.answered_at is not None]
    handed_over = [case for case in outcome.cases if case.was_handed_over]
    rate = len(sent) / outcome.took_s if outcome.took_s else 0.0
    return [
        (_("patients"), str(len(outcome.cases))),
        (_("messages"), f"{len(sent)}  ({rate:.1f}/s)"),
        (_("answered by the assistant"), str(_answered_by_assistant(outcome.cases))),
        (_("patients handed over"), str(len(handed_over))),
        *_reason_rows(outcome.cases, reasons),
        (_("to the acknowledgement, p50 / p99"), _times(acks)),
        (_("to the reply, p50 / p99"), _times(replies)),
        (_("reconnects"), str(sum(case.reconnects for case in outcome.cases))),
        (_("news that only a pull brought"), str(sum(not c.was_told for c in outcome.cases))),
        (_("lost"), str(findings.lost)),
        (_("duplicated"), str(findings.duplicated)),
        (_("out of order"), str(findings.out_of_order)),
        (_("shown otherwise than stored"), str(findings.misshown)),
        (_("unanswered"), str(findings.unanswered)),
    ]


def day_rows(day: Day) -> list[Row]:
    rate = day.callbacks / day.took_s if day.took_s else 0.0
    acks = [took_ms / 1_000 for took_ms in day.acknowledged_ms]
    return [
        (_("messages"), str(day.messages)),
        (_("callbacks, with repeats"), f"{day.callbacks}  ({rate:.1f}/s)"),
        (_("to the acknowledgement, p50 / p99"), _times(acks)),
        (_("later than %(ms)s ms") % {"ms": ACKNOWLEDGED_WITHIN_MS}, str(day.late)),
        (_("callbacks refused"), str(day.refused.total())),
        *[("  " + _("HTTP %(status)s") % {"status": s}, str(n)) for s, n in day.refused.items()],
        *[(_("answers") + f", {lot}", str(number)) for lot, number in day.answers.items()],
        (_("faults that happened"), str(day.faults)),
        *_attempt_rows(day),
        (_("lost"), str(day.lost)),
        (_("duplicated"), str(day.doubled)),
        (_("out of order"), str(day.reordered)),
        (_("beyond a window or quota"), str(day.out_of_bounds)),
        (_("patients' words in a log"), str(day.leaked)),
    ]


def _attempt_rows(day: Day) -> list[Row]:
    """The delivery log: how often each channel said what."""
    return [
        ("  " + " · ".join(filter(None, (slug, result, category, code))), str(number))
        for slug, result, category, code, number in day.attempts
    ]


def table(rows: Iterable[Sequence[str]]) -> str:
    """Columns in line, the first to the left, also where a character is two cells wide."""
    lines = [list(row) for row in rows]
    widths = [max(map(_cells, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(_pad(text, width, left=not n) for n, (text, width) in enumerate(row)).rstrip()
        for row in (zip(line, widths, strict=True) for line in lines)
    )


def _reason_rows(cases: Sequence[Case], reasons: Mapping[str, int] | None) -> list[Row]:
    if reasons is None:
        return [("  " + _("with an emergency card"), str(sum(case.has_card for case in cases)))]
    return [(f"  {reason}", str(count)) for reason, count in Counter(reasons).most_common()]


def _answered_by_assistant(cases: Sequence[Case]) -> int:
    """Messages whose first answer is the assistant's."""
    count = 0
    for case in cases:
        answers = [item for item in case.view.in_order() if item.is_ours]
        for sent in case.sent:
            first = next((a for a in answers if sent.seq is not None and a.seq > sent.seq), None)
            count += first is not None and first.author == "assistant"
    return count


def _times(seconds: Sequence[float]) -> str:
    return f"{1000 * percentile(seconds, 0.5):.0f} / {1000 * percentile(seconds, 0.99):.0f} ms"


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - _cells(text))
    return text + space if left else space + text
