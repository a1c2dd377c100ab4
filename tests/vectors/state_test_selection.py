"""Which GeneralStateTests are run: all of them, or a fixed sample that has some of every directory."""

import hashlib
from collections.abc import Sequence

from general_state_tests import StateTest

POST_STATES = {
    "Cancun/stEIP1153-transientStorage": 52,
    "Cancun/stEIP4844-blobtransactions": 10,
    "Cancun/stEIP5656-MCOPY": 112,
    "Pyspecs/berlin/eip2930_access_list": 1,
    "Pyspecs/byzantium/eip198_modexp_precompile": 16,
    "Pyspecs/cancun/eip1153_tstore": 67,
    "Pyspecs/cancun/eip4844_blobs": 556,
    "Pyspecs/cancun/eip5656_mcopy": 93,
    "Pyspecs/cancun/eip6780_selfdestruct": 107,
    "Pyspecs/cancun/eip7516_blobgasfee": 4,
    "Pyspecs/frontier/opcodes": 16,
    "Pyspecs/homestead/yul": 1,
    "Pyspecs/istanbul/eip1344_chainid": 1,
    "Pyspecs/shanghai/eip3651_warm_coinbase": 16,
    "Pyspecs/shanghai/eip3855_push0": 7,
    "Pyspecs/shanghai/eip3860_initcode": 4,
    "Shanghai/stEIP3651-warmcoinbase": 12,
    "Shanghai/stEIP3855-push0": 9,
    "Shanghai/stEIP3860-limitmeterinitcode": 6,
    "VMTests/vmArithmeticTest": 219,
    "VMTests/vmBitwiseLogicOperation": 57,
    "VMTests/vmIOandFlowOperations": 170,
    "VMTests/vmLogTest": 46,
    "VMTests/vmPerformance": 23,
    "VMTests/vmTests": 136,
    "stArgsZeroOneBalance": 96,
    "stAttackTest": 2,
    "stBadOpcode": 4_134,
    "stBugs": 8,
    "stCallCodes": 86,
    "stCallCreateCallCodeTest": 56,
    "stCallDelegateCodesCallCodeHomestead": 58,
    "stCallDelegateCodesHomestead": 58,
    "stChainId": 2,
    "stCodeCopyTest": 2,
    "stCodeSizeLimit": 9,
    "stCreate2": 191,
    "stCreateTest": 209,
    "stDelegatecallTestHomestead": 33,
    "stEIP150Specific": 25,
    "stEIP150singleCodeGasPrices": 450,
    "stEIP1559": 1_845,
    "stEIP158Specific": 8,
    "stEIP2930": 140,
    "stEIP3607": 12,
    "stExample": 39,
    "stExtCodeHash": 69,
    "stHomesteadSpecific": 5,
    "stInitCodeTest": 22,
    "stLogTests": 46,
    "stMemExpandingEIP150Calls": 14,
    "stMemoryStressTest": 82,
    "stMemoryTest": 578,
    "stNonZeroCallsTest": 24,
    "stPreCompiledContracts": 960,
    "stPreCompiledContracts2": 248,
    "stQuadraticComplexityTest": 34,
    "stRandom": 310,
    "stRandom2": 221,
    "stRecursiveCreate": 2,
    "stRefundTest": 26,
    "stReturnDataTest": 273,
    "stRevertTest": 271,
    "stSLoadTest": 1,
    "stSStoreTest": 475,
    "stSelfBalance": 42,
    "stShift": 42,
    "stSolidityTest": 23,
    "stSpecialTest": 22,
    "stStackTests": 375,
    "stStaticCall": 478,
    "stStaticFlagEnabled": 34,
    "stSystemOperationsTest": 83,
    "stTimeConsuming": 5_190,
    "stTransactionTest": 260,
    "stTransitionTest": 6,
    "stWalletTest": 46,
    "stZeroCallsRevert": 16,
    "stZeroCallsTest": 24,
    "stZeroKnowledge": 944,
    "stZeroKnowledge2": 519,
}
"""Post-states of Cancun by directory: what is missing here, or there, has been lost."""

LEFT_OUT: dict[str, str] = {}
"""Tests that are not run at all, by their directory and name, and why."""

TAKE_LONG = (
    "50000",
    "Call1MB1024Calldepth",
    "CALLBlake2f_MaxRounds",
    "loopExp-d8",
    "loopExp-d9",
    "loopExp-d1",
    "loopMul",
)
"""Parts of the names of tests that take seconds each; they are not in the sample."""

SAMPLED_SHARE = 4
LEAST_SAMPLE = 3
PART_LENGTH = 250
ONE_BY_ONE = "VMTests/vmPerformance"
"""The directory whose tests take minutes each."""


def parts(directory: str) -> int:
    """Return how many items a directory makes where all of its tests are run, so that processes can share them."""
    count = POST_STATES[directory]
    return count if directory == ONE_BY_ONE else -(-count // PART_LENGTH)


def sample(tests: Sequence[StateTest]) -> list[StateTest]:
    """Return a quarter of a directory's tests, at least three, chosen by the hash of their names."""
    short = [test for test in tests if not any(part in test.name for part in TAKE_LONG)]
    short.sort(key=lambda test: hashlib.sha256(test.name.encode()).digest())
    return short[: max(LEAST_SAMPLE, len(tests) // SAMPLED_SHARE)]
