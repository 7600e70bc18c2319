"""What is put together where: settings, addresses, the two servers. No room imports this one."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
