"""A clinic of tomorrow, and people who write in web chat and are answered by the real path."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from appointments.models import Schedule, Slot
from appointments.slots import make_slots
from assistant.services import attend, take_in
from conversations.models import Author, Message
from hospital.models import Department, Doctor, Hospital, Weekday
from patients.models import Channel
from patients.services import meet


@pytest.fixture
def slots(hospital: Hospital, now: datetime) -> Callable[..., list[Slot]]:
    """A doctor on the Thursday after NOON, two slots of half an hour with two seats each."""

    def make(**fields: Any) -> list[Slot]:
        department = Department.objects.get(name="呼吸内科")
        doctor, _ = Doctor.objects.get_or_create(
            name="林知远", department=department, defaults={"title": "主任医师"}
        )
        wanted = {
            "department": department, "doctor": doctor, "weekday": Weekday.THURSDAY,
            "starts": time(9), "ends": time(10), "minutes_per_slot": 30, "capacity": 2,
            "fee": Decimal("80.00"), "visit_type": "specialist",
            "valid_until": date(2026, 11, 19), **fields,
        }  # fmt: skip
        theirs = Schedule.objects.create(**wanted)
        make_slots(now=now)
        return list(Slot.objects.filter(schedule=theirs).order_by("starts_at"))

    return make


class Visitor:
    """Somebody who writes, taps, and reads."""

    def __init__(self, channel: Channel, name: str, model: Any, now: datetime) -> None:
        self.point, self.model, self.now = meet(channel, address=name), model, now
        self._numbers = count(1)

    def says(self, text: str, *, client_id: str = "", means: str = "other") -> str:
        self.now += timedelta(seconds=5)
        self.model.means(means, abstained=means == "other")
        received = take_in(
            self.point,
            text=text,
            now=self.now,
            client_id=client_id or f"c{next(self._numbers)}",
        )
        attend(received.message.conversation_id, understand=self.model, now=self.now)
        later = self._answers().filter(seq__gt=received.message.seq)
        return "\n".join(each.text for each in later)

    def taps(self, number: int) -> str:
        return self.says(self.labels()[number - 1])

    def labels(self) -> list[str]:
        details = self._answers().latest("seq").details or {}
        return [each["label"] for each in details.get("choices", [])]

    def _answers(self) -> Any:
        said = Message.objects.filter(conversation__contact_point=self.point, kind="text")
        return said.exclude(author=Author.PATIENT).order_by("seq")


@pytest.fixture
def visitor(web: Channel, hospital: Hospital, model: Any, now: datetime) -> Callable[..., Visitor]:
    return lambda name="somebody": Visitor(web, name, model, now)
