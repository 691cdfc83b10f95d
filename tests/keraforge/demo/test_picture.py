import pytest

from keraforge.demo.picture import BAR_CELLS, answer_beside, as_characters, bar


def test_pixels_become_pairs_of_shades_from_low_to_high() -> None:
    assert as_characters([[0, 4, 8], [12, 16, 16]], 0, 16) == ["  ░░▒▒", "▓▓████"]


def test_values_outside_the_range_are_its_ends() -> None:
    assert as_characters([[-5, 99]], 0, 16) == ["  ██"]


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0, ""), (1, "█" * BAR_CELLS), (0.5, "█" * (BAR_CELLS // 2)), (1 / BAR_CELLS / 2, "▌"), (0.0001, "")],
)
def test_a_bar_is_as_long_as_its_share(share: float, drawn: str) -> None:
    assert bar(share) == drawn


def test_answers_stand_beside_the_picture_and_the_best_stands_out() -> None:
    lines = list(answer_beside(["██", "░░"], ["0", "1", "2"], [0.25, 0.5, 0.25]))
    assert [line.plain for line in lines] == [
        "    ██    0  25.0% ██████",
        "    ░░    1  50.0% ████████████",
        "          2  25.0% ██████",
    ]
    assert [[span.style for span in line.spans] for line in lines] == [["dim"], ["bold green"], ["dim"]]
