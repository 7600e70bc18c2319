"""Chinese first, English complete: no string that a person can see lacks its Chinese."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[2]
ROOMS = sorted(
    path
    for path in [*(ROOT / "platform").iterdir(), ROOT / "channels_app", ROOT / "workers"]
    if path.is_dir() and path.name != "__pycache__"
)
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "pgettext": ((1, "c"), 2),
    "ngettext": (1, 2), "ngettext_lazy": (1, 2), "pgettext_lazy": ((1, "c"), 2),
}  # fmt: skip


def _strings(room: Path) -> set[str]:
    found: set[str] = set()
    for path in sorted(room.rglob("*")):
        if path.suffix == ".py" and "migrations" not in path.parts:
            source = path.read_bytes()
        elif path.suffix in (".html", ".txt") and "templates" in path.parts:
            source = templatize(path.read_text(), origin=str(path)).encode()
        else:
            continue
        for _, message, _, _ in extract("python", BytesIO(source), KEYWORDS):
            first = message[0] if isinstance(message, tuple) else message
            if first:
                found.add(first)
    return found


def _catalog(room: Path) -> dict[str, str]:
    path = room / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalog = read_po(file)
    said = {}
    for message in catalog:
        msgid = message.id[0] if isinstance(message.id, tuple) else message.id
        text = message.string[0] if isinstance(message.string, tuple) else message.string
        if msgid and text and not message.fuzzy:
            said[msgid] = text
    return said


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_string_has_its_chinese(room: Path) -> None:
    # Django makes one catalog of all rooms', so a word may be translated in any of them.
    missing = _strings(room) - {msgid for other in ROOMS for msgid in _catalog(other)}

    assert not missing, "\n".join(sorted(missing))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_translations_keep_every_placeholder(room: Path) -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r"%\((\w+)\)s", text))

    wrong = [msgid for msgid, text in _catalog(room).items() if names(msgid) != names(text)]

    assert not wrong
