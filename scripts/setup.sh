#!/bin/sh
# Installs what is missing to build and run quantscope, and nothing that is there already:
# system packages (apt), Rust (rustup), ONNX Runtime (into .runtime/ of this checkout).
#
#   scripts/setup.sh            look at everything
#   scripts/setup.sh --test     also what the window tests need
#   scripts/setup.sh --kernel   also what the tests inside a kernel of their own need (make test-kernel)
#   scripts/setup.sh --arm      also what the tests for 64-bit ARM need on another processor (make test-arm)
#   scripts/setup.sh --quick    only look whether an earlier run was complete (what `make run` does)
set -eu

ORT_VERSION=1.32.0
# SHA-256 of the wheel (Python 3.11, manylinux 2.28) and of the library in it.
ORT_WHEEL_X86_64=5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d
ORT_LIBRARY_X86_64=6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f
ORT_WHEEL_AARCH64=2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c
ORT_LIBRARY_AARCH64=49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a

# Asked for by their command, which may well come from elsewhere than a package: "command:package".
BUILD_COMMANDS="cc:gcc pkg-config:pkg-config"
RUN_COMMANDS="ffmpeg:ffmpeg zenity:zenity"
TEST_COMMANDS="Xvfb:xvfb xdotool:xdotool openbox:openbox import:imagemagick xprop:x11-utils"
KERNEL_COMMANDS="qemu-system-x86_64:qemu-system-x86 busybox:busybox-static modprobe:kmod cpio:cpio strip:binutils"
ARM_COMMANDS="qemu-aarch64:qemu-user aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu"
ARM_PACKAGES="libc6-dev-arm64-cross"
# Libraries: libc and libclang to build (the camera's bindings are generated), the rest is opened by the window.
BUILD_PACKAGES="libc6-dev libclang-dev libstdc++6"
RUN_PACKAGES="libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0 libegl1 libgl1 libgl1-mesa-dri
  libwayland-client0 libwayland-cursor0 libwayland-egl1"

cd "$(dirname "$0")/.."
RUNTIME=.runtime
ORT_FOLDER=$RUNTIME/onnxruntime-$ORT_VERSION
ORT_LIBRARY=$ORT_FOLDER/lib/libonnxruntime.so.$ORT_VERSION
ORT_TEMPORARY=

main() {
    with_tests=no with_kernel=no with_arm=no quick=no outcome="everything that is needed is here"
    for argument in "$@"; do
        case $argument in
            --test) with_tests=yes ;;
            --kernel) with_kernel=yes ;;
            --arm) with_arm=yes ;;
            --quick) quick=yes ;;
            *) fail "unknown argument $argument; known are --test, --kernel, --arm and --quick" ;;
        esac
    done
    if [ "$quick" = yes ] && is_stamped; then
        return
    fi
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    export PATH
    wanted_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    set_up_packages
    set_up_rust
    set_up_onnx_runtime
    mkdir -p "$RUNTIME"
    stamp_text >"$(stamp_file)"
    say "$outcome"
}

