import numpy as np
import pytest

from models.batches import batches_of, class_weights, order_of, split_rows

Y = np.repeat(np.arange(3), [60, 30, 1])


def test_no_test_row_trains_or_validates_and_no_other_row_is_lost():
    test = np.arange(0, len(Y), 5)
    train, validation = split_rows(Y, test, 0.2, seed=1)
    assert sorted([*train, *validation, *test]) == list(range(len(Y)))


def test_validation_takes_its_share_of_every_class():
    _, validation = split_rows(Y, np.arange(0), 0.1, seed=1)
    assert np.bincount(Y[validation], minlength=3).tolist() == [6, 3, 0]


def test_rows_that_are_not_stratified_are_drawn_alike():
    _, validation = split_rows(Y, np.arange(0), 0.1, seed=1, stratified=False)
    assert len(validation) == 9
    assert not np.array_equal(np.bincount(Y[validation], minlength=3), [6, 3, 0])


def test_the_seed_decides_the_split():
    first, again, other = (split_rows(Y, np.arange(0), 0.3, seed=seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_validation_is_possible():
    train, validation = split_rows(Y, np.arange(0), 0, seed=1)
    assert len(train) == len(Y)
    assert validation.shape == (0,)
    assert train.dtype == validation.dtype == np.int64


def test_each_epoch_has_an_order_of_its_own_that_seed_and_epoch_decide():
    rows = np.arange(10, 60)
    orders = [order_of(rows, seed, epoch) for seed, epoch in [(1, 0), (1, 1), (2, 0)]]
    assert all(sorted(order) == rows.tolist() for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert np.array_equal(orders[1], order_of(rows, 1, 1))


@pytest.mark.parametrize(("rows", "shapes"), [(10, [(2, 4), (1, 2)]), (8, [(2, 4)]), (3, [(1, 3)]), (0, [])])
def test_batches_hold_every_row_once_and_the_last_may_be_small(rows: int, shapes: list[tuple[int, int]]):
    order = np.random.default_rng(0).permutation(rows)
    batches = list(batches_of(order, 4))
    assert [part.shape for part in batches] == shapes
    assert [row for part in batches for row in part.ravel()] == order.tolist()


def test_balanced_weights_make_classes_count_alike():
    y = np.array([0, 0, 0, 1, 2, 2])
    weights = class_weights(y, np.arange(4), "balanced", ["a", "b", "c"])
    assert weights.tolist() == pytest.approx([4 / (2 * 3), 4 / (2 * 1), 1.0])
    assert weights.dtype == np.float32


def test_weights_by_label_are_1_where_none_is_named():
    assert class_weights(Y, np.arange(3), {"b": 2.5}, ["a", "b"]).tolist() == [1.0, 2.5]
    assert class_weights(Y, np.arange(3), None, ["a", "b"]).tolist() == [1.0, 1.0]
