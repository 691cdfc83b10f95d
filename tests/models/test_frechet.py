import numpy as np
import pytest
from sklearn.datasets import load_digits

from models.frechet import frechet_distance, learn_features

DIGITS = load_digits()


def normal(means: list[float], deviations: list[float], count: int = 20_000) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.array(means) + np.array(deviations) * generator.standard_normal((count, len(means)))


def test_the_distance_is_that_of_the_formula_for_independent_features() -> None:
    # In deviations of the first: means 1 and 2 apart, deviations 2 and 1 apart.
    found = frechet_distance(normal([0, 0], [2, 3]), normal([2, 6], [6, 6]))
    assert found == pytest.approx(1**2 + 2**2 + (3 - 1) ** 2 + (2 - 1) ** 2, rel=0.02)


def test_features_that_go_together_are_far_from_those_that_do_not() -> None:
    apart = normal([0, 0], [1, 1])
    together = np.repeat(apart[:, :1], 2, axis=1)
    # Both have unit variances: trace(1 + C - 2 root(C)) = 2 + 2 - 2 root(2).
    assert frechet_distance(apart, together) == pytest.approx(4 - 2 * np.sqrt(2), abs=0.05)


def test_equal_lots_are_not_apart_and_what_never_differs_does_not_count() -> None:
    rows = normal([0, 5], [1, 0], 100)
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(rows[:, 1:], rows[:, 1:] + 1) == 0


def test_the_classifier_knows_the_classes_and_always_has_the_same_features() -> None:
    features = learn_features(DIGITS.images[:1000], DIGITS.target[:1000])
    assert (features.classes(DIGITS.images[1000:]) == DIGITS.target[1000:]).mean() > 0.85
    again = learn_features(DIGITS.images[:1000], DIGITS.target[:1000])
    assert np.array_equal(features.of(DIGITS.images), again.of(DIGITS.images))
    assert features.of(DIGITS.images).shape == (1797, 32)


def test_real_rows_are_nearer_to_real_rows_than_noise_and_than_one_row_again_and_again() -> None:
    features = learn_features(DIGITS.images[:1000], DIGITS.target[:1000])
    real, rest = features.of(DIGITS.images[:800]), features.of(DIGITS.images[800:])
    noise = np.random.default_rng(0).uniform(0, 16, (800, 64))
    same = np.repeat(DIGITS.images[:1], 800, axis=0)
    distance = frechet_distance(real, rest)
    assert all(frechet_distance(real, features.of(made)) > 10 * distance for made in (noise, same))


@pytest.mark.parametrize("classes", [None, np.zeros(50, int)])
def test_without_classes_that_differ_principal_components_are_taken(classes: np.ndarray | None) -> None:
    rows = normal([0] * 5, [1] * 5, 50)
    rows[3, 2] = np.nan
    features = learn_features(rows, classes)
    assert features.classifier is None
    assert features.of(rows).shape == (50, 5)
    assert np.isfinite(features.of(rows)).all()
