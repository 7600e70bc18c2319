from django.db import models
from django.utils.translation import gettext_lazy as _


class Ring(models.Model):
    """One ring of the doorbell: waiting for a worker, in a worker's hands, or given up.

    A ring whose task is done is deleted, so the table is as long as the work that waits. It says
    which task and which ids, never a patient's words.
    """

    queue = models.CharField(_("queue"), max_length=64)
    call = models.CharField(_("call"), max_length=200, blank=True)  # task and ids, if they fit
    envelope = models.TextField(_("envelope"))  # kombu's message as JSON
    rung_at = models.DateTimeField(_("rung at"), auto_now_add=True)
    leased_until = models.FloatField(default=0)  # seconds since 1970, by the database; 0: free
    deliveries = models.PositiveSmallIntegerField(_("deliveries"), default=0)
    dead_at = models.DateTimeField(_("given up at"), null=True)

    class Meta:
        verbose_name = _("ring")
        verbose_name_plural = _("rings")
        indexes = [
            models.Index(
                fields=["queue", "id"], name="ring_alive", condition=models.Q(dead_at=None)
            ),
            models.Index(fields=["call"], name="ring_waiting", condition=models.Q(deliveries=0)),
        ]

    def __str__(self) -> str:
        return f"ring {self.pk}"
