from typing import Any

from django.conf import settings
from django.core.checks import Error, register


@register()
def screens_hear_of_commits(app_configs: Any, **_: Any) -> list[Error]:
    """Without Redis the screens watch SQLite; nothing watches PostgreSQL."""
    sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if sqlite or settings.REDIS_URL:
        return []
    return [Error("PostgreSQL needs Redis for live screens: set REDIS_URL.", id="live.E001")]
