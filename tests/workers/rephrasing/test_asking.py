"""What the model server is told, and what becomes of whatever it answers."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from assistant.turn import Asked
from workers.rephrasing import MAX_FAILURES, REST_S, Rephraser, rephraser
from workers.rephrasing.server import NotOurs, Server, check_own

PATIENCE_S = 30.0  # on a busy machine; no test waits this long when all is well
ASKED = Asked("停车怎么收费", "30分钟内免费，之后每小时5元。", "zh")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ask(model_server, clock) -> Rephraser:
    return Rephraser(Server(model_server.url, "hospital-7b", key="secret"), PATIENCE_S, clock)


def test_it_gets_the_question_and_the_article_as_data_and_the_model_by_name(
    ask, model_server
) -> None:
    model_server.says = "之后每小时5元。"

    made = ask(ASKED)

    assert (made.text, made.model) == ("之后每小时5元。", "hospital-7b")
    [body] = model_server.asked
    assert (body["model"], body["temperature"]) == ("hospital-7b", 0)
    assert [each["role"] for each in body["messages"]] == ["system", "user"]
    assert json.loads(body["messages"][1]["content"]) == {
        "question": "停车怎么收费",
        "article": "30分钟内免费，之后每小时5元。",
    }
    assert model_server.paths == ["/v1/chat/completions"]
    assert model_server.headers[0]["Authorization"] == "Bearer secret"


def test_an_address_with_v1_is_the_same_address(model_server) -> None:
    Rephraser(Server(f"{model_server.url}/v1/", "m"), PATIENCE_S)(ASKED)

    assert model_server.paths == ["/v1/chat/completions"]


def test_nothing_that_says_who_asks_leaves_the_machine(ask, model_server) -> None:
    who = "我叫李小明，手机138 0013 8000，身份证110101199003071234，停车怎么收费"

    ask(Asked(who, ASKED.article, "zh", names=("李小明",)))

    sent = json.dumps(model_server.asked, ensure_ascii=False)
    assert "停车怎么收费" in sent
    for secret in ("李小明", "138", "8000", "110101", "1234"):
        assert secret not in sent


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 401},
        {"status": 302},
        {"raw": b""},
        {"raw": b"<html>busy</html>"},
        {"raw": b"[]"},
        {"raw": b'{"choices": []}'},
        {"raw": b'{"choices": [{"message": {"content": null}}]}'},
        {"raw": b'{"choices": [{"message": {"content": ["a"]}}]}'},
        {"raw": b"[" * 100_000},
        {"raw": b'{"choices": "' + b"x" * 200_000 + b'"}'},
        {"says": "   "},
        {"finish": "length"},
    ],
    ids=lambda fault: " ".join(f"{name} {str(value)[:24]}" for name, value in fault.items()),
)
def test_a_server_that_is_ill_or_talks_nonsense_says_nothing(
    fault, ask, model_server, caplog
) -> None:
    for name, value in fault.items():
        setattr(model_server, name, value)

    assert ask(ASKED) is None

    assert "rephrasing failed" in caplog.text
    assert "停车" not in caplog.text


@pytest.mark.parametrize("fault", ["holds", "drips"])
def test_a_slow_server_is_not_waited_for(fault, ask, model_server, caplog) -> None:
    setattr(model_server, fault, True)
    ask.within_s = 0.2

    assert ask(ASKED) is None  # or this never ends

    assert caplog.records[-1].reason == "late"


def test_a_server_that_is_away_says_nothing(clock) -> None:
    assert Rephraser(Server("http://127.0.0.1:9", "m"), 0.5, clock)(ASKED) is None


def test_after_three_failures_it_is_left_alone_for_a_minute(ask, model_server, clock) -> None:
    model_server.status = 500
    for _ in range(MAX_FAILURES + 2):
        ask(ASKED)
    assert len(model_server.asked) == MAX_FAILURES

    model_server.status, clock.now = 200, REST_S + 1

    assert ask(ASKED) is not None


def test_an_answer_forgives_earlier_failures(ask, model_server) -> None:
    for status in (500, 500, 200, 500, 500, 200):
        model_server.status = status
        ask(ASKED)

    assert len(model_server.asked) == 6


def test_nobody_waits_for_another_ones_rewording(ask, model_server) -> None:
    model_server.holds = True
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, ASKED)
        model_server.is_asked.wait(PATIENCE_S)

        assert ask(ASKED) is None

        assert not first.done()
        model_server.let_go.set()
        assert first.result() is not None
    assert len(model_server.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8", "https://1.1.1.1:8000", "http://169.254.169.254"]
)
def test_no_question_goes_beyond_the_hospitals_own_network(url, clock, caplog) -> None:
    with pytest.raises(NotOurs):
        check_own(url)

    assert Rephraser(Server(url, "m"), 0.5, clock)(ASKED) is None
    assert caplog.records[-1].reason.startswith("NotOurs")  # and nothing was connected to


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://10.1.2.3", "http://[::1]:80"])
def test_the_hospitals_own_network_is_loopback_and_private(url) -> None:
    check_own(url)


def test_without_a_url_there_is_none(settings: Settings) -> None:
    settings.REPHRASING_URL = ""

    assert rephraser() is None


def test_one_rephraser_serves_the_whole_process(settings: Settings) -> None:
    settings.REPHRASING_URL = "http://127.0.0.1:1"

    assert rephraser() is rephraser() is not None


@pytest.fixture(autouse=True)
def told(caplog) -> None:
    caplog.set_level(logging.INFO)
