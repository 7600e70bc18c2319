"""What a patient has sent besides words: shown to a nurse by a link of a few minutes."""

import re
from collections.abc import Iterable, Sequence

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from adapters.models import Attachment
from channels_app.console_door import for_carers
from channels_app.frames import Frame
from conversations.models import Conversation, Message
from staff.models import StaffMember
from tickets.services import OutOfScope, read_conversation

LASTS_S = 600
_SALT = "wenan.media"
# What a browser may show in place; everything else it saves.
_SHOWN = frozenset({"image/jpeg", "image/png", "audio/mpeg", "audio/ogg", "audio/wav"})

# What a player asks for: Safari plays nothing without it, and nobody can wind back.
_RANGE = re.compile(r"bytes=(\d{1,9})-(\d{0,9})")


def show_media(items: Iterable[Frame], messages: Sequence[Message]) -> None:
    """Set beside each message what came with it: where it is, or why it is not; what was heard."""
    brought = [each for each in messages if "media" in (each.details or {})]
    if not brought:
        return
    words = {each.seq: (each.details or {})["media"].get("transcript") for each in brought}
    facts = ("pk", "message__seq", "kind", "content_type", "fetch_after", "failure")
    rows = Attachment.objects.filter(message__in=brought).values_list(*facts)
    found = {row[1]: row for row in rows}
    for item in items:
        if item["seq"] not in found:
            continue
        pk, _seq, kind, content_type, fetch_after, failure = found[item["seq"]]
        item["media"] = {
            "kind": kind,
            "type": content_type,
            "state": "failed" if failure else "waiting" if fetch_after else "here",
            "url": reverse("console-media", args=[signing.dumps(pk, salt=_SALT)]),
        }
        if words[item["seq"]]:
            item["media"]["transcript"] = words[item["seq"]]
            item["media"]["caution"] = _("Transcribed by machine, may be wrong")


@require_safe
@for_carers
def media(request: HttpRequest, token: str, *, nurse: StaffMember) -> HttpResponseBase:
    """One attachment, for who may read its conversation. Each look is on the access log."""
    try:
        pk = signing.loads(token, salt=_SALT, max_age=LASTS_S)
    except signing.BadSignature:
        return HttpResponse(status=404)
    attachment = Attachment.objects.filter(pk=pk).select_related("message", "data_key").first()
    if attachment is None or not attachment.content:
        return HttpResponse(status=404)
    try:
        read_conversation(
            attachment.message.conversation_id, nurse=nurse, reason="media", now=timezone.now()
        )
    except (OutOfScope, Conversation.DoesNotExist):
        return HttpResponse(status=404)
    response = _answer(attachment, wanted=request.headers.get("Range", ""))
    where = "inline" if attachment.content_type in _SHOWN else "attachment"
    ending = attachment.content_type.rpartition("/")[2]
    response["Content-Disposition"] = f'{where}; filename="{attachment.pk}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response.csp = {"default-src": "'none'", "sandbox": ""}  # type: ignore[attr-defined]
    return response


def _answer(attachment: Attachment, *, wanted: str) -> HttpResponse:
    """The whole content, or the one part of it that a player asks for."""
    content, status, part = attachment.content, 200, ""
    if found := _RANGE.fullmatch(wanted):
        start, end = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
        status, part = (206, f"{start}-{end}") if start <= end else (416, "*")
        part, content = f"bytes {part}/{len(content)}", content[start : end + 1]
    response = HttpResponse(content, content_type=attachment.content_type, status=status)
    response["Accept-Ranges"] = "bytes"
    if part:
        response["Content-Range"] = part
    return response
