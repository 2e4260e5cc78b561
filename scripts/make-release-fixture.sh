#!/usr/bin/env bash
# Makes testdata/releases/VERSION/: a small node's directory as the binary of a release writes it,
# for the test that later programs open it (crates/comity/tests/node/upgrade.rs).
#
#   scripts/make-release-fixture.sh BINARY VERSION
#
# It holds a few dozen objects of examples/bundles/starter.json (fictional, marked EXERCISE), two
# of them withdrawn, a refusal, an account, a token, recorded accesses. Run it once, with the
# binary that was released; what is checked in never changes.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "$1")
version=$2
target=testdata/releases/$version
objects=36
phrase='exercise pass phrase'
[ -e "$target" ] && { echo "$target is there already; it never changes" >&2; exit 1; }

work=$(mktemp -d)
serving=
finish() {
  if [ -n "$serving" ]; then kill "$serving" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
node=$work/node
python3 - "$work/bundle.json" "$objects" <<'PYTHON'
import json, sys
bundle = json.load(open("examples/bundles/starter.json"))
bundle["objects"] = bundle["objects"][: int(sys.argv[2])]
json.dump(bundle, open(sys.argv[1], "w"))
PYTHON
"$binary" init "$node" --party cert.example --name 'Example CERT (EXERCISE)' >/dev/null
"$binary" collection add "$node" 'First (EXERCISE)' --alias first >/dev/null
echo "$phrase" | "$binary" user add "$node" analyst --role analyst --password-stdin >/dev/null
"$binary" token add "$node" analyst --days 3660 >/dev/null
"$binary" import "$node" "$work/bundle.json" >/dev/null
"$binary" serve "$node" --listen 127.0.0.1:0 >"$work/out" 2>/dev/null &
serving=$!
for _ in $(seq 100); do [ -s "$work/out" ] && break; sleep 0.1; done
api=$(sed -n 's/^listening on //p' "$work/out")/taxii2/comity/collections/first
ask() { curl -sf --user "analyst:$phrase" "$@"; }
ask "$api/objects/" >"$work/all.json"
ask --data-binary @examples/bundles/envelope.json \
  -H 'Content-Type: application/taxii+json;version=2.1' "$api/objects/" >/dev/null
for id in $(python3 -c 'import json, sys
objects = json.load(open(sys.argv[1]))["objects"]
print(*[one["id"] for one in objects[-2:]])' "$work/all.json"); do
  ask -X DELETE "$api/objects/$id/" >/dev/null
done
sleep 2
kill "$serving"
wait "$serving" || true
serving=
"$binary" verify "$node" >"$work/verify.txt"
mkdir -p "$target"
# What is folded again, and what only a process has, is left out.
tar --create --gzip --file "$target/node.tar.gz" --directory "$work" --sort=name --owner=0 \
  --group=0 --numeric-owner --exclude='view.db*' --exclude='*lock' --exclude='*-shm' node
cp "$work/verify.txt" "$target/verify.txt"
ls -l "$target"
