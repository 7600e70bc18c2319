"""The task board in the console: what is to be done for patients, and one task at a time."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_GET, require_POST

from careplans import tasks
from careplans.models import Task, TaskQuerySet
from channels_app import console_words
from channels_app.console_door import for_carers
from conversations.models import Conversation
from hospital.models import Hospital
from patients.models import Gender
from staff.models import StaffMember
from tickets import policy
from tickets.models import Ticket
from vault.datakeys import open_many

DONE_SHOWN = timedelta(days=7)
MORNING = time(8)
NOTE_CHARS = 4_000

FOLDERS: dict[str, Any] = {
    "tasks": pgettext_lazy("task", "To do"),
    "tasks-today": _l("Today"),
    "tasks-overdue": _l("Overdue"),
    "tasks-done": pgettext_lazy("task", "Done"),
}


def lists_of(nurse: StaffMember, *, folder: str, now: datetime, at_most: int) -> dict[str, Any]:
    """The board's folders with their counts; the rows of one of them where it is open."""
    mine = tasks.tasks_for(nurse)
    which = _folders(now)
    counts = mine.aggregate(
        **{
            name.replace("-", "_"): Count("pk", filter=condition)
            for name, condition in which.items()
            if name != "tasks-done"
        }
    )
    shown: TaskQuerySet | None = None
    if folder == "tasks-done":
        shown = mine.filter(which[folder]).order_by("-done_at", "-pk")
    elif folder in which:
        shown = mine.filter(which[folder]).in_order()
    return {
        "task_folders": [
            {
                "code": code,
                "name": name,
                "count": counts.get(code.replace("-", "_")),
                "is_open": code == folder,
            }
            for code, name in FOLDERS.items()
        ],
        "tasks_open": folder in FOLDERS,
        "task_counts": counts,
        "task_rows": [] if shown is None else _rows(_with_all(shown)[:at_most], nurse, now=now),
    }


def _folders(now: datetime) -> dict[str, Q]:
    open_ = Q(done_at=None, cancelled_at=None)
    local = now.astimezone(Hospital.objects.this_one().zone)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), tzinfo=local.tzinfo)
    return {
        "tasks": open_,
        "tasks-today": open_ & Q(due_at__gte=now, due_at__lt=midnight),
        "tasks-overdue": open_ & Q(due_at__lt=now),
        "tasks-done": Q(done_at__gt=now - DONE_SHOWN),
    }


def _with_all(shown: TaskQuerySet) -> TaskQuerySet:
    return shown.select_related("patient", "department", "taken_by")


def _rows(shown: Iterable[Task], nurse: StaffMember, *, now: datetime) -> list[dict[str, Any]]:
    found = list(shown)
    open_many(task.patient.data_key_id for task in found)  # the masked names
    return [
        {
            "task": task,
            "name": task.patient.masked_name or _("Visitor %(id)s") % {"id": task.patient_id},
            "urgency": console_words.urgency(task.priority),
            "is_mine": task.taken_by_id == nurse.pk,
            "is_late": _is_open(task) and task.due_at < now,
        }
        for task in found
    ]


@require_GET
@for_carers
def task(request: HttpRequest, task_id: int, *, nurse: StaffMember) -> HttpResponseBase:
    """One task with the patient's name and phone. Each look is on the access log."""
    return _show(request, task_id, nurse=nurse, now=timezone.now())


@require_POST
@for_carers
def act(request: HttpRequest, task_id: int, name: str, *, nurse: StaffMember) -> HttpResponseBase:
    """Take a task, note what was done, put it off, or give it back; then show how it stands."""
    now, said, failed = timezone.now(), "", True
    try:
        said = _act(request, task_id, name, nurse=nurse, now=now)
        failed = False
    except tasks.AlreadyTaken:
        said = _("A colleague was faster: this task is taken, or done.")
    except tasks.NotYourTask:
        said = _("This task is not yours, or it is done already.")
    except (tasks.TaskOutOfScope, Task.DoesNotExist):
        return HttpResponse(status=404)
    return _show(request, task_id, nurse=nurse, now=now, said=said, failed=failed)


def _act(
    request: HttpRequest, task_id: int, name: str, *, nurse: StaffMember, now: datetime
) -> str:
    match name:
        case "take":
            tasks.take_task(task_id, nurse=nurse, now=now)
            return _("The task is yours.")
        case "finish":
            note = request.POST.get("note", "").strip()[:NOTE_CHARS]
            tasks.finish_task(task_id, nurse=nurse, note=note, now=now)
            return _("Done. J brings you to the next task.")
        case "postpone":
            until = _until(request.POST.get("until", ""), now=now)
            tasks.postpone_task(task_id, nurse=nurse, until=until, now=now)
            return _("Put off.")
        case "back":
            tasks.put_back_task(task_id, nurse=nurse)
            return _("Back on the list, for a colleague.")
    raise Task.DoesNotExist


def _until(wish: str, *, now: datetime) -> datetime:
    local = now.astimezone(Hospital.objects.this_one().zone)
    days = {"tomorrow": 1, "week": 7}.get(wish)
    if days is None:
        return now + timedelta(hours=1)
    return datetime.combine(local.date() + timedelta(days=days), MORNING, tzinfo=local.tzinfo)


def _show(
    request: HttpRequest,
    task_id: int,
    *,
    nurse: StaffMember,
    now: datetime,
    said: str = "",
    failed: bool = False,
) -> HttpResponse:
    try:
        found = tasks.read_task(task_id, nurse=nurse, now=now)
    except (tasks.TaskOutOfScope, Task.DoesNotExist):
        return HttpResponse(status=404)
    patient, department = found.patient, found.department
    gender = "" if patient.gender == Gender.UNKNOWN else patient.get_gender_display()
    context = {
        "task": found,
        "name": patient.name or _("Visitor %(id)s") % {"id": patient.pk},
        "gender": gender,
        "age": patient.age_on(timezone.localdate(now, Hospital.objects.this_one().zone)),
        "urgency": console_words.urgency(found.priority),
        "department": department.in_language("name", get_language() or "") if department else "",
        "conversation": _conversation(found, nurse=nurse),
        "is_open": _is_open(found),
        "is_late": _is_open(found) and found.due_at < now,
        "is_mine": found.taken_by_id == nurse.pk,
        "said": said,
        "failed": failed,
    }
    return render(request, "console/_task.html", context)


def _is_open(task: Task) -> bool:
    return task.done_at is None and task.cancelled_at is None


def _conversation(task: Task, *, nurse: StaffMember) -> int | None:
    """The newest conversation about this patient that she may open."""
    about = Q(subject=task.patient_id) | Q(subject=None, contact_point__patient=task.patient_id)
    hers = Ticket.objects.filter(policy.scope_of(nurse)).values("conversation")
    found = Conversation.objects.filter(about, pk__in=hers).order_by("-pk").first()
    return found.pk if found else None
