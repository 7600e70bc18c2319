"""What must be true before the house opens. Each check raises NotReady, in words for the admin."""

import os
import socket
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from vault import keys
from workers.rephrasing.server import NotOurs, check_own


class NotReady(Exception):
    """One sentence in Chinese, one in English: what is wrong and what to do."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(f"{chinese}\n{english}")


def check_folder(var: Path) -> None:
    """Make the folder for everything that we write, for its owner alone."""
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        var.chmod(0o700)
        probe = var / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise NotReady(
            f"无法写入文件夹 {var}，请检查权限或磁盘空间。",
            f"The folder {var} cannot be written to; check its permissions and the disk.",
        ) from error


def check_port(host: str, port: str) -> None:
    if not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65_536:
        raise NotReady(
            f"PORT 必须是 1 到 65535 之间的数字，现在是“{port}”。",
            f"PORT has to be a number from 1 to 65535, not “{port}”.",
        )
    with socket.socket() as probe:
        # As the server does: a port that only waits for its last connections to end is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except PermissionError as error:
            raise NotReady(
                f"没有权限使用端口 {port}，请换一个端口，例如 PORT=8080 make run。",
                f"Port {port} is not ours to use; choose another one: PORT=8080 make run.",
            ) from error
        except OSError as error:
            raise NotReady(
                f"端口 {port} 已被占用，请换一个端口，例如 PORT={int(port) + 1} make run。",
                f"Port {port} is in use; choose another one: PORT={int(port) + 1} make run.",
            ) from error


def check_database() -> None:
    """Readable, and not ahead of this code."""
    if connection.vendor == "sqlite":
        check_sqlite_file(Path(str(connection.settings_dict["NAME"])))
    try:
        loader = MigrationExecutor(connection).loader
    except DatabaseError as error:
        raise NotReady(
            "无法连接数据库，请检查 DATABASE_URL，并确认数据库已启动。",
            "The database does not answer; check DATABASE_URL and that the database is running.",
        ) from error
    known = set(loader.disk_migrations) | set(loader.replacements)
    ours = {app for app, _ in known}
    applied = sorted(loader.applied_migrations or ())
    unknown = [f"{app}.{name}" for app, name in applied if app in ours and (app, name) not in known]
    if unknown:
        raise NotReady(
            f"数据库来自更新的版本（{unknown[0]}），请升级程序，或恢复旧版本的备份。",
            f"The database is from a newer version ({unknown[0]}); upgrade the program, or restore"
            " a backup of this version.",
        )


def check_keys() -> None:
    """The key ring is there whenever something was sealed with it."""
    if not settings.VAULT_KEYS.exists() and keys.are_needed():
        raise NotReady(
            f"数据库已加密，但找不到密钥文件 {settings.VAULT_KEYS}，请从备份中恢复它。",
            f"The data is sealed, but the key file {settings.VAULT_KEYS} is missing; restore it"
            " from its backup.",
        )


def check_rephrasing() -> None:
    """Patients' questions go to the hospital's own model server, or to none."""
    url = settings.REPHRASING_URL
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not settings.REPHRASING_MODEL:
        raise NotReady(
            "REPHRASING_URL 必须是 http(s)://主机:端口，并且要用 REPHRASING_MODEL 写明模型名称。",
            "REPHRASING_URL has to be http(s)://host:port, and REPHRASING_MODEL the model's name.",
        )
    try:
        if not settings.REPHRASING_ALLOW_PUBLIC:
            check_own(url)
    except NotOurs as error:
        raise NotReady(
            f"改写服务器 {parts.hostname} 不在医院内网，患者的提问会离开医院。请改用内网地址；"
            "确需如此，请设置 REPHRASING_ALLOW_PUBLIC=1。",
            f"The model server {parts.hostname} is outside the hospital's network, and questions of"
            " patients would go there. Name one inside, or set REPHRASING_ALLOW_PUBLIC=1.",
        ) from error
    except (OSError, ValueError):
        return  # its name is not known just now: articles are said in their own words


def check_sqlite_file(path: Path) -> None:
    """Nothing there yet is fine: migrating makes it."""
    if not path.exists():
        return
    try:
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(path)
        with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        database.close()
    except (OSError, sqlite3.DatabaseError) as error:
        raise NotReady(
            f"数据库文件 {path} 无法读取或已损坏，请检查权限，或恢复备份。",
            f"The database file {path} cannot be read or is damaged; check its permissions, or"
            " restore a backup.",
        ) from error
