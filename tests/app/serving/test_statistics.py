import time
from types import SimpleNamespace

import pytest

from app.serving.statistics import NOTED, ROWS, Histogram, Statistics, VersionStatistics


def version(name):
    return SimpleNamespace(id=name)


def test_a_value_counts_in_the_first_bucket_that_holds_it():
    histogram = Histogram((1, 2, 4))
    for value in (0, 1, 1.5, 2, 4, 5):
        histogram.add(value)
    histogram.add(3, times=2)
    assert histogram.counts == [2, 2, 3, 1]
    assert histogram.cumulative() == [(1, 2), (2, 4), (4, 7), (float("inf"), 8)]
    assert (histogram.count, histogram.sum) == (8, 19.5)


def test_a_question_counts_once_and_its_batch_once():
    statistics = VersionStatistics("local", "digits", 3)
    statistics.executed(6, (0.1, 0.2, 0.3))
    for rows in (2, 4):
        statistics.answered(rows, 0.01, (0.1, 0.2, 0.15))
    statistics.executed(32, (0.0, 2.0, 0.0), times=3)
    statistics.failed("expired")
    assert (statistics.succeeded, statistics.rows, statistics.executions) == (2, 6, 4)
    assert statistics.failures == {"failed": 0, "rejected": 0, "expired": 1, "cancelled": 0}
    assert statistics.request.sum == pytest.approx(2 * 0.46)
    assert statistics.compute.count == 2
    assert statistics.queue.sum == pytest.approx(0.02)
    batch = statistics.batches[6]
    assert (batch.count, batch.input, batch.compute, batch.output) == (1, 0.1, 0.2, 0.3)
    assert statistics.batch_rows.counts == [0, 0, 0, 1, 0, 3, 0]
    assert statistics.batch_rows.bounds == ROWS
    assert statistics.last_at > 1.6e9


def test_what_was_only_noted_is_counted_when_somebody_asks_or_when_it_is_much():
    every = Statistics()
    statistics = every.begin(version("a"), "local", "digits", 1)
    now = time.perf_counter()
    statistics.note((1, 1, 32, True, 0.0, 0.0, 0.2, 0.1, now - 0.2))
    statistics.note((70, 70, 32, True, 0.0, 0.0, 0.1, 0.1, now))
    assert statistics.succeeded == 0
    (found,) = every
    assert found is statistics
    assert (found.succeeded, found.rows, found.executions) == (2, 71, 4)
    assert {rows: batch.count for rows, batch in found.batches.items()} == {1: 1, 6: 1, 32: 2}
    assert found.batch_rows.sum == found.rows
    assert found.batches[32].compute == pytest.approx(0.1 * 64 / 70)
    assert found.batches[6].output == pytest.approx(0.1 * 6 / 70)
    assert (found.queue.count, found.queue.sum, found.input.count) == (2, 0, 2)
    assert found.compute.sum == pytest.approx(0.3)
    assert found.output.sum == pytest.approx(0.2)
    assert found.request.sum == pytest.approx(0.5)
    assert found.request.counts[found.request.bounds.index(0.5)] == 1
    assert abs(found.last_at - time.time()) < 5
    for _ in range(NOTED):
        statistics.note((1, 1, 32, True, 0.0, 0.0, 0.0, 0.0, now))
    assert statistics.succeeded == NOTED + 2
    assert every.of(version("a")).succeeded == NOTED + 2


def test_a_question_without_rows_is_a_question_too():
    statistics = VersionStatistics()
    for rows in (0, 2):
        statistics.note((rows, rows, 32, True, 0.0, 0.0, 0.2, 0.1, 0.0))
    statistics.settle()
    assert (statistics.succeeded, statistics.rows) == (2, 2)
    assert {rows: batch.count for rows, batch in statistics.batches.items()} == {2: 1}
    assert statistics.batches[2].compute == pytest.approx(0.2)


def test_a_text_is_a_question_too():
    statistics = VersionStatistics()
    statistics.wrote(120, 0.5)
    assert (statistics.texts, statistics.tokens, statistics.succeeded) == (1, 120, 1)
    assert statistics.request.sum == statistics.compute.sum == 0.5


def test_statistics_go_on_when_a_version_is_loaded_again_and_end_when_it_is_deleted():
    statistics = Statistics()
    second = statistics.begin(version("b"), "local", "digits", 2)
    first = statistics.begin(version("a"), "local", "digits", 1)
    assert statistics.begin(version("b"), "local", "digits", 2) is second
    assert statistics.of(version("a")) is first
    assert list(statistics) == [first, second]
    statistics.keep({"b"})
    assert list(statistics) == [second]
    with pytest.raises(KeyError):
        statistics.of(version("a"))
