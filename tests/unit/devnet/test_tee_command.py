"""`phal2 tee quote` and `phal2 tee verify`."""

import argparse
import json
import ssl
from pathlib import Path

import pytest

from phal2.devnet.command.tee import add_tee_parser
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import SimulatorError, simulate_quote

NOW = 1_760_000_000
REPORT_DATA = bytes(range(64))
SIMULATED = simulate_quote(REPORT_DATA, "gate", NOW)
FIELDS = {"valid", "reason", "tee", "status", "advisoryIds", "workload", "reportData", "simulated"}


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="phal2")
    add_tee_parser(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["tee", *arguments])
    return parsed.run(parsed)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "quote").write_bytes(SIMULATED.quote)
    (tmp_path / "quote.hex").write_text(f"0x{SIMULATED.quote.hex()}\n")
    (tmp_path / "quote.json").write_text(json.dumps({"quote": SIMULATED.quote.hex(), "event_log": "[]"}))
    (tmp_path / "collateral.json").write_bytes(SIMULATED.collateral_json)
    (tmp_path / "root.der").write_bytes(SIMULATOR_ROOT_CA_DER)
    return tmp_path


@pytest.fixture
def verify(files, capsys):
    def verify(quote="quote", collateral="collateral.json", at=NOW, root="root.der"):
        root_option = [] if root is None else ["--root", str(files / root)]
        code = run("verify", str(files / quote), str(files / collateral), "--at", str(at), *root_option, "--json")
        captured = capsys.readouterr()
        assert captured.err == ""
        report = json.loads(captured.out)
        assert report.keys() == FIELDS
        assert code == (0 if report["valid"] else 1)
        return report

    return verify


def test_quote_prints_what_the_simulator_makes(capsys):
    code = run("quote", "--report-data", REPORT_DATA.hex(), "--workload", "gate", "--at", str(NOW), "--json")

    assert code == 0
    assert json.loads(capsys.readouterr().out) == {
        "quote": SIMULATED.quote.hex(),
        "collateral": SIMULATED.collateral,
        "workload": SIMULATED.workload.hex(),
    }


def test_quote_reads_well_without_json(capsys):
    assert run("quote", "--report-data", REPORT_DATA.hex(), "--at", str(NOW)) == 0
    assert "workload   0x" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["quote"],
        ["quote", "--report-data", "00"],
        ["quote", "--report-data", "zz" * 64],
        ["quote", "--report-data", "00" * 64, "--at", "-1"],
        ["quote", "--report-data", "00" * 64, "--at", "now"],
        ["quote", "--report-data", "00" * 64, "--at", "99999999999999999999"],
        ["verify", "quote"],
        [],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as ending:
        run(*arguments)

    assert ending.value.code == 2
    assert "error" in capsys.readouterr().err


def test_a_time_that_is_not_simulated_is_an_error():
    with pytest.raises(SimulatorError, match="expected 0 to"):
        run("quote", "--report-data", "00" * 64, "--at", "9999999999")


@pytest.mark.parametrize("quote", ["quote", "quote.hex", "quote.json"])
def test_verify_accepts_binary_hex_and_json(verify, quote):
    assert verify(quote) == {
        "valid": True,
        "reason": None,
        "tee": "TDX",
        "status": "UpToDate",
        "advisoryIds": [],
        "workload": SIMULATED.workload.hex(),
        "reportData": REPORT_DATA.hex(),
        "simulated": True,
    }


def test_verify_reads_what_quote_prints(files, verify, capsys):
    run("quote", "--report-data", REPORT_DATA.hex(), "--workload", "gate", "--at", str(NOW), "--json")
    (files / "both.json").write_text(capsys.readouterr().out)

    assert verify("both.json", "both.json")["valid"]


def test_verify_takes_a_root_as_pem(files, verify):
    (files / "root.pem").write_text(ssl.DER_cert_to_PEM_cert(SIMULATOR_ROOT_CA_DER))

    assert verify(root="root.pem")["valid"]


def test_intels_root_is_the_default(verify):
    report = verify(root=None)

    assert not report["valid"]
    assert not report["simulated"]
    assert report["workload"] == SIMULATED.workload.hex()
    assert "the quote is the TEE simulator's" in report["reason"]
    assert "tee.rootCa" in report["reason"]


def test_verify_takes_a_root_as_the_devnet_prints_it(files, verify):
    (files / "root.hex").write_text(f"{SIMULATOR_ROOT_CA_DER.hex()}\n")

    assert verify(root="root.hex")["valid"]


def test_a_quote_outside_of_its_time_is_not_valid(verify):
    report = verify(at=NOW + 10**8)

    assert "Expired" in report["reason"]
    assert (report["tee"], report["status"], report["advisoryIds"]) == ("TDX", None, [])


def test_padding_behind_a_quote_does_not_matter(files, verify):
    (files / "padded").write_bytes(SIMULATED.quote + bytes(70))

    assert verify("padded")["valid"]


@pytest.mark.parametrize("content", [b"", b"\x04", b"{", b"{}", b'{"quote": 1}', b"not a quote", b"\0" * 5000])
def test_files_that_hold_no_quote_are_not_valid(files, verify, content):
    (files / "broken").write_bytes(content)

    report = verify("broken")

    assert report["reason"]
    assert (report["tee"], report["workload"], report["reportData"]) == (None, None, None)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"x" * 100, b"[" * 100_000])
def test_files_that_hold_no_collateral_are_not_valid(files, verify, content):
    (files / "broken").write_bytes(content)

    assert verify(collateral="broken")["reason"]


@pytest.mark.parametrize("content", [b"", b"\x30", b"-----BEGIN CERTIFICATE-----\n!!\n", b"\xff" * 3000])
def test_files_that_hold_no_certificate_are_not_valid(files, verify, content):
    (files / "broken").write_bytes(content)

    assert verify(root="broken")["reason"]


def test_missing_folders_and_huge_files_are_not_valid(files, verify):
    (files / "huge").write_bytes(bytes(1024 * 1024 + 1))

    assert "No such file" in verify("missing")["reason"]
    assert "directory" in verify(".")["reason"]
    assert "larger than" in verify("huge")["reason"]


def test_without_json_the_verdict_is_readable(files, capsys):
    code = run("verify", str(files / "quote"), str(files / "collateral.json"), "--at", str(NOW))

    assert code == 1
    assert capsys.readouterr().out.startswith("valid      no: ")
