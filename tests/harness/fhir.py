"""Resources as a hospital's system sends them."""

from datetime import datetime, timedelta
from typing import Any


def patient(external_id: str = "p1", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": external_id,
        "identifier": [
            {"system": "urn:his:mrn", "value": f"MRN-{external_id}"},
            {
                "type": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "NNCHN",
                }]},
                "value": "11010519491231002x",
            },
        ],
        "name": [{"use": "official", "family": "王", "given": ["小明"]}],
        "telecom": [{"system": "phone", "value": "+86 138-0000-0001", "use": "mobile"}],
        "gender": "male",
        "birthDate": "1949-12-31",
        **fields,
    }  # fmt: skip


def stranger(number: int, **fields: Any) -> dict[str, Any]:
    """A patient without an identity number."""
    return patient(f"n{number}", identifier=[], name=[{"text": f"病人{number}"}], **fields)


def allergy(external_id: str = "a1", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance", "id": external_id, "criticality": "high",
        "clinicalStatus": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
            "code": "active",
        }]},
        "code": {"text": "青霉素"}, "patient": {"reference": "Patient/p1"},
        "reaction": [{"manifestation": [{"text": "皮疹"}]}], **fields,
    }  # fmt: skip


def potassium(value: str = "6.80", code: str = "HH") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": "o1", "status": "final",
        "code": {"text": "钾", "coding": [{
            "system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]},
        "valueQuantity": {"value": float(value), "unit": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.3}}],
        "interpretation": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
            "code": code}]}],
    }  # fmt: skip


def laboratory_report(external_id: str = "r1", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport", "id": external_id, "status": "final",
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}],
        "code": {"text": "电解质"}, "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-18", "issued": "2026-11-18T10:30:00+08:00",
        "result": [{"reference": "Observation/o1"}], **fields,
    }  # fmt: skip


def prescription(external_id: str = "m1", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": external_id, "status": "active",
        "intent": "order", "medicationCodeableConcept": {"text": "阿莫西林胶囊"},
        "subject": {"reference": "Patient/p1"}, "authoredOn": "2026-11-18T09:00:00+08:00",
        "dosageInstruction": [{
            "text": "饭后服用，连服七天",
            "timing": {"repeat": {
                "frequency": 1, "period": 8, "periodUnit": "h", "when": ["PC"],
                "boundsDuration": {"value": 7, "unit": "d", "code": "d"},
            }},
            "doseAndRate": [{"doseQuantity": {"value": 0.5, "unit": "g"}}],
        }],
        "dispenseRequest": {"numberOfRepeatsAllowed": 2}, **fields,
    }  # fmt: skip


def schedule(external_id: str = "s1", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Schedule", "id": external_id, "active": True,
        "specialty": [{"text": "呼吸内科"}],
        "actor": [{"reference": "Practitioner/d1", "display": "林知远"}], **fields,
    }  # fmt: skip


def slot(external_id: str = "t1", *, starts_at: datetime, **fields: Any) -> dict[str, Any]:
    ends_at = starts_at + timedelta(minutes=30)
    return {
        "resourceType": "Slot", "id": external_id, "schedule": {"reference": "Schedule/s1"},
        "status": "free", "start": starts_at.isoformat(), "end": ends_at.isoformat(), **fields,
    }  # fmt: skip


def appointment(external_id: str = "b1", *, starts_at: datetime, **fields: Any) -> dict[str, Any]:
    ends_at = starts_at + timedelta(minutes=30)
    return {
        "resourceType": "Appointment", "id": external_id, "status": "booked",
        "start": starts_at.isoformat(), "end": ends_at.isoformat(),
        "slot": [{"reference": "Slot/t1"}],
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}], **fields,
    }  # fmt: skip
