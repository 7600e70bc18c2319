"""What the hospital knows and stands for: articles, and what each of them said when."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Category(models.TextChoices):
    DIRECTIONS = "directions", _("getting here and opening hours")
    REGISTRATION = "registration", _("registration and booking")
    FEES = "fees", _("fees and insurance")
    PREPARATION = "preparation", _("preparing for an examination")
    REPORTS = "reports", _("reports and medical records")
    INPATIENT = "inpatient", _("hospital stay")
    PHARMACY = "pharmacy", _("pharmacy")
    LEAFLETS = "leaflets", _("medicine leaflets")
    SERVICES = "services", _("other services")


class State(models.TextChoices):
    """Where a version stands at a moment; derived, never stored."""

    DRAFT = "draft", _("draft")
    SCHEDULED = "scheduled", _("scheduled")
    IN_FORCE = "in_force", _("in force")
    SUPERSEDED = "superseded", _("superseded")
    EXPIRED = "expired", _("expired")
    RECALLED = "recalled", _("recalled")


class AlreadySignedOff(Exception):
    """This version was signed off: its words stay as they are. Draft a new version instead."""


class ArticleQuerySet(models.QuerySet["Article"]):
    def with_draft(self) -> "ArticleQuerySet":
        return self.filter(Q(versions=None) | Q(versions__signed_off_at=None)).distinct()

    def in_force(self, now: datetime) -> "ArticleQuerySet":
        return self.filter(id__in=ArticleVersion.objects.in_force(now).values("article"))

    def expired(self, now: datetime) -> "ArticleQuerySet":
        return self.filter(id__in=ArticleVersion.objects.expired(now).values("article"))

    def recalled(self, now: datetime) -> "ArticleQuerySet":
        """Those whose latest word was recalled, so that nothing is said of them now."""
        return self.filter(id__in=ArticleVersion.objects.recalled(now).values("article"))


class Article(models.Model):
    """One subject that patients ask about. What it says is in its versions."""

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    category = models.CharField(_("category"), max_length=16, choices=Category.choices)
    department = models.ForeignKey(
        "hospital.Department",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="articles",
        verbose_name=_("department"),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned_articles",
        verbose_name=pgettext_lazy("of an article", "owner"),
        help_text=_("Who keeps it right."),
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Inactive: nothing of it is said to patients.")
    )
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ["category", "slug"]
        verbose_name = _("article")
        verbose_name_plural = _("articles")

    def __str__(self) -> str:
        return self.slug

    def version_in_force(self, now: datetime) -> "ArticleVersion | None":
        """What the article says now, if it says anything."""
        return self.versions.in_force(now).first()

    def newest_version(self) -> "ArticleVersion | None":
        """The one written last, signed off or not."""
        return self.versions.order_by("-number").first()


class ArticleVersionQuerySet(models.QuerySet["ArticleVersion"]):
    def drafts(self) -> "ArticleVersionQuerySet":
        return self.filter(signed_off_at=None)

    def latest_words(self, now: datetime) -> "ArticleVersionQuerySet":
        """Of each article the newest version that was ever meant to hold by now.

        An older one never comes back when its successor expires or is recalled.
        """
        held = ArticleVersion.objects.filter(
            article=models.OuterRef("article"), signed_off_at__lte=now, effective_from__lte=now
        )
        return self.filter(id=models.Subquery(held.order_by("-number").values("id")[:1]))

    def in_force(self, now: datetime) -> "ArticleVersionQuerySet":
        """What may be said to patients at this moment: one version an article, or none."""
        return self.latest_words(now).filter(
            Q(expires_at=None) | Q(expires_at__gt=now),
            Q(recalled_at=None) | Q(recalled_at__gt=now),
            article__is_active=True,
        )

    def expired(self, now: datetime) -> "ArticleVersionQuerySet":
        return self.latest_words(now).filter(recalled_at=None, expires_at__lte=now)

    def recalled(self, now: datetime) -> "ArticleVersionQuerySet":
        return self.latest_words(now).filter(recalled_at__lte=now)


class ArticleVersion(models.Model):
    """What an article says. A draft until somebody signs it off; from then on it never changes."""

    WORDS = ("title", "title_en", "body", "body_en", "questions", "questions_en", "source",
             "source_en")  # fmt: skip

    article = models.ForeignKey(
        Article, models.PROTECT, related_name="versions", verbose_name=_("article")
    )
    number = models.PositiveIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=80)
    title_en = models.CharField(_("English title"), max_length=120, blank=True)
    body = models.TextField(_("body"))
    body_en = models.TextField(_("English body"), blank=True)
    questions = models.TextField(
        _("typical questions"),
        blank=True,
        help_text=_("How patients ask for it, one wording a line."),
    )
    questions_en = models.TextField(
        _("English typical questions"),
        blank=True,
        help_text=_("How patients ask for it, one wording a line."),
    )
    source = models.CharField(
        _("source"), max_length=160, help_text=_("Which office or rule says so; patients see it.")
    )
    source_en = models.CharField(_("English source"), max_length=200, blank=True)
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
    effective_from = models.DateTimeField(
        _("effective from"), null=True, blank=True, help_text=_("Empty: from its sign-off.")
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    recalled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recalled by"),
    )
    recalled_at = models.DateTimeField(_("recalled at"), null=True, blank=True)
    recall_reason = models.CharField(_("reason of the recall"), max_length=200, blank=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ArticleVersionQuerySet.as_manager()

    class Meta:
        ordering = ["article", "-number"]
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        permissions = [
            ("sign_off_articleversion", _("Can sign off articles")),
            ("recall_articleversion", _("Can recall articles")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["article"], condition=Q(signed_off_at=None), name="one_draft_per_article"
            ),
            models.CheckConstraint(
                condition=Q(signed_off_at=None, signed_off_by=None)
                | Q(
                    signed_off_at__isnull=False,
                    signed_off_by__isnull=False,
                    effective_from__isnull=False,
                ),
                name="signed_off_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(recalled_at=None) | Q(signed_off_at__isnull=False),
                name="only_signed_off_is_recalled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} · {self.number}"

    @property
    def is_draft(self) -> bool:
        return self.signed_off_at is None

    def state(self, now: datetime) -> State:
        if self.signed_off_at is None or self.effective_from is None:
            return State.DRAFT
        if self.recalled_at and self.recalled_at <= now:
            return State.RECALLED
        if self.expires_at and self.expires_at <= now:
            return State.EXPIRED
        if self.effective_from > now:
            return State.SCHEDULED
        newer = self.article.versions.latest_words(now).filter(number__gt=self.number)
        return State.SUPERSEDED if newer.exists() else State.IN_FORCE

    def in_language(self, field: str, lang: str) -> str:
        """`title`, `body`, `questions` or `source`; Chinese where the English is not written."""
        chinese = str(getattr(self, field))
        if lang.lower().startswith("en"):
            return str(getattr(self, f"{field}_en")) or chinese
        return chinese

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises AlreadySignedOff when the words of a signed-off version would change."""
        before = self._as_signed_off()
        if before and any(before[name] != getattr(self, name) for name in before):
            raise AlreadySignedOff
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises AlreadySignedOff: what was said to patients is kept."""
        if self._as_signed_off():
            raise AlreadySignedOff
        return super().delete(*args, **kwargs)

    def _as_signed_off(self) -> dict[str, Any] | None:
        fixed = (*self.WORDS, "article_id", "number", "effective_from", "signed_off_by_id")
        stored = ArticleVersion.objects.filter(pk=self.pk, signed_off_at__isnull=False)
        return stored.values(*fixed).first() if self.pk else None
