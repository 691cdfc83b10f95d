"""The network behind LitServe, as its documentation shows: one worker, which takes what waits as a batch."""

import os

import litserve
import numpy as np
import onnxruntime


class Classifier(litserve.LitAPI):
    def setup(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["GRAPH"], options)
        self.tensor = self.session.get_inputs()[0]
        self.dtype = np.int32 if "int32" in self.tensor.type else np.float32

    def decode_request(self, request: dict) -> np.ndarray:
        return np.asarray(request["instances"], dtype=self.dtype)

    def batch(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        return inputs

    def predict(self, requests: list[np.ndarray]) -> list[np.ndarray]:
        answer = self.session.run(None, {self.tensor.name: np.concatenate(requests)})[0]
        return np.split(answer, np.cumsum([len(rows) for rows in requests])[:-1])

    def unbatch(self, output: list[np.ndarray]) -> list[np.ndarray]:
        return output

    def encode_response(self, answer: np.ndarray) -> dict:
        return {"predictions": answer.tolist()}


if __name__ == "__main__":
    api = Classifier(max_batch_size=16, batch_timeout=0.0)
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="error",
        access_log=False,
        generate_client_file=False,
    )
