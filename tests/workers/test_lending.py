from workers.devices import Device
from workers.lending import Pool

FOUR = tuple(Device(f"GPU-{number}", "NVIDIA H100") for number in range(4))


def test_what_one_slot_has_taken_another_cannot_have() -> None:
    pool = Pool(FOUR, cores=2)
    assert (pool.most, pool.free(0)) == (4, 4)
    taken = pool.take(3)
    assert (taken, pool.free(1)) == (FOUR[:3], 1)
    pool.give_back(taken)
    assert pool.free(1) == 4


def test_what_was_promised_to_one_slot_is_free_for_no_other() -> None:
    pool = Pool(FOUR, cores=2)
    pool.promise(0, 3)
    assert [pool.free(slot) for slot in (0, 1, 2)] == [4, 1, 1]
    pool.promise(1, 1)
    assert [pool.free(slot) for slot in (0, 1, 2)] == [3, 1, 0]
    pool.promise(0, 0)
    assert [pool.free(slot) for slot in (0, 1, 2)] == [3, 4, 3]


def test_cores_are_lent_to_nobody() -> None:
    pool = Pool((), cores=2)
    pool.promise(0, 1)
    assert (pool.take(1), pool.most, pool.free(1)) == ((), 2, 2)
