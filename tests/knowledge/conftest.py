from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from staff.models import StaffMember

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def head_nurse(db: None) -> StaffMember:
    member: StaffMember = StaffMember.objects.create_superuser("head", display_name="护士长")
    return member


@pytest.fixture
def nurse(db: None) -> StaffMember:
    member: StaffMember = StaffMember.objects.create_user("nurse", display_name="小林")
    return member
