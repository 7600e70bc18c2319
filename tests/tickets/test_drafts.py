"""What a nurse has typed is hers until it is sent, and nobody else's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from conversations.models import Conversation
from staff.models import StaffMember
from tickets.drafts import MAX_CHARS, forget_sent, read_draft, save_draft
from tickets.models import Draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(patient_writes: Callable[..., Any]) -> Conversation:
    patient_writes("你好", attended=False)
    return Conversation.objects.get()


def test_a_draft_is_kept_sealed_and_read_back(
    conversation: Conversation, nurse: StaffMember, other_nurse: StaffMember, now: Any
) -> None:
    save_draft(conversation, nurse=nurse, text="您好,请问", kind="text", now=now)
    save_draft(conversation, nurse=nurse, text="给同事看的", kind="note", now=now)

    typed = read_draft(conversation, nurse=nurse)
    assert typed is not None
    assert (typed.text, typed.kind) == ("给同事看的", "note")
    assert Draft.objects.count() == 1
    assert read_draft(conversation, nurse=other_nurse) is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM tickets_draft")
        assert "同事".encode() not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_an_empty_draft_is_forgotten(
    conversation: Conversation, nurse: StaffMember, now: Any, empty: str
) -> None:
    save_draft(conversation, nurse=nurse, text="您好", kind="text", now=now)
    save_draft(conversation, nurse=nurse, text=empty, kind="text", now=now)
    assert read_draft(conversation, nurse=nurse) is None


def test_only_what_was_sent_is_forgotten(
    conversation: Conversation, nurse: StaffMember, now: Any
) -> None:
    save_draft(conversation, nurse=nurse, text="您好 ", kind="text", now=now)
    forget_sent(conversation, nurse=nurse, text="别的")
    assert read_draft(conversation, nurse=nurse) is not None
    forget_sent(conversation, nurse=nurse, text="您好")
    assert read_draft(conversation, nurse=nurse) is None


def test_half_an_emoji_and_a_novel_do_no_harm(
    conversation: Conversation, nurse: StaffMember, now: Any
) -> None:
    save_draft(conversation, nurse=nurse, text="好\ud83d" + "长" * 30_000, kind="odd", now=now)
    typed = read_draft(conversation, nurse=nurse)
    assert typed is not None
    assert typed.text.startswith("好长")
    assert len(typed.text) < MAX_CHARS
    assert typed.kind == "text"
