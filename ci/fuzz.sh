#!/usr/bin/env bash
# Fuzzes, with libFuzzer and under AddressSanitizer (fuzz/fuzz_targets/): the map's calls against BTreeMap, two
# threads' calls for linearizability, the pool's configuration, and the pool over a fake database in paused
# time against a model. Prints executions per second. What is found is saved in target-fuzz/found/.
# Plants a fault for each target in a copy first and fails if the target does not find it.
# Needs a nightly toolchain; says SKIPPED without one. cargo-fuzz is not needed, and works too.
#
# A minute for each target; --short some seconds. Building takes longer: two to four minutes.
# COM_FUZZ_SECONDS sets how long each target runs; what it learns stays in target-fuzz/corpus/.
source "$(dirname "$0")/lib.sh"

TARGET=x86_64-unknown-linux-gnu
TARGETS=(map_calls map_history pool_config pool_schedule)
seconds=${COM_FUZZ_SECONDS:-60}
if $SHORT; then seconds=${COM_FUZZ_SECONDS:-6}; fi

toolchain=$(nightly) || { skipped "ci/fuzz.sh: rustup has no nightly toolchain, so nothing was fuzzed"; exit 0; }
case $(rustc "+$toolchain" -vV) in
    *"host: $TARGET"*) ;;
    *) skipped "ci/fuzz.sh is written for $TARGET"; exit 0 ;;
esac
need cc gcc libc6-dev
need perl perl

built=$PWD/target-fuzz
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
copy_tree "$copy"

# What cargo-fuzz sets: counters on edges that libFuzzer reads, and the sanitizer.
FLAGS='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
FLAGS+=' -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table'
FLAGS+=' -Cllvm-args=-simplifycfg-branch-fold-threshold=0 --cfg fuzzing -Zsanitizer=address'

build() {
    (cd "$copy/fuzz" && RUSTFLAGS="$FLAGS" cargo "+$toolchain" build --quiet --locked --release --bins \
        --target "$TARGET" --target-dir "$built") || fail "the fuzz targets do not build"
}

# run NAME SECONDS FOLDER: runs a target from its seeds on and puts what it finds into the folder.
run() {
    mkdir -p "$built/corpus/$1" "$3"
    "$built/$TARGET/release/$1" "$built/corpus/$1" "fuzz/seeds/$1" "-max_total_time=$2" -max_len=600 -timeout=60 \
        -print_final_stats=1 "-artifact_prefix=$3/$1-"
}

plant "$copy/concurrent-ordered-map/src/raw/walk.rs" 's/walk\.batch\.end_within\(\|key\| below\(key\.borrow\(\), to\)\);//' ||
    fail "the fault in walk.rs: its place has moved"
# One that it takes two threads to show: an overwrite rests between its look and its write, and goes on whatever
# was written meanwhile.
plant "$copy/concurrent-ordered-map/src/raw/leaf.rs" 's/Some\(index\) => state\.is_live\(index\),/Some(_) => { std::thread::yield_now(); true }/' ||
    fail "the fault in leaf.rs: its place has moved"
plant "$copy/pool/src/db/config.rs" 's/config\.validate\(\)\?;\s*Ok\(config\)/Ok(config)/' ||
    fail "the fault in config.rs: its place has moved"
plant "$copy/pool/src/guard.rs" 's/shared\.connector\.condition\(&mut item\.connection\)/{ let _ = shared; Condition::Clean }/' ||
    fail "the fault in guard.rs: its place has moved"
build
for name in "${TARGETS[@]}"; do
    if run "$name" 60 "$copy/found" >"$copy/out" 2>&1; then fail "$name did not find its planted fault"; fi
    grep -q panicked "$copy/out" || { tail -50 "$copy/out"; fail "$name failed, but by no panic"; }
    echo "caught by $name: $(grep -A1 -m1 panicked "$copy/out" | tail -1)"
done
for file in concurrent-ordered-map/src/raw/{walk,leaf}.rs pool/src/db/config.rs pool/src/guard.rs; do
    unplant "$copy/$file"
done
# What was learnt by way of a fault is of no use.
rm -rf "$built/corpus"

build
for name in "${TARGETS[@]}"; do
    if ! run "$name" "$seconds" "$built/found" >"$copy/out" 2>&1; then
        tail -60 "$copy/out"
        fail "$name: the input is in target-fuzz/found/"
    fi
    figures=$(sed -n 's/^stat::\(number_of_executed_units\|average_exec_per_sec\): *//p' "$copy/out" | paste -sd' ')
    printf '%-14s %s executions, %s a second\n' "$name" "${figures% *}" "${figures#* }"
done
echo "fuzz: nothing found, and four planted faults were"
