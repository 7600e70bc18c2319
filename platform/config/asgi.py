"""The web process: pages and callbacks by HTTP, screens by WebSocket."""

import os
from threading import Thread

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
http = get_asgi_application()  # makes the apps ready; only then can the routes be imported

from channels_app.routing import websocket_urlpatterns  # noqa: E402
from triage.redflags import RULE_BOOK  # noqa: E402

# Beside the first requests, which it would keep waiting for a second.
Thread(target=RULE_BOOK.warm_up, name="warm-up", daemon=True).start()

# Whose page may open a socket is asked by the consumers: a widget's pages differ from a nurse's.
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
