"""Changed rules of the interview: versions, who stands for them, and which one is in force.

The files that ship with the house are version 0 and lie in no row.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from triage.interview_rules import EDITABLE


class State(models.TextChoices):
    """Where a rule set stands; derived, never stored."""

    DRAFT = "draft", _("draft")
    SIGNED_OFF = "signed_off", _("signed off")
    ACTIVE = "active", pgettext_lazy("a rule set", "active")
    RETIRED = "retired", _("retired")


class RulesAreFixed(Exception):
    """This rule set was signed off: its texts stay as they are. Draft a new one instead."""


class RuleSetQuerySet(models.QuerySet["RuleSet"]):
    def active(self) -> "RuleSetQuerySet":
        """The one in force, or none: then the shipped files are."""
        return self.filter(is_active=True)


class RuleSet(models.Model):
    """One version of the interview's rules: the shipped files, with some of them changed."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    note = models.CharField(_("what changes, and why"), max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("author"),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    signed_off_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("signed off by"),
    )
    signed_off_at = models.DateTimeField(_("signed off at"), null=True, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("activated by"),
    )
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    is_active = models.BooleanField(pgettext_lazy("a rule set", "active"), default=False)
    checksum = models.CharField(  # of all its texts, as they were signed off
        _("checksum"), max_length=64, blank=True
    )

    objects = RuleSetQuerySet.as_manager()

    class Meta:
        ordering = ["-version"]
        verbose_name = _("triage rules")
        verbose_name_plural = _("triage rules")
        permissions = [
            ("sign_off_ruleset", _("Can sign off triage rules")),
            ("activate_ruleset", _("Can put triage rules into force")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_rule_set_in_force"
            ),
            models.CheckConstraint(
                condition=Q(is_active=False)
                | Q(signed_off_at__isnull=False, activated_at__isnull=False),
                name="in_force_only_signed_off",
            ),
        ]

    def __str__(self) -> str:
        return str(self.version)

    @property
    def is_draft(self) -> bool:
        return self.signed_off_at is None

    @property
    def state(self) -> State:
        if self.is_active:
            return State.ACTIVE
        if self.activated_at:
            return State.RETIRED
        return State.DRAFT if self.is_draft else State.SIGNED_OFF

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises RulesAreFixed: what patients were asked by is kept."""
        if not self.is_draft:
            raise RulesAreFixed
        return super().delete(*args, **kwargs)


class RuleChange(models.Model):
    """One rule file as this version has it; a file that is not named stays as it ships."""

    rule_set = models.ForeignKey(
        RuleSet, models.CASCADE, related_name="changes", verbose_name=_("triage rules")
    )
    file = models.CharField(
        _("file"), max_length=20, choices=[(name, f"{name}.toml") for name in EDITABLE]
    )
    text = models.TextField(
        _("text"), blank=True, help_text=_("Left empty, the file as it is in force is copied here.")
    )

    class Meta:
        ordering = ["file"]
        verbose_name = _("changed file")
        verbose_name_plural = _("changed files")
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "file"], name="a_file_once_per_rule_set")
        ]

    def __str__(self) -> str:
        return self.get_file_display()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises RulesAreFixed when the rule set was signed off."""
        if not self.rule_set.is_draft:
            raise RulesAreFixed
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if not self.rule_set.is_draft:
            raise RulesAreFixed
        return super().delete(*args, **kwargs)
