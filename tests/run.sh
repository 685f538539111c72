#!/usr/bin/env bash
# All tests, with what they need: tools are installed when this runs as root on a Debian-like system, else named.
set -euo pipefail
cd "$(dirname "$0")/.."

# tool:package; a tool is looked up on PATH, an absolute path as a file.
needs=(
    apt-get:apt
    cpio:cpio
    debugfs:e2fsprogs
    dpkg-deb:dpkg
    fsck.fat:dosfstools
    getfattr:attr
    git:git
    gpg:gnupg
    jq:jq
    kmod:kmod
    mcopy:mtools
    mksquashfs:squashfs-tools
    mmdebstrap:mmdebstrap
    objdump:binutils
    openssl:openssl
    perl:perl
    pwck:passwd
    qemu-system-aarch64:qemu-system-arm
    qemu-system-x86_64:qemu-system-x86
    setpriv:util-linux
    sgdisk:gdisk
    systemd-sysusers:systemd
    unsquashfs:squashfs-tools
    veritysetup:cryptsetup-bin
    xz:xz-utils
    zstd:zstd
    /usr/share/AAVMF/AAVMF_CODE.fd:qemu-efi-aarch64
    /usr/share/OVMF/OVMF_CODE_4M.fd:ovmf
    /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
)

missing=()
for need in "${needs[@]}"; do
    tool=${need%%:*}
    PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || [ -e "$tool" ] || missing+=("${need##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "== installing ${missing[*]}"
        apt-get update -qq
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

echo "== formatting and lints"
cargo fmt --check
cargo clippy --release --all-targets --quiet -- -D warnings

echo "== tests"
cargo test --release "$@"
