"""A hospital's own model server may reword an answer: off unless REPHRASING_URL names one.

It is asked for words and trusted with none: what comes back is checked by `assistant.grounding`,
and whatever fails here means that the patient reads the article as it was signed off.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from assistant.turn import Asked, Rephrase, Rephrased
from events.logs import kind_and_place
from workers.rephrasing.server import Server

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 4.0  # in all: name, connection, every byte
MAX_FAILURES = 3  # in a row, until the server is left alone
REST_S = 60.0

_lock = threading.Lock()
_built: "dict[tuple[str, str, str, bool], Rephraser]" = {}


def rephraser() -> Rephrase | None:
    """Return what asks the hospital's model server; None where there is none."""
    named = (
        settings.REPHRASING_URL,
        settings.REPHRASING_MODEL,
        settings.REPHRASING_KEY,
        settings.REPHRASING_ALLOW_PUBLIC,
    )
    if not settings.REPHRASING_URL:
        return None
    with _lock:
        if named not in _built:
            _built[named] = Rephraser(Server(*named))
        return _built[named]


@dataclass
class Rephraser:
    """Asks one server, one question at a time, and leaves it alone for a while when it fails."""

    server: Server
    within_s: float = ANSWER_WITHIN_S
    clock: Callable[[], float] = time.monotonic
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _failures: int = 0
    _rests_until: float = 0.0

    def __call__(self, asked: Asked) -> Rephrased | None:
        """None when it is busy, resting, late or wrong: nobody waits for a rewording."""
        # One at a time: while a slow server holds one worker, the others answer without it.
        if self.clock() < self._rests_until or not self._busy.acquire(blocking=False):
            return None
        answer = _Answer()
        threading.Thread(target=self._ask, args=(asked, answer), daemon=True).start()
        if not answer.here.wait(self.within_s):
            self._note(failed=True, reason="late")
            return None
        self._note(failed=answer.failure != "", reason=answer.failure)
        return Rephrased(answer.text, self.server.model) if answer.text else None

    def _ask(self, asked: Asked, answer: "_Answer") -> None:
        # Beside the worker: only so does a deadline hold, whatever the line does meanwhile.
        try:
            answer.text = self.server.reword(asked, within_s=self.within_s)
        except Exception as error:  # its message may quote what was sent
            answer.failure = f"{kind_and_place(error)['error']} at {kind_and_place(error)['place']}"
        finally:
            self._busy.release()
            answer.here.set()

    def _note(self, *, failed: bool, reason: str) -> None:
        self._failures = self._failures + 1 if failed else 0
        if not failed:
            return
        logger.warning("rephrasing failed", extra={"reason": reason})
        if self._failures >= MAX_FAILURES:
            self._rests_until, self._failures = self.clock() + REST_S, 0
            logger.warning("rephrasing rests", extra={"seconds": int(REST_S)})


@dataclass
class _Answer:
    here: threading.Event = field(default_factory=threading.Event)
    text: str = ""
    failure: str = ""
