"""Compile the translations: every .po beside its .mo, where the .po is newer."""

from collections.abc import Iterator
from pathlib import Path

ROOMS = ("platform", "channels_app", "workers")


def compile_stale(root: Path) -> int:
    """Bring the compiled catalogs up to date; returns how many were written."""
    stale = [catalog for catalog in _catalogs(root) if _is_stale(catalog)]
    for catalog in stale:
        _compile(catalog)
    return len(stale)


def _catalogs(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        yield from (root / room).rglob("locale/*/LC_MESSAGES/*.po")


def _is_stale(catalog: Path) -> bool:
    compiled = catalog.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < catalog.stat().st_mtime


def _compile(catalog: Path) -> None:
    # Half a second of work, and most starts find nothing to compile.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with catalog.open("rb") as source:
        messages = read_po(source)
    draft = catalog.with_suffix(".mo.new")
    with draft.open("wb") as target:
        write_mo(target, messages)
    draft.replace(catalog.with_suffix(".mo"))  # in one step: others may be reading
