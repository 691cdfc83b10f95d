"""What is known of one layer without building it. Keras-free."""

from models.schema import Frozen

Shape = tuple[int, ...]


class LayerOutline(Frozen):
    """One layer; ``shape`` is that of its output for one row."""

    name: str
    shape: Shape
    parameters: int
