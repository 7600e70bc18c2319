from django.urls import URLPattern, path

from channels_app import (
    cards,
    console_allergies,
    console_media,
    console_tasks,
    console_views,
    console_visits,
    health,
    metrics,
    patient_views,
    polling,
)

urlpatterns: list[URLPattern] = [
    path("", patient_views.home, name="home"),
    path("chat/", patient_views.chat, name="chat"),
    path("chat/<slug:channel>/", patient_views.chat, name="chat-of-channel"),
    path("s/<str:code>", patient_views.by_link, name="chat-by-link"),
    path("chat/<slug:channel>/poll", polling.poll, name="chat-poll"),
    path("visit/<str:token>.ics", cards.calendar, name="visit-calendar"),
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
    path(
        "console/conversation/<int:conversation_id>/plan/<int:plan_id>/<slug:name>/",
        console_views.plan,
        name="console-plan",
    ),
    path(
        "console/conversation/<int:conversation_id>/allergy/",
        console_allergies.add,
        name="console-allergy-add",
    ),
    path(
        "console/conversation/<int:conversation_id>/allergy/<int:allergy_id>/<slug:name>/",
        console_allergies.settle,
        name="console-allergy-settle",
    ),
    path("console/task/<int:task_id>/", console_tasks.task, name="console-task"),
    path("console/task/<int:task_id>/<slug:name>/", console_tasks.act, name="console-task-act"),
    path("console/visits/", console_visits.visits, name="console-visits"),
    path("console/visits/waitlist/", console_visits.waitlist, name="console-waitlist"),
    path("console/visits/book/", console_visits.book, name="console-book"),
    path("console/visits/book/find/", console_visits.find, name="console-find"),
    path("console/visits/book/register/", console_visits.register, name="console-register"),
    path("console/visits/book/it/", console_visits.book_it, name="console-book-it"),
    path("console/visits/<int:visit_id>/", console_visits.visit, name="console-visit"),
    path(
        "console/visits/<int:visit_id>/<slug:name>/",
        console_visits.act,
        name="console-visit-act",
    ),
    path("console/media/<str:token>", console_media.media, name="console-media"),
    path("console/transfer/", console_views.transfer, name="console-transfer"),
    path("console/canned/", console_views.canned, name="console-canned"),
]
