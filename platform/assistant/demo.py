"""A hospital to try everything with: staff, a channel, canned replies, and what other rooms bring."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from appointments.demo import seed_appointments
from careplans.demo import seed_careplans
from hospital.demo import seed_hospital
from hospital.models import Department
from knowledge.demo import seed_articles
from patients.models import Channel
from records.demo import seed_records
from staff.models import Role, Shift, StaffMember
from tickets.models import CannedReply

# User name, name shown to patients, role, departments, on call.
STAFF: tuple[tuple[str, str, Role, tuple[str, ...], bool], ...] = (
    ("admin", "系统管理员", Role.ADMIN, (), False),
    ("wangfang", "王芳", Role.NURSE, (), False),
    ("liuyang", "刘洋", Role.NURSE, (), False),
    ("zhaomin", "赵敏", Role.HEAD_NURSE, (), False),
    ("chenjie", "陈杰", Role.DOCTOR, ("急诊科",), True),
)

CANNED = (
    ("hello", "问候", "您好,我是{nurse}护士,您的消息我已经看到了。", "Hello, this is nurse {nurse}. I have read your messages."),
    ("wait", "请稍等", "请稍等,我正在为您核实。", "One moment please, I am checking this for you."),
    ("photo", "请拍照", "方便的话,请描述一下看到的情况:位置、大小、颜色。", "Please describe what you see: where it is, its size and colour."),
    ("history", "询问病史", "请问以前有过类似情况吗?有没有对药物过敏?现在在吃什么药?", "Has this happened before? Are you allergic to any medicine? What are you taking now?"),
    ("worse", "加重处理", "如果症状加重,请立即拨打 120 或到急诊科就诊。", "If it gets worse, call 120 or come to the emergency department at once."),
    ("clinic", "建议就诊", "建议您今天到门诊请医生当面看一下。", "Please come to the clinic today so that a doctor can see you in person."),
    ("bye", "结束", "很高兴能帮到您,祝您早日康复。有需要随时找我们。", "Glad that I could help. Get well soon, and write to us at any time."),
)  # fmt: skip


@transaction.atomic
def seed_demo(*, now: datetime) -> list[tuple[str, str, str]]:
    """Fill an empty house. Returns user name, password and role of each new member of staff.

    A second time it adds what is missing and changes nothing; those who are there stay unknown.
    """
    seed_hospital(now)
    seed_appointments(now)
    Channel.objects.get_or_create(slug="web", defaults={"kind": "web", "name": "网页咨询"})
    logins = [_seed_staff(*row, now=now) for row in STAFF]
    seed_articles(now, signed_off_by=StaffMember.objects.get(username="zhaomin"))
    seed_records(now)
    seed_careplans()
    for shortcut, title, text, text_en in CANNED:
        CannedReply.objects.get_or_create(
            shortcut=shortcut, defaults={"title": title, "text": text, "text_en": text_en}
        )
    return [login for login in logins if login]


def _seed_staff(
    username: str,
    name: str,
    role: Role,
    departments: tuple[str, ...],
    on_call: bool,
    *,
    now: datetime,
) -> tuple[str, str, str] | None:
    if StaffMember.objects.filter(username=username).exists():
        return None
    password = secrets.token_urlsafe(9)
    member = StaffMember.objects.create_user(
        username,
        password=password,
        display_name=name,
        role=role,
        is_on_call=on_call,
        is_staff=role in (Role.ADMIN, Role.HEAD_NURSE),
        is_superuser=role == Role.ADMIN,
    )
    member.departments.set(Department.objects.filter(name__in=departments))
    Shift.objects.create(staff_member=member, starts_at=now, ends_at=now + timedelta(days=30))
    return username, password, str(role.label)
