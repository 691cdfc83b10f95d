"""Sentences whose class is in the order of their words alone, and what a bag of words makes of them."""

import random

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

_ANIMALS = ("cat", "dog", "fox", "owl", "bear", "wolf", "hare", "goat")
_PEOPLE = ("baker", "sailor", "farmer", "painter", "teacher", "miller", "doctor", "singer")
_VERBS = ("chased", "greeted", "followed", "watched", "helped", "fooled", "carried", "feared")
_ADJECTIVES = ("old", "young", "quick", "quiet", "brave", "tired", "clever", "hungry")
_PLACES = ("in the garden", "by the river", "at night", "near the mill", "after the rain", "on the hill")
CLASSES = ("animal", "person")


def sentences(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Return sentences and who acts in each: an animal or a person. Either voice, with or without a place."""
    chance = random.Random(seed)
    pairs = [_sentence(chance) for _ in range(count)]
    return [text for text, _ in pairs], [label for _, label in pairs]


def _sentence(chance: random.Random) -> tuple[str, str]:
    animal, person = _phrase(_ANIMALS, chance), _phrase(_PEOPLE, chance)
    label = chance.choice(CLASSES)
    actor, other = (animal, person) if label == "animal" else (person, animal)
    verb = chance.choice(_VERBS)
    told = f"{other} was {verb} by {actor}" if chance.random() < 0.5 else f"{actor} {verb} {other}"
    place = chance.choice(_PLACES)
    form = chance.choice(("{told}", "{told} {place}", "{place} {told}"))
    return form.format(told=told, place=place), label


def _phrase(nouns: tuple[str, ...], chance: random.Random) -> str:
    adjective = f"{chance.choice(_ADJECTIVES)} " if chance.random() < 0.5 else ""
    return f"the {adjective}{chance.choice(nouns)}"


def bag_of_words_accuracy(texts: list[str], labels: list[str], is_test: np.ndarray) -> float:
    """Return the test accuracy of a logistic regression on counts of words: order is lost to it."""
    counts = CountVectorizer().fit_transform(texts)
    classes = np.array(labels)
    learner = LogisticRegression(max_iter=1000).fit(counts[~is_test], classes[~is_test])
    return float(learner.score(counts[is_test], classes[is_test]))
