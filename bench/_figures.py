"""One way to measure and to print: medians of repeated runs, a table, or a JSON line per figure with --json."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@dataclass(frozen=True, slots=True)
class Figure:
    """`ratio` is how many times better ours is than the other, measured in the same run."""

    name: str
    ours: float
    other: float | None
    other_name: str
    ratio: float | None
    unit: str


def arguments(description: str) -> argparse.Namespace:
    """--scale quick|full and --json, as every benchmark takes them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--scale", choices=("quick", "full"), default="quick", help="quick ends within a minute")
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    return parser.parse_args()


def seconds(work: Callable[[], object], *, repeats: int = 5) -> float:
    """The median time of `repeats` runs, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def forget_peak() -> None:
    """From now on `peak_megabytes` counts anew."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> float:
    """The most memory that this process has had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def show(title: str, figures: list[Figure], *, as_json: bool) -> None:
    """Print figures as a table, or as JSON lines."""
    if as_json:
        for figure in figures:
            print(json.dumps(asdict(figure)))
        return
    print(title)
    for figure in figures:
        width = ".3f" if figure.unit == "%" else ".4g"  # 98.00 % and 98.002 % lie on two sides of a goal
        beside = "" if figure.other is None else f"{figure.other:>12{width}} {figure.unit}  {figure.other_name}"
        times = "" if figure.ratio is None else f"  x{figure.ratio:,.{0 if figure.ratio >= 10 else 2}f}"
        print(f"  {figure.name:<44}{figure.ours:>12{width}} {figure.unit:<6}{beside}{times}")
