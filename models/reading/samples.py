"""The tables that scikit-learn ships: iris, wine and breast-cancer (classes), diabetes (values)."""

import numpy as np

from models.reading.columns import Values, check_names, table_source
from models.reading.options import ReadingOptions
from models.reading.source import Source

_TARGET = "target"


def read_iris(options: ReadingOptions, *_: object) -> Source:
    """Return 150 flowers of three species, measured in four places."""
    return _read("load_iris", options)


def read_wine(options: ReadingOptions, *_: object) -> Source:
    """Return 178 wines of three growers, with thirteen measurements."""
    return _read("load_wine", options)


def read_breast_cancer(options: ReadingOptions, *_: object) -> Source:
    """Return 569 tumours, malignant or benign, with thirty measurements."""
    return _read("load_breast_cancer", options)


def read_diabetes(options: ReadingOptions, *_: object) -> Source:
    """Return 442 patients with ten measurements and the progress of their disease after a year."""
    return _read("load_diabetes", options, scaled=False)


def _read(load: str, options: ReadingOptions, **arguments: bool) -> Source:
    from sklearn import datasets  # noqa: PLC0415 - heavy, and only these readers need it

    found = getattr(datasets, load)(**arguments)
    names = [str(name).replace(" (cm)", "") for name in found.feature_names]
    columns = [
        Values(name, np.asarray(column, np.float64)) for name, column in zip(names, found.data.T, strict=True)
    ]
    classes = getattr(found, "target_names", None)
    texts = None if classes is None else [str(name) for name in classes]
    columns.append(Values(_TARGET, np.asarray(found.target, np.float64), texts))
    check_names([column.name for column in columns], options)
    return table_source(columns, options)
