#!/bin/sh
# Sees to it that what `make run` needs is installed: PostgreSQL, Redis, a C toolchain, Rust.
# With `--tests`, also what the tests run beside it: Node, Python; with `--bench`, the peers of the
# bench as well: nginx, HAProxy, wrk; with `--validate`, what `make validate` checks with, and no more:
# Node, Python, promtool, amtool, shellcheck, compose.
# Installs by apt, dnf or brew only what is missing; says nothing when nothing is to be done;
# where it can't install, it says exactly what to install and fails.
set -eu

postgres_oldest=15
node_oldest=20
root=$(cd "$(dirname "$0")/../.." && pwd)

main() {
    packages=
    if [ "${1:-}" = --validate ]; then
        validation
        return
    fi
    has_postgres || need postgres
    has redis-server || need redis
    { has cc && has make; } || need toolchain
    case "${1:-}" in
        --tests | --bench)
            has_node || need node
            has_python || need python
            ;;
    esac
    case "${1:-}" in
        --bench) has_proxies || need proxies ;;
    esac
    [ -z "$packages" ] || install_packages
    check_rust
}

validation() {
    has_node || need node
    has_python || need python
    { has promtool && has amtool; } || need prometheus
    has shellcheck || need shellcheck
    has_compose || need compose
    [ -z "$packages" ] || install_packages
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# The places where crates/local-servers looks, too.
has_postgres() {
    for program in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres \
        /usr/pgsql-*/bin/postgres /opt/homebrew/opt/postgresql@*/bin/postgres \
        /usr/local/opt/postgresql@*/bin/postgres; do
        [ -x "$program" ] || continue
        major=$("$program" --version | sed 's/.*(PostgreSQL) *\([0-9]*\).*/\1/')
        [ "$major" -ge "$postgres_oldest" ] && return 0
    done
    return 1
}

has_node() {
    has npm && has node && [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge "$node_oldest" ]
}

# With `venv`, which Debian has in a package of its own.
has_python() {
    has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null
}

has_compose() {
    docker compose version >/dev/null 2>&1 || has docker-compose
}

# Debian's servers are where only root's path leads.
has_proxies() {
    { has nginx || [ -x /usr/sbin/nginx ]; } && { has haproxy || [ -x /usr/sbin/haproxy ]; } && has wrk
}

need() {
    packages="$packages $1"
}

install_packages() {
    if has apt-get; then
        with_apt
    elif has dnf; then
        with_dnf
    elif has brew; then
        with_brew
    else
        give_up "there is no apt, dnf or brew here"
    fi
    case "$packages" in
        *postgres*) has_postgres || give_up "the system's packages have no PostgreSQL >= $postgres_oldest (see https://www.postgresql.org/download/)" ;;
    esac
    case "$packages" in
        *redis*) has redis-server || give_up "redis-server is still missing" ;;
    esac
    case "$packages" in
        *node*) has_node || give_up "the system's packages have no Node >= $node_oldest (see https://nodejs.org/en/download)" ;;
    esac
}

with_apt() {
    # No cluster and no Redis of the machine's own: Plinth starts private ones.
    config=/etc/postgresql-common/createcluster.conf
    if ! grep -qs '^[[:space:]]*create_main_cluster' "$config"; then
        as_root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | as_root tee -a "$config" >/dev/null
    fi
    names=$(names_of postgresql redis-server build-essential "nodejs npm" "python3 python3-venv" "nginx-light haproxy wrk" "prometheus prometheus-alertmanager" shellcheck docker-compose)
    say "installing with apt:$names"
    forbid_starts
    as_root apt-get update -qq >&2 || say "apt-get update failed; going on"
    # A configuration file that exists already (the one above) is kept.
    # shellcheck disable=SC2086 # a list of names
    as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get install -y -qq \
        --no-install-recommends -o Dpkg::Options::=--force-confold $names >&2 || give_up "apt-get failed"
    allow_starts
}

# While this file says 101, no package starts its server (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d

