"""How many examples the differential tests try: each says so with a marker, and `--all` asks for twenty times more."""

import pytest
from hypothesis import HealthCheck, settings

ALL_FACTOR = 20


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "examples(count): how many examples Hypothesis tries, without --all")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    factor = ALL_FACTOR if config.getoption("--all", default=False) else 1
    for item in items:
        marker = item.get_closest_marker("examples")
        if marker is not None and isinstance(item, pytest.Function):
            settings(
                max_examples=marker.args[0] * factor,
                deadline=None,
                print_blob=True,
                suppress_health_check=[
                    HealthCheck.too_slow,
                    HealthCheck.data_too_large,
                    HealthCheck.large_base_example,
                ],
            )(item.obj)
