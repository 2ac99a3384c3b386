"""How long it takes until work goes on after something went wrong: a worker, a machine, Redis, the database, the store, a disk.

    python -m bench.recovery [NAME ...] [--small] [--markdown]

Each scenario runs on a fresh fleet of real processes and servers, and ends with a check of the ten invariants. Exit status 1 when
one of them does not hold. Without names all of them run; --help lists them. --small makes everything shorter, as in the tests.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from bench.trial.recoveries import FULL, SCENARIOS, SMALL, Recovered, Size
from bench.trial.tables import table
from pipeline.errors import Refused

HEADS = ("what went wrong", "goes on after", "done after", "must", "begun, most", "and")


def main() -> None:
    """Measure each once, and print."""
    asked = _asked()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    reports = [report for name in asked.name or SCENARIOS if (report := _measured(name, SMALL if asked.small else FULL))]
    print(table(HEADS, [_row(report) for report in reports], markdown=asked.markdown))
    found = [violation for report in reports for violation in report.violations]
    for violation in found:
        print(f"  {violation}", file=sys.stderr)
    sys.exit(1 if found else 0)


def _measured(name: str, size: Size) -> Recovered | None:
    with tempfile.TemporaryDirectory(prefix="aircheck-recovery-") as folder:
        try:
            return SCENARIOS[name](size, Path(folder))
        except Refused as refused:
            print(f"{name} is left out: {refused}", file=sys.stderr)
            return None


def _row(report: Recovered) -> tuple[str, ...]:
    most = max((tries.total() for tries in report.tries), default=0)
    also = "; ".join(filter(None, (report.also, f"{len(report.violations)} findings" if report.violations else "")))
    return (report.what, f"{report.again_s:.1f} s", f"{report.done_s:.1f} s", report.must, str(most), also)


def _asked() -> argparse.Namespace:
    told = "\n".join(f"  {name:<20} {scenario.__doc__}" for name, scenario in SCENARIOS.items())
    parser = argparse.ArgumentParser(description=f"{__doc__}\n{told}", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", choices=[*SCENARIOS, []], metavar="NAME")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
