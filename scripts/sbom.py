#!/usr/bin/env python3
"""What the binary is built from, as SPDX 2.3 JSON on standard output: every package that
Cargo.lock pins and that is linked for this platform, with version, checksum and licence.

Nothing in it depends on the hour or the machine: two runs over one Cargo.lock give equal octets.
"""

import datetime
import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = os.environ.get("TARGET", "x86_64-unknown-linux-gnu")


def metadata() -> dict:
    line = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={TARGET}"]
    return json.loads(subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def linked(found: dict) -> set[str]:
    """The packages that the binary needs, directly or not; not those of tests alone."""
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    waiting = [one["id"] for one in found["packages"] if one["name"] == "comity"]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for need in nodes[one]["deps"]:
            if any(kind["kind"] != "dev" for kind in need["dep_kinds"]):
                waiting.append(need["pkg"])
    return seen


def checksums() -> dict[tuple[str, str], str]:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {
        (one["name"], one["version"]): one["checksum"]
        for one in lock["package"]
        if "checksum" in one
    }


def reference(one: dict) -> str:
    plain = f"{one['name']}-{one['version']}"
    return "SPDXRef-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in plain)


def package(one: dict, sums: dict[tuple[str, str], str]) -> dict:
    name, version = one["name"], one["version"]
    # Older crates separate alternatives with a slash, which SPDX does not know.
    licence = (one["license"] or "NOASSERTION").replace("/", " OR ")
    out = {
        "SPDXID": reference(one),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
    }
    checksum = sums.get((name, version))
    if checksum:
        out["downloadLocation"] = f"https://crates.io/api/v1/crates/{name}/{version}/download"
        out["checksums"] = [{"algorithm": "SHA256", "checksumValue": checksum}]
        purl = f"pkg:cargo/{name}@{version}"
        out["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ]
    return out


def document() -> dict:
    found, sums = metadata(), checksums()
    wanted = linked(found)
    known = {one["id"]: one for one in found["packages"] if one["id"] in wanted}
    relations = [
        {
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relationshipType": "DESCRIBES",
            "relatedSpdxElement": reference(one),
        }
        for one in known.values()
        if one["name"] == "comity"
    ]
    for node in found["resolve"]["nodes"]:
        if node["id"] not in wanted:
            continue
        for need in node["deps"]:
            if need["pkg"] in wanted and any(k["kind"] != "dev" for k in need["dep_kinds"]):
                relations.append(
                    {
                        "spdxElementId": reference(known[node["id"]]),
                        "relationshipType": "DEPENDS_ON",
                        "relatedSpdxElement": reference(known[need["pkg"]]),
                    }
                )
    digest = hashlib.sha256((ROOT / "Cargo.lock").read_bytes()).hexdigest()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    ordered = sorted(known.values(), key=lambda one: (one["name"], one["version"]))
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "comity",
        "documentNamespace": f"https://spdx.org/spdxdocs/comity-{digest}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: comity-sbom"],
        },
        "packages": [package(one, sums) for one in ordered],
        "relationships": relations,
    }


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1, sort_keys=True)
    print()
