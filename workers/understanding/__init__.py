"""What a message means: the only room that knows the models. See model/README.md for what they can
and cannot do.

Nothing heavy is imported here: the web process may import this room without paying for it.
"""

import logging
import os
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from triage.labels import NOT_UNDERSTOOD, Understanding
from workers.understanding.sums import ModelBroken, check

if TYPE_CHECKING:
    from workers.understanding.folder import ModelFolder

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "model"

_lock = threading.Lock()
_loaded: "dict[Path, ModelFolder]" = {}
_given_up: set[Path] = set()  # candidates that do not load; a restart tries them again


class ModelFailed(Exception):
    """Where the model failed and with which kind of error: never with which words."""


def understand(text: str) -> Understanding:
    """Say what one message means; a model that fails says NOT_UNDERSTOOD, and a nurse reads it."""
    try:
        return _model().understand(text)
    except Exception as error:
        # Neither the error nor its frames go on: both may hold the patient's words.
        told = ModelFailed(_kind_and_place(error))
        logger.error("understanding failed", exc_info=(ModelFailed, told, None))
        return NOT_UNDERSTOOD


def understand_many(texts: Sequence[str]) -> list[Understanding]:
    """Say what each message means, in order; each as if it had come alone."""
    try:
        return _model().understand_many(texts)
    except Exception:  # one of them broke it, or there is no model: each by itself, and logged
        return [understand(text) for text in texts]


def candidate() -> Callable[[str], Understanding] | None:
    """Return what a second model would understand, whose folder UNDERSTANDING_SHADOW names.

    None where there is none, or where it does not load: that is logged once. Unlike `understand`,
    the callable raises whatever breaks.
    """
    named = os.environ.get("UNDERSTANDING_SHADOW")
    if not named or Path(named) in _given_up:
        return None
    try:
        return _model(Path(named)).understand
    except Exception as error:
        _given_up.add(Path(named))
        logger.error("the candidate does not load", extra={"fault": _kind_and_place(error)})
        return None


def state() -> str:
    """Say whether the model is whole: "ok", or what is wrong with its folder. Loads nothing."""
    try:
        check(_folder())
    except ModelBroken as reason:
        return str(reason)
    return "ok"


def warm_up() -> None:
    """Load the model now rather than at the first message. A failure is logged, not raised."""
    understand("你好")


def _model(folder: Path | None = None) -> "ModelFolder":
    """Return the model of this process, loaded once. A failed load is tried again next time."""
    folder = folder or _folder()
    with _lock:
        if folder not in _loaded:
            # Loads onnxruntime and the model: a second of work and 100 MB, only where needed.
            from workers.understanding.folder import ModelFolder

            _loaded[folder] = ModelFolder(folder)
        return _loaded[folder]


def _folder() -> Path:
    return Path(os.environ.get("UNDERSTANDING_MODEL") or SHIPPED)


def _kind_and_place(error: Exception) -> str:
    places = traceback.extract_tb(error.__traceback__)
    last = f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else "nowhere"
    return f"{type(error).__name__} at {last}"