say() { printf 'setup: %s\n' "$*"; }
warn() { printf 'setup: %s\n' "$*" >&2; }
fail() {
    warn "$*"
    exit 1
}
clean_up() { [ -z "$ORT_TEMPORARY" ] || rm -rf "$ORT_TEMPORARY"; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- The stamp: an earlier run was complete, and neither this script nor the library has changed since. -------------

stamp_file() {
    stamp=setup
    if [ "$with_tests" = yes ]; then stamp=$stamp-test; fi
    if [ "$with_kernel" = yes ]; then stamp=$stamp-kernel; fi
    if [ "$with_arm" = yes ]; then stamp=$stamp-arm; fi
    echo "$RUNTIME/$stamp.stamp"
}

stamp_text() {
    cksum scripts/setup.sh
    stat -c "%s %Y" "$ORT_LIBRARY" 2>/dev/null || echo "no library"
}

is_stamped() { [ "$(cat "$(stamp_file)" 2>/dev/null)" = "$(stamp_text)" ]; }

# --- System packages ------------------------------------------------------------------------------------------------

# Names the packages of those commands that are not there.
packages_of_missing_commands() {
    for pair in "$@"; do
        has "${pair%%:*}" || printf '%s ' "${pair#*:}"
    done
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Prints those of the packages that are not installed; nothing on a system without dpkg, where it cannot be told.
missing_packages() {
    has dpkg-query || return 0
    for package in "$@"; do
        # A libclang of the user's own choice will do.
        if [ "$package" = libclang-dev ] && [ -n "${LIBCLANG_PATH:-}" ]; then continue; fi
        is_installed "$package" || printf '%s ' "$package"
    done
}

# shellcheck disable=SC2046,SC2086,SC2116 # the lists are meant to be split
look_for_packages() {
    needed="$(packages_of_missing_commands $BUILD_COMMANDS)$(missing_packages $BUILD_PACKAGES)"
    if ! is_regular "$ORT_LIBRARY" && ! python3 -m pip --version >/dev/null 2>&1; then
        needed="${needed}python3 python3-pip "
    fi
    if ! has rustup && ! rust_is_new_enough; then
        needed="$needed$(packages_of_missing_commands curl:curl)$(missing_packages ca-certificates)"
    fi
    useful="$(packages_of_missing_commands $RUN_COMMANDS)$(missing_packages $RUN_PACKAGES)"
    if [ "$with_tests" = yes ]; then
        useful="$useful$(packages_of_missing_commands $TEST_COMMANDS)"
    fi
    if [ "$with_kernel" = yes ]; then
        useful="$useful$(packages_of_missing_commands $KERNEL_COMMANDS)"
    fi
    if [ "$with_arm" = yes ]; then
        useful="$useful$(packages_of_missing_commands $ARM_COMMANDS)$(missing_packages $ARM_PACKAGES)"
    fi
    needed=$(echo $needed) useful=$(echo $useful)
}

set_up_packages() {
    look_for_packages
    missing="$needed${needed:+${useful:+ }}$useful"
    if ! has apt-get; then
        warn "this system has no apt-get, so look yourself that it has what these Debian packages hold:" \
            "$(echo "$missing" "$BUILD_PACKAGES" "$RUN_PACKAGES" | tr -s ' \n' ' ')"
        outcome="done, but for what is said above"
        return 0
    fi
    [ -n "$missing" ] || return 0
    [ -z "$needed" ] || say "missing to build: $needed"
    [ -z "$useful" ] || say "missing for the window, videos, file dialogs or tests: $useful"
    # shellcheck disable=SC2086 # the lists are meant to be split
    if install_packages $missing; then
        return 0
    fi
    command="apt-get install --no-install-recommends $missing"
    [ -z "$needed" ] || fail "could not install: $needed. Ask an administrator to run: $command"
    warn "going on without: $useful. To get them later: $command"
    outcome="done, but for what is said above"
}

install_packages() {
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! has sudo; then
            warn "packages can only be installed by root, and there is no sudo"
            return 1
        fi
        as_root=sudo
        # Without a terminal nobody can type a password.
        [ -t 0 ] || as_root="sudo -n"
        say "installing them with sudo apt-get, which may ask for your password"
    fi
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0"
    $apt update || warn "apt-get update failed; trying with the package lists that are here"
    $apt install -y --no-install-recommends "$@"
}

# --- Rust -----------------------------------------------------------------------------------------------------------

set_up_rust() {
    if ! has rustup && ! rust_is_new_enough; then
        install_rustup
    fi
    if ! rust_is_new_enough; then
        say "$(rust_found); quantscope needs $wanted_rust: installing the stable toolchain with rustup," \
            "for this folder only"
        if ! rustup toolchain install stable --profile minimal --component clippy --component rustfmt ||
            ! rustup override set stable; then
            fail "rustup could not install Rust $wanted_rust or newer. See its message above; then run this again"
        fi
        rust_is_new_enough || fail "$(rust_found) is still what runs here; quantscope needs $wanted_rust or newer"
    fi
    [ "$with_tests" = yes ] || return 0
    if cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1; then
        return 0
    fi
    say "clippy or rustfmt is missing: adding them"
    if ! has rustup || ! rustup component add clippy rustfmt; then
        fail "could not add clippy and rustfmt, which the checks need. Install them beside cargo, then run this again"
    fi
}

rust_found() { rustc --version 2>/dev/null || echo "no Rust"; }

rust_is_new_enough() {
    has cargo || return 1
    found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
    [ -n "$found" ] && [ "$(printf '%s\n%s\n' "$wanted_rust" "${found%%-*}" | sort -V | head -n 1)" = "$wanted_rust" ]
}

install_rustup() {
    say "$(rust_found), and no rustup; quantscope needs Rust $wanted_rust: installing it for this user with the" \
        "official installer (rustup, into ${CARGO_HOME:-$HOME/.cargo}; it also adds that to PATH in your shell profile)"
    installer=$(mktemp)
    if curl --proto '=https' --tlsv1.2 -sSf -o "$installer" https://sh.rustup.rs &&
        RUSTUP_INIT_SKIP_PATH_CHECK=yes \
            sh "$installer" -y -q --profile minimal --component clippy --component rustfmt; then
        rm -f "$installer"
        return 0
    fi
    rm -f "$installer"
    fail "Rust could not be installed. Install version $wanted_rust or newer as https://rustup.rs says, then run this" \
        "again"
}

# --- ONNX Runtime ---------------------------------------------------------------------------------------------------

is_regular() { [ -f "$1" ] && [ -s "$1" ]; }

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

set_up_onnx_runtime() {
    case "$(uname -s)-$(uname -m)-$(getconf LONG_BIT)" in
        Linux-x86_64-64) machine=x86_64 wheel_sha256=$ORT_WHEEL_X86_64 library_sha256=$ORT_LIBRARY_X86_64 ;;
        Linux-aarch64-64) machine=aarch64 wheel_sha256=$ORT_WHEEL_AARCH64 library_sha256=$ORT_LIBRARY_AARCH64 ;;
        *)
            warn "no ONNX Runtime is known for $(uname -s) on $(uname -m) ($(getconf LONG_BIT) bit)." \
                "Install version 1.22 or newer yourself and set ORT_DYLIB_PATH to its shared library"
            outcome="done, but for what is said above"
            return 0
            ;;
    esac
    if is_regular "$ORT_LIBRARY" && [ "$(sha256_of "$ORT_LIBRARY")" = "$library_sha256" ]; then
        return 0
    fi
    [ ! -e "$ORT_FOLDER" ] || say "$ORT_LIBRARY is missing or damaged: installing it again"
    say "downloading ONNX Runtime $ORT_VERSION for $machine (about 28 MB) into $ORT_FOLDER"
    mkdir -p "$RUNTIME"
    ORT_TEMPORARY=$(mktemp -d "$RUNTIME/download.XXXXXX")
    download_wheel
    unpack_wheel
    rm -rf "$ORT_FOLDER"
    mv "$ORT_TEMPORARY/unpacked" "$ORT_FOLDER"
    say "ONNX Runtime $ORT_VERSION is in $ORT_FOLDER"
}

