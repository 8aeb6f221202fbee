#!/bin/sh
# Throws at what reads others' words whatever coverage leads to (cargo-fuzz, on stable Rust): the
# targets of deploy/fuzz, each from its seeds and from what it found before. Says of each how often
# it ran and how much of the code it reached; ends with 1 if one fell.
#
#   FUZZ_RUNS      how often each runs (1000000)
#   FUZZ_SECONDS   how long each may take, but for `path`, which takes what its runs take (60)
#   FUZZ_SEED      what to repeat a run by
# Arguments: the targets that are to run; all by default.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
fuzz="$root/deploy/fuzz"
target="$root/target/fuzz"
tool="$root/target/cargo-fuzz"
version=0.13.2
runs=${FUZZ_RUNS:-1000000}

main() {
    install
    build
    [ $# -gt 0 ] || set -- path cursor id token settings
    fallen=
    for name in "$@"; do
        run "$name" || fallen="$fallen $name"
    done
    [ -z "$fallen" ] || { echo "fuzz: there is something to mend, seen by:$fallen" >&2; exit 1; }
    echo "fuzz: nothing to mend"
}

install() {
    command -v c++ >/dev/null || { echo "fuzz: install a C++ compiler first: libFuzzer wants one" >&2; exit 1; }
    [ "$("$tool/bin/cargo-fuzz" --version 2>/dev/null)" = "cargo-fuzz $version" ] ||
        cargo install -q --locked --root "$tool" "cargo-fuzz@$version"
}

# With the versions that ship.
build() {
    cp "$root/Cargo.lock" "$fuzz/Cargo.lock"
    triple=$(rustc -vV | sed -n 's/^host: //p')
    PATH="$tool/bin:$PATH" cargo fuzz build --fuzz-dir "$fuzz" --target-dir "$target" --target "$triple" \
        --sanitizer none --codegen-units 16
    programs="$target/$triple/release"
}

# What it finds is kept, for the next run to begin with.
run() {
    found="$target/corpus/$1"
    mkdir -p "$found" "$target/fallen"
    seconds=${FUZZ_SECONDS:-60}
    [ "$1" != path ] || seconds=0
    words=
    [ ! -f "$fuzz/dictionaries/$1" ] || words="-dict=$fuzz/dictionaries/$1"
    log="$target/$1.log"
    status=0
    RUST_BACKTRACE=0 \
    "$programs/$1" "$found" "$fuzz/seeds/$1" -runs="$runs" -max_total_time="$seconds" -max_len=4096 \
        ${FUZZ_SEED:+-seed="$FUZZ_SEED"} ${words:+"$words"} -print_final_stats=1 \
        -artifact_prefix="$target/fallen/$1-" >"$log" 2>&1 || status=$?
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    reached=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    if [ "$status" = 0 ]; then
        echo "==> $1: ${count:-0} runs, ${reached:-0} edges reached, nothing to mend"
        return
    fi
    unit=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    if [ -n "$unit" ]; then
        echo "==> $1: fell after ${count:-?} runs"
        sed -n '/panicked at/,/^note: /p; /^SUMMARY/p' "$log"
        echo "To see it again: $programs/$1 $unit"
    else
        echo "==> $1: did not run"
        tail -n 5 "$log"
    fi
    return 1
}

main "$@"
