"""The pages that patients see: the hospital's front page and the chat. Neither sets a cookie."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from adapters.links import find_link
from channels_app.patient_words import chat_words, tiles
from conversations.text import MAX_CHARS
from hospital.in_words import week_in_words
from hospital.models import Department, Hospital, Place, PlaceKind
from hospital.services import nearest_emergency_place

_KINDS = PlaceKind.values  # in the order of their importance to somebody who comes


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """A front page that shows the widget at work, from the hospital's own rows."""
    lang = _language(request)
    with translation.override(lang):
        return render(
            request,
            "wenan/home.html",
            {
                **_hospital_in(lang),
                "tiles": tiles(),
                "places": _places_in(lang),
                "departments": [
                    {
                        "name": department.in_language("name", lang),
                        "location": department.in_language("location", lang),
                    }
                    for department in Department.objects.active().exclude(location="")
                ],
            },
        )


@require_safe
@xframe_options_exempt  # the policy below says who may embed it, which the older header can't
def chat(request: HttpRequest, channel: str = "web", link: str = "") -> HttpResponse:
    """The chat, as a page of its own or inside the widget's frame."""
    lang, embedded = _language(request), request.GET.get("embed") == "1"
    with translation.override(lang):
        hospital = _hospital_in(lang)
        response = render(
            request,
            "wenan/chat.html",
            {
                **hospital,
                "embedded": embedded,
                "tiles": tiles(),
                "max_chars": MAX_CHARS,
                "chat": {
                    "channel": channel,
                    "link": link,
                    "lang": lang,
                    "embedded": embedded,
                    "maxChars": MAX_CHARS,
                    "parents": settings.WIDGET_ORIGINS,
                    "timeZone": hospital["time_zone"],
                    "emergencyPhone": hospital["hospital"]["emergency_phone"],
                    "words": chat_words(),
                },
            },
        )
    response.csp = {"frame-ancestors": " ".join(["'self'", *settings.WIDGET_ORIGINS])}  # type: ignore[attr-defined]
    return response


@require_safe
def by_link(request: HttpRequest, code: str) -> HttpResponse:
    """The chat of whoever got this link by SMS. Looking at the page alone opens nothing yet."""
    link = find_link(code, now=timezone.now())
    if link is None:
        lang = _language(request)
        with translation.override(lang):
            return render(request, "wenan/link_expired.html", _hospital_in(lang), status=410)
    response = chat(request, channel=link.contact_point.channel.slug, link=code)
    # The address is the key: it goes to no other site, into no cache and no index.
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def _language(request: HttpRequest) -> str:
    asked = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return translation.get_language() or settings.LANGUAGE_CODE


def _hospital_in(lang: str) -> dict[str, Any]:
    hospital, emergency = Hospital.objects.this_one(), nearest_emergency_place()
    name = settings.HOSPITAL_NAME or hospital.in_language("name", lang)
    return {
        "lang": lang,
        "time_zone": hospital.time_zone,
        "html_lang": "en" if lang == "en" else "zh-Hans",
        "hospital": {
            "name": name or _("Our hospital"),
            "slogan": hospital.in_language("slogan", lang),
            "address": hospital.in_language("address", lang),
            "phone": hospital.phone,
            "emergency_phone": hospital.emergency_phone,
        },
        "emergency": _place_in(emergency, lang) if emergency else None,
    }


def _places_in(lang: str) -> list[dict[str, Any]]:
    places = sorted(
        Place.objects.active().prefetch_related("opening_hours"),
        key=lambda place: (_KINDS.index(place.kind), place.rank, place.pk),
    )
    return [
        {**_place_in(place, lang), "hours": week_in_words(place.opening_hours.all())}
        for place in places
    ]


def _place_in(place: Place, lang: str) -> dict[str, Any]:
    said = {name: place.in_language(name, lang) for name in ("name", "location", "directions")}
    return {**said, "phone": place.phone, "kind": place.kind}
