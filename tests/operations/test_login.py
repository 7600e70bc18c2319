"""Guessing passwords is slow at both doors, and nobody is locked out for long by another's."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from channels_app import login
from staff.models import Role, StaffMember

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_tried_yet() -> None:
    cache.clear()


@pytest.fixture
def admin_member(staff: Any) -> StaffMember:
    member: StaffMember = staff(Role.ADMIN, username="zhaomin", is_staff=True)
    return member


def sign_in(door: str, password: str) -> Any:
    return Client().post(door, {"username": "zhaomin", "password": password})


@pytest.mark.parametrize("door", ["/admin/login/", "/console/login/"])
def test_five_failures_make_one_wait_at_every_door(door: str, admin_member: StaffMember) -> None:
    for _ in range(5):
        assert "请等待" not in sign_in(door, "wrong").content.decode()

    assert "登录失败次数过多" in sign_in(door, "a long password").content.decode()


def test_both_doors_count_together(admin_member: StaffMember) -> None:
    for _ in range(5):
        sign_in("/console/login/", "wrong")

    assert "登录失败次数过多" in sign_in("/admin/login/", "a long password").content.decode()


def test_who_knows_the_password_comes_in(admin_member: StaffMember) -> None:
    assert sign_in("/admin/login/", "a long password").status_code == 302


def test_no_number_of_guesses_makes_her_wait_longer_than_a_minute() -> None:
    assert max(login._wait_after(tries) for tries in range(1_000)) == 60
