"""The headers that keep strangers' code off our pages."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
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
    """Django middleware. A view may widen one directive by `response.csp = {...}`.

    Async where the chain is: a held poll must not hold a thread.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self._is_async:
            return self._later(request)
        return _protected(request, self._get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponse:
        return _protected(request, await self._get_response(request))


def _protected(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    policy = ADMIN if request.path.startswith("/admin/") else STRICT
    policy = {**policy, **getattr(response, "csp", {})}
    response["Content-Security-Policy"] = "; ".join(
        f"{name} {said}".rstrip()
        for name, said in policy.items()  # no server takes a blank at its end
    )
    response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(self), payment=()"
    response["Cross-Origin-Opener-Policy"] = "same-origin"
    if not request.path.startswith(f"/{settings.STATIC_URL.lstrip('/')}"):
        response.setdefault("Cache-Control", "no-store")
    return response
