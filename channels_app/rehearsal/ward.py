"""python -m channels_app.rehearsal.ward ACT: what a rehearsed day needs done inside the house.

`open` makes a channel for each account on stdin, `nurse` lets nurses answer until stdin ends,
`tell` prints what the house has of everybody, `care` gives the nurses tasks and visits of today
and prints their numbers. Run it with the house's own environment.
"""

import json
import os
import select
import sys
from collections.abc import Iterator
from typing import Any

import django

LOOK_EVERY_S = 0.5
NURSES = 4
CARED_FOR = ("何美兰", "何美华", "何美玲", "何美珍", "何美云")


def open_channels(accounts: list[dict[str, Any]]) -> None:
    from adapters.models import Account
    from patients.models import Channel
    from vault.datakeys import create_data_key

    for each in accounts:
        channel = Channel.objects.create(slug=each["slug"], kind=each["kind"], name=each["slug"])
        Account.objects.create(
            channel=channel,
            settings=each["settings"],
            secrets=each["secrets"],
            data_key=create_data_key(),
        )


def nurse_until_told() -> None:
    """Claim whoever waits and answer in two messages; every second one is resolved."""
    from django.utils import timezone

    from staff.models import Role, StaffMember
    from tickets.models import Ticket
    from tickets.services import (
        AlreadyClaimed,
        NewMessage,
        NotYourTicket,
        claim_ticket,
        reply,
        resolve_ticket,
    )

    staff = [
        StaffMember.objects.create_user(
            f"ward{number}", role=Role.NURSE, display_name=f"护士{number}"
        )
        for number in range(NURSES)
    ]
    print("here", flush=True)  # noqa: T201 - see `OwnHouse.staffed`
    while not select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
        for ticket in list(Ticket.objects.waiting().order_by("pk")[:20]):
            nurse = staff[ticket.pk % NURSES]
            try:
                claim_ticket(ticket.pk, nurse=nurse, now=timezone.now())
                for number, text in enumerate(("您好,我来看一下。", "请按医嘱处理,不适随时联系。")):
                    reply(
                        ticket.pk,
                        nurse=nurse,
                        text=text,
                        client_id=f"ward-{ticket.pk}-{number}",
                        now=timezone.now(),
                    )
                if ticket.pk % 2:
                    resolve_ticket(ticket.pk, nurse=nurse, now=timezone.now())
            except (AlreadyClaimed, NotYourTicket, NewMessage):
                continue  # the patient was quicker; the ticket stays hers


def give_care() -> list[dict[str, int]]:
    """Some patients whom nobody had before, each with a task and a visit of today."""
    from datetime import datetime, time, timedelta
    from decimal import Decimal

    from django.utils import timezone

    from appointments.booking import confirm, hold
    from appointments.models import PartOfDay, Schedule, Slot
    from careplans.models import TaskKind
    from careplans.tasks import open_task
    from hospital.models import Hospital
    from patients.services import create_patient

    now, zone = timezone.now(), Hospital.objects.this_one().zone
    midnight = datetime.combine(timezone.localdate(now, zone), time(), tzinfo=zone)
    before = midnight - timedelta(hours=2)
    clinic = Schedule.objects.filter(department__name="呼吸内科", doctor=None)[0]
    slot = Slot.objects.create(
        schedule=clinic,
        department=clinic.department,
        day=midnight.date(),
        part=PartOfDay.MORNING,
        starts_at=midnight,  # and all day long, so that the hour of the run changes nothing
        ends_at=midnight + timedelta(hours=23, minutes=59),
        capacity=len(CARED_FOR),
        fee=Decimal(20),
        visit_type="general",
    )
    given = []
    for number, name in enumerate(CARED_FOR):
        patient = create_patient(
            name=name, phone=f"1390000880{number}", birth_date_text="1961-04-02"
        )
        visit = confirm(hold(slot, patient=patient, booked_by=patient, now=before), now=before)
        task = open_task(
            patient,
            kind=TaskKind.WORRYING,
            words="回访时说夜里憋醒两次",
            priority=2,
            department=clinic.department,
            now=now,
        )
        given.append({"task": task.pk, "visit": visit.pk})
    return given


def tell() -> dict[str, Any]:
    from django.db.models import Count

    from adapters.models import Attempt
    from conversations.models import Message

    attempts = Attempt.objects.values("channel__slug", "result", "category", "code")
    threads = list(_threads())
    owed = sum(each[1] == "owed" for thread in threads for each in thread["answers"])
    return {
        "threads": threads,
        "owed": owed + Message.objects.unhandled().count(),
        "attempts": [
            [*row.values()] for row in attempts.annotate(count=Count("pk")).order_by("-count")
        ],
    }


def _lot(message: Any) -> str:
    """What became of an answer; what has to wait, and all that stands behind it, is not late."""
    from django.utils import timezone

    if message.sent_at or message.given_up_at:
        return "sent" if message.sent_at else "given up"
    waits = message.send_after is not None and message.send_after > timezone.now()
    return "waiting" if waits else "owed"


def _threads() -> Iterator[dict[str, Any]]:
    from adapters.rendering import plain_text
    from conversations.models import Author, Conversation, Kind

    for conversation in Conversation.objects.select_related("contact_point__channel"):
        said: list[str] = []
        answers: list[tuple[str, str, bool]] = []
        texts = conversation.messages.filter(kind=Kind.TEXT).order_by("seq")
        for message in texts.select_related("nurse", "conversation"):
            if message.author == Author.PATIENT:
                said.append(message.text)
            else:
                lot = _lot(message)
                waits = lot == "owed" and any(earlier == "waiting" for _t, earlier, _c in answers)
                is_card = "card" in (message.details or {})
                answers.append((plain_text(message), "waiting" if waits else lot, is_card))
        yield {
            "slug": conversation.contact_point.channel.slug,
            "address": conversation.contact_point.address,
            "said": said,
            "answers": answers,
        }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    if sys.argv[1] == "open":
        open_channels(json.load(sys.stdin))
    elif sys.argv[1] == "nurse":
        nurse_until_told()
    elif sys.argv[1] == "care":
        json.dump(give_care(), sys.stdout)
    else:
        json.dump(tell(), sys.stdout)
