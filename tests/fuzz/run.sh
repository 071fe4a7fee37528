#!/bin/bash
# Runs every libFuzzer target: tests/fuzz/run.sh SECONDS [FOLDER]. Builds with clang and the address and undefined
# behaviour sanitizers in FOLDER (default build-fuzz), starts from the targets' own seeds, keeps what is found there.
set -eu
seconds=${1:?usage: run.sh SECONDS [FOLDER]}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${2:-$root/build-fuzz}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
if [ ! -f "$build/build.ninja" ]; then
    CC=clang CXX=clang++ meson setup "$build" "$root" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Ddefault_library=static -Doptimization=1 -Dbench=disabled -Dtools=disabled -Dexamples=disabled >/dev/null
fi
ninja -C "$build" fuzzers >/dev/null
bad=0
for target in $(ls "$build/tests/fuzz" | sed -n 's/^fuzz_//p' | grep -v '\.p$'); do
    corpus=$build/corpus/$target
    log=$build/fuzz-$target.log
    mkdir -p "$corpus"
    "$build/tests/fuzz/replay_$target" --write "$corpus"
    if "$build/tests/fuzz/fuzz_$target" "$corpus" -max_total_time="$seconds" -max_len=70000 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$build/finding-$target-" -print_final_stats=1 >"$log" 2>&1; then
        echo "ok  $target: $(grep -o 'number_of_executed_units: *[0-9]*' "$log" | grep -o '[0-9]*') executions"
    else
        echo "BAD $target: see $log and $build/finding-$target-*"
        bad=1
    fi
done
exit $bad
