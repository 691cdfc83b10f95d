"""What the gallery claims beyond its figures: each claim is measured, and held against a bound."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import keraforge
from benchmarks.gallery.datasets import SENTENCES, corpus, register
from benchmarks.gallery.exhibits import Exhibit
from benchmarks.gallery.grammar import bag_of_words_accuracy, sentences
from benchmarks.gallery.kneser_ney import KneserNey
from benchmarks.gallery.service import Hung, Service, got, train

SAMPLES_OF_EACH = 100
CORPUS_BLOCK = 129
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Claim:
    """What was measured, and the bound: at least, or, with ``most``, at most ``bound``."""

    what: str
    measured: float
    bound: float
    most: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is true."""
        return self.measured <= self.bound if self.most else self.measured >= self.bound


def word_order(dataset: keraforge.DatasetVersion) -> Iterator[Claim]:
    """The classes of the sentences are not in their words."""
    texts, labels = sentences(SENTENCES, seed=0)
    is_test = np.arange(SENTENCES) >= SENTENCES - dataset.schema["test_rows"]
    found = bag_of_words_accuracy(texts, labels, is_test)
    yield Claim("accuracy of a bag of words on the sentences", found, 0.6, most=True)


def beyond_trigrams(hung: Hung, dataset: keraforge.DatasetVersion) -> Iterator[Claim]:
    """A character model foretells the last blocks better than a trigram that counted the same text."""
    text = corpus()
    blocks = [text[start : start + CORPUS_BLOCK] for start in range(0, len(text) - 1, CORPUS_BLOCK)]
    rows, kept = dataset.schema["rows"], dataset.schema["test_rows"]
    if len(blocks) != rows:
        raise SystemExit(f"the corpus has {len(blocks)} blocks here, but {rows} in the service")
    bits = KneserNey(blocks[:-kept]).bits(blocks[-kept:])
    own = float(hung.version.metrics["bits_per_character"])
    yield Claim(
        f"{own:.3f} bits a character to the {bits:.3f} of a Kneser-Ney trigram", own / bits, 0.9, True
    )


def outliers(service: Service, dataset: str) -> Iterator[Claim]:
    """An autoencoder that has seen nine digits knows the tenth for another; all ten in turn."""
    found = {}
    for odd in DIGITS:
        exhibit = Exhibit(
            "dense-autoencoder",
            dataset,
            name=f"without-{odd}",
            network={
                "dense": [512, 256],
                "latent": 16,
                "latent_activation": "linear",
                "latent_dropout": 0.0,
                "noise": 0.5,
            },
            training={
                "normal_labels": [digit for digit in DIGITS if digit != odd],
                "epochs": 100,
                "optimizer": {"name": "adam", "learning_rate": 0.002, "schedule": {"name": "cosine"}},
            },
        )
        found[odd] = float(train(service, exhibit, dataset).version.metrics["auroc"])
    worst = min(found, key=lambda digit: found[digit])
    mean = float(np.mean(list(found.values())))
    yield Claim(
        f"mean AUROC of telling the unseen digit, the worst {found[worst]:.3f} for {worst}", mean, 0.92
    )


def as_asked(service: Service, hung: Hung, judge: Hung, dataset: keraforge.DatasetVersion) -> Iterator[Claim]:
    """The samples of a conditional GAN are of the class that was asked for, varied, and no copies."""
    samples, agreed, variances = [], [], []
    test, training = _digit_rows(service, dataset)
    images, labels = load_digits(return_X_y=True)
    for digit in DIGITS:
        body = {"count": SAMPLES_OF_EACH, "seed": int(digit), "label": digit}
        answer = got(service.rest.post(f"{hung.path}/samples", json=body)).json()
        made = np.array(answer["samples"])
        asked = got(service.rest.post(f"{judge.path}/predict", json={"instances": answer["samples"]})).json()
        agreed += [prediction["label"] == digit for prediction in asked["predictions"]]
        flat = made.reshape(SAMPLES_OF_EACH, -1)
        variances.append(flat.var(axis=0).mean() / images[labels == int(digit)].var(axis=0).mean())
        samples.append(flat)
    yield Claim("share of samples that the classifier calls what was asked for", float(np.mean(agreed)), 0.8)
    yield Claim("least variance of a class, of that of real digits", float(min(variances)), 0.5)
    near = _nearest(np.concatenate(samples), images[training])
    real = _nearest(images[test], images[training])
    yield Claim("distance to the nearest training row, of that of test rows", near / real, 1.0)


def _digit_rows(service: Service, dataset: keraforge.DatasetVersion) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the test rows and of the others, as the preview tells them."""
    is_test: list[bool] = []
    while len(is_test) < dataset.schema["rows"]:
        page = service.client.datasets.preview(
            dataset.dataset, dataset.number, offset=len(is_test), limit=100
        )
        is_test += [row["split"] == "test" for row in page["rows"]]
    return np.flatnonzero(is_test), np.flatnonzero(~np.array(is_test))


def _nearest(rows: np.ndarray, others: np.ndarray) -> float:
    """Return the median distance from a row to the nearest of others."""
    squares = (rows**2).sum(1)[:, None] - 2 * rows @ others.T + (others**2).sum(1)
    return float(np.median(np.sqrt(np.maximum(squares.min(axis=1), 0))))


def all_claims(service: Service, hung: dict[str, Hung], folder: Path) -> Iterator[Claim]:
    """Yield the claims of all exhibits that hang."""
    yield from word_order(register(service.client, "grammar", folder))
    for model in ("char-lstm-manual", "char-gru-manual"):
        if model in hung:
            yield from beyond_trigrams(hung[model], register(service.client, "manual", folder))
    if {"conditional-dcgan-digits", "cnn-small-digits"} <= hung.keys():
        digits = register(service.client, "digits", folder)
        yield from as_asked(service, hung["conditional-dcgan-digits"], hung["cnn-small-digits"], digits)
    yield from outliers(service, "digits")
