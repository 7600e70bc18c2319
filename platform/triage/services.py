"""What one can do with the interview's rules: draft, try on the bench, sign off, put into force."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from django.db import transaction
from django.db.models import Max

from staff.models import StaffMember
from triage.bench import Change, Figures, compare, measure, run_bank
from triage.interview_rules import BadRules, Rules, build_rules, checksum, shipped_texts
from triage.models import RuleChange, RuleSet

logger = logging.getLogger(__name__)

CHECK_EVERY_S = 2.0  # how late a process may notice that other rules are in force


class MayNot(Exception):
    """This staff member lacks the right."""


class AlreadySignedOff(Exception):
    """Somebody stands for this version already."""


class NotSignedOff(Exception):
    """Nobody stands for this version yet."""


class LosesRedFlag(Exception):
    """A red-flag case of the bank would be found less urgent than now."""

    def __init__(self, cases: list[str]) -> None:
        super().__init__(", ".join(cases))
        self.cases = cases


@dataclass(frozen=True)
class Trial:
    """What a rule set would change, over the whole bank."""

    changes: list[Change]  # those that lose a red flag first
    before: Figures
    after: Figures

    @property
    def lost(self) -> list[str]:
        return [change.case.id for change in self.changes if change.loses_red_flag]


def texts_of(rule_set: RuleSet) -> dict[str, str]:
    """All rule files of a version: file name → TOML."""
    return shipped_texts() | dict(rule_set.changes.values_list("file", "text"))


@transaction.atomic
def draft_rule_set(*, author: StaffMember | None, now: datetime, note: str = "") -> RuleSet:
    """Open the next version, starting from what is in force."""
    newest = RuleSet.objects.aggregate(newest=Max("version"))["newest"] or 0
    # Two who draft at once: the unique version lets the second one try again.
    draft = RuleSet.objects.create(version=newest + 1, author=author, created_at=now, note=note)
    if (active := RuleSet.objects.active().first()) is not None:
        RuleChange.objects.bulk_create(
            RuleChange(rule_set=draft, file=one.file, text=one.text) for one in active.changes.all()
        )
    return draft


def try_out(rule_set: RuleSet) -> Trial:
    """Run a version over the bank beside what is in force. Raises BadRules."""
    candidate = build_rules(texts_of(rule_set))
    before, after = run_bank(rules_in_force()), run_bank(candidate)
    return Trial(compare(before, after), measure(before), measure(after))


def sign_off(rule_set: RuleSet, *, by: StaffMember, now: datetime) -> RuleSet:
    """Stand for a draft; its texts stay as they are. Raises MayNot, AlreadySignedOff, BadRules."""
    if not by.has_perm("triage.sign_off_ruleset"):
        raise MayNot
    texts = texts_of(rule_set)
    build_rules(texts)
    drafts = RuleSet.objects.filter(pk=rule_set.pk, signed_off_at=None)
    if not drafts.update(signed_off_by=by, signed_off_at=now, checksum=checksum(texts)):
        raise AlreadySignedOff
    return RuleSet.objects.get(pk=rule_set.pk)


def activate(rule_set: RuleSet, *, by: StaffMember, now: datetime) -> RuleSet:
    """Put a signed-off version into force; all processes follow within seconds.

    Raises MayNot, NotSignedOff, BadRules or LosesRedFlag.
    """
    if not by.has_perm("triage.activate_ruleset"):
        raise MayNot
    if rule_set.is_draft:
        raise NotSignedOff
    # Outside the transaction: the bench takes a second, and what was signed off does not change.
    if lost := try_out(rule_set).lost:
        raise LosesRedFlag(lost)
    with transaction.atomic():
        # Two at once: the later one waits here, and is the one in force.
        list(RuleSet.objects.select_for_update().order_by("pk").values_list("pk"))
        RuleSet.objects.active().exclude(pk=rule_set.pk).update(is_active=False)
        RuleSet.objects.filter(pk=rule_set.pk).update(
            is_active=True, activated_by=by, activated_at=now
        )
    forget()
    return RuleSet.objects.get(pk=rule_set.pk)


def return_to_shipped(*, by: StaffMember) -> None:
    """Put the files into force that ship with the house. Raises MayNot."""
    if not by.has_perm("triage.activate_ruleset"):
        raise MayNot
    RuleSet.objects.active().update(is_active=False)
    forget()


class Held:
    """The rules as this process knows them, for some seconds; then it looks again."""

    def __init__(self, *, check_every_s: float = CHECK_EVERY_S) -> None:
        self._check_every_s = check_every_s
        self._lock = Lock()
        self._rules: Rules | None = None
        self._version: tuple[int, str] | None = None
        self._checked_s = float("-inf")

    def get(self) -> Rules:
        with self._lock:
            if self._rules is None or time.monotonic() - self._checked_s >= self._check_every_s:
                self._look()
            return self._rules or build_rules(shipped_texts())

    def forget(self) -> None:
        with self._lock:
            self._rules = None

    def _look(self) -> None:
        self._checked_s = time.monotonic()
        active = RuleSet.objects.active().first()
        version = (active.pk, active.checksum) if active else None
        if self._rules is not None and version == self._version:
            return
        self._version = version
        self._rules = self._build(active) if active else build_rules(shipped_texts())

    def _build(self, active: RuleSet) -> Rules:
        """Build what is in force; what cannot be read gives way to the shipped files."""
        texts = texts_of(active)
        try:
            built = build_rules(texts)
        except BadRules:
            logger.error("triage rules unreadable", extra={"rule_set": active.pk})
            return build_rules(shipped_texts())
        # A later house may ship other files: the version goes on with its own on top of them.
        if built.checksum != active.checksum:
            logger.warning("triage rules not as signed off", extra={"rule_set": active.pk})
        return built


_held = Held()


def rules_in_force() -> Rules:
    """The rules that patients are asked by now: the active version, or the shipped files."""
    return _held.get()


def forget() -> None:
    """Look again at the next question, not only after CHECK_EVERY_S."""
    _held.forget()
