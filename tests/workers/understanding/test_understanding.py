"""What the shipped model says, and what happens when there is none."""

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import workers.understanding as understanding
from triage.labels import DEPARTMENTS, NOT_UNDERSTOOD, Distress, Intent, Urgency
from workers.understanding import SHIPPED, state, understand, understand_many
from workers.understanding.folder import ModelFolder
from workers.understanding.sums import ModelBroken, check, our_labels

SECRET = "我叫王小丫,昨天摔断了腿"


@pytest.fixture(autouse=True)
def shipped_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERSTANDING_MODEL", raising=False)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the shipped folder, to be broken."""
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    monkeypatch.setenv("UNDERSTANDING_MODEL", str(folder))
    monkeypatch.setattr(understanding, "_loaded", {})
    yield folder


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("我想挂明天上午的眼科号", Intent.BOOK_APPOINTMENT),
        ("明天的号帮我取消一下", Intent.CHANGE_APPOINTMENT),
        ("我的抽血报告出来了吗", Intent.REPORT_QUERY),
        ("阿莫西林饭前吃还是饭后吃", Intent.MEDICATION),
        ("门诊能用医保报销吗", Intent.FEES_INSURANCE),
        ("你们医院停车场在哪里", Intent.VISIT_GUIDE),
        ("转人工", Intent.HUMAN_AGENT),
        ("谢谢你", Intent.CHITCHAT),
        ("我爸突然倒地,叫不醒,没有呼吸了", Intent.EMERGENCY),
        ("I'd like to book an appointment with an eye doctor", Intent.BOOK_APPOINTMENT),
        ("are my blood test results ready", Intent.REPORT_QUERY),
        ("my father collapsed and is not breathing", Intent.EMERGENCY),
        ("can I talk to a human", Intent.HUMAN_AGENT),
        ("thank you so much", Intent.CHITCHAT),
    ],
)
def test_a_clear_message_is_understood(text: str, intent: Intent) -> None:
    said = understand(text)
    assert said.intent is intent
    assert not said.abstained


def test_an_emergency_is_urgent() -> None:
    assert understand("我妈胸口剧痛,出冷汗,喘不上气").urgency is Urgency.EMERGENCY


def test_a_thank_you_is_calm_and_wants_nobody() -> None:
    said = understand("谢谢,再见")
    assert said.distress is Distress.CALM
    assert said.urgency is Urgency.NONE
    assert not said.wants_human


def test_symptoms_lead_to_a_department_with_the_likeliest_first() -> None:
    departments = understand("皮肤上起了很多红疹,很痒").departments
    assert departments[0].name == "皮肤科"
    assert len(departments) <= 3
    confidences = [d.confidence for d in departments]
    assert confidences == sorted(confidences, reverse=True)
    assert all(d.name in DEPARTMENTS and 0 < d.confidence <= 1 for d in departments)


@pytest.mark.parametrize("text", ["不想活了,我把遗书写好了", "I want to kill myself"])
def test_a_crisis_in_plain_words_is_never_missed(text: str) -> None:
    said = understand(text)
    assert said.distress is Distress.CRISIS
    assert said.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize(
    "text", ["转人工", "我要找真人", "护士在吗", "let me talk to a real person"]
)
def test_a_wish_for_a_person_in_plain_words_is_never_missed(text: str) -> None:
    assert understand(text).wants_human


@pytest.mark.parametrize("text", ["人工流产要多少钱", "人工关节能用几年", "护士站在几楼"])
def test_artificial_things_are_no_wish_for_a_person(text: str) -> None:
    assert not understand(text).wants_human


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\x00\x07",
        "😂😂😂",
        "12345",
        "у меня болит голова",
        "머리가 아파요",
        "zxcvb qwrtp lkjhg mnbvc",
        "ich möchte gerne wissen ob sie geöffnet haben",
    ],
)
def test_what_it_cannot_read_it_leaves_to_a_person(text: str) -> None:
    assert understand(text).abstained


def test_a_need_at_the_end_of_a_long_message_is_heard() -> None:
    story = "你好,我先说一下情况,我是你们医院的老病人了,家住城东,平时都是女儿陪我来。" * 20
    said = understand(story + "刚才我老伴突然倒地,叫不醒,没有呼吸了,救命!")
    assert said.urgency is Urgency.EMERGENCY


