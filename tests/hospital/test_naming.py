"""Departments and doctors as people call them, and words that only look like them."""

import pytest

from hospital.models import Department, Doctor
from hospital.naming import find_departments, find_doctors, find_group
from hospital.services import ensure_standard_departments

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def departments(db: None) -> None:
    ensure_standard_departments()


NAMED = [
    ("挂心内科", ["心血管内科"]),
    ("心血管内科还有号吗", ["心血管内科"]),
    ("想看心脏科", ["心血管内科"]),
    ("挂个心脏", ["心血管内科"]),
    ("呼吸科", ["呼吸内科"]),
    ("挂呼吸", ["呼吸内科"]),
    ("呼吸内科明天", ["呼吸内科"]),
    ("挂消化", ["消化内科"]),
    ("肠胃科的号", ["消化内科"]),
    ("预约胃肠科", ["消化内科"]),
    ("神内", ["神经内科"]),
    ("神经科", ["神经内科"]),
    ("神经外科", ["神经外科"]),
    ("脑外科的专家", ["神经外科"]),
    ("皮肤科", ["皮肤科"]),
    ("挂个皮肤明天上午", ["皮肤科"]),
    ("皮科", ["皮肤科"]),
    ("看牙", ["口腔科"]),
    ("牙科", ["口腔科"]),
    ("洗牙预约", ["口腔科"]),
    ("挂口腔", ["口腔科"]),
    ("眼科", ["眼科"]),
    ("看眼睛", ["眼科"]),
    ("五官科", ["耳鼻喉科"]),
    ("耳鼻喉", ["耳鼻喉科"]),
    ("喉科", ["耳鼻喉科"]),
    ("儿科", ["儿科"]),
    ("小儿科", ["儿科"]),
    ("儿童科的号", ["儿科"]),
    ("妇科", ["妇科"]),
    ("产检", ["产科"]),
    ("妇产科", ["产科"]),
    ("男科", ["男科"]),
    ("普外", ["普外科"]),
    ("普通外科", ["普外科"]),
    ("普外科", ["普外科"]),
    ("骨科", ["骨科"]),
    ("骨伤科", ["骨科"]),
    ("泌尿科", ["泌尿外科"]),
    ("泌尿外科", ["泌尿外科"]),
    ("胸外科", ["心胸外科"]),
    ("乳腺科", ["乳腺甲状腺外科"]),
    ("甲状腺外科", ["乳腺甲状腺外科"]),
    ("内分泌", ["内分泌科"]),
    ("糖尿病门诊", ["内分泌科"]),
    ("肾病科", ["肾内科"]),
    ("血液科", ["血液内科"]),
    ("风湿科", ["风湿免疫科"]),
    ("肿瘤科", ["肿瘤科"]),
    ("传染科", ["感染科"]),
    ("发热门诊", ["感染科"]),
    ("心理科", ["精神心理科"]),
    ("挂心理", ["精神心理科"]),
    ("睡眠门诊", ["精神心理科"]),
    ("中医", ["中医科"]),
    ("针灸科", ["中医科"]),
    ("康复科", ["康复疼痛科"]),
    ("疼痛科", ["康复疼痛科"]),
    ("痔疮科", ["肛肠科"]),
    ("全科", ["全科医学科"]),
    ("急诊科", ["急诊科"]),
    ("整形科", ["整形美容科"]),
    ("皮肤科和眼科都要挂", ["皮肤科", "眼科"]),
    ("不是骨科，是皮肤科", ["骨科", "皮肤科"]),
    ("dermatology", ["皮肤科"]),
    ("a skin doctor please", ["皮肤科"]),
    ("I need a dentist", ["口腔科"]),
    ("ENT tomorrow", ["耳鼻喉科"]),
    ("see a cardiologist", ["心血管内科"]),
    ("paediatrics", ["儿科"]),
    ("Pediatrician for my son", ["儿科"]),
    ("gynecologist", ["妇科"]),
    ("orthopaedics", ["骨科"]),
    ("GP", ["全科医学科"]),
    ("eye doctor", ["眼科"]),
    ("gastroenterologist", ["消化内科"]),
    ("neurosurgeon", ["神经外科"]),
    ("psychiatry", ["精神心理科"]),
    ("urologist", ["泌尿外科"]),
    # What only looks like one.
    ("小儿科普讲座", []),
    ("看看你们的眼科普及文章", []),
    ("外科技术怎么样", []),
    ("呼吸困难", []),
    ("皮肤很痒", []),
    ("我消化不良", []),
    ("伤口感染了", []),
    ("心脏跳得快", []),
    ("内科", []),
    ("外科", []),
    ("挂个核医学科", []),
    ("student appointment", []),
    ("I went there", []),
    ("an accident", []),
    ("talent", []),
    ("gpa", []),
]


@pytest.mark.parametrize(("words", "names"), NAMED, ids=[words for words, _ in NAMED])
def test_departments_are_known_by_what_people_call_them(words: str, names: list[str]) -> None:
    assert [each.department.name for each in find_departments(words)] == names


@pytest.mark.parametrize(
    ("words", "first", "count"),
    [
        ("挂内科", "呼吸内科", 6),
        ("外科", "普外科", 6),
        ("internal medicine", "呼吸内科", 6),
        ("a surgeon", "普外科", 6),
    ],
)
def test_a_wide_word_means_any_of_several(words: str, first: str, count: int) -> None:
    found = find_group(words)

    assert found is not None
    assert found.departments[0].name == first
    assert len(found.departments) == count


@pytest.mark.parametrize("words", ["肾脏内科", "神经外科", "心胸外科", "皮肤科"])
def test_a_narrow_word_is_no_group(words: str) -> None:
    assert find_group(words) is None


def test_a_department_that_is_closed_is_not_named() -> None:
    Department.objects.filter(name="男科").update(is_active=False)

    assert find_departments("挂男科") == []


@pytest.fixture
def doctors() -> None:
    heart, bones = (Department.objects.get(name=name) for name in ("心血管内科", "骨科"))
    for name, name_en, department in (
        ("沈若川", "Shen Ruochuan", heart),
        ("顾念秋", "Gu Nianqiu", heart),
        ("沈大山", "Shen Dashan", bones),
    ):
        Doctor.objects.create(name=name, name_en=name_en, department=department)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("沈若川医生", ["沈若川"]),
        ("挂沈若川", ["沈若川"]),
        ("沈主任", ["沈大山", "沈若川"]),
        ("顾大夫的号", ["顾念秋"]),
        ("Dr Gu", ["顾念秋"]),
        ("doctor shen", ["沈大山", "沈若川"]),
        ("Gu Nianqiu please", ["顾念秋"]),
        ("王主任", []),
        ("沈阳来的", []),
        ("顾不上", []),
    ],
)
@pytest.mark.usefixtures("doctors")
def test_doctors_are_known_by_name_or_by_surname_and_title(words: str, names: list[str]) -> None:
    found = find_doctors(words)

    assert sorted(doctor.name for doctor in found.doctors) == sorted(names) if found else not names
