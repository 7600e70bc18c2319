"""Who waits for SQLite's one writer asks often, and who has time asks less often.

SQLite itself sleeps longer and longer, up to 100 ms, and whoever came later goes first: at 50
callbacks a second one in ten waited more than 300 ms on a machine that was half idle.
"""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from django.db.backends.sqlite3 import base

ASK_EVERY_MS = 1  # unless the settings' OPTIONS say otherwise: "ask_every_ms"
_SNAPSHOT = 517  # SQLITE_BUSY_SNAPSHOT: what was read is old, no waiting makes it new


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.pop("ask_every_ms", None)  # ours; SQLite knows nothing of it
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        # Connecting sets the journal's mode, and waits as SQLite does.
        connection = super().get_new_connection(conn_params)
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        cursor, options = self.connection.cursor(factory=_Cursor), self.settings_dict["OPTIONS"]
        cursor.patience_s = options.get("timeout", 5.0)
        cursor.ask_every_s = options.get("ask_every_ms", ASK_EVERY_MS) / 1_000
        return cursor


class _Cursor(base.SQLiteCursorWrapper):
    patience_s: float
    ask_every_s: float

    def execute(self, query: str, params: Any = None) -> Any:
        return self._patiently(lambda: super(_Cursor, self).execute(query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        if self.connection.in_transaction:  # whoever writes already waits for nobody
            return super().executemany(query, param_list)
        self.execute("BEGIN IMMEDIATE")  # all of them or none: asked again, none comes twice
        try:
            done = super().executemany(query, param_list)
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()
        return done

    def _patiently(self, act: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                code = getattr(error, "sqlite_errorcode", 0)
                is_busy = code & 0xFF == sqlite3.SQLITE_BUSY and code != _SNAPSHOT
                if not is_busy or time.monotonic() > deadline:
                    raise
            time.sleep(self.ask_every_s)
