"""python manage.py doctor: say how the house is, part by part."""

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assistant.turn import Asked
from triage.redflags import RULE_BOOK
from workers import preflight
from workers.rephrasing import rephraser
from workers.understanding import state, understand


class Command(BaseCommand):
    help = "Check the folder, the database, the keys, the rules and the model of a running house."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        ill = 0
        for part, complaint in _parts():
            ill += bool(complaint)
            self.stdout.write(f"{part}: {complaint or '正常 well'}")
        if ill:
            raise CommandError(f"{ill} 处需要处理。{ill} to be mended.")


def _parts() -> Iterator[tuple[str, str]]:
    """Each part, and what is wrong with it; empty when nothing is."""
    yield "文件夹 Folder", _told(lambda: preflight.check_folder(settings.VAR))
    yield "数据库 Database", _told(preflight.check_database)
    yield "密钥 Keys", _told(preflight.check_keys)
    yield "红旗规则 Red-flag rules", "" if RULE_BOOK.rules else "没有规则。There are none."
    yield "模型 Model", _model()
    if settings.REPHRASING_URL:
        yield "改写 Rephrasing", _told(preflight.check_rephrasing) or _rephrasing()


def _rephrasing() -> str:
    """A server that does not answer closes nothing: articles are said in their own words."""
    ask = rephraser()
    if ask is None or ask(Asked("几点开门", "门诊8:00开门。", "zh")):
        return ""
    return (
        "服务器没有及时回答，患者会读到知识库原文。 It does not answer in time; patients read the"
        " articles' own words."
    )


def _told(check: Callable[[], object]) -> str:
    try:
        check()
    except preflight.NotReady as reason:
        return str(reason)
    return ""


def _model() -> str:
    """A model that does not work closes nothing, but every message then goes to nurses."""
    found = state()
    if found == "ok" and understand("你好").model:
        return ""
    return f"{found}\n所有消息都将交给护士。 Every message goes to the nurses."
