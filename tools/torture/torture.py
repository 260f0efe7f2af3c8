"""Attack the commands with files from anywhere, kills and full disks; print what broke.

    python tools/torture/torture.py                      all of it: 20 minutes on two cores
    python tools/torture/torture.py --quick              two minutes
    python tools/torture/torture.py --only arrow --case 17 --keep folder    one case again

Exit code 1 if anything broke. It needs Linux: it forks, and measures as Linux does.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import children
import materials
from cases import Case, Order, run_cases
from parts import disks, hostile_names, json_mutants, kills, sizes, storm, table_mutants, writers
from verdicts import FIGURES, Tally, table


class Part(NamedTuple):
    """One kind of attack, and how many cases it has: in all, and with ``--quick``."""

    case: Callable[[Case], None]
    n_cases: int
    n_quick: int
    n_workers: int = min(4, os.cpu_count() or 1)


PARTS = {
    "json": Part(json_mutants.case, json_mutants.COUNT, json_mutants.QUICK),
    **{
        kind: Part(partial(table_mutants.case, kind), *counts)
        for kind, counts in table_mutants.COUNTS.items()
    },
    "sizes": Part(sizes.case, sizes.COUNT, sizes.QUICK),
    "kills": Part(kills.case, kills.COUNT, kills.QUICK),
    "writers": Part(writers.case, writers.COUNT, writers.QUICK),
    "disks": Part(disks.case, disks.COUNT, disks.QUICK),
    "names": Part(hostile_names.case, hostile_names.COUNT, hostile_names.QUICK),
    "storm": Part(storm.case, storm.COUNT, storm.QUICK, storm.N_WORKERS),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, print each failure and the table; return 1 if anything broke."""
    options = _parse(arguments)
    for name in ("OPENBLAS", "OMP", "MKL"):  # before NumPy is imported: no thread survives a fork
        os.environ[f"{name}_NUM_THREADS"] = "1"
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    print(f"torture: seed {options.seed}, Python {sys.version.split()[0]}", flush=True)
    tallies, seconds = [], {}
    with children.scratch_folder() as home:
        made = materials.make(home)
        gc.freeze()  # children then share these pages
        for name in options.only:
            start = time.monotonic()
            order = Order(name, options.seed, _numbers(PARTS[name], options), PARTS[name].n_workers)
            with _busy() if name == "storm" else nullcontext():
                tallies.append(run_cases(PARTS[name].case, order, made, options.keep))
            seconds[name] = time.monotonic() - start
            _print_part(tallies[-1], options.seed, seconds[name])
    print(table(tallies, seconds))
    return int(any(set(tally.figures) - {"runs"} for tally in tallies))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Attack the commands; print what broke.")
    parser.add_argument("--quick", action="store_true", help="fewer cases: two minutes")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (default: 0)")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(PARTS),
        metavar="A,B",
        help=f"parts to run, of {','.join(PARTS)} (default: all)",
    )
    parser.add_argument("--case", type=int, metavar="N", help="only the case of this number")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the cases' files there")
    options = parser.parse_args(arguments)
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"--only {','.join(sorted(unknown))}: expected some of {','.join(PARTS)}")
    options.keep = options.keep and options.keep.resolve()
    return options


def _numbers(part: Part, options: argparse.Namespace) -> range | tuple[int, ...]:
    """Return the numbers of the cases; `--quick` takes some, evenly spread over all."""
    if options.case is not None:
        return (options.case,)
    if not options.quick:
        return range(part.n_cases)
    return tuple(k * part.n_cases // part.n_quick for k in range(part.n_quick))


def _print_part(tally: Tally, seed: int, seconds: float) -> None:
    for kind, _, text in tally.failures:
        print(f"{kind}: {text}", flush=True)
    if tally.failures:
        print(f"one again, with its files: --only {tally.part} --seed {seed} --keep DIR --case N")
    counts = ", ".join(f"{count:,} {FIGURES[kind]}" for kind, count in tally.figures.items())
    print(f"{tally.part}: {counts}; {seconds:.0f} s", flush=True)


@contextmanager
def _busy() -> Iterator[None]:
    """Keep the machine busy with a process for each core that only computes."""
    pids = []
    parent = os.getpid()
    for _ in range(os.cpu_count() or 1):
        pid = os.fork()
        if pid == 0:
            while os.getppid() == parent:
                sum(range(100_000))
            os._exit(0)
        pids.append(pid)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main())
