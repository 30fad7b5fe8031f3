"""The commands behind ``make``: ``python3 -m tools <verb>``."""

import argparse
import os
import sys

from . import layout, service, venv
from .console import Problem, say


def _setup(_options: argparse.Namespace) -> None:
    from . import environment

    environment.ensure(with_browser=True)


def _run(_options: argparse.Namespace) -> None:
    service.run()


def _stop(_options: argparse.Namespace) -> None:
    service.stop()


def _clean(_options: argparse.Namespace) -> None:
    service.clean()


def _demo(options: argparse.Namespace) -> None:
    from . import demo

    demo.run(options.exit)


def _test(options: argparse.Namespace) -> None:
    from . import suites

    suites.run(options.tags)


def _bench(options: argparse.Namespace) -> None:
    from benchmarks import runner

    runner.run(options.out, options.rows, options.scale, options.send_seconds)


def _lint(options: argparse.Namespace) -> None:
    from . import lint

    lint.run(options.names)


def _faults(options: argparse.Namespace) -> None:
    from faults import matrix

    matrix.run(options.rows, options.seed, options.times, options.scale)


def _pot(_options: argparse.Namespace) -> None:
    from . import translations

    translations.write()


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tools", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    actions = {"setup": _setup, "run": _run, "stop": _stop, "clean": _clean}
    actions |= {"demo": _demo, "test": _test, "lint": _lint, "pot": _pot}
    actions |= {"bench": _bench, "faults": _faults}
    parsers = {name: verbs.add_parser(name) for name in actions}
    for name, action in actions.items():
        parsers[name].set_defaults(action=action)
    parsers["demo"].add_argument("--exit", action="store_true")
    parsers["test"].add_argument("--tags", default="")
    parsers["bench"].add_argument("--out", default="")
    parsers["bench"].add_argument("--rows", default="")
    parsers["bench"].add_argument("--scale", type=float, default=1)
    parsers["bench"].add_argument("--send-seconds", type=float, default=300)
    parsers["lint"].add_argument("names", nargs="*")
    parsers["faults"].add_argument("--rows", default="")
    parsers["faults"].add_argument("--seed", type=int, default=1)
    parsers["faults"].add_argument("--times", type=int, default=5)
    parsers["faults"].add_argument("--scale", type=float, default=0.1)
    return parser.parse_args(arguments)


def _enter_venv(verb: str, arguments: list[str]) -> None:
    """Continue in the virtual environment, except for what must work without it."""
    if verb in ("stop", "clean"):
        if os.environ.get("PGHOST") and venv.PYTHON.exists():
            venv.enter(arguments)
        return
    venv.ensure()
    venv.enter(arguments)


def main(arguments: list[str]) -> int:
    """Run one verb; an expected failure is one line on the console."""
    options = _parse(arguments)
    os.chdir(layout.ROOT)
    try:
        _enter_venv(options.verb, arguments)
        options.action(options)
    except Problem as problem:
        say()
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
