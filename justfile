# Names for what is typed often. No logic here: it is in tests, commands and scripts.

default:
    @just --list

# Format, lints, dependencies, documentation
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo deny --offline check licenses bans sources
    cargo doc --workspace --no-deps --locked

# All tests of the workspace
test:
    cargo nextest run --workspace --locked

# Everything, as before a change lands
all:
    ./test

# Writes generated pages and the outputs in documents anew
accept:
    COMITY_ACCEPT=1 cargo test -p comity --test docs

# Mends what can be mended by itself
fix:
    cargo fmt --all
    cargo clippy --workspace --all-targets --fix --allow-dirty

# A node on this machine, until Ctrl-C
run *FILE:
    ./run {{FILE}}

# The sizes, edges and words of the tree
tidy:
    cargo test -p comity --test tidy -- --nocapture

# Opens the documentation of the code
docs:
    cargo doc --workspace --no-deps --open

# More seeds of both simulations, from where the last run ended (`simulate 100000`); one again (`simulate seed=77`)
simulate *WORDS:
    cargo test --release -p comity-exercise --test ledger --locked -- --ignored --nocapture --exact more_stories {{WORDS}}
    cargo test --release -p comity-tlog --lib --locked -- --ignored --nocapture --exact tests::simulation::ledger::more_seeds {{WORDS}}

# A node under load that is killed, filled up and given a failing disk, then a body whose nodes are killed; writes docs/soak.md (`soak --seconds 300`)
soak *WORDS:
    cargo build --release --locked -p comity
    COMITY_BIN=target/release/comity .venv/bin/python tests/python/soak.py --report docs/soak.md {{WORDS}}

# The last part of it alone, its lines in docs/soak.md too (`soak-body --kills 200 --seed 7`)
soak-body *WORDS:
    cargo build --release --locked -p comity
    COMITY_BIN=target/release/comity .venv/bin/python tests/python/soak_body.py --report docs/soak.md {{WORDS}}

# A Debian package of the release build, in target/
deb:
    cargo build --release --locked -p comity
    scripts/deb.sh target/release/comity target

# What the binary is built from, as SPDX
sbom:
    @python3 scripts/sbom.py

# Each fuzz target for so many seconds; the ledger is docs/fuzzing.md
fuzz SECONDS="60":
    nice -n 19 python3 scripts/fuzz.py --seconds {{SECONDS}}

# Measures a node, each figure beside its floor: just bench --sizes 25k,250k,1m --out docs/benchmarks.md
bench *ARGS:
    cargo build --release --locked -p comity --bins --example bench
    target/release/examples/bench {{ARGS}}

# Nodes of several parties on this machine: latency, first sync, an idle mesh
bench-body *ARGS:
    cargo build --release --locked -p comity
    COMITY_BIN=target/release/comity python3 tests/python/bench_body.py --report docs/benchmarks-body.md {{ARGS}}
