"""A hospital's FHIR server on this machine, and the system that we know it as."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from adapters.fhir.exchange import exchange
from adapters.fhir.models import System
from adapters.fhir.stand_in import FhirStandIn
from hospital.models import Department, Doctor, Hospital
from vault.datakeys import create_data_key

Exchange = Callable[..., dict[str, int]]


@pytest.fixture
def his() -> Iterator[FhirStandIn]:
    with FhirStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def system(db: None, his: FhirStandIn, hospital: Hospital) -> System:
    return System.objects.create(
        slug="his", name="HIS", base_url=his.base_url, secrets={}, data_key=create_data_key(),
        is_active=True,
    )  # fmt: skip


@pytest.fixture
def exchanges(system: System) -> Exchange:
    """One exchange, `after` so long from now; what it counted."""

    def run(after: timedelta = timedelta(), **owners: str) -> dict[str, int]:
        if owners:
            System.objects.filter(pk=system.pk).update(owners=owners)
        at: datetime = timezone.now() + after
        return exchange(system.pk, clock=lambda: at)

    return run


@pytest.fixture
def doctor(hospital: Hospital) -> Doctor:
    return Doctor.objects.create(
        name="林知远", department=Department.objects.get(name="呼吸内科"), title="主任医师"
    )