def test_many_messages_are_understood_as_if_each_came_alone() -> None:
    texts = ["头疼三天了", "谢谢", "what are your opening hours", "", "我要投诉!" * 30]
    assert understand_many(texts) == [understand(text) for text in texts]


def test_every_answer_says_which_model_gave_it() -> None:
    said = understand("你好")
    assert said.model.startswith("wenan-understanding ")
    assert check(SHIPPED)["model.onnx"].startswith(said.model.split()[-1])


def test_a_missing_folder_means_not_understood(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNDERSTANDING_MODEL", str(tmp_path / "none"))
    assert understand(SECRET) == NOT_UNDERSTOOD
    assert [r.message for r in caplog.records] == ["understanding failed"]


def test_the_house_says_what_is_wrong_with_its_model(broken: Path) -> None:
    assert state() == "ok"
    (broken / "labels.json").write_text("{}", encoding="utf-8")
    assert state() == "labels.json differs from its checksum"
    (broken / "checksums.txt").unlink()
    assert state() == "FileNotFoundError in the model folder"


def test_a_need_in_the_middle_of_a_long_message_is_heard() -> None:
    story = "你好,我先说一下情况,我是你们医院的老病人了,家住城东,平时都是女儿陪我来。" * 14
    said = understand(story + "我爸突然倒地,叫不醒,没有呼吸了,救命!" + story)
    assert said.urgency is Urgency.EMERGENCY


def test_an_altered_model_is_not_trusted(broken: Path) -> None:
    with (broken / "model.onnx").open("ab") as file:
        file.write(b"x")
    assert understand("你好") == NOT_UNDERSTOOD
    with pytest.raises(ModelBroken):
        ModelFolder(broken)


def test_a_failing_model_tells_the_log_no_words_of_the_patient(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: ModelFolder, text: str) -> None:
        raise ValueError(f"cannot read {text}")

    monkeypatch.setattr(ModelFolder, "understand", fail)
    with caplog.at_level(logging.DEBUG):
        assert understand(SECRET) == NOT_UNDERSTOOD
    record = caplog.records[-1]
    told = logging.Formatter().format(record) + repr(record.__dict__)
    assert "understanding failed" in told
    assert "ValueError at " in told
    assert "王小丫" not in told
    # An error report shows the variables of every frame, so no frame may go along.
    assert record.exc_info is not None and record.exc_info[2] is None


def test_a_repaired_folder_is_taken_up_without_a_restart(broken: Path) -> None:
    card = (broken / "checksums.txt").read_text(encoding="utf-8")
    (broken / "checksums.txt").unlink()
    assert understand("谢谢") == NOT_UNDERSTOOD
    (broken / "checksums.txt").write_text(card, encoding="utf-8")
    assert understand("谢谢").intent is Intent.CHITCHAT


def test_the_folder_speaks_of_our_labels() -> None:
    labels = json.loads((SHIPPED / "labels.json").read_text(encoding="utf-8"))
    assert labels == our_labels()
    assert labels["intent"] == [str(i) for i in Intent]
    assert labels["department"] == list(DEPARTMENTS)


def test_model_and_data_stay_small_enough_for_the_repository() -> None:
    room = SHIPPED.parent
    files = [f for part in ("model", "data") for f in (room / part).rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) < 30_000_000


def test_using_the_model_needs_no_training_libraries() -> None:
    # In a process of its own: other tests may have loaded what they like.
    asked = (
        "import sys; from workers.understanding import understand; understand('你好');"
        "print(sorted({'torch', 'transformers', 'sklearn', 'django'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_the_command_replaces_what_is_no_utf8_and_says_so() -> None:
    asked = subprocess.run(
        [sys.executable, "manage.py", "understand"],
        input="转人工\n".encode() + b"\xff\xfe\n" + "谢谢\n".encode(),
        capture_output=True,
        check=True,
    )

    said = [json.loads(line) for line in asked.stdout.decode().splitlines()]
    assert [line["text"] for line in said] == ["转人工", "\ufffd\ufffd", "谢谢"]
    assert said[0]["wants_human"] and said[1]["abstained"]
    assert "第 2 行" in asked.stderr.decode()
