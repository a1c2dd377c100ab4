"""GeneralStateTests of ethereum/tests (Cancun): a fixed sample of folders, to state root and logs hash."""

from pathlib import Path

import pytest
from general_state_tests import read_archive, read_tests, run

SAMPLE = (
    "Cancun/stEIP1153-transientStorage",
    "Cancun/stEIP5656-MCOPY",
    "Shanghai/stEIP3651-warmcoinbase",
    "Shanghai/stEIP3860-limitmeterinitcode",
    "stCallCodes",
    "stCreate2",
    "stCreateTest",
    "stEIP1559",
    "stEIP2930",
    "stEIP3607",
    "stExtCodeHash",
    "stLogTests",
    "stMemoryTest",
    "stRefundTest",
    "stReturnDataTest",
    "stRevertTest",
    "stSLoadTest",
    "stSStoreTest",
    "stSelfBalance",
    "stSystemOperationsTest",
    "stTransactionTest",
    "stZeroKnowledge2",
)


@pytest.fixture(scope="module")
def files(vectors: Path) -> dict[str, list[tuple[str, bytes]]]:
    """The files of the sample by folder; the archive is read once."""
    found: dict[str, list[tuple[str, bytes]]] = {folder: [] for folder in SAMPLE}
    for path, content in read_archive(vectors):
        folder = path.split("GeneralStateTests/", 1)[-1].rsplit("/", 1)[0]
        if folder in found:
            found[folder].append((path, content))
    return found


@pytest.mark.parametrize("folder", SAMPLE)
def test_every_post_state_is_reached(files: dict[str, list[tuple[str, bytes]]], folder: str) -> None:
    tests = [test for path, content in files[folder] for test in read_tests(path, content)]
    assert tests
    failures = {test.name: problem for test in tests if (problem := run(test)) is not None}
    assert failures == {}
