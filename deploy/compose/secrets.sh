#!/bin/sh
# Makes the secrets of docker-compose.yml, a file each, below deploy/compose/secrets. What is there
# already stays: run it again after an update that needs new ones.
set -eu
umask 077
dir=$(cd "$(dirname "$0")" && pwd)/secrets

main() {
    command -v openssl >/dev/null || { echo "secrets: install openssl first" >&2; exit 1; }
    mkdir -p "$dir"
    for name in postgres-password redis-password grafana-password minio-access-key minio-secret-key; do
        make "$name" "$(word)"
    done
    make admin-database-url "postgres://postgres:$(cat "$dir/postgres-password")@postgres:5432/postgres"
    make redis-url "redis://:$(cat "$dir/redis-password")@redis:6379"
    for service in auth prefs webhook; do
        make "$service-database-url" "postgres://$service:$(word)@postgres:5432/$service"
        make "$service-owner-url" "postgres://${service}_owner:$(word)@postgres:5432/$service"
        make "$service-sealing-keys" "k1:$(key)"
    done
    for service in gateway prefs webhook notify; do
        make "$service-client-secret" "$(word)"
    done
    make gateway-token-keys "$(key)"
    echo "secrets: all there, in $dir"
}

# make NAME VALUE: unless there is one. Containers run as other users, hence 0444; the folder keeps
# everybody else on this machine out.
make() {
    [ -s "$dir/$1" ] || printf '%s' "$2" >"$dir/$1"
    chmod 0444 "$dir/$1"
}

# 48 letters and digits, which a URL takes as they are.
word() {
    openssl rand -hex 24
}

# 32 bytes in base64.
key() {
    openssl rand -base64 32
}

main