forbid_starts() {
    [ ! -e "$policy" ] || return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
    trap 'as_root rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
}

# Servers that we brought don't start with the machine either; its owner may want them to.
allow_starts() {
    has systemctl || return 0
    case "$packages" in
        *redis*) as_root systemctl disable redis-server >/dev/null 2>&1 || true ;;
    esac
    case "$packages" in
        *prometheus*) as_root systemctl disable prometheus prometheus-alertmanager prometheus-node-exporter >/dev/null 2>&1 || true ;;
    esac
}

with_dnf() {
    names=$(names_of postgresql-server redis "gcc make" "nodejs npm" python3 "nginx haproxy wrk" "golang-github-prometheus golang-github-prometheus-alertmanager" ShellCheck docker-compose)
    say "installing with dnf:$names"
    # shellcheck disable=SC2086 # a list of names
    as_root dnf install -y -q --setopt=install_weak_deps=False $names >&2 || give_up "dnf failed"
}

with_brew() {
    case "$packages" in
        *toolchain*)
            say "installing the C toolchain: answer the window that opens, then start this again"
            xcode-select --install || true
            exit 1
            ;;
    esac
    names=$(names_of postgresql@17 redis "" node python "nginx haproxy wrk" "prometheus alertmanager" shellcheck docker-compose)
    say "installing with brew:$names"
    # shellcheck disable=SC2086 # a list of names
    brew install --quiet $names >&2 || give_up "brew failed"
}

# names_of POSTGRES REDIS TOOLCHAIN NODE PYTHON PROXIES PROMETHEUS SHELLCHECK COMPOSE: the names of what is missing, in a package manager's words.
names_of() {
    for package in $packages; do
        case "$package" in
            postgres) printf ' %s' "$1" ;;
            redis) printf ' %s' "$2" ;;
            toolchain) printf ' %s' "$3" ;;
            node) printf ' %s' "$4" ;;
            python) printf ' %s' "$5" ;;
            proxies) printf ' %s' "$6" ;;
            prometheus) printf ' %s' "$7" ;;
            shellcheck) printf ' %s' "$8" ;;
            compose) printf ' %s' "$9" ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        give_up "we are not root and there is no sudo"
    fi
}

check_rust() {
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$root/Cargo.toml")
    how="get it from https://rustup.rs, or run: rustup update stable"
    has cargo || fail "cargo (Rust >= $wanted) is missing: $how"
    found=$(cd "$root" && cargo --version | sed 's/^cargo \([0-9.]*\).*/\1/')
    newest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -t. -k1,1n -k2,2n -k3,3n | tail -n 1)
    [ "$newest" = "$found" ] || fail "Rust $found is too old, $wanted is needed: $how"
}

give_up() {
    say "can't install by itself: $1"
    say "please install:"
    case "$packages" in
        *prometheus*) say "  - promtool and amtool (Debian: prometheus prometheus-alertmanager)" ;;
    esac
    case "$packages" in
        *shellcheck*) say "  - shellcheck" ;;
    esac
    case "$packages" in
        *compose*) say "  - docker compose, or docker-compose" ;;
    esac
    has_postgres || say "  - PostgreSQL >= $postgres_oldest, the server (Debian: postgresql, Fedora: postgresql-server)"
    has redis-server || say "  - Redis (Debian: redis-server, Fedora: redis)"
    case "$packages" in
        *node*) has_node || say "  - Node >= $node_oldest with npm" ;;
    esac
    case "$packages" in
        *proxies*) has_proxies || say "  - nginx, HAProxy and wrk (Debian: nginx-light haproxy wrk)" ;;
    esac
    case "$packages" in
        *python*) has_python || say "  - Python 3 with venv (Debian: python3-venv)" ;;
    esac
    { has cc && has make; } || say "  - a C compiler and make (Debian: build-essential, Fedora: gcc make)"
    exit 1
}

fail() {
    say "$1"
    exit 1
}

say() {
    echo "prerequisites: $*" >&2
}

main "$@"
