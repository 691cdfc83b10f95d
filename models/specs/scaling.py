"""How the numbers of rows enter a network, as several families have it. Keras-free."""

from typing import Annotated, Literal

from pydantic import Field

StandardScaling = Annotated[
    Literal["standard", "none"],
    Field(
        description="`standard` gives each number mean 0 and deviation 1, as seen in the training rows; of "
        "images the range becomes 0..1. `none` takes numbers as they are. A missing number is taken as 0."
    ),
]
