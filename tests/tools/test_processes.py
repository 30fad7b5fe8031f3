"""Programs are started, waited for and ended by their own ids."""

import json
import os
import subprocess
import sys

import pytest

from tools import layout, processes
from tools.console import Problem

FOREVER = [
    sys.executable,
    "-c",
    "import signal; print('up', flush=True); signal.pause()",
]
FAMILY = """
import os, signal, sys
child = os.fork()
if child:
    print(child, flush=True)
if not child or sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pause()
"""


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    for name in ("STATE", "LOG", "RUN", "STAMPS"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setattr(layout, name, folder)


@pytest.fixture
def process():
    process = processes.Process("thing")
    yield process
    process.kill()


def _start(process, command):
    process.start(command)
    process.wait_ready(lambda: process.log.read_text().endswith("\n"))


def test_a_process_is_found_by_name_until_it_is_stopped(process):
    _start(process, FOREVER)
    pid = processes.Process("thing").pid
    assert pid and os.path.exists(f"/proc/{pid}")
    processes.Process("thing").stop()
    assert processes.Process("thing").pid is None
    assert process.pid is None


def test_a_second_start_is_refused(process):
    _start(process, FOREVER)
    with pytest.raises(Problem, match="runs already"):
        processes.Process("thing").start(FOREVER)


@pytest.mark.parametrize("parent", ["obedient", "stubborn"])
def test_children_that_ignore_the_request_end_too(process, parent):
    _start(process, [sys.executable, "-c", FAMILY, parent])
    child = int(process.log.read_text())
    assert process.children() == [child]
    process.stop(seconds=1)
    assert processes.wait_until(lambda: processes._start_time(child) is None, 10)


@pytest.fixture
def stranger():
    with subprocess.Popen(FOREVER, stdout=subprocess.DEVNULL) as child:
        yield child
        child.kill()


def test_a_stranger_with_the_same_id_is_left_alone(process, stranger):
    record = {"pid": stranger.pid, "started": "another time"}
    (layout.RUN / "thing.pid").write_text(json.dumps(record))
    assert process.pid is None
    process.stop()
    assert stranger.poll() is None


def test_a_program_that_ends_at_once_is_reported_with_its_log(process):
    command = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    process.start(command)
    with pytest.raises(Problem, match="(?s)ended at once.*no such thing"):
        process.wait_ready(lambda: False)


def test_a_program_that_never_gets_ready_is_stopped(process):
    process.start(FOREVER)
    with pytest.raises(Problem, match="not ready after"):
        process.wait_ready(lambda: False, seconds=0.3)
    assert process.pid is None


def test_a_port_is_remembered_until_another_program_takes_it():
    port = processes.remembered_port("http")
    assert processes.remembered_port("http") == port
    with processes.socket.create_server(("127.0.0.1", port)):
        assert processes.remembered_port("http", is_ours=True) == port
        assert processes.remembered_port("http") != port
