"""What one can do with knowledge: draft it, sign it off, recall it."""

from datetime import datetime

from django.db import transaction

from hospital.facts import KINDS, find_fact
from knowledge.filling import FactMissing, facts_in
from knowledge.models import AlreadySignedOff, Article, ArticleVersion
from staff.models import StaffMember


class MayNotSignOff(Exception):
    """This staff member lacks the right to sign off articles."""


class MayNotRecall(Exception):
    """This staff member lacks the right to recall articles."""


class NotComplete(Exception):
    """A version needs a title, a text and its source before anybody can stand for it."""


class NotSignedOff(Exception):
    """A draft was never said to anybody, so there is nothing to recall."""


@transaction.atomic
def draft_version(
    article: Article, *, author: StaffMember | None, now: datetime, **words: str
) -> ArticleVersion:
    """Change what an article says, as a draft; nobody hears of it before it is signed off.

    The draft starts from the newest version. While a draft is open, it is the one that changes.
    """
    # Numbers are handed out in order: the second writer waits here.
    article = Article.objects.select_for_update().get(pk=article.pk)
    newest = article.newest_version()
    if newest and newest.is_draft:
        draft = newest
    else:
        number = newest.number + 1 if newest else 1
        draft = ArticleVersion(article=article, number=number, author=author, created_at=now)
    for name in ArticleVersion.WORDS:
        old = getattr(newest, name) if newest else ""
        setattr(draft, name, words.pop(name, old))
    if words:
        raise TypeError(f"an article has no {', '.join(words)}")
    draft.save()
    return draft


@transaction.atomic
def sign_off(version: ArticleVersion, *, by: StaffMember, now: datetime) -> ArticleVersion:
    """Stand for a draft: from its `effective_from`, or from now, it is what the article says.

    Raises MayNotSignOff, AlreadySignedOff or NotComplete.
    """
    if not by.has_perm("knowledge.sign_off_articleversion"):
        raise MayNotSignOff
    version = ArticleVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if not version.is_draft:
        raise AlreadySignedOff
    if not (version.title.strip() and version.body.strip() and version.source.strip()):
        raise NotComplete
    _ensure_facts(version)
    version.signed_off_by = by
    version.signed_off_at = now
    version.effective_from = version.effective_from or now
    version.save()
    return version


def _ensure_facts(version: ArticleVersion) -> None:
    """Raises FactMissing for a place, an hour or a price that the hospital's rows do not have."""
    for lang, body in (("zh-hans", version.body), ("en", version.body_en)):
        for kind, name in facts_in(body):
            if kind in KINDS and find_fact(kind, name, lang=lang) is None:
                raise FactMissing(f"{kind}:{name}")


@transaction.atomic
def recall(
    version: ArticleVersion, *, by: StaffMember, now: datetime, reason: str
) -> ArticleVersion:
    """Stop saying this at once. The version before it does not come back; the first recall counts.

    Raises MayNotRecall or NotSignedOff.
    """
    if not by.has_perm("knowledge.recall_articleversion"):
        raise MayNotRecall
    version = ArticleVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if version.is_draft:
        raise NotSignedOff
    if version.recalled_at is None:
        version.recalled_by, version.recalled_at = by, now
        version.recall_reason = reason
        version.save()
    return version
