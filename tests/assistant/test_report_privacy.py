"""Whoever guesses at reports in a chat learns nothing, is slowed, and is seen."""

import random
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.codes import send_code
from adapters.policy import CODE
from assistant.services import attend, take_in
from channels_app.frames import for_patient, for_staff
from conftest import NOON
from conversations.models import Author, Conversation, Message
from conversations.services import ClientIdReused
from harness.accounts import open_account
from patients.models import Channel, Patient
from patients.services import create_patient, meet
from records.identity import NotVerified, verified_patient
from records.models import Guessing, IdentityCheck
from records.reports import file_report
from vault import access
from vault.models import AccessEntry

pytestmark = pytest.mark.django_db

NAME, PHONE = "王小明", "13800000001"
GUESSES = 500  # at each of two targets
VISITORS = 15
_QUEUE = re.compile(r"您前面还有 \d+ 位患者。|下一位就是您。")


@pytest.fixture
def wang(hospital: Any) -> Patient:
    open_account("twilio", settings={"sender": "+15550100"}, secrets={"auth_token": "t"})
    patient = create_patient(name=NAME, phone=PHONE)
    file_report(
        patient, external_id="r1", name="HIV抗体", category="lab", status="final", now=NOON,
        conclusion="阳性",
    )  # fmt: skip
    return patient


def heard_since(conversation: Conversation, seq: int) -> list[Any]:
    """What the screen shows after a message, but how many others wait for a nurse."""
    new = Message.objects.filter(conversation=conversation, seq__gt=seq).order_by("seq")
    ours = [each for each in new if each.author != Author.PATIENT]
    return [
        (_QUEUE.sub("", item.get("text", "")), item.get("details", {}).get("choices"))
        for item in for_patient(ours)
    ]


def attack(web: Channel, model: Any, *, phone: str, first: int, at: datetime) -> list[Any]:
    """Some visitors guess a name, a phone and codes for some hours; returns what they hear."""
    dice, heard, now = random.Random(7), [], at
    for guess in range(GUESSES):
        now += timedelta(seconds=dice.randrange(1, 60))
        name, target = dice.choice([NAME, "王芳"]), phone if dice.random() < 0.8 else "13711111111"
        said = dice.choice([f"查报告,{name},{target}", f"{dice.randrange(10**6):06}", "没收到"])
        if guess < VISITORS:
            said = f"查报告,{name},{target}"
        point = meet(web, address=f"guesser-{first + guess % VISITORS}")
        received = take_in(point, text=said, client_id=f"g{guess}", now=now)
        message = received.message
        attend(message.conversation_id, understand=model, now=now)
        for check_id in IdentityCheck.objects.owed_a_letter().values_list("pk", flat=True):
            send_code(check_id, now=now)
        heard.append(heard_since(message.conversation, message.seq))
    return [
        [(text.replace(f"{phone[:3]}****{phone[-4:]}", "…"), choices) for text, choices in each]
        for each in heard
    ]


def test_a_thousand_guesses_in_the_chat_learn_nothing(
    wang: Patient, web: Channel, model: Any
) -> None:
    model.means("report_query")

    at_somebody = attack(web, model, phone=PHONE, first=0, at=NOON)
    at_nobody = attack(web, model, phone="13900000002", first=100, at=NOON + timedelta(days=2))

    # Nothing is learnt: word for word the same, and nobody is let in.
    assert at_somebody == at_nobody
    assert not IdentityCheck.objects.exclude(verified_at=None).exists()
    everything = str(at_somebody)
    assert not any(word in everything for word in ("HIV", "阳性", NAME, "的报告："))
    # Slowed: few claims are looked at; three codes at most reach the phone.
    checks = IdentityCheck.objects
    assert checks.filter(refused="").count() < GUESSES / 4
    assert checks.exclude(refused="").count() > checks.filter(refused="").count() / 2
    assert sum(CODE in (m.details or {}) for m in Message.objects.all()) <= 3
    # Logged, each claim, in a chain that stands; and shown to who administers.
    assert AccessEntry.objects.filter(reason="patient:check").count() == checks.count()
    assert access.verify() is None
    assert "phone" in Guessing.objects.values_list("scope", flat=True)
    print(f"\n{2 * GUESSES} guesses: {checks.filter(refused='').count()} claims looked at")


def prove(web: Channel, model: Any) -> tuple[Conversation, str]:
    """The patient reads the code on the phone, and types it."""
    model.means("report_query")
    point = meet(web, address="visitor-1")
    message = take_in(point, text=f"查报告,{NAME},{PHONE}", client_id="c1", now=NOON).message
    attend(message.conversation_id, understand=model, now=NOON)
    send_code(IdentityCheck.objects.get().pk, now=NOON)
    sent = Message.objects.exclude(conversation=message.conversation).get()
    code = (sent.details or {})[CODE]["digits"]
    take_in(point, text=f"验证码{code}", client_id="c2", now=NOON)
    attend(message.conversation_id, understand=model, now=NOON)
    return message.conversation, code


def test_a_code_stands_on_no_screen_and_in_no_thread(
    wang: Patient, web: Channel, model: Any
) -> None:
    conversation, code = prove(web, model)

    assert verified_patient(conversation.pk, now=NOON) == wang
    messages = list(Message.objects.order_by("pk"))
    typed = next(each for each in messages if each.client_id == "c2")
    assert typed.text == "验证码••••••"
    assert code not in str(for_staff(messages)) + str(for_patient(messages))


def test_a_browser_that_sends_a_masked_code_again_is_no_stranger(
    wang: Patient, web: Channel, model: Any
) -> None:
    conversation, code = prove(web, model)
    point = conversation.contact_point

    again = take_in(point, text=f"验证码{code}", client_id="c2", now=NOON)

    assert not again.is_new
    with pytest.raises(ClientIdReused):
        take_in(point, text="别的话", client_id="c2", now=NOON)


def test_what_is_typed_in_another_chat_opens_nothing(
    wang: Patient, web: Channel, model: Any
) -> None:
    _conversation, code = prove(web, model)
    other = meet(web, address="visitor-2")
    message = take_in(other, text=f"查报告,{NAME},{PHONE}", now=NOON + timedelta(minutes=2)).message
    attend(message.conversation_id, understand=model, now=NOON + timedelta(minutes=2))

    take_in(other, text=code, now=NOON + timedelta(minutes=2))
    attend(message.conversation_id, understand=model, now=NOON + timedelta(minutes=2))

    with pytest.raises(NotVerified):
        verified_patient(message.conversation_id, now=NOON + timedelta(minutes=2))
