"""Ears: a voice made playable and put into words; and whatever is missing, it still arrives.

`tiny/` is a SenseVoice in all but its network: it hears one sentence, whatever is said.
"""

import builtins
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workers import hearing
from workers.hearing import ears, hear

HERE = Path(__file__).parent
AMR = (HERE / "tone.amr").read_bytes()
SECRET = "我的秘密"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "_loaded", {})
    monkeypatch.setattr(hearing, "_told", set())


@pytest.fixture
def model(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A copy of the tiny model, to be broken."""
    folder = tmp_path / "tiny"
    shutil.copytree(HERE / "tiny", folder)
    settings.HEARING_MODEL = str(folder)
    yield folder


class Ear:
    """Hears what the test says that it hears."""

    name = "test"

    def __init__(self, words: str | Exception) -> None:
        self.words = words

    def words_in(self, samples: Any) -> str:
        if isinstance(self.words, Exception):
            raise self.words
        return self.words


@pytest.fixture
def ear(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def listen(words: str | Exception) -> None:
        settings.HEARING_MODEL = "/ear"
        monkeypatch.setitem(hearing._loaded, "/ear", Ear(words))

    return listen


def test_a_voice_is_made_playable_and_put_into_words(model: Path) -> None:
    heard = hear(AMR, "audio/amr")

    assert heard.playable[:4] == b"RIFF" and heard.content_type == "audio/wav"
    assert (heard.transcript, heard.engine) == ("胸口剧痛。", "sense_voice:tiny")


def test_the_quantized_model_goes_before_the_other(model: Path) -> None:
    (model / "model.onnx").rename(model / "model.int8.onnx")
    (model / "model.onnx").write_bytes(b"broken")

    assert hear(AMR, "audio/amr").transcript == "胸口剧痛。"


def test_without_a_model_a_voice_is_playable_and_has_no_words(settings: Any) -> None:
    settings.HEARING_MODEL = ""

    heard = hear(AMR, "audio/amr")
    assert (heard.content_type, heard.transcript, heard.engine) == ("audio/wav", "", "")


def test_what_does_not_open_stays_as_it_came(model: Path) -> None:
    assert hear(b"\x02#!SILK_V3", "audio/silk") == hearing.Heard(b"\x02#!SILK_V3", "audio/silk")


def break_metadata(folder: Path) -> None:
    model = folder / "model.onnx"
    model.write_bytes(model.read_bytes().replace(b"vocab_size", b"vocab_siz3"))


BROKEN = {
    "no such folder": shutil.rmtree,
    "no tokens": lambda folder: (folder / "tokens.txt").unlink(),
    "empty tokens": lambda folder: (folder / "tokens.txt").write_text(""),
    "no model": lambda folder: (folder / "model.onnx").unlink(),
    "half a model": lambda folder: (folder / "model.onnx").write_bytes(b"\x08\x08"),
    # Over this one sherpa-onnx ends its whole process.
    "no metadata": break_metadata,
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_bad_folder_is_said_once_and_ends_no_worker(
    broken: str, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    BROKEN[broken](model)

    for _ in range(2):
        heard = hear(AMR, "audio/amr")
        assert (heard.content_type, heard.transcript) == ("audio/wav", "")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "no voice is put into words" in caplog.text


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where this is not installed."""
    usual = builtins.__import__

    def find(wanted: str, *args: Any, **kwargs: Any) -> Any:
        if wanted.partition(".")[0] == name:
            raise ImportError(wanted)
        return usual(wanted, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", find)


def test_without_the_player_a_voice_stays_as_it_came(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without("av", monkeypatch)
    monkeypatch.delitem(sys.modules, "workers.hearing.sound", raising=False)
    monkeypatch.delattr(hearing, "sound", raising=False)

    for _ in range(2):
        assert hear(AMR, "audio/amr") == hearing.Heard(AMR, "audio/amr")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "wenan[voice]" in caplog.text


def test_without_the_engine_a_voice_is_playable(
    model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without("sherpa_onnx", monkeypatch)

    assert hear(AMR, "audio/amr").content_type == "audio/wav"
    assert "sherpa-onnx is not installed" in caplog.text


@pytest.mark.parametrize("words", ["", "  ", "。", "……"])
def test_what_has_no_words_is_none(words: str, ear: Any) -> None:
    ear(words)

    assert hear(AMR, "audio/amr").transcript == ""


def test_silence_is_not_listened_to(ear: Any) -> None:
    from workers.hearing.sound import as_wav, np

    ear("谢谢观看")  # what some models hear in it
    assert hear(as_wav(np.zeros(16_000, np.float32)), "audio/wav").transcript == ""


def test_an_ear_that_breaks_tells_no_log_what_it_heard(
    ear: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ear(RuntimeError(SECRET))

    with caplog.at_level(logging.DEBUG):
        heard = hear(AMR, "audio/amr")
    assert (heard.content_type, heard.transcript) == ("audio/wav", "")
    assert "hearing failed" in caplog.text and SECRET not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)


def test_a_good_ear_tells_no_log_either(ear: Any, caplog: pytest.LogCaptureFixture) -> None:
    ear(SECRET)

    with caplog.at_level(logging.DEBUG):
        assert hear(AMR, "audio/amr").transcript == SECRET
    assert SECRET not in caplog.text


@pytest.mark.parametrize("named", ["WhisperForConditionalGeneration", "Wav2Vec2ForCTC"])
def test_a_folder_of_transformers_goes_through_its_pipeline(
    named: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": [named]}))
    settings.HEARING_MODEL = str(tmp_path)
    asked: list[Any] = []

    def pipeline(task: str, **options: Any) -> Any:
        asked.append((task, options["model"]))
        return lambda voice: {"text": f"{voice['sampling_rate']} {len(voice['raw'])}"}

    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(pipeline=pipeline))

    heard = hear(AMR, "audio/amr")
    assert asked == [("automatic-speech-recognition", str(tmp_path))]
    assert (heard.transcript, heard.engine) == ("16000 32320", f"{named}:{tmp_path.name}")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ('{"architectures": ["BertModel"]}', "none for speech"),
        ("[]", "does not open"),
        ("{", "does not open"),
        ('{"architectures": ["Wav2Vec2ForCTC"]}', "transformers is not installed"),
    ],
)
def test_a_folder_that_cannot_hear_says_why(
    config: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(config)
    monkeypatch.setitem(sys.modules, "transformers", None)

    with pytest.raises(ears.NoEars, match=why):
        ears.open_ears(tmp_path)
