"""How much one screen may ask: bursts pass, floods wait."""

import pytest

from channels_app.limits import Buckets, TokenBucket, neighbourhood


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_the_rate_holds() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=2, burst=3, clock=clock)

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now = 0.5
    assert [bucket.take(), bucket.take()] == [True, False]
    clock.now = 1_000
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]  # never more than a burst


def test_keys_are_apart_and_the_longest_unused_is_forgotten() -> None:
    buckets = Buckets(rate=0.001, burst=1, most=2, clock=Clock())

    assert [buckets.take("a"), buckets.take("a"), buckets.take("b")] == [True, False, True]
    assert buckets.take("c")  # "a" was used before "b" and goes
    assert [buckets.take("b"), buckets.take("a")] == [False, True]


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("8.8.4.4", "8.8.4.4"),
        ("2400:cb00:1:2:3:4:5:6", "2400:cb00:1:2::/64"),
        ("127.0.0.1", ""),  # our own proxy
        ("172.18.0.2", ""),  # a proxy in a container beside us, or the ward's own network
        ("fe80::1", ""),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_limit_by_address_is_for_neighbours_alone(address: str, shared: str) -> None:
    assert neighbourhood(address) == shared
