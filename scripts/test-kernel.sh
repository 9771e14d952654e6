#!/bin/sh
# Plays the scenarios of tests/kernel/ on the test camera of a real kernel (its driver `vivid`), in a virtual machine:
#
#   scripts/test-kernel.sh             all scenarios
#   scripts/test-kernel.sh unplugged   those with this in their names
#
# No root, no module on this system: Debian's kernel is downloaded into target/kernel/ and started by qemu, with KVM where
# it may be used and else without (slower). The exit status is that of the tests. KERNEL_TEST_SECONDS is how long they may
# take at most (900).
set -eu
cd "$(dirname "$0")/.."

LIMIT=${KERNEL_TEST_SECONDS:-900}
CACHE=${CARGO_TARGET_DIR:-target}/kernel
ROOT=$CACHE/root
# A busy system may starve the guest's timer, which is no reason to give up.
KERNEL_OPTIONS="quiet panic=-1 no_timer_check"
MACHINE="-display none -vga none -monitor none -nic none -no-reboot"
# The guest's last word, so that a kernel that stops on its way is no success.
VERDICT="kernel tests ended with status"

main() {
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
        fail "this needs Linux on x86_64: the kernel that is started is Debian's for amd64"
    for command in qemu-system-x86_64 busybox modprobe cpio strip; do
        has "$command" || fail "$command is missing and could not be installed. Install it, then run: make test-kernel"
    done
    mkdir -p "$CACHE"
    get_kernel
    build_tests
    pack_guest "$@"
    run_guest
}

say() { printf 'test-kernel: %s\n' "$*"; }
fail() {
    printf 'test-kernel: %s\n' "$*" >&2
    exit 1
}
# Some systems keep modprobe where only root looks.
PATH=$PATH:/usr/sbin:/sbin
has() { command -v "$1" >/dev/null 2>&1; }

find_kernel() { kernel=$(find "$CACHE/debian/boot" -name 'vmlinuz-*' 2>/dev/null | sort | tail -n 1); }

# Debian's present kernel with its modules, unless an earlier run has fetched it.
get_kernel() {
    find_kernel
    if [ -z "$kernel" ]; then
        for command in apt-get dpkg-deb; do
            has "$command" || fail "the kernel is Debian's and is fetched by apt-get and dpkg-deb; there is no $command here"
        done
        package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
        [ -n "$package" ] || fail "apt knows no kernel here. On Debian, run: apt-get update"
        say "downloading $package (about 70 MB) into $CACHE"
        rm -rf "$CACHE/debian" "$CACHE/download"
        mkdir -p "$CACHE/download"
        (cd "$CACHE/download" && apt-get -qq -o APT::Sandbox::User=root download "$package") ||
            fail "$package could not be downloaded. Check the network connection, and run apt-get update"
        mkdir -p "$CACHE/download/debian"
        # Of the modules only what a camera needs.
        dpkg-deb --fsys-tarfile "$CACHE"/download/*.deb | tar -x -C "$CACHE/download/debian" --wildcards \
            './boot/vmlinuz-*' './lib/modules/*/modules.*' './lib/modules/*/kernel/drivers/media/*' \
            './lib/modules/*/kernel/drivers/video/*' ||
            fail "$package could not be unpacked (is the disk full?)"
        mv "$CACHE/download/debian" "$CACHE/debian"
        rm -rf "$CACHE/download"
        find_kernel
    fi
    version=${kernel##*/vmlinuz-}
    modules=$CACHE/debian/lib/modules/$version
    [ -f "$modules/modules.dep" ] || depmod -b "$CACHE/debian" "$version"
}

