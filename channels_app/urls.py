from django.urls import URLPattern, path

from channels_app import health

urlpatterns: list[URLPattern] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
