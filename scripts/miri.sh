#!/bin/sh
# Runs the tests of the vector instructions (src/inference/bytes/) in Miri, which sees reads and writes beyond a slice's end
# and other undefined behaviour: plain Rust, AVX2 with AVX-VNNI, AVX-512; of 64-bit ARM what Miri knows, the rest is only
# compiled (scripts/test-arm.sh runs it). What Miri does not know of the others is plain Rust there (for_miri.rs).
# Takes some minutes.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'miri: %s\n' "$*" >&2
    exit 1
}

command -v rustup >/dev/null 2>&1 || fail "rustup is missing, which installs the nightly Rust with Miri: see https://rustup.rs"
cargo +nightly miri --version >/dev/null 2>&1 ||
    rustup toolchain install nightly --profile minimal --component miri --component rust-src ||
    fail "Miri cannot be installed. When there is a network: rustup toolchain install nightly --component miri,rust-src"
arm=aarch64-unknown-linux-gnu

# under NAME FLAGS ARGUMENT...: the tests, compiled with these flags.
under() {
    printf '\n== %s\n' "$1"
    flags=$2
    shift 2
    MIRIFLAGS="-Zmiri-disable-isolation" RUSTFLAGS="$flags" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri" \
        cargo +nightly miri test --quiet --manifest-path miri/Cargo.toml "$@"
}

under "plain Rust" ""
under "AVX-VNNI" "-Ctarget-feature=+avx2,+avxvnni"
under "AVX-512" "-Ctarget-feature=+avx2,+avx512f,+avx512bw,+avx512vl,+avx512vbmi,+avx512vnni"
# Miri does not know the look-up instructions of ARM (tbl4), nor assembly.
under "64-bit ARM" "" --target "$arm" laid
if rustup target list --toolchain nightly --installed | grep -q "$arm" || rustup target add --toolchain nightly "$arm" >/dev/null 2>&1; then
    cargo +nightly check --quiet --manifest-path miri/Cargo.toml --target "$arm" \
        --target-dir "${CARGO_TARGET_DIR:-target}/miri"
else
    printf 'miri: skipped compiling for %s: it cannot be installed\n' "$arm" >&2
fi
