"""The committed artefacts: what the sources give, and with the storage layouts that nodes and tools read."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import phal2.contracts
from phal2.contracts import artefact_names, load_artefact

CONTRACTS = Path(phal2.contracts.__file__).parent
BUILD = CONTRACTS / "build"
IMPORT = re.compile(r'^import .*?"(?P<path>\.[^"]+)";', re.MULTILINE)

VAULTS = ("SequencerFeeVault", "BaseFeeVault", "L1FeeVault", "OperatorFeeVault")

LAYOUTS = {
    "AttestationPolicy": [
        (0, 0, "address"),
        (0, 20, "uint8"),
        (0, 21, "uint32"),
        (0, 25, "bool"),
        (0, 26, "bool"),
        (1, 0, "address"),
        (2, 0, "bytes32[]"),
        (3, 0, "mapping(bytes32 => struct AttestationPolicy.RootCa)"),
        (4, 0, "mapping(bytes32 => bool)"),
        (5, 0, "mapping(bytes32 => bool)"),
    ],
    "EnclaveRegistry": [
        (0, 0, "address"),
        (1, 0, "address"),
        (2, 0, "mapping(address => struct EnclaveRegistry.Enclave)"),
    ],
    "L1Block": [
        (0, 0, "uint64"),
        (0, 8, "uint64"),
        (1, 0, "uint256"),
        (2, 0, "bytes32"),
        (3, 0, "uint64"),
        (3, 8, "uint32"),
        (3, 12, "uint32"),
        (4, 0, "bytes32"),
        (5, 0, "uint256"),
        (6, 0, "uint256"),
        (7, 0, "uint256"),
        (8, 0, "uint64"),
        (8, 8, "uint32"),
        (8, 12, "uint16"),
    ],
    "L2ToL1MessagePasser": [(0, 0, "mapping(bytes32 => bool)"), (1, 0, "uint240")],
    "AttestationContext": [],
    "Proxy": [],
    "ProxyAdmin": [(0, 0, "address")],
    "L2CrossDomainMessenger": [
        (0, 0, "uint256[203]"),
        (203, 0, "mapping(bytes32 => bool)"),
        (204, 0, "address"),
        (205, 0, "uint240"),
        (206, 0, "mapping(bytes32 => bool)"),
        (207, 0, "contract CrossDomainMessenger"),
        (208, 0, "uint256[43]"),
    ],
    "L2StandardBridge": [
        (0, 0, "uint256[2]"),
        (2, 0, "mapping(address => mapping(address => uint256))"),
        (3, 0, "contract CrossDomainMessenger"),
        (4, 0, "contract StandardBridge"),
        (5, 0, "uint256[45]"),
    ],
    "OptimismMintableERC20Factory": [
        (0, 0, "uint256"),
        (1, 0, "address"),
        (2, 0, "mapping(address => address)"),
        (3, 0, "uint256[47]"),
    ],
    "GasPriceOracle": [(0, 0, "bool"), (0, 1, "bool"), (0, 2, "bool"), (0, 3, "bool")],
    "WETH9": [(0, 0, "mapping(address => uint256)"), (1, 0, "mapping(address => mapping(address => uint256))")],
} | {
    vault: [
        (0, 0, "uint256"),
        (1, 0, "uint256"),
        (2, 0, "address"),
        (2, 20, "enum FeeVault.WithdrawalNetwork"),
        (3, 0, "uint256[46]"),
    ]
    for vault in VAULTS
}
LABELS = {
    "AttestationPolicy": "owner allowedStatuses leastTcbEvaluationNumber anyWorkload anyImage _pendingOwner _rootCas "
    "_rootCa allowedWorkloads allowedImages",
    "EnclaveRegistry": "owner _pendingOwner _enclaves",
    "L1Block": "number timestamp basefee hash sequenceNumber blobBaseFeeScalar baseFeeScalar batcherHash l1FeeOverhead "
    "l1FeeScalar blobBaseFee operatorFeeConstant operatorFeeScalar daFootprintGasScalar",
    "L2ToL1MessagePasser": "sentMessages msgNonce",
    "AttestationContext": "",
    "Proxy": "",
    "ProxyAdmin": "owner",
    "L2CrossDomainMessenger": "__legacy successfulMessages xDomainMsgSender msgNonce failedMessages otherMessenger "
    "__gap",
    "L2StandardBridge": "__legacy deposits messenger otherBridge __gap",
    "OptimismMintableERC20Factory": "__legacy bridge deployments __gap",
    "GasPriceOracle": "isEcotone isFjord isIsthmus isJovian",
    "WETH9": "balanceOf allowance",
} | dict.fromkeys(VAULTS, "totalProcessed minWithdrawalAmount recipient withdrawalNetwork __gap")
STRUCTS = {
    ("AttestationPolicy", "t_struct(RootCa)_storage"): [(0, 0, "der", "bytes"), (1, 0, "simulated", "bool")],
    ("EnclaveRegistry", "t_struct(Enclave)_storage"): [
        (0, 0, "workload", "bytes32"),
        (1, 0, "image", "bytes32"),
        (2, 0, "rootCa", "bytes32"),
        (3, 0, "expiry", "uint64"),
        (3, 8, "tcbEvaluationNumber", "uint32"),
        (3, 12, "tcbStatus", "uint8"),
        (3, 13, "simulated", "bool"),
        (3, 14, "revoked", "bool"),
        (4, 0, "registrar", "address"),
    ],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_storage_layouts_are_those_of_consensus(name: str) -> None:
    layout = load_artefact(name).storage_layout
    fields = layout["storage"]
    placed = [(int(field["slot"]), field["offset"], layout["types"][field["type"]]["label"]) for field in fields]
    assert placed == LAYOUTS[name]
    assert [field["label"] for field in fields] == LABELS[name].split()


@pytest.mark.parametrize(("name", "struct"), STRUCTS)
def test_storage_layouts_of_records_are_those_of_consensus(name: str, struct: str) -> None:
    types = load_artefact(name).storage_layout["types"]
    fields = types[struct]["members"]
    placed = [(int(field["slot"]), field["offset"], field["label"], types[field["type"]]["label"]) for field in fields]
    assert placed == STRUCTS[name, struct]


@pytest.mark.parametrize("name", artefact_names())
def test_artefacts_are_not_older_than_their_sources(name: str) -> None:
    document = json.loads((CONTRACTS / "artefacts" / f"{name}.json").read_text())
    assert document["sourceHash"] == source_hash(document["sourceName"])


@pytest.mark.parametrize("name", artefact_names())
def test_code_fits_the_limits(name: str) -> None:
    artefact = load_artefact(name)
    assert 0 < len(artefact.deployed_bytecode) <= 24_576
    assert len(artefact.bytecode) <= 49_152


def test_the_lock_file_pins_versions_and_names_no_registry() -> None:
    lock = json.loads((BUILD / "package-lock.json").read_text())
    manifest = json.loads((BUILD / "package.json").read_text())
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert all(package["integrity"] and "resolved" not in package for package in packages.values())
    for dependency, version in manifest["devDependencies"].items():
        assert packages[f"node_modules/{dependency}"]["version"] == version


def test_artefacts_are_what_the_compiler_gives(tmp_path: Path) -> None:
    modules = node_modules(tmp_path)
    command = ["node", str(BUILD / "build.mjs"), "--check", "--modules", str(modules)]
    # A fixed command on the project's own script.
    check = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert check.returncode == 0, check.stderr


def node_modules(directory: Path) -> Path:
    """Return where solc and OpenZeppelin lie as npm packages: beside the build script, or freshly installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js not found")
    installed = BUILD / "node_modules"
    if (installed / "solc").is_dir():
        return installed
    for file in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(BUILD / file, directory)
    # A fixed command; the lock file pins what it fetches.
    install = subprocess.run([npm, "ci"], cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    if install.returncode != 0:
        pytest.skip(f"Node.js packages not found: npm ci ended with {install.stderr[-200:]!r}")
    return directory / "node_modules"


def source_hash(source_name: str) -> str:
    """Return what the build script writes as sourceHash: SHA-256 of path and text of the project's own sources."""
    sources: dict[str, str] = {}
    pending = [CONTRACTS / source_name]
    while pending:
        path = pending.pop().resolve()
        name = path.relative_to(CONTRACTS.resolve()).as_posix()
        if name in sources:
            continue
        sources[name] = path.read_text()
        pending += [path.parent / found["path"] for found in IMPORT.finditer(sources[name])]
    return hashlib.sha256("".join(f"{name}\0{sources[name]}\0" for name in sorted(sources)).encode()).hexdigest()
