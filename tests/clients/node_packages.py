"""viem, ethers and cast from npm: installed on demand beside these files, in the versions of `node/package.json`."""

import fcntl
import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent / "node"

_INSTALL_SECONDS: Final = 180
_SCRIPT_SECONDS: Final = 240
"""Far more than it takes: a loaded machine must not fail it."""
_ARCHITECTURES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class ClientsMissing(Exception):
    """The clients cannot be had: no Node.js, no registry, or no package for this machine."""


def ensure_installed() -> None:
    """Install what is missing; raise `ClientsMissing` where that cannot be."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise ClientsMissing("Node.js is not installed")
    with (FOLDER / "package.json").open() as package:
        # Tests in several processes come here at once.
        fcntl.flock(package, fcntl.LOCK_EX)
        wanted = json.load(package)["devDependencies"]
        if _installed_versions(wanted) == wanted:
            return
        # What the packages' scripts would do is choose between programs that lie there already. `npm ci` refuses a lock
        # file that lacks the packages for other systems, as one made from a partial registry does.
        for command in ("ci", "install --no-save"):
            done = subprocess.run(
                [npm, *command.split(), "--ignore-scripts"],
                cwd=FOLDER,
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS,
            )
            if done.returncode == 0 and _installed_versions(wanted) == wanted:
                return
        raise ClientsMissing(f"npm could not install the clients: {' '.join(done.stderr.split())[:300]}")


def _installed_versions(wanted: dict[str, str]) -> dict[str, str]:
    manifests = {name: FOLDER / "node_modules" / name / "package.json" for name in wanted}
    return {name: json.loads(path.read_text())["version"] for name, path in manifests.items() if path.exists()}


def run_script(name: str, arguments: dict[str, Any], seconds: float = _SCRIPT_SECONDS) -> dict[str, Any]:
    """Run a script of the folder, which reads `arguments` from stdin as JSON, and return the JSON that it prints."""
    done = subprocess.run(
        ["node", name],  # noqa: S607 - wherever Node.js is installed
        cwd=FOLDER,
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{name} failed:\n{done.stderr[-6000:]}\n{done.stdout[-2000:]}"
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def cast_program() -> Path:
    """Return Foundry's cast; raise `ClientsMissing` where there is none for this machine."""
    return _foundry_program("cast")


def anvil_program() -> Path:
    """Return Foundry's anvil; raise `ClientsMissing` where there is none for this machine."""
    return _foundry_program("anvil")


def _foundry_program(name: str) -> Path:
    ensure_installed()
    architecture = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
    package = f"{name}-{platform.system().lower()}-{architecture}"
    program = FOLDER / "node_modules" / "@foundry-rs" / package / "bin" / name
    if not program.exists():
        raise ClientsMissing(f"npm has no package {package}")
    return program
