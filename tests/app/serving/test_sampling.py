import numpy as np
import pytest

from app.errors import Invalid
from app.serving.sampling import Choice, Chooser, probabilities

# Padding and the unknown token would be the likeliest by far.
LOGITS = np.log(np.array([1e9, 1e9, 0.5, 0.3, 0.15, 0.05], np.float32))
TOKENS = [2, 3, 4, 5]
SHARES = [0.5, 0.3, 0.15, 0.05]


def shares_of(choice, draws=4000):
    chooser = Chooser(choice)
    drawn = [chooser.next(LOGITS) for _ in range(draws)]
    assert set(drawn) <= set(TOKENS)
    return np.array([drawn.count(token) / draws for token in TOKENS])


def scaled(shares, kept=4, temperature=1.0):
    left = np.array(shares[:kept] + [0.0] * (4 - kept)) ** (1 / temperature)
    return left / left.sum()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), scaled(SHARES)),
        (Choice(temperature=0.5), scaled(SHARES, temperature=0.5)),
        (Choice(temperature=100), [0.25] * 4),
        (Choice(top_k=2), scaled(SHARES, 2)),
        (Choice(top_k=99), scaled(SHARES)),
        # A half makes up one token; more than a half needs a second one.
        (Choice(top_p=0.49), [1, 0, 0, 0]),
        (Choice(top_p=0.51), scaled(SHARES, 2)),
        (Choice(top_p=0.96), scaled(SHARES)),
        # Of the three likeliest, whose shares count anew, the first two are more than 0.8.
        (Choice(top_k=3, top_p=0.8), scaled(SHARES, 2)),
        (Choice(temperature=0), [1, 0, 0, 0]),
        (Choice(temperature=1e-300), [1, 0, 0, 0]),
    ],
)
def test_tokens_are_drawn_as_often_as_their_probabilities_say(choice, expected):
    np.testing.assert_allclose(shares_of(choice), expected, atol=0.03)
    # What is never to be drawn never is, not only seldom.
    assert [share > 0 for share in shares_of(choice)] == [share > 0 for share in expected]


def test_a_seed_draws_the_same_again():
    def drawn(seed):
        chooser = Chooser(Choice(seed=seed))
        return [chooser.next(LOGITS) for _ in range(600)]

    assert drawn(1) == drawn(1) != drawn(2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_is_no_number_is_never_drawn_from(value, temperature):
    logits = LOGITS.copy()
    logits[3] = value
    with pytest.raises(Invalid) as refusal:
        Chooser(Choice(temperature)).next(logits)
    assert refusal.value.code == "not_finite"


def test_logits_are_left_as_they_were():
    before = LOGITS.copy()
    Chooser(Choice(temperature=0.7, top_k=3, top_p=0.9)).next(LOGITS)
    np.testing.assert_array_equal(LOGITS, before)


def test_probabilities_are_those_of_real_tokens():
    np.testing.assert_allclose(probabilities(LOGITS), SHARES, rtol=1e-5)
