#!/usr/bin/env python3
"""Sets Gesso up and starts it: `launch.py [serve | demo | download | bench | test]`. Needs nothing but a Python."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

from installation.pythons import Problem, fits, fitting, run_again

ROOT = Path(__file__).resolve().parent
USAGE = "launch.py [serve | demo | download [name] | bench [name] | test] [--no-setup] [settings]"
COMMANDS = {
    "serve": "serve the API (what happens when no command is given)",
    "demo": "serve on a free port, make four pictures through HTTP, and lay them on one sheet",
    "download": "fetch what a preset needs (not named: --preset's), a mask model, a captioner, one known file, or a "
    "repository of Hugging Face's in diffusers' format (owner/name)",
    "bench": "measure something, and print a table; all that follows goes to benchmarks",
    "test": "install the test tools too and run the tests; all that follows goes to pytest",
}
MODULES = {"serve": "server", "demo": "demo", "download": "server.download", "bench": "benchmarks", "test": "pytest"}
MOST_SIDE_BY_SIDE = 4  # processes of tests, each with servers of its own in memory
ABOUT = "Generate, mask, inpaint and outpaint pictures.\n\ncommands:\n" + "\n".join(
    f"  {name:10}{what}" for name, what in COMMANDS.items()
)


def main(arguments: list[str]) -> int:
    """Carries the command line out; the exit code. 1: something is in the way, 2: a wrong word on the command line."""
    try:
        if not fits(sys.version_info) and "--no-setup" not in arguments:
            return run_again(fitting(), arguments)
        if not fits(sys.version_info):
            raise Problem("Gesso needs Python 3.11 to 3.13, and --no-setup takes the one it is run with: take another.")
        return run(arguments)
    except KeyboardInterrupt:
        return 130
    except Problem as problem:
        return _say(problem, 1)
    except OSError as problem:
        return _say(_plain(problem), 1)


def run(arguments: list[str]) -> int:
    from configs.settings import SettingsError

    command = arguments[0] if arguments and not arguments[0].startswith("-") else "serve"
    words = arguments[1:] if arguments[:1] == [command] else arguments
    rest = [word for word in words if word != "--no-setup"]
    if command not in COMMANDS:
        return _say(f"{command!r} is no command: take one of {', '.join(COMMANDS)}.", 2)
    if command not in ("bench", "test"):
        try:
            check(command, rest)
        except SettingsError as problem:
            return _say(problem, 2)
    return start(command, rest, setup=rest == words)


def check(command: str, words: list[str]) -> None:
    """Raises SettingsError or Problem where the settings cannot work; `--help` ends here."""
    from configs import sources
    from configs.keys import keys

    line = sources.parser(usage=USAGE, description=ABOUT)
    line.add_argument("--no-setup", action="store_true", help="run in the Python that runs this, and install nothing")
    if command == "download":
        line.add_argument(
            "name", nargs="?", help="a name: a preset's, a mask model's, a captioner's, a known file's, or owner/name"
        )
    settings = sources.decide(sources.read(line, words))
    keys(settings)
    if command == "serve":
        _refuse_taken(settings.listen, settings.port)
    for folder in (settings.output_path, settings.input_path):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise Problem(f"No permission to write in {folder}: choose another with --output-path and --input-path.")


def start(command: str, words: list[str], *, setup: bool) -> int:
    """Goes over into the command, in the environment made for it."""
    from installation.environment import Environment, missing, variables

    tests = command == "test"
    if setup:
        environment = Environment(ROOT)
        python, around = str(environment.ready(tests=tests)), environment.variables()
    else:
        python, around = sys.executable, variables(ROOT)
        _refuse_lacking(missing(ROOT, tests=tests))
    if tests or command == "bench":
        os.chdir(ROOT)
    if tests:
        words = _side_by_side(words, around)
    module = MODULES[command]
    return _become([python, "-P", "-m", module, *words], around)


def _side_by_side(words: list[str], variables: dict[str, str]) -> list[str]:
    """pytest's words; for the whole suite with as many processes as there are cores, MOST_SIDE_BY_SIDE at most."""
    processes = min(os.cpu_count() or 1, MOST_SIDE_BY_SIDE)
    if processes == 1 or not set(words) <= {"--long"}:
        return words
    variables.setdefault("OMP_NUM_THREADS", "1")
    return ["-n", str(processes), "--dist", "loadfile", *words]


def _refuse_lacking(names: list[str]) -> None:
    if names:
        raise Problem(
            f"With --no-setup, {sys.executable} itself must have what requirements.txt names, and lacks "
            f"{', '.join(names)}: install it, or leave --no-setup out."
        )


def _become(command: list[str], variables: dict[str, str]) -> int:
    """On Windows there is no becoming: a child, and its exit code."""
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command, env=variables)
    os.execve(command[0], command, variables)


def _refuse_taken(listen: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(listen, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as door:
            if os.name != "nt":
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
    except socket.gaierror as problem:
        raise Problem(f"--listen {listen} is no address of this machine: take 127.0.0.1 or 0.0.0.0.") from problem
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise Problem(f"Port {port} is in use: stop what uses it, or take another one with --port.") from problem
        if problem.errno == errno.EACCES:
            raise Problem(f"No permission to serve on port {port}: take one above 1023 with --port.") from problem
        raise Problem(
            f"Cannot serve on {listen}:{port}: {problem.strerror}. Choose with --listen and --port."
        ) from problem


def _plain(problem: OSError) -> str:
    where = problem.filename or "this machine"
    if problem.errno == errno.ENOSPC:
        return f"The disk of {where} is full: make room, and run the same command again."
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"No permission to write {where}: choose folders of your own (see --help), or change its owner."
    return f"{where}: {problem.strerror or problem}."


def _say(problem: object, code: int) -> int:
    print(problem, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
