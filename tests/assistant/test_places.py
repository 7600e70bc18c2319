"""Where, when and how much: from the hospital's rows, so that a change is said at once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from appointments.demo import seed_appointments
from appointments.fees import fee_in_words
from assistant.skills.greet import is_courtesy
from assistant.skills.places import asks_plainly, tell_place
from assistant.turn import Turn
from hospital.demo import seed_hospital
from hospital.models import Department, OpeningHours, Place, Price
from knowledge.demo import seed_articles
from knowledge.filling import FactMissing, fill
from knowledge.services import draft_version, sign_off
from staff.models import StaffMember
from tickets.models import Ticket
from triage.labels import NOT_UNDERSTOOD, Urgency

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def town(db: None, now: Any) -> None:
    seed_hospital(now)


def told(text: str, now: Any, lang: str = "zh-hans") -> str:
    with translation.override(lang):
        reply = tell_place(Turn(text=text, meaning=NOT_UNDERSTOOD, lang=lang, now=now))
    return reply.text.replace("\N{WORD JOINER}", "") if reply else ""


@pytest.mark.parametrize(
    ("text", "lang", "says"),
    [
        ("骨科在哪里？", "zh-hans", "2号楼四层B区"),
        ("儿科周日上班吗", "zh-hans", "星期六–星期日 08:00–12:00"),
        ("药房几点关门", "zh-hans", "17:30"),
        ("急诊电话多少", "zh-hans", "010-5550 0120"),
        ("抽血在几楼", "zh-hans", "2号楼一层西侧"),
        ("Where is the pharmacy?", "en", "Building 2, 1st floor"),
        ("Which floor is cardiology on?", "en", "Building 2, 2nd floor"),
    ],
)
def test_a_place_is_told_by_its_row(text: str, lang: str, says: str, now: Any) -> None:
    assert says in told(text, now, lang)


def test_what_an_admin_changes_is_said_from_then_on(now: Any) -> None:
    Place.objects.filter(name="门诊药房").update(location="9号楼")

    assert "9号楼" in told("药房在哪", now)


def test_it_says_whether_it_is_open_now(now: Any) -> None:
    assert "现在开着" in told("药房几点关门", now)
    assert "08:00 开" in told("药房几点关门", now + timedelta(hours=10))


def test_a_doctor_s_days_are_those_with_free_times(now: Any) -> None:
    seed_appointments(now)

    said = told("沈主任哪天坐诊", now)

    assert "沈若川" in said
    assert "11月" in said
    assert "元" in said


@pytest.mark.parametrize(
    "text",
    [
        "我头疼挂什么科",
        "骨科的医生好不好",
        "孩子发烧三天了，儿科在哪里，要不要紧",
        "在哪里",
        "骨科和皮肤科哪个好",
        "我在骨科看完了，报告什么时候出，去哪里拿，另外还想问一下能不能报销这次的费用呢",
    ],
)
def test_other_questions_are_left_to_others(text: str, now: Any) -> None:
    assert not asks_plainly(text)


def test_a_plain_question_needs_no_sure_model(patient_writes: Any, model: Any, now: Any) -> None:
    model.means("visit_guide", abstained=True, intent_confidence=0.4)

    patient_writes("骨科在哪里")

    assert not Ticket.objects.exists()


@pytest.mark.parametrize("fields", [{"urgency": 2}, {"intent": "symptom_triage"}])
def test_an_unsure_complaint_still_goes_to_a_nurse(
    fields: Any, patient_writes: Any, model: Any
) -> None:
    from triage.labels import Urgency

    if "urgency" in fields:
        fields = {"urgency": Urgency(fields["urgency"])}
    model.means(fields.pop("intent", "visit_guide"), abstained=True, **fields)

    patient_writes("骨科在哪里")

    assert Ticket.objects.get().reason == "unsure"


def test_an_article_says_the_price_of_today(patient_writes: Any, model: Any, now: Any) -> None:
    seed_articles(now, StaffMember.objects.create_superuser("head", display_name="护士长"))
    Price.objects.filter(code="parking-hour").update(amount=Decimal("7.50"))
    model.means("visit_guide")

    message = patient_writes("停车怎么收费").message

    answer = message.conversation.messages.filter(author="assistant").get()
    assert "每小时7.50元" in answer.text
    assert "{" not in answer.text


def test_an_article_whose_fact_is_gone_is_not_said(
    patient_writes: Any, model: Any, now: Any, caplog: Any
) -> None:
    seed_articles(now, StaffMember.objects.create_superuser("head", display_name="护士长"))
    Price.objects.all().delete()
    model.means("visit_guide")

    message = patient_writes("停车怎么收费").message

    assert "停" not in message.conversation.messages.filter(author="assistant").get().text
    assert "article names an unknown fact" in caplog.text


def test_nobody_signs_off_a_text_that_names_an_unknown_place(now: Any) -> None:
    head = StaffMember.objects.create_superuser("head", display_name="护士长")
    seed_articles(now, head)
    from knowledge.models import Article

    draft = draft_version(
        Article.objects.get(slug="parking"), author=head, now=now, body="在{where:月球}"
    )

    with pytest.raises(FactMissing, match="where:月球"):
        sign_off(draft, by=head, now=now)


def test_a_text_is_filled_by_kind_and_name() -> None:
    facts = {("price", "a"): "5元"}

    assert fill("每次{price:a}。", lambda kind, name: facts.get((kind, name))) == "每次5元。"


def test_a_fee_is_a_range_of_the_schedules(now: Any) -> None:
    seed_appointments(now)

    assert fee_in_words("general") == "15元–25元"
    assert fee_in_words("nothing") is None


def test_hours_of_a_department_without_its_own_are_the_clinic_s(now: Any) -> None:
    from hospital.facts import hours_of

    assert hours_of(Department.objects.get(name="骨科")) == hours_of(
        Place.objects.get(name="门诊楼")
    )
    assert OpeningHours.objects.of(Department.objects.get(name="儿科")).exists()


@pytest.mark.parametrize(
    "words",
    [
        "谢谢", "好的,谢谢您!", "谢谢啊", "辛苦了", "🙏", "再见", "拜拜", "晚安", "88", "ok thanks",
        "Bye.", "thanks bye", "嗯嗯", "好的好的", "对的", "确认", "👍🏻", "👌", "[玫瑰]",
    ],
)  # fmt: skip
def test_a_courtesy_brings_nobody(words: str, patient_writes: Any, model: Any) -> None:
    model.means("other", abstained=True)

    patient_writes(words)

    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "words",
    ["好难受", "哦豁 出血了", "谢谢你们害我等三小时", "再见不到医生我就投诉", "thanks for nothing"],
)
def test_what_only_begins_like_one_is_none(words: str) -> None:
    assert not is_courtesy(words)


def test_what_is_urgent_is_not_greeted(patient_writes: Any, model: Any) -> None:
    model.means("chitchat", urgency=Urgency.SAME_DAY)

    patient_writes("不是自杀 是不小心割到手")

    assert Ticket.objects.get().urgency == Urgency.SAME_DAY


def test_what_is_said_to_the_queue_makes_it_more_urgent(patient_writes: Any, model: Any) -> None:
    model.means("human_agent")
    patient_writes("转人工")
    model.means("symptom_triage", urgency=Urgency.SAME_DAY)

    patient_writes("我头晕得厉害")

    assert Ticket.objects.get().urgency == Urgency.SAME_DAY