# The hash in the requirements file makes pip refuse any other file.
download_wheel() {
    printf 'onnxruntime==%s --hash=sha256:%s\n' "$ORT_VERSION" "$wheel_sha256" >"$ORT_TEMPORARY/requirements.txt"
    python3 -m pip --disable-pip-version-check download --quiet --no-cache-dir --no-deps --only-binary=:all: \
        --require-hashes --retries 2 --timeout 30 --implementation cp --python-version 311 --abi cp311 \
        --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
        --dest "$ORT_TEMPORARY" --requirement "$ORT_TEMPORARY/requirements.txt" ||
        fail "ONNX Runtime $ORT_VERSION could not be downloaded, or was not the file that is expected (pip's message" \
            "is above); nothing was installed. Check the network connection, then run this again"
}

unpack_wheel() {
    set -- "$ORT_TEMPORARY"/onnxruntime-"$ORT_VERSION"-*.whl
    if [ ! -f "$1" ] || [ "$(sha256_of "$1")" != "$wheel_sha256" ]; then
        fail "the downloaded ONNX Runtime is not the file that is expected (wrong SHA-256); nothing was installed"
    fi
    mkdir -p "$ORT_TEMPORARY/unpacked/lib"
    python3 - "$1" "$ORT_TEMPORARY/unpacked" "libonnxruntime.so.$ORT_VERSION" <<'END' ||
import shutil, sys, zipfile
wheel, folder, library = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for member, target in [
        (f"onnxruntime/capi/{library}", f"lib/{library}"),
        ("onnxruntime/LICENSE", "LICENSE"),
        ("onnxruntime/ThirdPartyNotices.txt", "ThirdPartyNotices.txt"),
    ]:
        with archive.open(member) as source, open(f"{folder}/{target}", "wb") as copy:
            shutil.copyfileobj(source, copy)
END
        fail "ONNX Runtime could not be unpacked (see above; is the disk full?); nothing was installed"
    [ "$(sha256_of "$ORT_TEMPORARY/unpacked/lib/libonnxruntime.so.$ORT_VERSION")" = "$library_sha256" ] ||
        fail "the unpacked ONNX Runtime is not the file that is expected (wrong SHA-256); nothing was installed"
}

main "$@"
