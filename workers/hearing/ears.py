"""Speech recognition models on this machine, each by its folder: nothing is fetched from anywhere.

A folder holds either a model for sherpa-onnx (SenseVoice or Paraformer: model.onnx or
model.int8.onnx, and tokens.txt), or one for transformers (config.json and its files).
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workers.hearing.sound import RATE, Samples

THREADS = 2  # beside the worker's own; 60 s of speech take a SenseVoice of 230 MB a few seconds
TRIAL_S = 60  # to load a model and hear a second of noise
_KINDS = ("sense_voice", "paraformer")
_HEARS = re.compile(
    r"ForCTC$|ForSpeechSeq2Seq$|ForSpeechToText$"
    r"|^(Whisper|Speech2Text|Moonshine)\w*ForConditionalGeneration$"
)


class NoEars(Exception):
    """There is no model here that this machine can use. Says why; never a patient's word."""


class Ears(Protocol):
    @property
    def name(self) -> str: ...

    def words_in(self, samples: Samples) -> str:
        """What is said; empty when nothing is."""


def open_ears(folder: Path) -> Ears:
    """Load a model. Takes seconds and some hundred MB. Raises NoEars."""
    if (folder / "tokens.txt").is_file() and _model_in(folder) is not None:
        return SherpaEars(folder, kind=_kind_of(folder))
    if (folder / "config.json").is_file():
        return TransformersEars(folder)
    raise NoEars("no speech recognition model in this folder")


class SherpaEars:
    """SenseVoice or Paraformer, on sherpa-onnx."""

    def __init__(self, folder: Path, *, kind: str) -> None:
        import sherpa_onnx  # 30 MB, and an optional one

        model, tokens = str(_model_in(folder)), str(folder / "tokens.txt")
        kinds = sherpa_onnx.OfflineRecognizer
        self.name = f"{kind}:{folder.name}"
        self._recognizer: Any
        if kind == "sense_voice":
            # With inverse normalization it sets punctuation, and writes numbers as the rules read
            # them: 39度, not 三十九度.
            self._recognizer = kinds.from_sense_voice(
                model=model, tokens=tokens, num_threads=THREADS, language="auto", use_itn=True
            )
        else:
            self._recognizer = kinds.from_paraformer(
                paraformer=model, tokens=tokens, num_threads=THREADS
            )

    def words_in(self, samples: Samples) -> str:
        stream = self._recognizer.create_stream()
        stream.accept_waveform(RATE, samples)
        self._recognizer.decode_stream(stream)
        return str(stream.result.text)


class TransformersEars:
    """Whisper, Wav2Vec2 and their like, on transformers."""

    def __init__(self, folder: Path) -> None:
        try:
            config = json.loads((folder / "config.json").read_text())
            named = [str(each) for each in config.get("architectures") or ()]
        except (OSError, ValueError, AttributeError, TypeError):
            raise NoEars("config.json does not open") from None
        if not any(_HEARS.search(each) for each in named):
            raise NoEars("this model is none for speech recognition")
        try:
            from transformers import pipeline  # gigabytes with its torch, and optional
        except ImportError:
            raise NoEars("transformers is not installed") from None
        self.name = f"{named[0]}:{folder.name}"
        self._pipeline: Any = pipeline(
            "automatic-speech-recognition", model=str(folder), chunk_length_s=30
        )

    def words_in(self, samples: Samples) -> str:
        return str(self._pipeline({"raw": samples, "sampling_rate": RATE})["text"])


def _model_in(folder: Path) -> Path | None:
    names = (folder / "model.int8.onnx", folder / "model.onnx")
    return next((each for each in names if each.is_file()), None)


def _kind_of(folder: Path) -> str:
    """Which of the kinds it is, by a trial in a process of its own.

    sherpa-onnx ends the whole process over a file that lacks what it looks for.
    """
    try:
        import sherpa_onnx  # noqa: F401
    except ImportError:
        raise NoEars("sherpa-onnx is not installed: pip install 'wenan[voice]'") from None
    for kind in _KINDS:
        trial = [sys.executable, "-m", "workers.hearing.ears", kind, str(folder)]
        try:
            ended = subprocess.run(trial, capture_output=True, timeout=TRIAL_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            continue
        if ended.returncode == 0:
            return kind
    raise NoEars("the model does not load, neither as SenseVoice nor as Paraformer")


def _try(kind: str, folder: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    SherpaEars(folder, kind=kind).words_in(noise)


if __name__ == "__main__":
    _try(sys.argv[1], Path(sys.argv[2]))
