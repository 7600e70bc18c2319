"""Where vendors knock. Async, for a thread of its own would open the database for each call."""

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from adapters import door
from adapters.contracts import Callback
from channels_app import database


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
        answer = await database.write(door.hear, slug, said)
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
