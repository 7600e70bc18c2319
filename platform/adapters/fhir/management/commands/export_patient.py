"""python manage.py export_patient NUMBER > copy.json: a patient's copy of their record, as FHIR.

Allergies, prescriptions, reports that may be told, appointments; of messages and nurses' tasks
when, and not what. It goes to standard output, in the clear: give it to the patient, delete it.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adapters.fhir import validation
from adapters.fhir.exporting import export_patient
from adapters.fhir.mapping.datatypes import to_json
from patients.models import Patient


class Command(BaseCommand):
    help = "Write a patient's record as a FHIR R4 bundle."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int, help="the patient's number in the admin")

    def handle(self, *args: Any, **options: Any) -> None:
        if not validation.is_installed():
            raise CommandError("Install the extra first: pip install -e '.[fhir]'")
        found = Patient.objects.filter(
            pk=options["number"], merged_into=None, erased_at=None
        ).first()
        if found is None:
            raise CommandError("No such patient.")
        self.stdout.write(to_json(export_patient(found, now=timezone.now())))
