"""The store of results: bounded by count and bytes, least recently used first, keys nobody guesses, many threads."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass

import pytest

from cvt.architecture.cache import Recent
from visualize.page.results import ExplorationStore


@dataclass(frozen=True)
class Item:
    nbytes: int = 10


def test_what_was_put_is_got_by_its_key():
    store = ExplorationStore()
    items = [Item(size) for size in (1, 2, 3)]
    keys = [store.put(item) for item in items]
    assert [store.get(key) for key in keys] == items
    assert all(store.get(key) is item for key, item in zip(keys, items, strict=True))


def test_keys_differ_and_fit_into_an_address():
    store = ExplorationStore(max_items=1000)
    keys = {store.put(Item()) for _ in range(500)}
    assert len(keys) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20,}", key) for key in keys)


def test_an_unknown_key_is_a_key_error():
    with pytest.raises(KeyError):
        ExplorationStore().get("nothing")


def test_the_least_recently_used_item_goes_first():
    store = ExplorationStore(max_items=2)
    first, second = store.put(Item()), store.put(Item())
    store.get(first)  # now the second one is the older
    third = store.put(Item())
    assert store.get(first)
    assert store.get(third)
    with pytest.raises(KeyError):
        store.get(second)


def test_bytes_are_bounded_too():
    store = ExplorationStore(max_items=100, max_bytes=100)
    keys = [store.put(Item(40)) for _ in range(3)]
    assert (len(store), store.nbytes) == (2, 80)
    with pytest.raises(KeyError):
        store.get(keys[0])
    store.put(Item(100))
    assert (len(store), store.nbytes) == (1, 100)


def test_an_item_larger_than_the_store_is_refused_and_nothing_is_lost():
    store = ExplorationStore(max_bytes=100)
    key = store.put(Item(60))
    with pytest.raises(ValueError, match="the store holds"):
        store.put(Item(101))
    assert store.get(key)
    assert store.nbytes == 60


@pytest.mark.parametrize("bounds", [(0, 1), (1, 0)])
def test_impossible_bounds(bounds):
    with pytest.raises(ValueError, match="at least one"):
        ExplorationStore(*bounds)


def test_many_threads_never_pass_the_bounds_and_never_get_anothers_item():
    store = ExplorationStore(max_items=8, max_bytes=200)
    wrong = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        mine = {}
        for _ in range(400):
            item = Item(rng.randint(1, 60))
            mine[store.put(item)] = item
            key = rng.choice(list(mine))
            try:
                if store.get(key) is not mine[key]:
                    wrong.append(key)
            except KeyError:
                pass
            if len(store) > 9 or store.nbytes > 260:  # one put may be half done when another thread looks
                wrong.append("bounds")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(store) <= 8
    assert store.nbytes <= 200
    assert store.nbytes == sum(item.nbytes for item in store._items.values())


def test_what_is_found_by_what_it_is_was_used_last():
    store = ExplorationStore(max_items=3)
    old, other, new = store.put(Item(1)), store.put(Item(2)), store.put(Item(1))
    assert store.find(lambda item: item.nbytes == 1) == (new, Item(1))
    assert store.find(lambda item: item.nbytes == 3) is None
    assert store.find(lambda item: item.nbytes == 2) == (other, Item(2))
    store.put(Item(4))
    store.put(Item(5))
    assert store.get(other)
    for dropped in (old, new):
        with pytest.raises(KeyError):
            store.get(dropped)


def test_what_is_kept_anew_is_counted_once_and_by_the_size_that_it_came_with():
    sizes = {"a": 40, "b": 50}
    recent = Recent(3, 100, lambda item: sizes[item])
    for key, item in (("x", "a"), ("y", "b"), ("x", "a")):
        recent.keep(key, item)
    assert (len(recent), recent.nbytes) == (2, 90)
    sizes["b"] = 1  # a value that has changed since
    recent.keep("x", "a")
    recent.keep("z", "a")
    assert (len(recent), recent.nbytes, "y" in recent) == (2, 80, False)
    assert recent.get("z") == "a"


def test_what_nobody_uses_is_dropped_and_what_somebody_uses_stays():
    now = [0.0]
    kept = Recent(9, size=lambda item: item.nbytes, clock=lambda: now[0])
    for key, item in enumerate(map(Item, (1, 2, 4, 8))):
        now[0] = key
        kept.keep(key, item)
    now[0] = 10.0
    kept.get(0)
    kept.find(lambda item: item.nbytes == 2)
    assert kept.drop_unused(8.0) == 1  # the third, since the last was kept at 3
    assert ([key in kept for key in range(4)], kept.nbytes) == ([True, True, False, True], 11)
    now[0] = 18.0
    assert kept.drop_unused(8.0) == 3
    assert (len(kept), kept.nbytes, kept._used) == (0, 0, {})


def test_what_is_taken_out_by_its_key_leaves_nothing():
    kept = Recent(9, size=lambda item: item.nbytes)
    for key in range(4):
        kept.keep(key, Item(1 << key))
    kept.drop(lambda key: key % 2 == 0)
    assert ([key for key, _ in kept.items()], kept.nbytes, set(kept._used)) == ([1, 3], 10, {1, 3})
