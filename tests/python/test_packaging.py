"""The unit, the package and the list of parts fit the program."""

import configparser
import json
import re
import subprocess
from pathlib import Path

from node import BINARY

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGING = ROOT / "packaging"


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string((PACKAGING / "comity.service").read_text())
    return parser


def flags_of_serve() -> set[str]:
    line = [BINARY, "serve", "--help"]
    told = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout
    return set(re.findall(r"--[a-z-]+", told))


def test_the_unit_and_its_defaults_name_flags_that_exist():
    known = flags_of_serve()
    texts = [unit()["Service"]["ExecStart"], (PACKAGING / "comity.default").read_text()]
    texts.append((PACKAGING / "comity.service").read_text())
    named = {flag for text in texts for flag in re.findall(r"--[a-z-]+", text)}
    assert named and named <= known


def test_the_unit_says_what_the_program_keeps():
    service = unit()["Service"]
    assert service["Type"] == "notify"
    # 4 is what a start mends; 2 and 3 are what it does not.
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == ["2", "3"]
    # Ten seconds of drain, and the stores to close.
    assert int(service["TimeoutStopSec"]) > 10
    assert service["User"] == (PACKAGING / "comity.sysusers").read_text().split()[1]
    assert service["ReadWritePaths"] == "/var/lib/" + service["StateDirectory"]


def test_what_the_package_is_made_of_is_there():
    script = (ROOT / "scripts" / "deb.sh").read_text()
    subprocess.run(["bash", "-n", ROOT / "scripts" / "deb.sh"], check=True)
    named = re.findall(r"(?:packaging|docs|scripts)/[a-z.\-/]+[a-z]", script)
    assert len(named) > 5
    for path in named:
        assert (ROOT / path).exists(), path
    for script in (PACKAGING / "debian").glob("p*"):
        subprocess.run(["sh", "-n", script], check=True)


def test_the_list_of_parts_is_complete_and_the_same_each_time():
    line = ["python3", ROOT / "scripts" / "sbom.py"]
    first, second = (
        subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout for _ in range(2)
    )
    assert first == second
    told = json.loads(first)
    assert told["spdxVersion"] == "SPDX-2.3"
    names = {one["name"] for one in told["packages"]}
    assert {"comity", "comity-serve", "rusqlite", "rustls"} <= names
    # Only for tests, so not linked.
    assert "proptest" not in names
    for one in told["packages"]:
        assert one["licenseDeclared"] != "NOASSERTION", one["name"]
        assert one["name"].startswith("comity") or one["checksums"], one["name"]
    known = {one["SPDXID"] for one in told["packages"]} | {"SPDXRef-DOCUMENT"}
    for one in told["relationships"]:
        assert {one["spdxElementId"], one["relatedSpdxElement"]} <= known
