"""How fast text is written: the service's loop of steps against the ``predict`` loop that textbooks print.

Many texts at once share the runs of the graph; they are compared with one alone.

python -m benchmarks.generation [--json PATH] [--rounds 5]
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import keras
import numpy as np
from rich.console import Console

from app.serving.generation import Generation, Language
from app.serving.role import LoadedRole
from app.serving.sampling import Choice, Chooser
from app.serving.stage import Stage
from benchmarks.claims import Claim, show, write
from benchmarks.graphs import loaded
from models.presets import resolve
from models.registry import build, roles_of
from models.schema import FIRST_TOKEN, InputSchema, TextSchema

PRESETS = ("char-lstm", "char-gru")
# Characters that a network looks back on, ids of its alphabet, and characters that are written in a run.
WINDOW, VOCABULARY = 100, 65
OURS, THEIRS = 4000, 30
TARGET = 500.0
# Texts at once, and how many times as fast as one alone they should be written.
TOGETHER = {8: 2.0, 32: 3.0}


def service(role: LoadedRole, prompt: list[int], texts: int = 1) -> Callable[[], object]:
    """Return what writes texts of ``OURS`` characters as the service does, drawn at temperature 1."""
    vocabulary = ("", "\ufffd", *(chr(33 + place) for place in range(VOCABULARY - FIRST_TOKEN)))
    schema = TextSchema(tokens="character", vocabulary=VOCABULARY)
    language = Language(SimpleNamespace(vocabulary=vocabulary), schema)

    def write() -> None:
        stage = Stage(role, texts)
        for seed in range(texts):
            stage.enter(Generation(language, role, prompt, Chooser(Choice(seed=seed)), max_tokens=OURS))
        while not stage.texts[0].is_over:
            stage.step()
        assert all(len(text.text) == OURS for text in stage.texts)

    return write


def textbook(network: keras.Model, prompt: list[int]) -> Callable[[], object]:
    """Return what writes ``THEIRS`` characters: the network is shown the last ones, again for each."""
    chance = np.random.default_rng(1)

    def write() -> None:
        text = list(prompt)
        for _ in range(THEIRS):
            logits = network.predict(np.array([text[-WINDOW:]], np.int32), verbose=0)[0, -1].astype(
                np.float64
            )
            shares = np.exp(logits - logits.max())
            text.append(int(chance.choice(VOCABULARY, p=shares / shares.sum())))

    return write


def rates(preset: str, rounds: int) -> list[tuple[float, ...]]:
    """Return characters a second of a round: one text, those of ``TOGETHER``, and the textbook's."""
    source = InputSchema(shape=(WINDOW + 1,), dtype="int32", vocabulary=VOCABULARY)
    spec = resolve({"preset": preset}, None, source).network
    network = build(spec, source, seed=0)
    (played,) = roles_of(spec, network, source)
    prompt = np.random.default_rng(0).integers(FIRST_TOKEN, VOCABULARY, WINDOW).tolist()
    with tempfile.TemporaryDirectory() as folder:
        role = loaded(played, Path(folder))
    runs = {texts * OURS: service(role, prompt, texts) for texts in (1, *TOGETHER)}
    runs |= {THEIRS: textbook(network, prompt)}
    for run in runs.values():
        run()
    return [tuple(characters / seconds(run) for characters, run in runs.items()) for _ in range(rounds)]


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def compared(what: str, target: float, ours: Sequence[float], theirs: Sequence[float]) -> Claim:
    """Return a claim about medians of rounds, and of their ratios."""
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    told = f"{statistics.median(ours):,.0f} characters/s against {statistics.median(theirs):,.1f}"
    return Claim(what, target, ratio, told)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (default 5)")
    options = parser.parse_args()
    claims = []
    for preset in PRESETS:
        ones, *together, loops = zip(*rates(preset, options.rounds), strict=True)
        claims.append(compared(f"{preset}, against a predict loop", TARGET, ones, loops))
        for (texts, target), many in zip(TOGETHER.items(), together, strict=True):
            claims.append(compared(f"{preset}, {texts} texts at once, against one", target, many, ones))
    reached = show("Text, characters a second", claims, Console())
    write(options.json, claims, {"rounds": options.rounds})
    sys.exit(not reached)


if __name__ == "__main__":
    main()
