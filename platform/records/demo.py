"""Invented patients to try the services with: reports, prescriptions, an allergy."""

from datetime import date, datetime, timedelta
from typing import Any

from hospital.models import Doctor
from patients.models import Patient
from patients.services import create_patient, index_phone
from records.medications import file_prescription
from records.models import AllergyIntolerance, DiagnosticReport, Medication
from records.reports import file_report

# Name, phone, identity number (of no region that exists), born, gender. All are made up.
PEOPLE = {
    "chen": ("陈晓雨", "13900000101", "990101198503120023", "1985-03-12", "female"),
    "zhou": ("周建国", "13900000102", "990101195806210017", "1958-06-21", "male"),
    "sun": ("孙丽", "13900000103", "990101199211050045", "1992-11-05", "female"),
    "wu": ("吴浩", "13900000104", "990101197901300031", "1979-01-30", "male"),
}

# Generic name, English, brands, English brands, substance, ATC.
MEDICINES = (
    ("二甲双胍", "Metformin", "格华止", "Glucophage", "metformin", "A10BA02"),
    ("阿莫西林", "Amoxicillin", "阿莫仙、再林", "Amoxil", "amoxicillin", "J01CA04"),
    ("布洛芬", "Ibuprofen", "芬必得、美林", "Advil", "ibuprofen", "M01AE01"),
    ("氨氯地平", "Amlodipine", "络活喜", "Norvasc", "amlodipine", "C08CA01"),
    ("阿托伐他汀", "Atorvastatin", "立普妥", "Lipitor", "atorvastatin", "C10AA05"),
    ("头孢克洛", "Cefaclor", "希刻劳", "Ceclor", "cefaclor", "J01DC04"),
    ("左氧氟沙星", "Levofloxacin", "可乐必妥", "Cravit", "levofloxacin", "J01MA12"),
    ("奥美拉唑", "Omeprazole", "洛赛克", "Losec", "omeprazole", "A02BC01"),
    ("氯雷他定", "Loratadine", "开瑞坦", "Claritin", "loratadine", "R06AX13"),
    ("对乙酰氨基酚", "Paracetamol", "泰诺林", "Tylenol", "paracetamol", "N02BE01"),
    ("阿司匹林", "Aspirin", "拜阿司匹灵", "Aspirin", "aspirin", "B01AC06"),
    ("美托洛尔", "Metoprolol", "倍他乐克", "Betaloc", "metoprolol", "C07AB02"),
    ("缬沙坦", "Valsartan", "代文", "Diovan", "valsartan", "C09CA03"),
    ("瑞舒伐他汀", "Rosuvastatin", "可定", "Crestor", "rosuvastatin", "C10AA07"),
    ("蒙脱石散", "Smectite", "思密达", "Smecta", "smectite", "A07BC05"),
)

COUNT = (
    ("6690-2", "白细胞计数", "6.1", "10^9/L", "3.5", "9.5"),
    ("789-8", "红细胞计数", "4.6", "10^12/L", "3.8", "5.1"),
    ("718-7", "血红蛋白", "134", "g/L", "115", "150"),
    ("777-3", "血小板计数", "226", "10^9/L", "125", "350"),
)


def seed_records(now: datetime) -> None:
    """Fill what is missing; a second time it changes nothing."""
    for name, name_en, brands, brands_en, substance, atc in MEDICINES:
        Medication.objects.get_or_create(
            name=name,
            defaults={
                "name_en": name_en, "brands": brands, "brands_en": brands_en,
                "substance": substance, "atc": atc, "leaflet": f"leaflet-{substance}",
            },
        )  # fmt: skip
    people = {key: _person(*facts) for key, facts in PEOPLE.items()}
    if DiagnosticReport.objects.filter(external_id="demo-count").exists():
        return
    _file_reports(people, now)
    _prescribe(people, now)
    chen = people["chen"]
    AllergyIntolerance.objects.create(
        patient=chen, data_key_id=chen.data_key_id, substance="青霉素", reaction="皮疹",
        criticality="high",
    )  # fmt: skip


def _person(name: str, phone: str, number: str, born: str, gender: str) -> Patient:
    known = Patient.objects.filter(phone_index=index_phone(phone), merged_into=None).first()
    return known or create_patient(
        name=name, phone=phone, identity_number=number,
        birth_date_text=date.fromisoformat(born).isoformat(), gender=gender,
    )  # fmt: skip


def _file_reports(people: dict[str, Patient], now: datetime) -> None:
    def report(
        who: str, number: str, name: str, name_en: str, *, by: str = "全科医学科", **fields: Any
    ) -> None:
        doctor = Doctor.objects.active().filter(department__name=by).order_by("pk").first()
        ordered = {"doctor": doctor, "department": doctor.department if doctor else None}
        given = {"category": "lab", "status": "final", **ordered, **fields}
        days = given.pop("days", 1)
        file_report(
            people[who], external_id=f"demo-{number}", name=name, name_en=name_en,
            now=now - timedelta(days=days), **given,
        )  # fmt: skip

    report("chen", "count", "血常规", "Full blood count", observations=_lines(COUNT))
    for number, (days, value) in enumerate(((270, "8.4"), (180, "7.6"), (90, "7.1"), (2, "6.8"))):
        line = ("4548-4", "糖化血红蛋白", value, "%", "4.0", "6.0")
        report("zhou", f"hba1c-{number}", "糖化血红蛋白", "Haemoglobin A1c", days=days,
               by="内分泌科", observations=_lines((line,)))  # fmt: skip
    report("chen", "ultrasound", "甲状腺彩超", "Thyroid ultrasound", category="imaging",
           status="registered", days=0)  # fmt: skip
    potassium = {**_line("2823-3", "钾", "6.9", "mmol/L", "3.5", "5.3"), "interpretation": "HH"}
    report("wu", "potassium", "电解质", "Electrolytes", days=0, observations=[potassium])
    report("sun", "biopsy", "胃镜活检病理", "Gastric biopsy", category="pathology",
           conclusion="示例文字。")  # fmt: skip


def _prescribe(people: dict[str, Patient], now: datetime) -> None:
    for who, number, drug, dose, times, meals in (
        ("zhou", "metformin", "二甲双胍", "0.5 g", 2, "with"),
        ("zhou", "amlodipine", "氨氯地平", "5 mg", 1, "any"),
        ("zhou", "atorvastatin", "阿托伐他汀", "20 mg", 1, "bedtime"),
        ("chen", "loratadine", "氯雷他定", "10 mg", 1, "any"),
    ):
        file_prescription(
            people[who], external_id=f"demo-{number}", drug=drug, dose=dose, now=now, route="口服",
            times_per_day=times, meals=meals, starts_at=now - timedelta(days=7),
            ends_at=now + timedelta(days=23), refills=1,
        )  # fmt: skip


def _lines(rows: tuple[tuple[str, ...], ...]) -> list[dict[str, Any]]:
    return [_line(*row) for row in rows]


def _line(*facts: str) -> dict[str, Any]:
    return dict(zip(("code", "name", "value", "unit", "low", "high"), facts, strict=True))
