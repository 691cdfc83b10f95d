"""ONNX Runtime, imported here and nowhere else, so that it tells nobody what it runs.

From 1.29 on, its official Linux builds keep an identifier of the machine below the home folder and send what
is loaded and run, with hashes of graphs and weights, to their maker, unless this is set before the import.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # noqa: TID251 - the one place

__all__ = ["onnxruntime"]
