#!/usr/bin/env bash
# Makes histories on the map for minutes and checks that each is linearizable: with real threads, two, four
# and eight of them (linearizability/src/bin/stress.rs), and under shuttle, whose scheduler draws which thread
# goes on at each atomic step (linearizability/tests/schedules.rs). Tiny blocks and few keys, so that blocks
# split, freeze and are absorbed all the time. Seeds are printed. A failing history is minimised, printed and
# saved in target-stress/.
# Plants faults in a copy first and fails if they are not caught.
#
# Ten minutes; --short takes two and a half, half of it for building. COM_STRESS_SECONDS sets how long the
# threads and each of the two schedulers go on, COM_STRESS_SEED the first seed (else the time decides).
source "$(dirname "$0")/lib.sh"

need cc gcc libc6-dev
need perl perl

seconds=${COM_STRESS_SECONDS:-180}
if $SHORT; then seconds=${COM_STRESS_SECONDS:-12}; fi
seed=${COM_STRESS_SEED:-$(date +%s)}
saved=$PWD/target-stress
mkdir -p "$saved"

# A fault is in one function: most of the rest needs no second build.
export CARGO_INCREMENTAL=1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
copy_tree "$copy"

# threads SECONDS SEED FILE: histories with real threads, in the copy.
threads() {
    (cd "$copy" && cargo run --quiet --release --target-dir "$saved" -p linearizability --bin stress -- "$@")
}

# schedules SECONDS SEED [NAME]: histories under shuttle, in the copy, both schedulers at once. Shuttle prints a schedule by the
# kilobyte, as hexadecimal.
schedules() {
    (cd "$copy" && COM_STRESS_SECONDS=$1 COM_STRESS_SEED=$2 RUSTFLAGS="${RUSTFLAGS-} --cfg com_shuttle" \
        cargo test --quiet --release --target-dir "$saved/shuttle" -p linearizability --test schedules "${@:3}" -- \
        --nocapture --test-threads=2 2>&1 | grep -avE '^([0-9]+|[0-9a-f]{60,}|"|failing s.*|To replay.*| +[12]\) .*)$')
}

# caught WORDS FILE SUBSTITUTION WHAT COMMAND...: the command must fail with these words on the copy with the
# fault.
caught() {
    local words=$1 file=$copy/concurrent-ordered-map/src/raw/$2 substitution=$3 what=$4
    plant "$file" "$substitution" || fail "$what: its place in $2 has moved"
    if "${@:5}" >"$copy/out" 2>&1; then fail "not caught: $what"; fi
    grep -aq "$words" "$copy/out" || { cat "$copy/out"; fail "failed, but not with '$words': $what"; }
    unplant "$file"
    echo "caught: $what"
}

# On two cores threads seldom stop where it hurts, so theirs is a coarse one.
caught 'no order of these' seek.rs 's/if same \{ Ok\(\(\)\) \} else \{ Err\(Disturbed\) \}/let _ = same; Ok(())/' \
    'the nearest entry is answered without a second look' threads 60 1 "$saved/planted.txt"
grep -q 'no order of these' "$saved/planted.txt" || fail "the failing history was not saved"
caught 'no order of these' seek.rs 's/if same \{ Ok\(\(\)\) \} else \{ Err\(Disturbed\) \}/let _ = same; Ok(())/' \
    'the same, by a schedule' schedules 60 1 by_priorities
caught 'exceeded max_steps' pop.rs 's/self\.help\(leaf, guard\);\s*Attempt::Again\s*\}\s*\}\s*$/Attempt::Again } }/' \
    'a pop waits for another thread' schedules 60 1 by_priorities

# Without a fault, in the copy too: cargo would take what it built there for this tree's own.
echo "seed $seed, $seconds s each"
threads "$seconds" "$seed" "$saved/failing-history.txt" || fail "see target-stress/failing-history.txt"
schedules "$seconds" "$seed" >"$copy/out" 2>&1 || {
    cp "$copy/out" "$saved/failing-schedule.txt"
    cat "$copy/out"
    fail "see target-stress/failing-schedule.txt; COM_STRESS_SEED=$seed makes the same calls"
}
cat "$copy/out"
for kind in 'at random' 'by priorities'; do
    grep -aq "schedules: $kind.*nothing found" "$copy/out" || fail "no schedule was drawn $kind"
done
echo "stress: nothing found, and three planted faults were"
