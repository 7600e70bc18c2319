"""Voices from outside: decoded, made anew, and nothing that is none."""

import io
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from workers.hearing import sound

AMR = (Path(__file__).parent / "tone.amr").read_bytes()  # 2 s of 440 Hz, as a telephone encodes it

# codec, format, Hz
MADE = {
    "audio/amr": ("libopencore_amrnb", "amr", 8_000),
    "audio/mpeg": ("libmp3lame", "mp3", 44_100),
    "audio/ogg": ("libopus", "ogg", 48_000),
    "audio/wav": ("pcm_s16le", "wav", 44_100),
}


def tone(content_type: str, *, seconds: float = 2, codec: str = "") -> bytes:
    known, file_format, rate = MADE[content_type]
    made = io.BytesIO()
    with av.open(made, "w", format=file_format) as file:
        stream = file.add_stream(codec or known, rate=rate)
        stream.layout = "mono"
        if file_format == "amr":
            stream.bit_rate = 12_200
        wanted = np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate) * 8_000
        frame = av.AudioFrame.from_ndarray(wanted.astype(np.int16)[None], "s16", "mono")
        frame.rate = rate
        resampler = av.AudioResampler(stream.codec_context.format, "mono", rate)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            file.mux(stream.encode(piece))
    return made.getvalue()


def pitch(samples: sound.Samples) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * sound.RATE / len(samples))


@pytest.mark.parametrize("content_type", MADE)
def test_what_phones_send_is_heard_as_it_was_said(content_type: str) -> None:
    samples = sound.decode(tone(content_type), content_type)

    assert samples.dtype == np.float32
    assert len(samples) / sound.RATE == pytest.approx(2, abs=0.1)
    assert pitch(samples) == pytest.approx(440, abs=2)
    assert 0.2 < np.abs(samples).max() < 0.3


def test_it_becomes_a_file_that_every_browser_plays() -> None:
    content, content_type = sound.playable(AMR, "audio/amr")

    assert content_type == "audio/wav"
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        assert file.getnframes() == 32_320  # what the encoder adds, too
    again = sound.decode(content, "audio/wav")
    assert np.allclose(again, sound.decode(AMR, "audio/amr"), atol=1e-4)


def test_a_voice_whose_end_was_cut_on_its_way_still_plays() -> None:
    assert len(sound.decode(AMR[:-5], "audio/amr")) > 1.9 * sound.RATE


def test_two_minutes_are_heard_and_not_a_second_more() -> None:
    assert len(sound.decode(tone("audio/amr", seconds=119), "audio/amr")) > 118 * sound.RATE
    with pytest.raises(sound.NotSound):
        sound.decode(tone("audio/amr", seconds=121), "audio/amr")


def test_who_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "MAX_DECODING_S", -1.0)

    with pytest.raises(sound.NotSound):
        sound.decode(AMR, "audio/amr")


def one_hertz() -> bytes:
    """A second for each byte: what 44 bytes of head and a small file could blow up to."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 1, 1, 0, "NONE", ""))
        file.writeframes(bytes(100_000))
    return made.getvalue()


NO_SOUND: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "audio/amr"),
    "only a head": (lambda: b"#!AMR\n", "audio/amr"),
    "garbage": (lambda: AMR[:200] + b"\xff" * 800, "audio/amr"),
    "of another kind": (lambda: AMR, "audio/ogg"),
    "silk": (lambda: b"\x02#!SILK_V3" + bytes(64), "audio/silk"),
    "a playlist": (lambda: b"#EXTM3U\nfile:///etc/passwd\n", "audio/mpeg"),
    "a second for each byte": (one_hertz, "audio/wav"),
    "a codec that no phone uses": (lambda: tone("audio/wav", codec="adpcm_swf"), "audio/wav"),
}


@pytest.mark.parametrize(("made", "content_type"), NO_SOUND.values(), ids=NO_SOUND)
def test_what_is_no_voice_is_said_so(made: Callable[[], bytes], content_type: str) -> None:
    with pytest.raises(sound.NotSound):
        sound.decode(made(), content_type)


def test_whatever_breaks_in_a_file_it_is_one_error() -> None:
    numbers = np.random.default_rng(7)
    for content_type in MADE:
        whole = np.frombuffer(tone(content_type, seconds=0.5), np.uint8)
        for _ in range(100):
            broken = whole.copy()
            places = numbers.integers(0, min(len(broken), 2_000), numbers.integers(1, 40))
            broken[places] = numbers.integers(0, 256, len(places))
            try:
                samples = sound.decode(broken.tobytes(), content_type)
            except sound.NotSound:
                continue
            assert len(samples) <= sound.MAX_S * sound.RATE
