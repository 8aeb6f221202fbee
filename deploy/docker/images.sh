#!/bin/bash
# Builds an image of each service with Docker or buildah, whichever is here, and says how large each is.
#
#   deploy/docker/images.sh [--help] [SERVICE…]     all services unless some are named
#
# IMAGES_PREFIX   what stands before the names: plinth, or registry.example.com/plinth
# IMAGES_TAG      the tag: the workspace's version unless given
# IMAGES_ENGINE   docker or buildah
# IMAGES_PUSH     1: push them as well
#
# Docker builds the binaries in the Dockerfile's own builder. buildah needs nothing from elsewhere: it
# takes what deploy/docker/binaries.sh builds with this machine's Rust.
set -euo pipefail
cd "$(dirname "$0")/../.."

limit_mb=25
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
prefix=${IMAGES_PREFIX:-plinth}
tag=${IMAGES_TAG:-$version}
# Needs neither a daemon nor overlay mounts, wherever this runs.
buildah=(buildah --storage-driver vfs)

main() {
  case "${1:-}" in -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | grep -v '^set'; exit ;; esac
  local engine services=("$@") service
  engine=${IMAGES_ENGINE:-$(find_engine)}
  [ ${#services[@]} -gt 0 ] || mapfile -t services < <(targets)
  if [ "$engine" = buildah ]; then deploy/docker/binaries.sh target/images; fi
  for service in "${services[@]}"; do
    echo "images: $prefix/$service:$tag with $engine" >&2
    "build_with_$engine" "$service" "$prefix/$service:$tag"
  done
  report "$engine" "${services[@]}"
}

find_engine() {
  if docker info >/dev/null 2>&1; then echo docker; return; fi
  if command -v buildah >/dev/null; then echo buildah; return; fi
  echo "images: neither a running Docker nor buildah is here: apt-get install buildah" >&2
  exit 1
}

# The targets of the Dockerfile that are services.
targets() {
  sed -n 's/^FROM service AS \(.*\)/\1/p' deploy/docker/Dockerfile
}

build_with_docker() {
  docker build --quiet -f deploy/docker/Dockerfile --target "$1" -t "$2" .
  [ "${IMAGES_PUSH:-}" != 1 ] || docker push "$2"
}

build_with_buildah() {
  "${buildah[@]}" build --quiet --isolation chroot --format docker --build-arg BINARIES=prebuilt \
    -f deploy/docker/Dockerfile --target "$1" -t "$2" .
  [ "${IMAGES_PUSH:-}" != 1 ] || "${buildah[@]}" push "$2"
}

# What its layers hold, bytes.
size_with_docker() {
  docker image inspect --format '{{.Size}}' "$1"
}

size_with_buildah() {
  "${buildah[@]}" inspect --type image --format '{{.Manifest}}' "$1" |
    grep -o '"layers":.*' | grep -o '"size":[0-9]*' | awk -F: '{ sum += $2 } END { print sum }'
}

# A table of sizes; one that is over the limit fails.
report() {
  local engine=$1 service bytes failed=0
  shift
  for service in "$@"; do
    bytes=$("size_with_$engine" "$prefix/$service:$tag")
    printf '%-10s %5.1f MB' "$service" "$(awk "BEGIN { print $bytes / 1e6 }")"
    if [ "$bytes" -le $((limit_mb * 1000000)) ]; then echo; else echo "  over the limit of $limit_mb MB"; failed=1; fi
  done
  return "$failed"
}

main "$@"
