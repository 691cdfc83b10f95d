"""What one writes first: FastAPI, pydantic, and ``predict`` on the loaded network."""

import os

import keras
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

network = keras.models.load_model(os.environ["NETWORK"])
app = FastAPI()


class Body(BaseModel):
    instances: list


@app.post("/predict")
def predict(body: Body):
    probabilities = network.predict(np.asarray(body.instances, dtype="float32"), verbose=0)
    return {"predictions": probabilities.tolist()}
