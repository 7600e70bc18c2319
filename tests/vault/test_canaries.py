"""What patients say and are lies nowhere in the clear: not in a row, a file, a log or a queue."""

import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from patients.models import Channel, Patient
from patients.services import meet, update_patient
from records.medications import file_prescription
from records.models import AllergyIntolerance
from records.reports import file_report
from staff.models import StaffMember
from tickets.models import Draft, Ticket
from tickets.services import claim_ticket, note, reply

CANARIES = {
    "name": "欧阳金丝雀",
    "phone": "13812345678",
    "identity": "11010519491231002X",
    "born": "1949-12-31",
    "address": "visitor-canary-one",
    "message": "我膝盖金丝雀疼了三天",
    "flag": "胸口金丝雀一样剧痛，喘不上气",
    "reply": "请您金丝雀休息",
    "note": "护士金丝雀备注",
    "draft": "草稿金丝雀未发",
    "allergy": "金丝雀羽毛",
    "report": "金丝雀酶",
    "value": "9173.25",
    "drug": "金丝雀胶囊",
}


@pytest.fixture
def sung(
    transactional_db: None,
    web: Channel,
    nurse: StaffMember,
    patient_writes: Callable[..., object],
    now,  # type: ignore[no-untyped-def]
) -> None:
    patient_writes(CANARIES["message"], visitor=CANARIES["address"])
    patient_writes(CANARIES["flag"], visitor=CANARIES["address"])
    patient = meet(web, address=CANARIES["address"]).patient
    update_patient(
        patient,
        name=CANARIES["name"],
        phone=CANARIES["phone"],
        identity_number=CANARIES["identity"],
        birth_date_text=CANARIES["born"],
    )
    AllergyIntolerance.objects.create(
        patient=patient, data_key=patient.data_key, substance=CANARIES["allergy"]
    )
    line = {"name": CANARIES["report"], "value": CANARIES["value"]}
    file_report(
        patient, external_id="r1", name=CANARIES["report"], category="lab", status="final",
        now=now, observations=[line],
    )  # fmt: skip
    file_prescription(patient, external_id="p1", drug=CANARIES["drug"], dose="1", now=now)
    ticket = Ticket.objects.get()
    claim_ticket(ticket.pk, nurse=nurse, now=now)
    reply(ticket.pk, nurse=nurse, text=CANARIES["reply"], client_id="r1", now=now)
    note(ticket.pk, nurse=nurse, text=CANARIES["note"], client_id="n1", now=now)
    conversation = ticket.conversation
    Draft.objects.create(
        conversation=conversation,
        nurse=nurse,
        data_key=conversation.data_key,
        text=CANARIES["draft"],
        written_at=now,
    )


def found_in(heap: bytes) -> set[str]:
    """Names of the canaries heard, as they are or as JSON and hex would write them."""
    heard = set()
    for name, word in CANARIES.items():
        forms = [
            word.encode(),
            word.encode("utf-16-le"),
            word.encode("unicode_escape"),
            word.encode().hex().encode(),
        ]
        if any(form in heap for form in forms):
            heard.add(name)
    return heard


def test_no_column_of_any_row_holds_a_word(sung: None) -> None:
    heap = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                heap += [bytes(v) if isinstance(v, memoryview) else v for v in row]
    every = b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in heap)

    assert Patient.objects.get().name == CANARIES["name"]
    assert found_in(every) == set()


def test_no_byte_of_the_files_holds_a_word(sung: None) -> None:
    if connection.vendor == "postgresql":
        heap = _dump_as_text()
    else:
        name = Path(connection.settings_dict["NAME"])
        assert isinstance(connection.connection, sqlite3.Connection)
        files = [file for file in (name, Path(f"{name}-wal")) if file.exists()]
        # By another process: closing a file here would drop the locks that SQLite holds on it,
        # for POSIX locks belong to the process, and the next to close the database takes its log.
        heap = subprocess.run(["cat", *files], capture_output=True, check=True).stdout
        assert len(heap) > 100_000

    assert found_in(heap) == set()


def test_the_search_itself_would_hear_one(sung: None) -> None:
    assert found_in(CANARIES["name"].encode()) == {"name"}
    assert found_in(b'{"text": "' + CANARIES["note"].encode("unicode_escape")) == {"note"}


def _dump_as_text() -> bytes:
    """Every row of every table, as a dump would write it."""
    heap = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            heap += [row[0].encode() for row in cursor.fetchall()]
    return b"\n".join(heap)
