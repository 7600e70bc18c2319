"""What a voice message says: playable for a nurse, and in words where HEARING_MODEL names a model.

The only room beside `workers.understanding` that knows models. Nothing heavy is imported here, and
what it needs may not be installed (the extra `voice`): then a voice stays as it came.
"""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from events.logs import kind_and_place

if TYPE_CHECKING:
    from workers.hearing.ears import Ears
    from workers.hearing.sound import Samples

logger = logging.getLogger(__name__)

QUIET = 0.001  # 0 to 1, the loudest sample; some models make up words for silence

_lock = threading.Lock()
_loaded: "dict[str, Ears | None]" = {}  # None: does not load; a restart tries it again
_hearing = threading.Lock()  # one at a time: each takes the cores that it is given
_told: set[str] = set()


@dataclass(frozen=True)
class Heard:
    """A voice message as a browser can play it, or as it came; and in words, if there are any."""

    playable: bytes
    content_type: str
    transcript: str = ""  # by a machine: it may be wrong
    engine: str = ""  # which model said so


def hear(content: bytes, content_type: str) -> Heard:
    """Make a voice playable, and put it into words. Whatever fails leaves it as it came."""
    try:
        from workers.hearing import sound
    except ImportError:
        _tell_once("voices stay as they come: pip install 'wenan[voice]'")
        return Heard(content, content_type)
    try:
        samples = sound.decode(content, content_type)
    except sound.NotSound:
        logger.warning("a voice does not open", extra={"type": content_type})
        return Heard(content, content_type)
    transcript, engine = _words_in(samples)
    return Heard(sound.as_wav(samples), sound.TYPE, transcript, engine)


def _words_in(samples: "Samples") -> tuple[str, str]:
    ears = _ears()
    if ears is None or abs(samples).max() < QUIET:
        return "", ""
    try:
        with _hearing:
            words = ears.words_in(samples).strip()
    except Exception as error:  # neither its message nor its frames: both may hold what was said
        logger.error("hearing failed", extra=kind_and_place(error))
        return "", ""
    if not any(letter.isalnum() for letter in words):
        return "", ""  # a full stop is not an answer
    return words, ears.name


def _ears() -> "Ears | None":
    """The model of this process, loaded at the first voice. A failure is logged, once."""
    folder = settings.HEARING_MODEL
    if not folder:
        return None
    with _lock:
        if folder not in _loaded:
            _loaded[folder] = _open(Path(folder))
        return _loaded[folder]


def _open(folder: Path) -> "Ears | None":
    from workers.hearing.ears import NoEars, open_ears

    try:
        return open_ears(folder)
    except NoEars as reason:
        logger.error("no voice is put into words: %s", reason, extra={"folder": str(folder)})
    except Exception as error:
        logger.error("no voice is put into words", extra=kind_and_place(error))
    return None


def _tell_once(sentence: str) -> None:
    if sentence not in _told:
        _told.add(sentence)
        logger.warning(sentence)
