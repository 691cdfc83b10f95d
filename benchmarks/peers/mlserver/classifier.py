"""The network behind MLServer, as its documentation shows for a runtime of one's own."""

import os

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Classifier(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["GRAPH"], options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0])
        answer = self.session.run(None, {payload.inputs[0].name: rows})[0]
        outputs = [NumpyCodec.encode_output("probabilities", answer)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
