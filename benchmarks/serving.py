"""What serving keeps under load: latencies of neighbours, goodput beyond capacity, memory, swaps unseen.

The server has one core and the load another, where there are two; the last case shares both with a training.

    python -m benchmarks.serving [--json PATH] [--seconds 60] [--rounds 3] [--only CASE]
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from benchmarks import neighbours, overload, swapping, training_beside
from benchmarks.claims import Claim, show, write

LONGEST_OBJECTION = 300

Case = Callable[[Path, float, int], list[Claim]]

CASES: Mapping[str, Case] = {
    "batching": neighbours.batching,
    "beside": neighbours.beside,
    "overload": overload.beyond_capacity,
    "mixed": overload.mixed,
    "swap": swapping.swap,
    "memory": swapping.memory,
    "cycles": swapping.cycles,
    "training": training_beside.training,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there too")
    parser.add_argument("--seconds", type=float, default=60, help="length of a measurement (default 60)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements, of which the median counts")
    parser.add_argument("--only", choices=CASES, action="append", help="only this case; may be repeated")
    options = parser.parse_args()
    claims = []
    for name in options.only or CASES:
        with tempfile.TemporaryDirectory(prefix="keraforge-bench-") as folder:
            try:
                claims += CASES[name](Path(folder), options.seconds, options.rounds)
            except (RuntimeError, SystemExit) as error:
                # Such as a request that failed where none may; the other cases can still be measured.
                claims.append(Claim(name, 0, math.nan, "", objection=str(error)[-LONGEST_OBJECTION:]))
    reached = show("Serving under load", claims, Console())
    write(options.json, claims, {"seconds": options.seconds, "rounds": options.rounds})
    sys.exit(not reached)


if __name__ == "__main__":
    main()
