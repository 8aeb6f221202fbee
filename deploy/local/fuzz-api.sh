#!/bin/sh
# Throws what schemathesis makes of the merged OpenAPI document at a Plinth of its own: as
# nobody, as a user and as an administrator. It wants no 5xx, and no status, media type or body
# that the document does not tell of. Before that, spectral finds nothing in the document itself.
# `make fuzz-api` builds the programs that it takes.
#
#   FUZZ_EXAMPLES   how many requests of each operation (20)
#   FUZZ_SEED       what to repeat a run by
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
tool="$root/target/schemathesis"
version=4.32.5
linter="$root/target/spectral"
email=fuzz@example.com
password='correct horse battery staple'

# What ends the credential that is used, or never ends by itself.
left_out='/logout$|/auth/sessions|/auth/me$|/auth/password|/auth/mfa|/auth/step-up|switch|impersonat|sign-out|/events$|^/ws'

main() {
    install
    state=$(mktemp -d)
    # PostgreSQL runs as another user, where we are root.
    chmod o+x "$state"
    trap stop EXIT
    trap 'exit 1' INT TERM
    start
    curl -sf "$url/api/v1/auth/register" -H 'Content-Type: application/json' \
        -d "{\"email\": \"$email\", \"password\": \"$password\"}" >/dev/null
    failed=
    lint || failed="$failed document"
    fuzz nobody || failed="$failed nobody"
    fuzz user -H "Authorization: Bearer $(log_in "$email" "$password")" || failed="$failed user"
    made=$("$root/target/debug/plinth" admin create --email root@example.com --state-dir "$state")
    secret=$(printf '%s' "$made" | sed -n 's/.*shown this once): //p')
    fuzz administrator -H "Authorization: Bearer $(log_in root@example.com "$secret")" || failed="$failed administrator"
    [ -z "$failed" ] || { echo "fuzz-api: there is something to mend, seen as:$failed" >&2; exit 1; }
    echo "fuzz-api: nothing to mend"
}

install() {
    if [ "$("$tool/bin/schemathesis" --version 2>/dev/null)" != "schemathesis, version $version" ]; then
        python3 -m venv "$tool"
        "$tool/bin/pip" install -q "schemathesis==$version"
    fi
    mkdir -p "$linter"
    cp "$root"/deploy/lint-api/package*.json "$linter"
    (cd "$linter" && npm ci --silent --no-audit --no-fund)
}

# The merged document, as the gateway serves it.
lint() {
    echo "==> the document"
    curl -sf "$url/openapi.json" >"$state/openapi.json"
    "$linter/node_modules/.bin/spectral" lint --fail-severity hint \
        --ruleset "$root/deploy/lint-api/spectral.yaml" "$state/openapi.json"
}

start() {
    "$root/target/debug/plinth" dev --no-build --port 0 --state-dir "$state" >"$state/fuzz.log" 2>&1 &
    plinth=$!
    for _ in $(seq 120); do
        grep -q '^Plinth is ready' "$state/fuzz.log" && break
        kill -0 "$plinth" 2>/dev/null || { cat "$state/fuzz.log" >&2; exit 1; }
        sleep 0.5
    done
    url=$(sed -n 's/^ *API  *\(http\)/\1/p' "$state/fuzz.log")
    [ -n "$url" ] || { cat "$state/fuzz.log" >&2; exit 1; }
}

stop() {
    if kill -INT "${plinth:-}" 2>/dev/null; then wait "$plinth" || true; fi
    rm -rf "$state"
}

log_in() {
    curl -sf "$url/api/v1/auth/login" -H 'Content-Type: application/json' \
        -d "{\"email\": \"$1\", \"password\": \"$2\"}" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}

fuzz() {
    echo "==> as $1"
    shift
    "$tool/bin/schemathesis" run "$url/openapi.json" "$@" \
        --max-examples "${FUZZ_EXAMPLES:-20}" ${FUZZ_SEED:+--seed "$FUZZ_SEED"} \
        --phases examples,fuzzing --workers 2 --no-color \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --exclude-path-regex "$left_out"
}

main
