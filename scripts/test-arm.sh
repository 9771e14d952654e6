#!/bin/sh
# Runs the tests of the vector instructions (src/inference/bytes/) for 64-bit ARM: on such a processor as they are, elsewhere
# in qemu, which plays one that knows dot products (as a Raspberry Pi 5) and one that does not (as a Raspberry Pi 4).
# Takes a minute or two.
set -eu
cd "$(dirname "$0")/.."

TARGET=aarch64-unknown-linux-gnu
PREFIX=aarch64-linux-gnu

main() {
    case $(uname -m) in
        aarch64 | arm64)
            tests
            return
            ;;
    esac
    for command in "qemu-aarch64" "$PREFIX-gcc"; do
        has "$command" || fail "$command is missing and could not be installed. Install it, then run: make test-arm"
    done
    add_target
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER="$PREFIX-gcc"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/$PREFIX"
    played cortex-a72 neon
    played max dotprod
}

fail() {
    printf 'test-arm: %s\n' "$*" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

add_target() {
    # Without rustup it may have come with the compiler.
    [ -d "$(rustc --print sysroot)/lib/rustlib/$TARGET" ] && return
    has rustup || fail "the Rust library for $TARGET is missing, and rustup, which installs it: see https://rustup.rs"
    rustup target add "$TARGET" ||
        fail "the Rust library for $TARGET cannot be installed. When there is a network: rustup target add $TARGET"
}

# played PROCESSOR KERNEL: the tests on that processor, whose fastest instructions have to be found.
played() {
    printf '\n== qemu plays %s: %s\n' "$1" "$2"
    QEMU_CPU=$1 QUANTSCOPE_CPU=$2 tests --target "$TARGET"
}

# Optimized, so that what is run is what users run; and an emulator is slow enough.
tests() {
    CARGO_PROFILE_DEV_OPT_LEVEL=2 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/arm" \
        cargo test --quiet --locked --lib --manifest-path miri/Cargo.toml "$@"
}

main "$@"
