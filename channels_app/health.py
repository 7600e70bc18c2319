"""Is this process alive, can it serve, and how is the house doing."""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string


def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: the process answers."""
    return JsonResponse({"alive": True})


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: the database answers and stands at this code's migrations; 503 when not.

    A model that is missing or damaged is said, and closes nothing: nurses read every message.
    """
    try:
        executor = MigrationExecutor(connection)
        behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return JsonResponse({"ready": False, "why": "database"}, status=503)
    if behind:
        return JsonResponse({"ready": False, "why": "migrations"}, status=503)
    return JsonResponse({"ready": True, "understanding": _model_state()()})


@lru_cache(maxsize=1)
def _model_state() -> Callable[[], str]:
    """Who knows about the model: named by the settings, for this room may not know it."""
    state: Callable[[], str] = import_string(settings.MODEL_STATE)
    return state
