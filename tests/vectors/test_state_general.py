"""GeneralStateTests of ethereum/tests (Cancun), to state root and logs hash: a fixed sample, or all with `--all`."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from general_state_tests import directory_tests, run
from state_test_selection import LEFT_OUT, POST_STATES, parts, sample


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "part" in metafunc.fixturenames:
        run_all = metafunc.config.getoption("run_all")
        metafunc.parametrize(
            ("directory", "part"),
            [
                pytest.param(name, part, id=f"{name}-{part}" if run_all else name)
                for name in POST_STATES
                for part in range(parts(name) if run_all else 1)
            ],
        )


def test_every_post_state_is_reached(
    state_tests: Path, run_all: bool, directory: str, part: int, record_property: Callable[[str, object], None]
) -> None:
    tests = directory_tests(state_tests, directory)
    chosen = tests[part :: parts(directory)] if run_all else sample(tests)
    left_out = {test.name: reason for test in chosen if (reason := LEFT_OUT.get(f"{directory}/{test.name}"))}
    chosen = [test for test in chosen if test.name not in left_out]
    began = time.process_time()
    failures = {test.name: problem for test in chosen if (problem := run(test)) is not None}
    outcome = {
        "directory": directory,
        "passed": len(chosen) - len(failures),
        "failed": len(failures),
        "seconds": time.process_time() - began,
        "left_out": left_out,
    }
    record_property("state_tests", outcome)
    assert len(tests) == POST_STATES[directory]
    assert failures == {}


def test_the_sample_has_some_of_every_directory_and_at_least_1500(state_tests: Path) -> None:
    sizes = {directory: len(sample(directory_tests(state_tests, directory))) for directory in POST_STATES}
    found = {str(path.parent.relative_to(state_tests)) for path in state_tests.rglob("*.json")}
    assert found == set(POST_STATES)
    assert min(sizes.values()) >= 1
    assert sum(sizes.values()) >= 1_500
    assert sum(POST_STATES.values()) == 20_969
