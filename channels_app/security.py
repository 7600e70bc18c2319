"""The headers that keep strangers' code off our pages."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Nothing but what this host serves itself. The admin's own screens (django-unfold) need Alpine,
# which evaluates expressions, and inline styles; they alone get these, and no inline script.
STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "media-src": "'self' data:",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
ADMIN = {
    **STRICT,
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
}


class ContentSecurityPolicy:
    """Django middleware. A view may widen one directive by `response.csp = {...}`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        policy = ADMIN if request.path.startswith("/admin/") else STRICT
        policy = {**policy, **getattr(response, "csp", {})}
        response["Content-Security-Policy"] = "; ".join(f"{k} {v}" for k, v in policy.items())
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(self), payment=()"
        response["Cross-Origin-Opener-Policy"] = "same-origin"
        if not request.path.startswith(f"/{settings.STATIC_URL.lstrip('/')}"):
            response.setdefault("Cache-Control", "no-store")
        return response
