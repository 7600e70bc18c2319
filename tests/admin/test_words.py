"""Chinese first: every sentence of these rooms has its Chinese, and both say the same things."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

pytestmark = pytest.mark.once

ROOT: Path = settings.ROOT
ROOMS = ["vault", "patients", "records", "assistant", "config"]
CALLS = {"_", "gettext", "gettext_lazy", "ngettext"}


def said(room: str) -> set[str]:
    """What the code of a room asks to have translated."""
    sentences = set()
    for file in (ROOT / "platform" / room).rglob("*.py"):
        if "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    sentences.add(first.value)
    return sentences


def catalog(room: str) -> dict[str, str]:
    path = ROOT / "platform" / room / "locale/zh_Hans/LC_MESSAGES/django.po"
    with path.open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id]
    return {
        (e.id if isinstance(e.id, str) else e.id[0]): (
            e.string if isinstance(e.string, str) else e.string[0]
        )
        for e in entries
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_sentence_has_its_chinese(room: str) -> None:
    words = catalog(room)

    assert {sentence for sentence in said(room) if not words.get(sentence)} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_no_translation_loses_a_number_or_a_name(room: str) -> None:
    for english, chinese in catalog(room).items():
        blanks = re.compile(r"%\(\w+\)s|\{\}|120")
        assert sorted(blanks.findall(english)) == sorted(blanks.findall(chinese)), english


def test_what_patients_read_is_chinese_through_and_through() -> None:
    for english, chinese in catalog("assistant").items():
        words = re.findall(r"[A-Za-z]{2,}", re.sub(r"%\(\w+\)s", "", chinese))
        assert set(words) <= {"AI"}, english
