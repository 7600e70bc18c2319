from django.db import models


class Glance(models.Model):
    """A frame on its way to the screens of one machine; swept away after a minute.

    The id is a safe cursor here, and only here: SQLite has one writer at a time, so ids commit in
    order. On PostgreSQL frames go through Redis.
    """

    group = models.CharField(max_length=60)
    frame = models.JSONField()
    origin = models.CharField(max_length=8, db_default="")  # the process that has shown it itself
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.group} {self.pk}"
