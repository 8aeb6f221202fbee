#!/bin/sh
# Builds what the images hold: a static binary of each service in OUT/bin (ADR 39), and in OUT/rootfs
# what every image has beside it: its user, and the authorities that it trusts. OUT/debug has the symbols
# that the binaries do without (gdb and perf find them by their build id).
#
#   deploy/docker/binaries.sh [OUT]      OUT is target/images unless given
#   deploy/docker/binaries.sh --flags    what is said to rustc, for whoever builds dependencies beforehand
#
# The Dockerfile runs it in its builder; `make images` runs it on a machine where images can be
# assembled but no builder can be fetched.
set -eu
cd "$(dirname "$0")/../.."

# As cargo calls this machine; also said to cargo, so that what runs while building is built as ever.
target=$(rustc -vV | sed -n 's/^host: //p')
auditable=0.7.7

main() {
    out=${1:-target/images}
    packages=$(for manifest in services/*/Cargo.toml; do name_of "$manifest"; done)
    has_auditable || cargo install --quiet --locked --version "$auditable" --root target/tools cargo-auditable
    PATH="$PWD/target/tools/bin:$PATH"
    # All in one go: what they share is built once. Its list of dependencies goes into each binary
    # (`cargo audit bin` and most scanners read it).
    # shellcheck disable=SC2046,SC2086 # a list of names
    RUSTFLAGS=$(flags) cargo auditable build --locked --profile image \
        --target "$target" --target-dir target/static $(printf -- '-p %s ' $packages)
    rm -rf "$out"
    mkdir -p "$out/bin" "$out/debug" "$out/rootfs/etc/ssl/certs"
    for package in $packages; do
        built=target/static/$target/image/$package
        objcopy --only-keep-debug "$built" "$out/debug/$package.debug"
        strip --strip-all -o "$out/bin/$package" "$built"
    done
    rootfs "$out/rootfs/etc"
}

# Static; and with LLD, which Rust links by on x86-64, small: one function of those that are the same, and
# relocations packed.
flags() {
    case $target in
        x86_64-*) echo "-C target-feature=+crt-static -C link-arg=-Wl,--icf=all,-z,pack-relative-relocs" ;;
        *) echo "-C target-feature=+crt-static" ;;
    esac
}

name_of() {
    sed -n 's/^name = "\(.*\)"/\1/p' "$1" | head -n 1
}

has_auditable() {
    [ -x target/tools/bin/cargo-auditable ] || command -v cargo-auditable >/dev/null 2>&1
}

# rootfs ETC: who runs, how names are resolved, whom TLS trusts.
rootfs() {
    echo 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >"$1/passwd"
    echo 'nonroot:x:65532:' >"$1/group"
    echo 'hosts: files dns' >"$1/nsswitch.conf"
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
        [ ! -r "$bundle" ] || cp "$bundle" "$1/ssl/certs/ca-certificates.crt"
    done
    [ -s "$1/ssl/certs/ca-certificates.crt" ] || {
        echo "binaries: there is no list of authorities here: install ca-certificates" >&2
        exit 1
    }
    chmod 0644 "$1/ssl/certs/ca-certificates.crt"
}

case "${1:-}" in
    --flags) flags ;;
    *) main "$@" ;;
esac
