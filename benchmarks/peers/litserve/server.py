"""The network behind LitServe, as its documentation shows: one worker, one row a call."""

import os

import litserve
import numpy as np
import onnxruntime


class Classifier(litserve.LitAPI):
    def setup(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["GRAPH"], options)

    def decode_request(self, request: dict) -> np.ndarray:
        return np.asarray(request["instances"], dtype=np.float32)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.session.run(None, {"image": rows})[0]

    def encode_response(self, answer: np.ndarray) -> dict:
        return {"predictions": answer.tolist()}


if __name__ == "__main__":
    litserve.LitServer(Classifier(), accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="error",
        access_log=False,
        generate_client_file=False,
    )
