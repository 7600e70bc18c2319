"""How it was: asked once, sorted, urgent at once, the rest digested, and answered for."""

from datetime import timedelta

import pytest

from careplans import feedback
from careplans.models import Feedback, FeedbackDigest, Sort
from conftest import NOON
from conversations.models import Conversation, Message
from hospital.models import Department, Doctor
from patients.models import ContactPoint
from staff.models import StaffMember
from tickets.models import Reason, Ticket
from tickets.services import claim_ticket, hand_over, resolve_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def helped(talk: Conversation, nurse: StaffMember) -> Ticket:
    ticket = hand_over(talk, reason=Reason.ASKED, urgency=1, now=NOON)
    claim_ticket(ticket.pk, nurse=nurse, now=NOON)
    return resolve_ticket(ticket.pk, nurse=nurse, now=NOON)


@pytest.fixture
def asked(helped: Ticket) -> Feedback:
    feedback.owe_after_tickets(now=LATER)
    feedback.ask_owed_feedback(now=LATER)
    return Feedback.objects.get()


def test_it_is_asked_once_and_not_at_once(helped: Ticket) -> None:
    assert feedback.owe_after_tickets(now=NOON + timedelta(minutes=5)) == 0
    assert [feedback.owe_after_tickets(now=LATER) for _ in range(3)] == [1, 0, 0]
    assert [feedback.ask_owed_feedback(now=LATER) for _ in range(3)] == [1, 0, 0]

    message = Message.objects.get(author="system", kind="text")
    assert message.details["purpose"] == "reminders"
    texts = [each["text"] for each in message.details["choices"]]
    assert texts == [f"评分：{stars}" for stars in (5, 4, 3, 2, 1)]


def test_at_night_it_waits(helped: Ticket) -> None:
    feedback.owe_after_tickets(now=LATER)
    assert feedback.ask_owed_feedback(now=NOON + timedelta(hours=10)) == 0
    assert feedback.ask_owed_feedback(now=NOON + timedelta(hours=22)) == 1


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("5", 5), ("五星", 5), ("4分", 4), ("很满意,谢谢", 5), ("不满意", 2), ("一般", 3),
        ("3 stars", 3),
        ("非常不满意", 1), ("great", 5),
        ("6", None), ("明天几点开门", None), ("15", None),
    ],
)  # fmt: skip
def test_a_rating_is_heard(text: str, rating: int | None) -> None:
    assert feedback.read_rating(text) == rating


@pytest.mark.parametrize(
    ("rating", "words", "sort", "urgent"),
    [
        (5, "护士很耐心", Sort.PRAISE, False),
        (5, "", Sort.PRAISE, False),
        (4, "希望能多开几个窗口", Sort.SUGGESTION, False),
        (3, "等了三个小时", Sort.COMPLAINT, False),
        (2, "", Sort.COMPLAINT, False),
        (1, "给我拿错药了", Sort.COMPLAINT, True),
        (1, "我要投诉", Sort.COMPLAINT, True),
        (3, "someone gave me the wrong medicine", Sort.COMPLAINT, True),
        (5, "上次在别家误诊,你们救了我", Sort.PRAISE, False),
        (None, "建议增加停车位", Sort.SUGGESTION, False),
        (None, "谢谢大夫,讲得很清楚", Sort.PRAISE, False),
        (None, "约的十点,十二点才看上", Sort.SUGGESTION, False),
    ],
)
def test_it_is_sorted_by_rating_and_words(
    rating: int | None, words: str, sort: str, urgent: bool
) -> None:
    assert feedback.sort_of(rating, words) == (sort, urgent)


def test_a_rating_and_then_words_each_once(asked: Feedback) -> None:
    feedback.give_feedback(asked, rating=2, now=LATER)
    given = feedback.give_feedback(asked, words="等太久了", now=LATER)

    assert (given.rating, given.words, given.sort) == (2, "等太久了", Sort.COMPLAINT)
    with pytest.raises(feedback.AlreadyRated):
        feedback.give_feedback(asked, rating=5, now=LATER)
    assert not Ticket.objects.open().exists()


def test_what_is_urgent_is_a_ticket_at_once(asked: Feedback) -> None:
    feedback.give_feedback(asked, rating=1, words="打错针了,我要投诉", now=LATER)

    ticket = Ticket.objects.open().get()
    assert (ticket.urgency, ticket.reason) == (2, Reason.ANGER)


def test_a_week_is_digested_and_what_was_done_goes_back(
    asked: Feedback, nurse: StaffMember, talk: Conversation
) -> None:
    feedback.give_feedback(asked, rating=3, words="希望周末也能取报告", now=LATER)
    assert feedback.digest_feedback(now=LATER) == 0  # the week is not over
    monday = NOON + timedelta(days=5)

    assert [feedback.digest_feedback(now=monday) for _ in range(2)] == [1, 0]
    digest = FeedbackDigest.objects.get()
    assert (digest.answers, digest.average, digest.suggestions) == (1, 3.0, 1)
    assert feedback.tell_responses(now=monday) == 0
    feedback.respond(digest, text="从下月起周六可以取报告。", by=nurse, now=monday)

    assert [feedback.tell_responses(now=monday) for _ in range(2)] == [1, 0]
    assert (
        "周六可以取报告" in Message.objects.filter(author="system", kind="text").latest("seq").text
    )


def test_a_visit_is_asked_about_by_the_doctors_name_once(
    anna: ContactPoint, talk: Conversation
) -> None:
    doctor = Doctor.objects.create(name="李医生", department=Department.objects.first())
    owed = {"patient": anna.patient, "conversation": talk, "doctor": doctor, "now": NOON}

    assert feedback.owe_for_visit(7, **owed)
    assert not feedback.owe_for_visit(7, **owed)
    assert not feedback.owe_for_visit(8, **owed)  # the same patient, days later
    assert feedback.ask_owed_feedback(now=NOON) == 1

    feedback.give_feedback(Feedback.objects.get(), rating=5, now=NOON)
    feedback.digest_feedback(now=NOON + timedelta(days=7))
    assert FeedbackDigest.objects.get().about == f"doctor {doctor.pk}"