build_tests() {
    say "building the tests"
    built=$(cargo test --locked --no-run --test kernel --message-format=json-render-diagnostics) ||
        fail "the tests do not build (see above)"
    program=$(printf '%s\n' "$built" | sed -n 's/.*"name":"kernel".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
    [ -x "$program" ] || fail "cargo did not say where the test program is"
}

# The first file system of the guest: its first process, a shell, the modules, the tests and their libraries.
pack_guest() {
    rm -rf "$ROOT"
    mkdir -p "$ROOT/bin" "$ROOT/dev" "$ROOT/proc" "$ROOT/sys" "$ROOT/tmp" "$ROOT/modules"
    cp "$(command -v busybox)" "$ROOT/bin/busybox"
    strip -o "$ROOT/bin/kernel-tests" "$program"
    copy_libraries "$(command -v busybox)"
    copy_libraries "$program"
    modprobe -d "$CACHE/debian" -S "$version" --show-depends vivid | while read -r action module _; do
        if [ "$action" = insmod ]; then
            cp "$module" "$ROOT/modules/"
            basename "$module"
        fi
    done >"$ROOT/modules/order"
    grep -q '^vivid\.ko' "$ROOT/modules/order" || fail "$version has no driver vivid"
    printf '%s\n' "$@" >"$ROOT/filter"
    write_first_process
    (cd "$ROOT" && find . | cpio -o -H newc --quiet) | gzip -1 >"$CACHE/guest.gz"
}

copy_libraries() {
    # A static program has none.
    ldd "$1" 2>/dev/null | grep -o '/[^ )]*\.so[^ )]*' | while read -r library; do
        mkdir -p "$ROOT$(dirname "$library")"
        cp -L "$library" "$ROOT$library"
    done
}

write_first_process() {
    cat >"$ROOT/init" <<END
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin QUANTSCOPE_TEST_DRIVER=/modules/vivid.ko RUST_BACKTRACE=0 TMPDIR=/tmp
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
ip link set lo up 2>/dev/null
for module in \$(grep -v '^vivid' /modules/order); do
    insmod "/modules/\$module" || echo "\$module cannot be loaded"
done
echo "test-kernel: Linux \$(uname -r) on \$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), up after \$(cut -d ' ' -f 1 /proc/uptime) s"
kernel-tests --ignored --test-threads=1 \$(cat /filter)
echo "$VERDICT \$?, \$(cut -d ' ' -f 1 /proc/uptime) s after the start"
poweroff -f
END
    chmod 755 "$ROOT/init"
}

# shellcheck disable=SC2086 # the machine's options are meant to be split
run_guest() {
    # What the kernel does not know it hands to its first process, as a variable.
    # An emulated processor without vector instructions is the faster one.
    acceleration=tcg processor=qemu64 told=QUANTSCOPE_TEST_EMULATED=1
    if kvm_works; then
        acceleration=kvm processor=max told=
    fi
    say "starting Linux $version ($acceleration)"
    # The tests' times need two processors: the driver keeps one busy.
    timeout -k 5 "$LIMIT" qemu-system-x86_64 -accel "$acceleration" -cpu "$processor" $MACHINE -smp 2 -m 1024 -serial stdio \
        -kernel "$kernel" -initrd "$CACHE/guest.gz" -append "$KERNEL_OPTIONS console=ttyS0 $told" </dev/null 2>&1 |
        sed -u 's/\r$//' | tee "$CACHE/log"
    status=$(sed -n "s/.*$VERDICT \([0-9]*\).*/\1/p" "$CACHE/log")
    case $status in
        0) ;;
        '') fail "the guest did not come to the end of the tests within $LIMIT s; what it said is in $CACHE/log" ;;
        *) exit "$status" ;;
    esac
}

# There are machines that offer KVM and on which it then does nothing. Without a file system the kernel gives up at once,
# and with it qemu.
# shellcheck disable=SC2086 # the same
kvm_works() {
    [ -w /dev/kvm ] || return 1
    timeout -k 1 10 qemu-system-x86_64 -accel kvm -cpu max $MACHINE -m 256 -serial none -kernel "$kernel" \
        -append "$KERNEL_OPTIONS" </dev/null >/dev/null 2>&1
}

main "$@"
