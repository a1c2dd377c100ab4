"""The simulator's collateral: TCB info, quoting enclave identity and revocation lists, signed as Intel signs them.

Source: Intel SGX and TDX Provisioning Certification Service API, version 4.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from phal2.devnet.tee import platform, quoting_enclave
from phal2.devnet.tee.certificates import PCK_CA, ROOT_CA, TCB_SIGNING, chain_pem, revocation_list
from phal2.devnet.tee.keys import sign
from phal2.node.attestation.quotes import SGX, TDX

_DAY: Final = 86_400
_ISSUED_BEFORE: Final = 1 * _DAY
_VALID_AFTER: Final = 30 * _DAY
_TCB_DATE: Final = "2025-01-01T00:00:00Z"
_ADVISORIES: Final = ["PHAL2-SA-00001"]


@dataclass(frozen=True, slots=True)
class TcbState:
    """What the collateral says of the platform: its TCB status by Intel's name, and the evaluation numbers."""

    status: str = "UpToDate"
    evaluation_number: int = 20
    quoting_enclave_evaluation_number: int = 20


def make_collateral(tee: str, timestamp: int, tcb: TcbState) -> dict[str, str]:
    """Return the collateral for "SGX" or "TDX" quotes, valid from a day before the time's UTC day to 30 after it."""
    return dict(_collateral_of_day(tee, timestamp // _DAY, tcb))


@lru_cache(maxsize=64)
def _collateral_of_day(tee: str, day: int, tcb: TcbState) -> dict[str, str]:
    issued = max(0, day * _DAY - _ISSUED_BEFORE)
    expires = (day + 1) * _DAY + _VALID_AFTER
    dates = {"issueDate": _rfc3339(issued), "nextUpdate": _rfc3339(expires)}
    tcb_info = _json(_tcb_info(tee, dates, tcb))
    identity = _json(_quoting_enclave_identity(tee, dates, tcb))
    signing_chain = chain_pem(TCB_SIGNING, ROOT_CA)
    return {
        "pck_crl_issuer_chain": chain_pem(PCK_CA, ROOT_CA),
        "root_ca_crl": revocation_list(ROOT_CA, issued, expires).hex(),
        "pck_crl": revocation_list(PCK_CA, issued, expires).hex(),
        "tcb_info_issuer_chain": signing_chain,
        "tcb_info": tcb_info,
        "tcb_info_signature": sign(TCB_SIGNING, tcb_info.encode()).hex(),
        "qe_identity_issuer_chain": signing_chain,
        "qe_identity": identity,
        "qe_identity_signature": sign(TCB_SIGNING, identity.encode()).hex(),
    }


def _tcb_info(tee: str, dates: dict[str, str], tcb: TcbState) -> dict[str, Any]:
    level: dict[str, Any] = {"sgxtcbcomponents": _components(platform.CPU_SVN), "pcesvn": platform.PCE_SVN}
    info: dict[str, Any] = {
        "id": tee,
        "version": 3,
        **dates,
        "fmspc": platform.FMSPC.hex().upper(),
        "pceId": platform.PCE_ID.hex(),
        "tcbType": 0,
        "tcbEvaluationDataNumber": tcb.evaluation_number,
    }
    if tee == TDX:
        level["tdxtcbcomponents"] = _components(platform.TEE_TCB_SVN)
        info["tdxModule"] = _tdx_module()
        info["tdxModuleIdentities"] = [
            {
                "id": f"TDX_{platform.TDX_MODULE_VERSION:02X}",
                **_tdx_module(),
                "tcbLevels": [_level({"isvsvn": platform.TDX_MODULE_SVN}, "UpToDate")],
            }
        ]
    info["tcbLevels"] = [_level(level, tcb.status)]
    return info


def _quoting_enclave_identity(tee: str, dates: dict[str, str], tcb: TcbState) -> dict[str, Any]:
    return {
        "id": "QE" if tee == SGX else "TD_QE",
        "version": 2,
        **dates,
        "tcbEvaluationDataNumber": tcb.quoting_enclave_evaluation_number,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": "11000000000000000000000000000000",
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": quoting_enclave.MR_SIGNER.hex().upper(),
        "isvprodid": quoting_enclave.PRODUCT_IDS[tee],
        "tcbLevels": [_level({"isvsvn": quoting_enclave.ISV_SVN}, "UpToDate")],
    }


def _tdx_module() -> dict[str, str]:
    return {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}


def _level(tcb: dict[str, Any], status: str) -> dict[str, Any]:
    level = {"tcb": tcb, "tcbDate": _TCB_DATE, "tcbStatus": status}
    return level if status == "UpToDate" else {**level, "advisoryIDs": _ADVISORIES}


def _components(security_versions: bytes) -> list[dict[str, int]]:
    return [{"svn": svn} for svn in security_versions]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _rfc3339(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
