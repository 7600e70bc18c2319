"""Which signed-off articles answer a question: in process, in milliseconds, or none at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection
from django.db.models import Min, Q

from knowledge.filling import without_facts
from knowledge.index import Entry, Index
from knowledge.models import ArticleVersion, Category
from knowledge.words import is_chinese

# Below it nothing is found: no answer, and a nurse reads it, is better than a wrong one. Chosen on
# tests/knowledge/questions.jsonl, where no clinical or stray question reaches it.
LEAST_SCORE = 0.35  # 0 to 1


@dataclass(frozen=True)
class Found:
    """An article that answers a question. The row is shared between callers: read it only."""

    version: ArticleVersion
    score: float  # 0 to 1
    matched: tuple[str, ...]  # the words that spoke for it, the strongest first; never log them


def find_articles(text: str, *, lang: str, now: datetime, limit: int = 3) -> list[Found]:
    """The articles in force that answer a question, the best first; often none.

    `lang` counts only where the text shows no language itself, as in "CT".
    """
    shelf = _shelf(now)
    hits = shelf.indexes[_language(text, lang)].search(text, limit=limit)
    return [
        Found(shelf.versions[hit.key], hit.score, hit.matched)
        for hit in hits
        if hit.score >= LEAST_SCORE
    ]


def leaflet(slug: str, *, now: datetime) -> ArticleVersion | None:
    """What a pharmacist signed off of one medicine; by its name alone, never by likeness."""
    versions = ArticleVersion.objects.in_force(now).filter(article__slug=slug)
    found: ArticleVersion | None = versions.filter(article__category=Category.LEAFLETS).first()
    return found


@dataclass(frozen=True)
class _Shelf:
    """The articles in force, ready to be searched, and how long they are."""

    stamp: tuple[Any, ...]
    built_at: datetime
    holds_until: datetime | None
    versions: dict[int, ArticleVersion]
    indexes: dict[str, Index]

    def is_fresh(self, stamp: tuple[Any, ...], now: datetime) -> bool:
        started = self.built_at <= now
        return self.stamp == stamp and started and (not self.holds_until or now < self.holds_until)


class _Newest:
    """One shelf a process, replaced whole, so that threads need no lock."""

    shelf: ClassVar[_Shelf | None] = None


def _shelf(now: datetime) -> _Shelf:
    shelf, stamp = _Newest.shelf, _stamp()
    if shelf is None or not shelf.is_fresh(stamp, now):
        shelf = _Newest.shelf = _build(stamp, now)
    return shelf


# By hand: the ORM takes longer to write this than the database to answer it.
STAMP = """
    SELECT COUNT(*), MAX(v.id), MAX(v.updated_at), COUNT(v.signed_off_at), COUNT(v.recalled_at),
           MAX(a.updated_at), COUNT(CASE WHEN a.is_active THEN 1 END)
    FROM knowledge_articleversion v JOIN knowledge_article a ON a.id = v.article_id
"""


def _stamp() -> tuple[Any, ...]:
    """Something that differs after every change, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(STAMP)
        return tuple(cursor.fetchone())


def _build(stamp: tuple[Any, ...], now: datetime) -> _Shelf:
    in_force = ArticleVersion.objects.in_force(now).exclude(article__category=Category.LEAFLETS)
    versions = list(in_force.select_related("article__department").order_by("id"))
    return _Shelf(
        stamp=stamp,
        built_at=now,
        holds_until=_next_change(now),
        versions={version.pk: version for version in versions},
        indexes={"zh": _index(versions, ""), "en": _index(versions, "_en")},
    )


def _next_change(now: datetime) -> datetime | None:
    """When the next signed-off version begins or ends to hold by itself."""
    moments = ArticleVersion.objects.filter(signed_off_at__isnull=False).aggregate(
        begins=Min("effective_from", filter=Q(effective_from__gt=now)),
        ends=Min("expires_at", filter=Q(expires_at__gt=now)),
    )
    return min((moment for moment in moments.values() if moment), default=None)


def _index(versions: list[ArticleVersion], suffix: str) -> Index:
    """Over one language; an article that was not written in it cannot be found in it."""
    entries = []
    for version in versions:
        title, body, questions = (
            str(getattr(version, f"{name}{suffix}")) for name in ("title", "body", "questions")
        )
        lines = tuple(line for line in (title, *questions.splitlines()) if line.strip())
        if body:
            entries.append(Entry(version.pk, lines, without_facts(body)))
    return Index(entries)


def _language(text: str, lang: str) -> str:
    if is_chinese(text):
        return "zh"
    if len(text.split()) > 1:
        return "en"
    return "en" if lang.lower().startswith("en") else "zh"
