#!/bin/sh
# Gives arbitrary bytes to everything that reads files of others, each target for FUZZ_SECONDS (120):
#
#   scripts/fuzz.sh             all targets
#   scripts/fuzz.sh onnx card   these
#
# Seeds are made from models/ and, where it is there, from the zoo in ../shared (or QUANTSCOPE_SHARED). What crashes the
# program is left in fuzz/artifacts/.
set -eu
cd "$(dirname "$0")/.."

SECONDS_EACH=${FUZZ_SECONDS:-120}
# No target may take more memory, nor longer for one input.
LIMITS="-rss_limit_mb=2048 -timeout=10 -max_len=65536"

fail() {
    printf 'fuzz: %s\n' "$*" >&2
    exit 1
}

command -v rustup >/dev/null 2>&1 ||
    fail "rustup is missing, which installs the nightly Rust that fuzzing needs: see https://rustup.rs"
case $(rustup toolchain list) in
    *nightly*) ;;
    *)
        rustup toolchain install nightly --profile minimal ||
            fail "nightly Rust cannot be installed. When there is a network: rustup toolchain install nightly"
        ;;
esac
cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked ||
    fail "cargo-fuzz cannot be installed. When there is a network: cargo install cargo-fuzz --locked"

cargo run --quiet --locked --example fuzz_seeds -- fuzz/corpus models "${QUANTSCOPE_SHARED:-../shared}/zoo"

# shellcheck disable=SC2046 # one target a word
if [ $# -eq 0 ]; then
    set -- $(cargo fuzz list)
    seed=$(date +%s)
    printf '\n== properties of the unit tests, with other cases than usual: PROPTEST_RNG_SEED=%s\n' "$seed"
    PROPTEST_RNG_SEED=$seed cargo test --locked --lib
fi
for target in "$@"; do
    printf '\n== fuzz %s for %s s\n' "$target" "$SECONDS_EACH"
    # The code is safe Rust: panics and memory are what is looked for, and without a sanitizer it runs twice as often.
    # shellcheck disable=SC2086 # the limits are meant to be split
    cargo +nightly fuzz run --sanitizer none "$target" -- -max_total_time="$SECONDS_EACH" -print_final_stats=1 $LIMITS
done
