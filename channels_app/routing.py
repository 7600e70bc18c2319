"""Which socket is whose."""

from channels.sessions import CookieMiddleware
from django.urls import path

from channels_app.console import NurseConsole
from channels_app.patient import PatientChat

websocket_urlpatterns = [
    path("ws/chat/<slug:channel>/", PatientChat.as_asgi()),
    path("ws/console/", CookieMiddleware(NurseConsole.as_asgi())),
]
