from django.urls import URLPattern, path

from channels_app import health, metrics

urlpatterns: list[URLPattern] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
]
