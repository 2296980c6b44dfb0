#!/usr/bin/env bash
# Runs the map's concurrent tests and its linearizability tests under ThreadSanitizer and under
# AddressSanitizer with leak detection. Shows that no run of them has a data race that TSan sees, touches
# freed memory, frees twice or loses memory.
# Plants first (ci/planted/): a race, a use after free and a leak must be reported, under the same flags
# and suppressions, and the fault-free control must not.
# Needs a nightly toolchain; says SKIPPED without one.
#
# Limits: std comes as the toolchain ships it, without instrumentation. So TSan does not see an order that
# only std's own code makes (a contended std Mutex, a Barrier, a channel, the last drop of an Arc, a scope's
# end without joining each handle) and reports a race: tests that run here join every thread by its handle
# and pass data by return values or the map. TSan does not model fences either.
#
# --short scales the tests' loops down (COM_STRESS_SCALE, per cent). Takes minutes; most of it is building.
source "$(dirname "$0")/lib.sh"

TARGET=x86_64-unknown-linux-gnu
FLAGS='-Cunsafe-allow-abi-mismatch=sanitizer --cfg crossbeam_sanitize'
THREAD_SCALE=50 ADDRESS_SCALE=100
if $SHORT; then THREAD_SCALE=5 ADDRESS_SCALE=10; fi

toolchain=$(nightly) || { skipped "ci/sanitize.sh: rustup has no nightly toolchain, so no sanitizer ran"; exit 0; }
case $(rustc "+$toolchain" -vV) in
    *"host: $TARGET"*) ;;
    *) skipped "ci/sanitize.sh is written for $TARGET"; exit 0 ;;
esac
need cc gcc libc6-dev
# Without it reports name no functions and the suppressions match nothing.
need llvm-symbolizer llvm

export TSAN_OPTIONS="suppressions=$PWD/ci/tsan-suppressions.txt:history_size=7"
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_init_order=1"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# planted SANITIZER NAME: builds and runs ci/planted/NAME.rs as a test; what it prints is in $scratch/out.
planted() {
    # shellcheck disable=SC2086
    rustc "+$toolchain" --edition 2024 --test --target "$TARGET" -g -Copt-level=1 -Cdebug-assertions=on \
        "-Zsanitizer=$1" $FLAGS -o "$scratch/$2" "ci/planted/$2.rs" || fail "ci/planted/$2.rs does not build"
    "$scratch/$2" --test-threads=1 >"$scratch/out" 2>&1
}

# caught SANITIZER NAME REPORT: the planted fault must fail the run, and with this report.
caught() {
    if planted "$1" "$2"; then
        fail "the $1 sanitizer did not see ci/planted/$2.rs"
    fi
    if ! grep -q "$3" "$scratch/out"; then
        cat "$scratch/out"
        fail "ci/planted/$2.rs failed, but not with '$3'"
    fi
    echo "planted $2: caught"
}

# clean SANITIZER: the control must pass.
clean() {
    if ! planted "$1" clean; then
        cat "$scratch/out"
        fail "the $1 sanitizer reports a fault in ci/planted/clean.rs"
    fi
    echo "planted nothing: nothing reported"
}

# tests SANITIZER SCALE: the map's tests.
tests() {
    echo "tests under the $1 sanitizer, at $2 % of their size"
    COM_STRESS_SCALE=$2 RUSTFLAGS="-Zsanitizer=$1 $FLAGS" \
        CARGO_PROFILE_TEST_OPT_LEVEL=1 CARGO_PROFILE_TEST_DEBUG=line-tables-only \
        cargo "+$toolchain" test --target "$TARGET" --target-dir "target-$1" -p concurrent-ordered-map \
        --test concurrent --test linearizability -- --test-threads=1 2>&1 | tee "$scratch/out" ||
        fail "the tests under the $1 sanitizer: see above"
    if grep -q '^running 0 tests' "$scratch/out"; then fail "a test file ran no test"; fi
}

clean thread
caught thread race 'ThreadSanitizer: data race'
tests thread "$THREAD_SCALE"

clean address
caught address use_after_free 'AddressSanitizer: heap-use-after-free'
caught address leak 'LeakSanitizer: detected memory leaks'
tests address "$ADDRESS_SCALE"

echo "sanitize: nothing reported, and the planted faults were"
