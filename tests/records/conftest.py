"""For the records' tests: patients with a phone, and a way to ask for them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

import pytest

from conftest import NOON
from harness import access_log
from harness.letters import letter_of
from patients.models import Channel, ContactPoint, Patient
from patients.services import create_patient, meet
from records.identity import Letter, Reply, confirm_code, start_check
from vault.models import AccessHead


@dataclass(frozen=True)
class Heard:
    """What the asker hears, and what comes to the phone."""

    reply: Reply
    until: datetime | None
    letter: Letter | None = field(repr=False)


Asks = Callable[..., Heard]


@pytest.fixture
def wang(db: None) -> Patient:
    return create_patient(name="王小明", phone="13800000001", identity_number="11010519491231002X")


@pytest.fixture
def visitor(web: Channel) -> Callable[[int], ContactPoint]:
    return lambda number: meet(web, address=f"visitor-{number}")


@pytest.fixture
def asks(visitor: Callable[[int], ContactPoint]) -> Asks:
    """Somebody asks to be known, in a conversation of the same number as the visitor."""

    def ask(
        name: str = "王小明", phone: str = "13800000001", *, conversation: int = 1,
        now: datetime = NOON, tail: str = "",
    ) -> Heard:  # fmt: skip
        asked = start_check(
            conversation, asked_by=visitor(conversation), name=name, phone=phone,
            identity_tail=tail, now=now,
        )  # fmt: skip
        return Heard(asked.reply, asked.until, letter_of(conversation, now=now))

    return ask


@pytest.fixture
def prove(asks: Asks) -> Callable[..., None]:
    """Somebody proves to be this patient, with the code from their phone."""
    conversations = count(1)

    def do(patient: Patient, *, conversation: int = 0, now: datetime = NOON) -> None:
        conversation = conversation or next(conversations)
        asked = asks(patient.name or "", patient.phone or "", conversation=conversation, now=now)
        assert asked.letter is not None
        confirm_code(conversation, asked.letter.code, now=now)

    return do


@pytest.fixture
def log_in_real_transactions(transactional_db: None) -> Iterator[None]:
    AccessHead.objects.get_or_create(pk=1)  # a migration wrote it, and an earlier flush took it
    yield
    access_log.wipe()
