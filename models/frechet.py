"""How unlike two lots of rows are: the Fréchet distance of normal distributions with their moments.

On features of Inception this is the FID of Heusel et al. (2017). Here the features are those of a small
classifier of the same data, or principal components: the figures compare versions trained on one dataset, and
nothing else.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

FEATURES = 32
# The classifier's training is short, whatever the number of rows.
_STEPS, _BATCH = 400, 50
_SEED = 0


@dataclass(frozen=True)
class Features:
    """How rows become features; ``classifier`` is None where principal components are taken.

    Rows are ``[n, …]``; a missing value (NaN) is taken for the mean of the rows that this was learnt from.
    """

    means: np.ndarray
    deviations: np.ndarray
    components: PCA | None
    classifier: MLPClassifier | None

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return the features of rows, ``float64[n, features]``."""
        scaled = self._scaled(rows)
        if self.components is not None:
            components: np.ndarray = self.components.transform(scaled)
            return components
        assert self.classifier is not None
        hidden = scaled @ self.classifier.coefs_[0] + self.classifier.intercepts_[0]
        rectified: np.ndarray = np.maximum(hidden, 0.0)
        return rectified

    def classes(self, rows: np.ndarray) -> np.ndarray:
        """Return the classes of rows, as the classifier sees them."""
        assert self.classifier is not None, "there are no classes in principal components"
        found: np.ndarray = self.classifier.predict(self._scaled(rows))
        return found

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        flat = rows.reshape(len(rows), -1).astype(np.float64)
        scaled: np.ndarray = np.nan_to_num((flat - self.means) / self.deviations)
        return scaled


def learn_features(rows: np.ndarray, classes: np.ndarray | None) -> Features:
    """Learn features from rows, ``[n, …]``, and their classes, where they have any; always the same ones."""
    flat = rows.reshape(len(rows), -1).astype(np.float64)
    known = ~np.isnan(flat)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, flat, 0.0).sum(axis=0) / counts
    # One scale for all: pixels that hardly ever differ are not to count as much as those that do.
    deviation = float(np.sqrt(np.square(np.where(known, flat - means, 0.0)).sum() / counts.sum())) or 1.0
    scaled = np.where(known, flat - means, 0.0) / deviation
    deviations = np.full(flat.shape[1], deviation)
    if classes is None or len(np.unique(classes)) < 2:
        count = min(FEATURES, *scaled.shape)
        return Features(means, deviations, PCA(count, random_state=_SEED).fit(scaled), None)
    classifier = MLPClassifier(
        (FEATURES,),
        max_iter=max(5, _STEPS * _BATCH // len(rows)),
        batch_size=min(_BATCH, len(rows)),
        learning_rate_init=0.005,
        random_state=_SEED,
    )
    # It need not be the best one: its time is bounded. Small products are slower with more threads.
    with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(scaled, classes)
    return Features(means, deviations, None, classifier)


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the distance of two lots of features, ``[n, features]``, in deviations of the first, squared."""
    scale = first.std(axis=0)
    used = scale > 1e-9 * max(1.0, float(scale.max(initial=0.0)))
    first, second = first[:, used] / scale[used], second[:, used] / scale[used]
    if not used.any():
        return 0.0
    covariances = [np.atleast_2d(np.cov(each, rowvar=False)) for each in (first, second)]
    root = _root(covariances[0])
    # The trace of the root of the product of both, in a form that stays symmetric.
    shared = np.linalg.eigvalsh(root @ covariances[1] @ root)
    between = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    spread = sum(np.trace(covariance) for covariance in covariances)
    return max(0.0, float(between + spread - 2 * np.sqrt(np.maximum(shared, 0.0)).sum()))


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    root: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
