from typing import Any

from models.kinship import Parent, renumbered, unrelated
from models.presets import resolve
from models.schema import Column, InputSchema

SOURCE = InputSchema(shape=(8, 8, 1), classes=3)
SMALL = {"family": "cnn", "blocks": [2, 4]}


def parent(network: dict[str, Any], **training: Any) -> Parent:
    specs = resolve(network, training, SOURCE)
    return Parent("digits@3", specs.network, specs.training, SOURCE)


def said(network: dict[str, Any], start: Parent, source: InputSchema = SOURCE) -> list[tuple[str, str]]:
    specs = resolve(network, None, source)
    return [(problem.pointer, problem.code) for problem in unrelated(specs.network, source, start)]


def test_a_network_may_start_from_one_that_shares_a_layer() -> None:
    assert said(SMALL, parent(SMALL)) == []
    assert said(SMALL, parent(SMALL), SOURCE.model_copy(update={"classes": 7})) == []
    assert said(SMALL | {"blocks": [2]}, parent(SMALL)) == []


def test_what_shares_nothing_is_refused() -> None:
    other = {"family": "cnn", "blocks": [3, 5]}
    assert said(other, parent(SMALL)) == [("/start_from", "nothing_in_common")]
    assert said({"family": "mlp"}, parent(SMALL)) == [("/start_from", "wrong_family")]


def test_an_ensemble_is_no_parent() -> None:
    start = parent(SMALL, cross_validation={"folds": 2, "ensemble": True})
    assert said(SMALL, start) == [("/start_from", "ensemble")]


def test_ids_of_other_categories_are_no_reason_to_take_weights_over() -> None:
    number = Column(name="a", kind="number")
    one, other = (
        InputSchema(
            kind="table",
            shape=(2,),
            classes=2,
            columns=(number, Column(name="b", kind="category", categories=seen)),
        )
        for seen in (("x", "y"), ("y", "x"))
    )
    assert renumbered(one, one) == ()
    assert renumbered(one, other) == ("embedding_", "dense_1")
    assert renumbered(SOURCE, SOURCE) == ()


def test_an_output_for_other_classes_is_not_taken_over() -> None:
    one, other = (
        SOURCE.model_copy(update={"labels": labels}) for labels in (("a", "b", "c"), ("b", "c", "d"))
    )
    assert renumbered(one, one) == ()
    assert renumbered(one, other) == ("probabilities",)
