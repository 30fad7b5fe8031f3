"""A run of tests is good only if tests ran and none failed."""

import pytest

from tools import suites

HEAD = "2026-01-01 00:00:00,000 1 {level} db {logger}: {text}"


def _line(text, level="INFO", logger="odoo.tests.result"):
    return HEAD.format(level=level, logger=logger, text=text)


def _read(*lines):
    reader = suites.LogReader("addon")
    shown = [reader.read(line) for line in lines]
    return reader.outcome(), [line for line in shown if line]


def test_counts_come_from_the_result_line():
    total = _line("1 failed, 2 error(s) of 10 tests when loading database 'x' ")
    outcome, _ = _read(total)
    assert (outcome.passed, outcome.failed) == (7, 3)
    assert not outcome.is_good


def test_all_passed_is_good():
    total = _line("0 failed, 0 error(s) of 4 tests when loading database 'x' ")
    outcome, _ = _read(total)
    assert outcome.is_good


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [_line("0 failed, 0 error(s) of 0 tests when loading database 'x' ")],
    ],
)
def test_no_test_is_not_good(lines):
    outcome, _ = _read(*lines)
    assert not outcome.is_good


def test_a_test_skipped_for_want_of_a_browser_is_not_good():
    logger = "odoo.addons.crm.tests.test_ui"
    outcome, _ = _read(
        _line("skipped TestUi.test_tour : Chrome executable not found", logger=logger),
        _line("0 failed, 0 error(s) of 4 tests when loading database 'x' "),
    )
    assert not outcome.is_good
    assert (outcome.passed, outcome.skipped) == (3, 1)
    assert "TestUi.test_tour" in str(outcome)


def test_a_test_skipped_for_another_reason_is_counted():
    outcome, _ = _read(
        _line(
            "skipped TestX.test_y : needs demo data", logger="odoo.addons.crm.tests.x"
        ),
        _line("0 failed, 0 error(s) of 4 tests when loading database 'x' "),
    )
    assert outcome.is_good
    assert outcome.skipped == 1


def test_the_console_shows_classes_and_whole_errors():
    logger = "odoo.addons.crm.tests.x"
    lines = [
        _line("Starting TestX.test_a ... ", logger=logger),
        _line("Starting TestX.test_b ... ", logger=logger),
        _line("FAIL: TestX.test_b", level="ERROR", logger=logger),
        "Traceback (most recent call last):",
        _line("something else"),
        "more of something else",
    ]
    _, shown = _read(*lines)
    assert shown == ["  crm: TestX", lines[2], lines[3]]


def test_junit_counts(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite errors="1" failures="2" skipped="3" tests="10"/>'
        "</testsuites>"
    )
    outcome = suites.read_junit("unit", report)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (4, 3, 3)


def test_junit_without_tests_is_not_good(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite errors="0" failures="0" skipped="0" tests="0"/>'
        "</testsuites>"
    )
    assert not suites.read_junit("unit", report).is_good
