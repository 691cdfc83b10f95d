"""A child for tests: speaks the protocol without TensorFlow. The order's model name says what it does."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from models.checkpoints import Checkpoint, newest, save
from workers.lineage import die_with_parent


def main(order_dir: Path, events_fd: int) -> int:
    order = json.loads((order_dir / "order.json").read_text())
    child = Scripted(order, order_dir / "output", os.fdopen(events_fd, "wb", buffering=0))
    word = "read" if order["kind"] == "reading" else order["model"].split("-")[0]
    return getattr(child, word)() or 0


def is_forked():
    return "workers.forkserver" in sys.orig_argv


class Scripted:
    def __init__(self, order, output, events):
        self.order, self.output, self.events = order, output, events
        self.stopped = threading.Event()
        self.hurried = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: self.stopped.set())
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with os.fdopen(0, "rb", buffering=0, closefd=False) as lines:
            for line in lines:
                if line == b"stop\n":
                    self.hurried.set()

    def say(self, kind, **data):
        self.events.write(json.dumps({"type": kind, "data": data}).encode() + b"\n")

    def epoch(self, number, **metrics):
        metrics = metrics or {"loss": 1 / number, "val_loss": 1 / number}
        self.say("epoch", epoch=number, epochs=3, step=10 * number, metrics=metrics, seconds=0.1, eta=1.0)

    def result(self, accuracy=0.9, stop_reason="completed"):
        (self.output / "network.keras").write_bytes(self.order["job"].encode())
        (self.output / "pictures").mkdir()
        (self.output / "pictures" / "curves.png").write_bytes(b"png")
        tensor = {"name": "image", "dtype": "float32", "shape": [8, 8, 1]}
        answer = {"name": "probabilities", "dtype": "float32", "shape": [2]}
        role = {"graph": "predict.onnx", "inputs": [tensor], "outputs": [answer]}
        self.say(
            "result",
            files={"network.keras": "application/zip", "pictures/curves.png": "image/png"},
            metrics={"accuracy": accuracy},
            parameters=42,
            signature={"roles": {"predict": role}, "labels": ["a", "b"]},
            best={"epoch": 3},
            stop_reason=stop_reason,
            parity={"passed": True},
        )

    # What it can be asked to do, by the first word of the model's name.

    def train(self):
        self.say("phase", phase="training")
        for number in (1, 2, 3):
            self.epoch(number)
        self.say("log", level="info", message="done")
        self.result(float(self.order["model"].partition("-")[2] or 0.9))

    def wait(self):
        """Run until told to stop, as a trainer does."""
        self.say("phase", phase="training")
        (self.output.parent.parent / f"{self.order['job']}.pid").write_text(str(os.getpid()))
        while not self.stopped.wait(0.05):
            self.say("progress", epoch=1, epochs=3)
        return 75

    def late(self):
        """Be done just when told to leave."""
        self.epoch(1)
        self.stopped.wait()
        self.result()

    def early(self):
        """Train until told to leave, or to finish early."""
        self.epoch(1)
        while not self.hurried.wait(0.05):
            if self.stopped.is_set():
                return 75
        self.result(stop_reason="stopped")
        return 0

    def resuming(self):
        """Learn a step with each attempt, and publish the third."""
        place = self.output.parent.parent / f"{self.order['job']}.step"
        step = int(place.read_text()) if place.exists() else 0
        self.say("resumed", epoch=step, step=10 * step)
        self.epoch(step + 1)
        place.write_text(str(step + 1))
        self.say("checkpoint", epoch=step + 1, step=10 * (step + 1))
        if step < 2:
            return self.wait()
        return self.result()

    def wandering(self):
        """Learn a step with each attempt, keep it in a checkpoint, and publish the third."""
        folder = Path(self.order["checkpoints"])
        found = newest(folder) if self.order["resume"] else None
        step = found.facts["step"] if found else 0
        self.say("resumed", epoch=step, step=10 * step)
        self.epoch(step + 1)
        save(folder, Checkpoint({}, {"step": step + 1}))
        self.say("checkpoint", epoch=step + 1, step=10 * (step + 1))
        if step < 2:
            return self.wait()
        return self.result()

    def curious(self):
        """Tell what its rows are, and what it knows of the store."""
        rows = Path(self.order["files"]["x.npy"]).read_text()
        secrets = [name for name in os.environ if name.startswith(("AWS_", "KERAFORGE_"))]
        self.say("log", level="info", message=f"{rows} {secrets}")
        self.result()

    def untold(self):
        """Be killed between a checkpoint and the word of it; then go on, if the order says so."""
        if self.order["attempt"] == 1:
            self.epoch(1)
            os.kill(os.getpid(), signal.SIGKILL)
        if not self.order["resume"]:
            return 3
        self.say("resumed", epoch=1, step=10)
        return self.train()

    def told(self):
        """Train, but go on after the first epoch only when told to."""
        self.epoch(1)
        go = self.output.parent.parent / "go"
        while not go.exists():
            time.sleep(0.02)
        self.epoch(2)
        self.epoch(3)
        self.result()
        go.unlink()

    def deaf(self):
        """Run on whatever it is told, with a child of its own."""
        own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (self.output.parent.parent / f"{self.order['job']}.pid").write_text(f"{os.getpid()} {own.pid}")
        self.say("phase", phase="training")
        while True:
            self.say("progress", epoch=1, epochs=3)
            time.sleep(0.05)

    def litter(self):
        """Work in order, but leave a process behind."""
        own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.say("log", level="info", message=str(own.pid))
        self.result()

    def silent(self):
        time.sleep(600)

    def mute(self):
        """Give no sign of life when forked, and work when started from nothing."""
        if is_forked() or "workers.spare" in sys.orig_argv:
            time.sleep(600)
        self.origin()

    def origin(self):
        spare = "workers.spare" in sys.orig_argv
        self.say("log", level="info", message="spare" if spare else "forked" if is_forked() else "cold")
        self.result()

    def garbage(self):
        self.say("phase", phase="training")
        self.events.write(b"\xff\xfe not an event\n[1, 2\n{}\n" + b"x" * 100_000 + b"\n")
        sys.stdout.write("printed " * 100_000)
        self.train()

    def crash(self):
        self.say("phase", phase="training")
        self.events.write(b'{"type": "epoch", "da')
        os.write(1, b"the last thing it printed")
        os.kill(os.getpid(), signal.SIGSEGV)

    def killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def leave(self):
        return 3

    def leave75(self):
        return 75

    def fail(self):
        self.say("error", code="diverged", message="The loss is not finite.", hint="Learn slower.")
        return 70

    def nan(self):
        self.epoch(1, loss=float("nan"), val_loss=float("inf"))
        self.result()

    def escape(self):
        self.say(
            "result",
            files={"../../secret": "text/plain"},
            metrics={},
            parameters=1,
            signature={"roles": {}, "labels": []},
            best=None,
            stop_reason=None,
            parity={},
        )

    def environment(self):
        self.say("log", level="info", message=json.dumps(sorted(os.environ)))
        self.result()

    def devices(self):
        """Tell which devices it may see, and run until told to stop."""
        names = ("CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH")
        self.say("log", level="info", message=" ".join(os.environ[name] for name in names))
        return self.wait()

    def gang(self):
        """Tell who trains together, and run until told to stop."""
        gang = self.order["gang"]
        name = f"{self.order['job']}.{self.order['attempt']}.{gang['rank']}.pid"
        (self.output.parent.parent / name).write_text(str(os.getpid()))
        self.say("log", level="info", message=json.dumps(gang))
        return self.wait()

    def read(self):
        if self.order["options"].get("bad"):
            self.say("error", code="bad_data", message="There are no rows.", hint="Send some.")
            return 64
        if self.order["options"].get("wait"):
            return self.wait()
        for name in ("x.npy", "y.npy", "test.npy"):
            (self.output / name).write_bytes(name.encode())
        image = {"low": 0, "high": 16, "background": 0}
        shape = {"rows": 4, "test_rows": 1, "shape": [8, 8, 1], "dtype": "float32", "labels": ["a", "b"]}
        self.say(
            "result",
            schema=shape | {"image": image},
            profile={"rows": 4},
            split={},
            warnings=[],
            digest="d" * 64,
        )
        return 0


if __name__ == "__main__":
    die_with_parent(int(sys.argv[5]))
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[3])))
