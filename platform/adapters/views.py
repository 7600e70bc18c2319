"""The door for vendors: verify, parse, store in one transaction, acknowledge."""

import json
import logging
from contextlib import AbstractContextManager, nullcontext
from threading import Lock

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from adapters.arrivals import greet, receive
from adapters.contracts import Callback, LettingIn, Malformed, NotPulled, Refused
from adapters.links import new_link
from adapters.registry import NoAdapter, adapter_of
from patients.models import Channel

logger = logging.getLogger(__name__)

# SQLite has one writer at a time, and a queue of ours is fairer than its lock.
_turn: AbstractContextManager[object] = Lock() if connection.vendor == "sqlite" else nullcontext()
MAX_CODE_BODY = 1_024
MAX_BODY = 262_144  # bytes; the largest callback of any vendor is a tenth of it


@csrf_exempt
@require_http_methods(["GET", "POST"])
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in what a vendor tells a channel: 403 not from the vendor, 400 not to be read, 413."""
    channel = Channel.objects.filter(slug=slug, is_active=True).first()
    if channel is None:
        return _plain("", status=404)
    try:
        adapter = adapter_of(channel)
    except NoAdapter:
        return _plain("", status=404)
    told = request.headers.get("content-length", "")
    if (told.isdecimal() and int(told) > MAX_BODY) or len(request.body) > MAX_BODY:
        return _refuse(channel, "too big", status=413)
    said = Callback(
        method=request.method or "",
        query=request.GET.dict(),
        body=request.body,
        headers={name.lower(): value for name, value in request.headers.items()},
        url=request.build_absolute_uri(),
    )
    try:
        adapter.verify(said)
        events = adapter.parse(said)
    except Refused:
        return _refuse(channel, "not from the vendor", status=403)
    except Malformed:
        return _refuse(channel, "not to be read", status=400)
    with _turn:
        receive(channel, events, capabilities=adapter.capabilities, now=timezone.now())
    answer = adapter.acknowledge(said)
    return HttpResponse(answer.body, content_type=answer.content_type)


@csrf_exempt  # no cookie says who it is: the vendor vouches for the code
@require_POST
def let_in(request: HttpRequest, slug: str) -> HttpResponse:
    """A mini-program's way into the chat: `{"code": …}` of wx.login → `{"path": "/s/…"}`.

    What it opens in its web-view is the same conversation as its customer messages.
    """
    try:
        channel = Channel.objects.get(slug=slug, is_active=True)
        adapter = adapter_of(channel)
    except (Channel.DoesNotExist, NoAdapter):
        return _plain("", status=404)
    if not isinstance(adapter, LettingIn):
        return _plain("", status=404)
    code = _code_in(request.body) if len(request.body) <= MAX_CODE_BODY else ""
    if not code:
        return _refuse(channel, "no code", status=400)
    try:
        guest = adapter.let_in(code)
    except Refused:
        return _refuse(channel, "not vouched for", status=403)
    except NotPulled:
        return _refuse(channel, "the vendor does not answer", status=503)
    now = timezone.now()
    contact_point = greet(channel, guest)
    return JsonResponse({"path": reverse("chat-by-link", args=[new_link(contact_point, now=now)])})


def _code_in(body: bytes) -> str:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, str) and 0 < len(code) <= 128 and code.isascii() else ""


def _refuse(channel: Channel, why: str, *, status: int) -> HttpResponse:
    logger.warning("callback refused", extra={"channel": channel.slug, "why": why})
    return _plain("", status=status)


def _plain(text: str, *, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
