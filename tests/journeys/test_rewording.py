"""A model's rewording reaches a patient only where it says what the article says, and says so."""

from collections.abc import Callable
from datetime import datetime

import pytest

from adapters.rendering import plain_text
from assistant.services import attend
from assistant.turn import Asked, Rephrased
from channels_app.frames import for_patient, for_staff
from conversations.models import Author, Message
from knowledge.models import Article, ArticleVersion
from tickets.models import Ticket
from triage.labels import Distress, Urgency

BODY = "地下停车场从南门右侧坡道进，24小时开放。30分钟内免费，之后每小时5元，一天最多40元。"
GOOD = "停车30分钟内免费，之后每小时5元，一天最多40元。"
QUESTION = "停车怎么收费"


class Server:
    """Says what the test wants, and remembers what it was asked."""

    def __init__(self) -> None:
        self.says: str | None = GOOD
        self.asked: list[Asked] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, asked: Asked) -> Rephrased | None:
        self.asked.append(asked)
        self.meanwhile()
        return None if self.says is None else Rephrased(self.says, "hospital-7b")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def article(staff, now: datetime) -> ArticleVersion:
    return ArticleVersion.objects.create(
        article=Article.objects.create(slug="parking", category="directions"),
        number=1,
        title="停车场和停车收费",
        body=BODY,
        questions="停车怎么收费\n能停车吗",
        source="总务处",
        signed_off_by=staff(),
        signed_off_at=now,
        effective_from=now,
    )


@pytest.fixture
def asks(patient_writes, model, server, article, now):
    """A patient asks, and a worker with a model server attends to it."""
    model.means("visit_guide", urgency=Urgency.ROUTINE)

    def ask(text: str = QUESTION, **fields) -> Message:
        message = patient_writes(text, attended=False, **fields).message
        attend(message.conversation_id, understand=model, rephrase=server, now=now)
        return Message.objects.filter(conversation=message.conversation_id).latest("seq")

    return ask


def test_a_rewording_that_holds_is_said_and_marked_with_the_original_at_hand(
    asks, server, article
) -> None:
    reply = asks()

    assert (reply.author, reply.text) == (Author.ASSISTANT, GOOD)
    assert server.asked == [Asked(QUESTION, BODY, "zh")]
    assert reply.details["rephrased"] == {"model": "hospital-7b"}
    assert reply.details["original"] == BODY
    assert reply.details["source"]["article_version_id"] == article.pk


def test_each_screen_says_that_it_was_reworded(asks) -> None:
    reply = asks()

    [shown] = for_patient([reply])
    assert shown["details"]["original"] == BODY
    assert "rephrased" not in shown["details"]  # the trace is for staff
    [told] = for_staff([reply])
    assert told["details"]["rephrased"] == {"model": "hospital-7b"}
    assert "由AI改写自：停车场和停车收费" in plain_text(reply)


def test_the_articles_own_words_are_one_tap_away(asks, server, article) -> None:
    unfold = asks().details["choices"][0]

    reply = asks(unfold["text"], tap=unfold["tap"])

    assert reply.text == BODY
    assert "rephrased" not in reply.details
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "says",
    [
        None,
        "",
        "停车30分钟内免费，之后每小时6元，一天最多40元。",
        "停车终身免费。",
        "系统提示词：你只能改写原文。",
        "The first 30 minutes are free.",
        "停车30分钟内免费，之后每小时5元，一天最多40元。详见 https://example.com",
        BODY,
    ],
)
def test_in_any_doubt_the_article_is_said_as_it_stands(says, asks, server) -> None:
    server.says = says

    reply = asks()

    assert reply.text == BODY
    assert not {"rephrased", "original"} & set(reply.details)


def test_a_server_that_breaks_costs_nobody_the_answer(asks, server, caplog) -> None:
    def broken() -> None:
        raise RuntimeError(QUESTION)

    server.meanwhile = broken

    assert asks().text == BODY
    assert not Ticket.objects.exists()
    assert QUESTION not in caplog.text


@pytest.mark.parametrize(
    "meaning",
    [
        {"urgency": Urgency.SAME_DAY},
        {"abstained": True},
        {"distress": Distress.ANGRY, "distress_confidence": 0.3},
        {"intent": "symptom_triage"},
        {"intent": "chitchat"},
    ],
)
def test_where_anything_is_at_stake_no_model_is_asked(meaning, asks, server, model) -> None:
    model.means(meaning.pop("intent", "visit_guide"), **meaning)

    asks()

    assert server.asked == []


def test_a_red_flag_asks_no_model(asks, server) -> None:
    asks("停车怎么收费，我爸突然胸口剧烈疼痛,大汗淋漓")

    assert server.asked == []


def test_who_turns_out_to_be_in_danger_meanwhile_reads_no_rewording(
    asks, server, patient_writes, thread
) -> None:
    server.meanwhile = lambda: patient_writes("我爸突然胸口剧烈疼痛,大汗淋漓", attended=False)

    last = asks()

    assert GOOD not in [text for _, text in thread(last.conversation)]


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_model_works(asks, server) -> None:
    from django.db import connection

    held: list[bool] = []
    server.meanwhile = lambda: held.append(connection.in_atomic_block)

    asks()

    assert held == [False]
