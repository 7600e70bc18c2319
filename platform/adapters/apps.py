from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AdaptersConfig(AppConfig):
    name = "adapters"
    verbose_name = _("channels")
