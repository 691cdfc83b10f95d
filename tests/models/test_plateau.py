from models.plateau import Plateau
from models.specs.optimizers import PlateauSchedule


def factors(values: list[float], monitor: str = "val_loss", **fields: float) -> list[float]:
    plateau = Plateau(PlateauSchedule(name="plateau", monitor=monitor, **fields))
    return [plateau.watch({"val_loss": value, "val_accuracy": value}) for value in values]


def test_the_rate_falls_after_so_many_epochs_without_improvement_and_then_waits_anew():
    assert factors([5, 4, 4, 4, 4, 4, 3, 3, 3], patience=2) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_a_change_that_is_too_small_is_no_improvement():
    assert factors([5, 4.9, 4.8], patience=2, min_delta=1.0) == [1, 1, 0.5]
    assert factors([5, 3.9, 2.8], patience=2, min_delta=1.0) == [1, 1, 1]


def test_accuracy_improves_by_rising():
    assert factors([0.1, 0.2, 0.3], "val_accuracy", patience=1) == [1, 1, 1]
    assert factors([0.3, 0.2, 0.1], "val_accuracy", patience=1) == [1, 0.5, 0.25]


def test_there_is_a_least_rate():
    assert factors([1.0] * 5, patience=1, least_factor=0.2) == [1, 0.5, 0.25, 0.2, 0.2]


def test_one_goes_on_where_another_was():
    spec = PlateauSchedule(name="plateau", patience=3)
    whole, first, second = (Plateau(spec) for _ in range(3))
    values = [{"val_loss": value} for value in (5.0, 4.0, 4.5, 4.5, 4.5, 4.5, 4.5, 4.5)]
    expected = [whole.watch(value) for value in values]
    found = [first.watch(value) for value in values[:4]]
    second.resume(first.standing())
    assert found + [second.watch(value) for value in values[4:]] == expected
    assert len(set(expected)) == 3
