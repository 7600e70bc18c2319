"""Where vendors knock. Async, for a thread of its own would open the database for each call."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from adapters import door
from adapters.contracts import Callback
from channels_app import database

AT_ONCE = 16  # calls in one transaction; more would keep the first of them waiting

_calls = database.Gathering(door.hear_all, at_once=AT_ONCE)


@csrf_exempt
@require_http_methods(["GET", "POST"])
async def callback(request: HttpRequest, slug: str) -> HttpResponse:
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > door.MAX_BODY:
        return _plain(status=413)
    said = Callback(
        method=request.method or "",
        query=request.GET.dict(),
        body=request.body,
        headers={name.lower(): value for name, value in request.headers.items()},
        url=request.build_absolute_uri(),
    )
    try:
        answer = await _calls.write((slug, said))
    except door.TurnedAway as away:
        return _plain(status=away.status)
    return HttpResponse(answer.body, content_type=answer.content_type)


@csrf_exempt  # no cookie says who it is: the vendor vouches for the code
@require_POST
async def let_in(request: HttpRequest, slug: str) -> HttpResponse:
    """A mini-program's way into the chat: `{"code": …}` of wx.login → `{"path": "/s/…"}`."""
    try:
        # The vendor is asked: not from a thread for which patients' messages wait.
        code = await sync_to_async(door.let_in)(slug, request.body)
    except door.TurnedAway as away:
        return _plain(status=away.status)
    return JsonResponse({"path": reverse("chat-by-link", args=[code])})


def _plain(*, status: int) -> HttpResponse:
    return HttpResponse("", status=status, content_type="text/plain; charset=utf-8")


class VendorsFirst:
    """Django middleware, the outermost: a vendor's call needs nothing of what pages need.

    Sessions, languages and staff hop to a thread sixteen times, which costs more than the call.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        slug = _slug_of(request) if self._is_async else None
        return self._get_response(request) if slug is None else callback(request, slug)


def _slug_of(request: HttpRequest) -> str | None:
    """The channel that is called, where nothing must be said first of how to call it."""
    if not request.path_info.startswith("/channels/"):
        return None
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return None
    with suppress(Resolver404):
        found = resolve(request.path_info)
        if found.func is callback:
            return str(found.kwargs["slug"])
    return None
