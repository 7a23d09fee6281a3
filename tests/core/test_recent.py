"""What is remembered is bounded."""

from __future__ import annotations

import threading

from replicate._recent import Recent


def test_the_least_recently_used_goes_first() -> None:
    """What was set or recalled last stays; what is only looked at does not count as used."""
    known: Recent[str, int] = Recent(3)
    for number, name in enumerate("abc"):
        known[name] = number
    assert (known.recall("a"), known.recall("x"), known.get("b")) == (0, None, 1)
    known["d"] = 3
    assert [*known.items()] == [("c", 2), ("a", 0), ("d", 3)]
    known["c"] = 4
    assert [*known.items()] == [("a", 0), ("d", 3), ("c", 4)]


def test_threads_share_it() -> None:
    """Threads that set and recall at the same time leave it bounded, and raise nothing."""
    known: Recent[int, int] = Recent(5)
    failed = list[BaseException]()

    def work(first: int) -> None:
        try:
            for number in range(first, first + 2000):
                known[number % 7] = number
                known.recall((number + 3) % 7)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the thread would hide it
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not failed
    assert len(known) == 5
