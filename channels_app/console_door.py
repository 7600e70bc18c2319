"""Who may come into the nurses' pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from staff.models import StaffMember

View = Callable[..., HttpResponseBase]


def for_carers(view: View) -> View:
    """Let in who may speak with patients; a fetch gets a bare 401, so no typed text is lost."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        nurse = request.user
        fetched = "HX-Request" in request.headers or "application/json" in request.headers.get(
            "Accept", ""
        )
        if not isinstance(nurse, StaffMember):
            return HttpResponse(status=401) if fetched else redirect("console-login")
        if not nurse.is_caring:
            return render(request, "console/not_for_you.html", status=403)
        return view(request, *args, nurse=nurse, **kwargs)

    return guarded
