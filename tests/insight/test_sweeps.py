"""What the clock starts finds the reviews and counts the days; nobody has to think of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from insight.models import ModelDay, Review
from workers import sweeps

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_the_clock_finds_what_differs_and_counts_the_days(
    model, patient_writes, nurse_ends
) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    model.means("other", abstained=True)
    patient_writes("我也说不清哪里不对", now=long_ago)
    nurse_ends(claimed_at=long_ago, resolved_at=long_ago + timedelta(hours=1))

    for _ in range(3):  # a sweep looks through one day of facts
        sweeps.look_for_reviews()
        sweeps.count_days_of_models()

    assert Review.objects.get().kind == "abstained"
    assert ModelDay.objects.get().abstained == 1
    assert {"sweep.reviews", "sweep.drift"} <= set(sweeps.SCHEDULE)
