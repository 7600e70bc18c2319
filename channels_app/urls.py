from django.urls import URLPattern, path

from channels_app import console_media, console_views, health, metrics, patient_views, polling

urlpatterns: list[URLPattern] = [
    path("", patient_views.home, name="home"),
    path("chat/", patient_views.chat, name="chat"),
    path("chat/<slug:channel>/", patient_views.chat, name="chat-of-channel"),
    path("s/<str:code>", patient_views.by_link, name="chat-by-link"),
    path("chat/<slug:channel>/poll", polling.poll, name="chat-poll"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("console/", console_views.console, name="console"),
    path("console/login/", console_views.Login.as_view(), name="console-login"),
    path("console/logout/", console_views.Logout.as_view(), name="console-logout"),
    path("console/lists/", console_views.lists, name="console-lists"),
    path(
        "console/conversation/<int:conversation_id>/card/", console_views.card, name="console-card"
    ),
    path("console/media/<str:token>", console_media.media, name="console-media"),
    path("console/transfer/", console_views.transfer, name="console-transfer"),
    path("console/canned/", console_views.canned, name="console-canned"),
]
