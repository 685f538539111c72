#!/usr/bin/env bash
# All tests, with what they need: tools are installed when this runs as root on a Debian-like system, else named.
#   tests/run.sh           all tests, as CI runs them
#   tests/run.sh --long    all of the long series: twenty power cuts instead of two, thirty kills instead of eight,
#                          and what is another commit's turn
#   tests/run.sh --quick   for daily work: nothing that starts a machine or takes minutes
# What follows goes to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."

quick=()
case "${1-}" in
--long)
    shift
    export IMGBUILD_LONG=1
    ;;
--quick)
    shift
    # Boots, containers' and archives' worlds of their own, and series of kills: minutes each.
    slow='boot|flash|k3s_standin|kernel_module|network|online|oracle|pi_loader|reflash'
    quick=(--lib --bins)
    for test in tests/*.rs tests/*/main.rs; do
        name=${test#tests/}
        name=${name%%[/.]*}
        [[ $name =~ ^($slow)$ ]] || quick+=(--test "$name")
    done
    set -- "${quick[@]}" "$@"
    ;;
esac

# tool:package; a tool is looked up on PATH, an absolute path as a file, also with wildcards.
needs=(
    apt-get:apt
    bmaptool:bmap-tools
    blkid:util-linux
    blockdev:util-linux
    c++:g++
    cpio:cpio
    curl:curl
    dash:dash
    dbus-daemon:dbus-daemon
    dbus-send:dbus-bin
    debugfs:e2fsprogs
    docker-registry:docker-registry
    dpkg-deb:dpkg
    fsck.fat:dosfstools
    getfattr:attr
    git:git
    go:golang-go
    gdisk:gdisk
    gpg:gnupg
    jq:jq
    kmod:kmod
    losetup:mount
    mawk:mawk
    mcopy:mtools
    minisign:minisign
    mkfs.ext4:e2fsprogs
    mksquashfs:squashfs-tools
    mkswap:util-linux
    mmdebstrap:mmdebstrap
    objdump:binutils
    ip:iproute2
    openssl:openssl
    osslsigncode:osslsigncode
    partx:util-linux
    perl:perl
    pkttyagent:polkitd
    promtool:prometheus
    pgbouncer:pgbouncer
    pwck:passwd
    qemu-system-aarch64:qemu-system-arm
    qemu-system-x86_64:qemu-system-x86
    sbsign:sbsigntool
    setpriv:util-linux
    setsid:util-linux
    sfdisk:fdisk
    sgdisk:gdisk
    shellcheck:shellcheck
    sig-list-to-certs:efitools
    ssh-keygen:openssh-client
    sudo:sudo
    systemd-repart:systemd-repart
    systemd-sysusers:systemd
    unsquashfs:squashfs-tools
    veritysetup:cryptsetup-bin
    udevadm:udev
    udisksctl:udisks2
    unshare:util-linux
    xz:xz-utils
    zstd:zstd
    /usr/lib/postgresql/*/bin/initdb:postgresql
    /usr/lib/python3.*/ensurepip:python3-venv
    /usr/lib/python3/dist-packages/jsonschema:python3-jsonschema
    /usr/share/AAVMF/AAVMF_CODE.fd:qemu-efi-aarch64
    /usr/share/OVMF/OVMF_CODE_4M.fd:ovmf
    /usr/share/OVMF/OVMF_CODE_4M.secboot.fd:ovmf
    /usr/share/gocode/src/github.com/jackc/pgx/v4:golang-github-jackc-pgx-v4-dev
    /usr/share/gocode/src/github.com/sirupsen/logrus:golang-github-sirupsen-logrus-dev
    /usr/share/gocode/src/golang.org/x/crypto:golang-golang-x-crypto-dev
    /usr/share/gocode/src/gopkg.in/yaml.v3:golang-gopkg-yaml.v3-dev
    /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
)

missing=()
for need in "${needs[@]}"; do
    tool=${need%%:*}
    PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || compgen -G "$tool" >/dev/null || missing+=("${need##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "== installing ${missing[*]}"
        if [[ " ${missing[*]} " == *' postgresql '* ]]; then
            # Tests start servers of their own; the package shall not make and start one for the machine.
            mkdir -p /etc/postgresql-common/createcluster.d
            echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/no-main-cluster.conf
        fi
        for daemon in docker-registry pgbouncer prometheus udisks2; do
            if [[ " ${missing[*]} " == *" $daemon "* ]]; then
                # Nor shall these start by themselves.
                mkdir -p /etc/systemd/system
                ln -sfn /dev/null "/etc/systemd/system/$daemon.service"
            fi
        done
        apt-get update -qq
        # Before Debian 13 it is no package of its own.
        apt-cache show systemd-repart >/dev/null 2>&1 || missing=("${missing[@]/#systemd-repart/systemd}")
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    else
        echo "these packages are missing and only root can install them: ${missing[*]}" >&2
        exit 1
    fi
fi
# Some tests take single packages through the host's own apt.
if [ "$(id -u)" = 0 ] && ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
    apt-get update -qq
fi
export PATH=$PATH:/usr/sbin:/sbin
# Tests that start machines wait for a free processor by themselves: where more of them have begun, none is idle at the end.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}

# What Debian has no package of comes while the lints compile.
tests/tools.sh "${CARGO_TARGET_DIR:-target}/tools" &
tools=$!

echo "== formatting, lints and compiling"
cargo fmt --check
# Clippy is the compiler here: what it has read for its lints, it compiles for the tests too, which saves a second pass over
# everything. `cargo clippy` sets the same two variables, for a check without a compilation.
export RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
cargo test --no-run --quiet
cargo test --no-run --quiet --bench '*'
if [ -n "${IMGBUILD_LONG-}" ]; then
    # The fuzz targets compile, with the versions of the project's own lock; tests/fuzz_bounded.rs says of each run that nothing
    # is in them but calls of what it runs itself.
    cp Cargo.lock fuzz/
    env -u RUSTC_WORKSPACE_WRAPPER cargo check --manifest-path fuzz/Cargo.toml --target-dir target --quiet
fi
wait "$tools"

echo "== tests"
# A debug build: what reads and packs megabytes is fast in that too (Cargo.toml), and the whole takes minutes less to compile.
# Those that need root are ignored by others, who see how many.
privileged=()
[ "$(id -u)" != 0 ] || privileged=(--include-ignored)
run() {
    case " $* " in
    *' -- '*) cargo test "$@" "${privileged[@]}" ;;
    *) cargo test "$@" -- "${privileged[@]}" ;;
    esac
}
if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
# Machines first, with nothing beside them: what limits time inside a guest counts on while the guest waits for a processor.
# Then two at a time, since many tests wait more than they compute.
machines='boot|pi_loader|reflash'
large='cli|oracle'
names=()
for test in tests/*.rs tests/*/main.rs; do
    name=${test#tests/}
    name=${name%%[/.]*}
    [[ $name =~ ^($machines|$large)$ ]] || names+=(--test "$name")
done
failed=0
run --no-fail-fast --test boot --test pi_loader --test reflash || failed=1
export RUST_TEST_THREADS=$(((RUST_TEST_THREADS + 1) / 2))
log=$(mktemp)
run --no-fail-fast --test cli --test oracle >"$log" 2>&1 &
beside=$!
run --no-fail-fast --lib --bins "${names[@]}" || failed=1
run --doc || failed=1
wait "$beside" || failed=1
cat "$log"
rm "$log"
exit "$failed"
