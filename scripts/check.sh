#!/bin/sh
# Everything that must hold before a change goes in, cheapest first. `make test` and CI run this.
set -eu
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "format"
cargo fmt --check

step "clippy"
cargo clippy --all-targets --locked -- -D warnings

step "documentation"
RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings" cargo doc --no-deps --locked

step "tests"
cargo test --locked

# The compiler makes another program of the same lines: what people run is tried, too.
step "the release build"
cargo build --release --locked
QUANTSCOPE_TEST_PROGRAM=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/quantscope \
    cargo test --locked --test cli --test dataset --test detect --test bench --test eval --test quantize --test e2e
