"""What the embedded broker promises: a ring commits with its data, goes to one worker at a time,
comes again when that worker dies, and leaves no trace when its task is done."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event, Thread

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from kombu import Connection

from workers.broker import rings
from workers.broker.models import Ring

QUEUE = "test"
TRANSPORT = "workers.broker.transport:Transport"


def put(envelope: str = "{}", *, call: str = "") -> None:
    rings.put(QUEUE, envelope, call=call)


def end_leases() -> None:
    Ring.objects.update(leased_until=F("leased_until") - rings.LEASE_S - 1)


@pytest.fixture
def embedded() -> Iterator[Connection]:
    with Connection("database", transport=TRANSPORT) as broker:
        yield broker


@pytest.mark.django_db
def test_an_acknowledged_ring_leaves_no_row() -> None:
    put("first")

    taken = rings.claim(QUEUE)

    assert taken is not None
    assert taken.envelope == "first"
    assert rings.size(QUEUE) == 1

    rings.acknowledge(taken)

    assert not Ring.objects.exists()


@pytest.mark.django_db
def test_rings_are_claimed_oldest_first_and_once() -> None:
    put("first")
    put("second")

    claims = [rings.claim(QUEUE) for _ in range(3)]

    assert [taken and taken.envelope for taken in claims] == ["first", "second", None]


@pytest.mark.django_db
def test_a_ring_comes_again_when_its_lease_has_ended() -> None:
    put()
    rings.claim(QUEUE)
    end_leases()

    again = rings.claim(QUEUE)

    assert again is not None
    assert again.deliveries == 2


@pytest.mark.django_db
def test_a_renewed_lease_does_not_end() -> None:
    put()
    taken = rings.claim(QUEUE)
    assert taken is not None
    end_leases()

    rings.renew([taken])

    assert rings.claim(QUEUE) is None


@pytest.mark.django_db
def test_a_worker_that_slept_through_its_lease_cannot_renew_or_return_it() -> None:
    put()
    sleeper = rings.claim(QUEUE)
    end_leases()
    assert sleeper is not None
    assert rings.claim(QUEUE) is not None  # somebody else has it now
    lease = Ring.objects.get().leased_until

    rings.renew([sleeper])
    rings.give_back(sleeper)

    assert Ring.objects.get().leased_until == lease


@pytest.mark.django_db
def test_a_ring_given_back_is_free_at_once() -> None:
    put()
    taken = rings.claim(QUEUE)
    assert taken is not None

    rings.give_back(taken)

    assert rings.claim(QUEUE) is not None


@pytest.mark.django_db
def test_a_lease_from_before_the_clock_was_set_back_is_void() -> None:
    put()
    rings.claim(QUEUE)
    Ring.objects.update(leased_until=F("leased_until") + 3600)

    assert rings.claim(QUEUE) is not None


@pytest.mark.django_db
def test_poison_is_given_up_after_five_deliveries_and_can_be_rung_again() -> None:
    put("poison")
    put("healthy")
    for _ in range(rings.MAX_DELIVERIES):
        taken = rings.claim(QUEUE)
        assert taken is not None
        assert taken.envelope == "poison"
        rings.give_back(taken)

    assert rings.claim(QUEUE) is None  # the poison is set aside
    healthy = rings.claim(QUEUE)

    assert healthy is not None
    assert healthy.envelope == "healthy"
    dead = Ring.objects.get(dead_at__isnull=False)
    assert dead.envelope == "poison"

    assert rings.ring_again([dead.pk]) == 1
    assert rings.claim(QUEUE) is not None


@pytest.mark.django_db
def test_a_second_ring_for_the_same_call_waits_with_the_first() -> None:
    put("first", call="message.received 7")
    put("second", call="message.received 7")
    put("other", call="message.received 8")

    assert list(Ring.objects.values_list("envelope", flat=True)) == ["first", "other"]


@pytest.mark.django_db
def test_a_ring_for_what_a_worker_has_already_begun_is_another_ring() -> None:
    put("first", call="message.received 7")
    rings.claim(QUEUE)

    put("second", call="message.received 7")

    taken = rings.claim(QUEUE)
    assert taken is not None
    assert taken.envelope == "second"


@pytest.mark.django_db(transaction=True)
def test_a_ring_that_waits_for_two_callers_is_not_answered_before_both_have_committed() -> None:
    put("first", call="message.received 7")
    claims: list[rings.Claim | None] = []

    def claim() -> None:
        claims.append(rings.claim(QUEUE))
        connection.close()

    with transaction.atomic():
        put("second", call="message.received 7")
        impatient = Thread(target=claim)
        impatient.start()
        impatient.join(0.5)  # SQLite lets it wait, PostgreSQL passes the ring over
        assert not any(claims)
    impatient.join()

    assert any(claims) or rings.claim(QUEUE) is not None


@pytest.mark.django_db
def test_purging_leaves_what_a_worker_holds() -> None:
    put("held")
    put("waiting")
    rings.claim(QUEUE)

    assert rings.purge(QUEUE) == 1
    assert Ring.objects.get().envelope == "held"


@pytest.mark.django_db
def test_an_idle_poll_only_reads() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert rings.claim(QUEUE) is None

    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]


@pytest.mark.django_db(transaction=True)
def test_a_poll_does_not_wait_for_a_writer() -> None:
    polled = Event()

    def poll() -> None:
        rings.claim(QUEUE)
        polled.set()
        connection.close()

    with transaction.atomic():
        put()
        poller = Thread(target=poll)
        poller.start()
        assert polled.wait(10)
    poller.join()


@pytest.mark.django_db(transaction=True)
def test_a_ring_in_a_rolled_back_transaction_is_never_delivered() -> None:
    class Refused(Exception):
        pass

    with pytest.raises(Refused), transaction.atomic():
        put()
        raise Refused

    assert rings.claim(QUEUE) is None


@pytest.mark.django_db(transaction=True)
def test_many_publishers_and_many_workers_lose_nothing_and_share_nothing() -> None:
    publishers, each, workers = 3, 60, 3
    done: Queue[str] = Queue()
    published = Event()

    def publish(publisher: int) -> None:
        for number in range(each):
            put(f"{publisher}.{number}")
        connection.close()

    def work() -> None:
        while True:
            finished = published.is_set()
            taken = rings.claim(QUEUE)
            if taken is not None:
                done.put(taken.envelope)
                rings.acknowledge(taken)
            elif finished and not Ring.objects.exists():
                break
        connection.close()

    with ThreadPoolExecutor(publishers + workers) as pool:
        at_work = [pool.submit(work) for _ in range(workers)]
        for publishing in [pool.submit(publish, number) for number in range(publishers)]:
            publishing.result()
        published.set()
        for worker in at_work:
            worker.result()

    expected = sorted(f"{p}.{n}" for p in range(publishers) for n in range(each))
    assert sorted(done.queue) == expected


@pytest.mark.django_db
def test_kombu_sees_a_redelivery(embedded: Connection) -> None:
    queue = embedded.SimpleQueue(QUEUE)
    queue.put({"conversation_id": 7})

    first = queue.get()
    first.requeue()
    second = queue.get()

    assert first.payload == second.payload == {"conversation_id": 7}
    assert not first.delivery_info["redelivered"]
    assert second.delivery_info["redelivered"]

    second.ack()

    assert not Ring.objects.exists()


@pytest.mark.django_db
def test_what_is_unfinished_at_the_end_goes_to_the_next_worker_at_once() -> None:
    with Connection("database", transport=TRANSPORT) as leaving:
        leaving.SimpleQueue(QUEUE).put({})
        leaving.SimpleQueue(QUEUE).get()

    assert rings.claim(QUEUE) is not None


@pytest.mark.django_db
def test_a_full_worker_takes_no_more(embedded: Connection) -> None:
    channel = embedded.default_channel
    channel.basic_qos(prefetch_count=1)
    put_through_kombu = embedded.SimpleQueue(QUEUE)
    put_through_kombu.put(1)
    put_through_kombu.put(2)
    put_through_kombu.get()

    assert not channel.qos.can_consume()
    assert Ring.objects.filter(deliveries=0).count() == 1
