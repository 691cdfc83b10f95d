"""Train every preset over REST, hold what comes of it against its bounds; write the table and pictures."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import keraforge
from benchmarks.gallery import exhibits, fashion, table
from benchmarks.gallery.claims import Claim, all_claims
from benchmarks.gallery.datasets import register
from benchmarks.gallery.exhibits import Exhibit
from benchmarks.gallery.service import Hung, Service, answer_seconds, first_row, running, save_picture, train


def main() -> int:
    """Return 0 where everything trained and held."""
    arguments = _arguments()
    began = time.monotonic()
    arguments.out.mkdir(parents=True, exist_ok=True)
    all_of_them = fashion.EXHIBITS if arguments.fashion else exhibits.EXHIBITS
    chosen = [each for each in all_of_them if arguments.only in each.model]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with running(folder / "service") as service:
            hung = [found for each in chosen if (found := _hang(service, each, folder, arguments.out))]
            by_model = {each.exhibit.model: each for each, _ in hung}
            is_whole = not arguments.only and not arguments.fashion
            claims = list(_shown(all_claims(service, by_model, folder))) if is_whole else []
    _write(hung, claims, arguments)
    failed = _failed(hung, claims) + [
        f"{each.model} did not train" for each in chosen if each.model not in by_model
    ]
    print(f"\n{len(hung)} networks in {(time.monotonic() - began) / 60:.1f} minutes")
    for each in failed:
        print(f"missed: {each}", file=sys.stderr)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make gallery", description=__doc__)
    parser.add_argument("--fashion", action="store_true", help="the gallery of Fashion-MNIST")
    parser.add_argument("--only", default="", help="exhibits whose name contains this")
    parser.add_argument("--out", type=Path, default=Path("build/gallery"), help="where pictures go")
    parser.add_argument("--page", type=Path, help="page whose gallery is replaced")
    return parser.parse_args()


def _hang(service: Service, exhibit: Exhibit, folder: Path, out: Path) -> tuple[Hung, float] | None:
    try:
        dataset = register(service.client, exhibit.dataset, folder)
        found = train(service, exhibit, dataset.name)
    except keraforge.KeraforgeError as error:
        print(f"{exhibit.model}: {error}", file=sys.stderr)
        return None
    save_picture(service, found, out)
    seconds = answer_seconds(service, found, first_row(service, dataset, found))
    figure = found.version.metrics[exhibit.figure]
    print(
        f"{exhibit.model:32} {exhibit.figure} {figure:.4f}  {found.seconds:.0f} s  {1000 * seconds:.2f} ms",
        flush=True,
    )
    return found, seconds


def _shown(claims: Iterator[Claim]) -> Iterator[Claim]:
    for claim in claims:
        print(f"{claim.what}: {claim.measured:.3f}", flush=True)
        yield claim


def _failed(hung: list[tuple[Hung, float]], claims: list[Claim]) -> list[str]:
    missed = (
        each.exhibit.missed(each.version.metrics[each.exhibit.figure], each.seconds) for each, _ in hung
    )
    failed = [each for each in missed if each]
    return failed + [
        f"{claim.what}: {claim.measured:.3f}, wanted {claim.bound}" for claim in claims if not claim.holds
    ]


def _write(hung: list[tuple[Hung, float]], claims: list[Claim], arguments: argparse.Namespace) -> None:
    content = table.rows(hung)
    if claims:
        content += "\n\n" + table.claims(claims)
    print(f"\n{content}")
    facts = {
        "exhibits": [
            {"model": each.exhibit.model, "metrics": dict(each.version.metrics), "seconds": each.seconds,
             "answer_seconds": seconds}
            for each, seconds in hung
        ],
        "claims": [asdict(claim) for claim in claims],
    }  # fmt: skip
    (arguments.out / "gallery.json").write_text(json.dumps(facts, indent=1) + "\n")
    if arguments.page:
        table.replace_between(arguments.page, "fashion" if arguments.fashion else "gallery", content)


if __name__ == "__main__":
    raise SystemExit(main())
