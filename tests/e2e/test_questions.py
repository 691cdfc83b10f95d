"""Networks of every family, trained by the service as it is and asked over REST for all that they answer."""

import io
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import keraforge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

EPOCH = {"epochs": 1}
DEADLINE_SECONDS = 180
NPY = "application/x-npy"


@dataclass
class Service:
    """The service, a client of it, and requests as others send them."""

    client: keraforge.Client
    http: httpx.Client
    folder: Path

    def train(self, model: str, dataset: str, **network: Any) -> None:
        job = self.client.train(model=model, dataset=dataset, network=network, training=EPOCH)
        self.client.jobs.wait(job.id, timeout=DEADLINE_SECONDS)

    def upload(
        self, name: str, file: str, content: str | bytes, *, kind: str | None = None, **options: Any
    ) -> None:
        path = self.folder / file
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        version = self.client.datasets.upload(name, path, kind=kind, options=options)
        self.client.datasets.wait(name, version.number, timeout=DEADLINE_SECONDS)

    def ask(
        self, question: str, content: Any, media_type: str = "application/json", accept: str = "*/*"
    ) -> Any:
        """Return the answer to a body: bytes as they are, everything else as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"content-type": media_type, "accept": accept}
        answer = self.http.post(f"/api/v1/models/{question}", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        kind = answer.headers["content-type"]
        if kind == "application/json":
            return answer.json()
        if kind == NPY:
            return np.load(io.BytesIO(answer.content))
        return Image.open(io.BytesIO(answer.content)) if kind == "image/png" else answer.text


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]) -> Iterator[Service]:
    """A service of this module alone."""
    folder = tmp_path_factory.mktemp("questions")
    up = command(folder / "data", ["up", "--port", "0"], KERAFORGE_WARM_START="true")
    try:
        up.wait_for("Keraforge is ready")
        key = (up.folder / "api-key").read_text().strip()
        url = (up.folder / "url").read_text().strip()
        with (
            keraforge.Client(data_dir=up.folder) as client,
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
        ):
            client.datasets.create("digits", builtin="digits")
            yield Service(client, http, folder)
    finally:
        up.kill()


def npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, np.asarray(array, np.float32))
    return content.getvalue()


def png(image: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def test_a_network_that_writes(service: Service) -> None:
    chance = random.Random(1)
    words = ["the", "old", "king", "saw", "a", "young", "queen", "and", "left"]
    corpus = " ".join(chance.choice(words) for _ in range(2000))
    service.upload("tales", "tales.txt", corpus, layout="corpus", tokens="character")
    service.train("bard", "tales", family="text_generator", units=[16])
    asked = {"prompt": "the ", "max_tokens": 40, "seed": 1}
    whole = service.ask("bard/generate", asked)
    assert len(whole["text"]) == 40
    assert set(whole["text"]) <= set(corpus)
    assert service.ask("bard/generate", asked, accept="text/plain") == whole["text"]
    events = service.ask("bard/generate", {**asked, "stream": True}).split("\n\n")
    assert json.loads(events[-2].removeprefix("data: ")) == whole
    assert "".join(service.client.stream_text("bard", "the ", max_tokens=40, seed=1)) == whole["text"]
    plain = service.ask("bard/predict?top_k=2", b"the k", "text/plain")
    assert plain == service.ask("bard/predict?top_k=2", {"instances": ["the k"]})
    assert len(plain["predictions"][0]["top"]) == 2


def test_an_autoencoder_of_images(service: Service) -> None:
    service.train("coder", "digits", preset="vae", dense=[16])
    made = service.ask("coder/samples", {"count": 4, "seed": 1})
    grid = service.ask("coder/samples", {"count": 4, "seed": 1}, accept="image/png")
    assert (np.shape(made["samples"]), grid.size) == ((4, 8, 8, 1), (16, 16))
    between = {"interpolate": made["latent"][:2], "count": 3}
    way = service.ask("coder/samples", between, accept=NPY)
    np.testing.assert_allclose(way[[0, 2]], made["samples"][:2], atol=1e-4)
    rows = npy(made["samples"])
    codes = service.ask("coder/encode", rows, NPY)["codes"]
    decoded = service.ask("coder/decode", {"codes": codes}, accept=NPY)
    again = service.ask("coder/reconstruct", rows, NPY)
    np.testing.assert_allclose(again["reconstructions"], decoded, atol=1e-3)
    drawn = service.ask("coder/reconstruct", png(grid.crop((0, 0, 8, 8))), "image/png", "image/png")
    assert drawn.size == (8, 8)
    verdicts = service.ask("coder/anomalies", rows, NPY)["anomalies"]
    assert [each["score"] for each in verdicts] == again["errors"]


@pytest.mark.long
def test_an_adversarial_network_of_classes(service: Service) -> None:
    service.train("artist", "digits", preset="conditional-dcgan", filters=[8, 4])
    made = service.ask("artist/samples", {"count": 2, "label": ["3", 5]})
    assert (made["label"], np.shape(made["samples"])) == (["3", "5"], (2, 8, 8, 1))
    again = service.ask("artist/samples", {"latent": made["latent"], "label": ["3", "5"]})
    assert again["samples"] == made["samples"]
    assert service.ask("artist/samples", {"count": 9}, accept="image/png").size == (24, 24)
    with pytest.raises(keraforge.Conflict, match="cannot be asked for predict; it answers samples"):
        service.client.predict("artist", [[1]])


@pytest.mark.long
def test_a_table_with_values(service: Service) -> None:
    lines = ["area,town,price"]
    lines += [f"{area},{'Bath' if area % 3 else 'York'},{area * 2.5}" for area in range(20, 220)]
    service.upload("houses", "houses.csv", "\n".join(lines), target="price")
    service.train("houses", "houses", family="mlp", dense=[8])
    rows = [{"area": 100, "town": "Bath"}, {"town": "Paris"}]
    answer = service.ask("houses/predict", {"instances": rows})
    assert answer["targets"] == ["price"]
    assert service.ask("houses/predict", b"area,town\n100,Bath\n,Paris\n", "text/csv") == answer
    assert all(isinstance(row["value"], float) for row in answer["predictions"])


@pytest.mark.long
def test_an_autoencoder_of_a_table(service: Service) -> None:
    lines = ["heat,speed", *(f"{number % 50},{number % 50 * 2 + 1}" for number in range(200))]
    service.upload("machines", "machines.csv", "\n".join(lines), target_kind="none")
    service.train("watch", "machines", family="autoencoder", dense=[4], latent=2)
    rows = [{"heat": 10, "speed": 21}, {"heat": 10, "speed": 2100}]
    again = service.ask("watch/reconstruct", {"instances": rows})
    assert (again["columns"], np.shape(again["reconstructions"])) == (["heat", "speed"], (2, 2))
    verdicts = service.ask("watch/anomalies", b"heat,speed\n10,21\n10,2100\n", "text/csv")["anomalies"]
    np.testing.assert_allclose([each["score"] for each in verdicts], again["errors"], rtol=1e-5)
    assert verdicts[1]["is_anomaly"]


@pytest.mark.long
def test_texts_with_attention(service: Service) -> None:
    lines = [
        json.dumps({"text": f"a film that is {word} {number}", "label": label})
        for number in range(60)
        for word, label in (("great", "good"), ("dull", "bad"))
    ]
    service.upload("films", "films.jsonl", "\n".join(lines))
    service.train("critic", "films", preset="attention-lstm-text", dense=[8])
    answer = service.ask("critic/predict?attention=true", {"instances": ["a great film"]})
    (row,) = answer["predictions"]
    assert answer["labels"] == ["bad", "good"]
    assert sum(row["attention"]) == pytest.approx(1, abs=1e-4)
    plain = service.ask("critic/predict", b"a great film", "text/plain")["predictions"][0]
    assert plain["probabilities"] == row["probabilities"]


@pytest.mark.long
def test_sequences_that_go_on(service: Service) -> None:
    steps = np.arange(20)
    waves = np.stack([np.sin(0.4 * steps + phase) for phase in np.linspace(0, 6, 100)])[..., None]
    service.upload("waves", "waves.npy", npy(waves), kind="sequences")
    service.train("tide", "waves", family="rnn", layers=[8])
    answer = service.ask("tide/predict", {"instances": waves[:2, :-1].tolist()})
    assert [len(row["values"]) for row in answer["predictions"]] == [1, 1]
    from_file = service.ask("tide/predict", npy(waves[:2, :-1]), NPY)
    np.testing.assert_allclose(
        [row["values"] for row in from_file["predictions"]],
        [row["values"] for row in answer["predictions"]],
        atol=1e-5,
    )


@pytest.mark.long
def test_sequences_of_many_lengths(service: Service) -> None:
    rows = np.full((80, 6, 2), np.nan, np.float32)
    for number, row in enumerate(rows):
        row[: 2 + number % 5] = number % 2
    content = io.BytesIO()
    np.savez(content, x=rows, y=np.arange(80) % 2)
    service.upload("steps", "steps.npz", content.getvalue(), kind="sequences")
    service.train("walker", "steps", family="rnn", layers=[8])
    lists = service.ask("walker/predict", {"instances": [[[1, 1]] * 3, [[0, 0]] * 6]})
    padded = service.ask("walker/predict", npy([[[1, 1]] * 3 + [[np.nan] * 2] * 3, [[0, 0]] * 6]), NPY)
    np.testing.assert_allclose(
        [row["probabilities"] for row in lists["predictions"]],
        [row["probabilities"] for row in padded["predictions"]],
        atol=1e-6,
    )
