"""The network behind BentoML, as its documentation shows: one worker, adaptive batching.

It refuses what it expects to take longer than ``max_latency_ms``; here it never has to.
"""

import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1, traffic={"timeout": 30})
class Classifier:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["GRAPH"], options)
        self.tensor = self.session.get_inputs()[0]
        self.dtype = np.int32 if "int32" in self.tensor.type else np.float32

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=10_000)
    def predict(self, instances: np.ndarray) -> np.ndarray:
        return self.session.run(None, {self.tensor.name: instances.astype(self.dtype)})[0]
