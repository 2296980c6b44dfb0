#!/usr/bin/env bash
# Model-checks the map: every interleaving of the loom models in loom-tests/, up to a number of
# preemptions, and prints what processor time each model took.
# All but a few have a reclaimer that checks; loom_epoch.rs is built apart, with crossbeam-epoch on loom's atomics.
# A pass is evidence, not proof: loom has no load buffering and takes SeqCst accesses for AcqRel.
#
# --short leaves each model its own bound on preemptions; without it the bound is 3 for all, which can take
# hours. LOOM_MAX_PREEMPTIONS sets another. A model that takes more than COM_LOOM_SECONDS of processor
# time fails (600 with --short, four times what the longest takes; 7200 without): it has more states than its
# file claims.
source "$(dirname "$0")/lib.sh"

if $SHORT; then
    limit=${COM_LOOM_SECONDS:-600}
else
    limit=${COM_LOOM_SECONDS:-7200}
    export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3}
fi

need cc gcc libc6-dev

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# build CFGS FOLDER TEST: builds models, and adds one line for each: the binary and the model's name.
build() {
    local binary
    RUSTFLAGS="${RUSTFLAGS-} $1" cargo test --profile loom -p loom-tests --target-dir "$2" --no-run --test "$3" 2>&1 |
        tee "$scratch/build"
    binary=$(sed -n 's/^ *Executable.*(\(.*\))$/\1/p' "$scratch/build")
    "$binary" --list --format terse | sed -n "s|^\(.*\): test\$|$binary \1|p" >"$scratch/built"
    [ -s "$scratch/built" ] || fail "$3 has no model with $1"
    cat "$scratch/built" >>"$scratch/models"
}

build '--cfg com_loom' target-loom models
# Never a bare `--cfg loom`, which other dependencies would take for theirs.
build '--cfg com_loom --cfg com_epoch --cfg crossbeam_loom' target-loom-epoch loom_epoch

# model BINARY NAME LIMIT: runs one model and prints its time; its output only when it fails.
model() {
    local out taken code=0 TIMEFORMAT=%U
    out=$(mktemp -p "$scratch")
    taken=$({ time prlimit --cpu="$3" "$1" --exact "$2" --nocapture >"$out" 2>&1; } 2>&1) || code=$?
    if [ "$code" = 0 ] && ! grep -q '1 passed' "$out"; then code=1; fi
    printf '%-6s %8s s  %s\n' "$([ "$code" = 0 ] && echo ok || echo FAILED)" "${taken##*$'\n'}" "$2"
    [ "$code" = 0 ] && return
    sed 's/^/    /' "$out"
    # Killed.
    if [ "$code" = 137 ]; then echo "    took more than $3 s of processor time"; fi
    return 1
}
export -f model
export scratch

for file in loom-tests/tests/loom_*.rs; do
    name=$(basename "$file" .rs)
    grep -qE "(/$name-[0-9a-f]+ | $name::)" "$scratch/models" || fail "$file is not in loom-tests/tests/models.rs"
done

# Those that take longest, so that none runs alone at the end.
LONGEST='a_copy_beside|that_splits|splits_and|two_batches|meets_a_batch|a_batch_and_an_overwrite|what_was_popped'
{ grep -E "$LONGEST" "$scratch/models"; grep -vE "$LONGEST" "$scratch/models"; } >"$scratch/ordered"

echo "$(wc -l <"$scratch/ordered") models, $(nproc) at a time"
xargs -P "$(nproc)" -I MODEL bash -c "model MODEL $limit" <"$scratch/ordered" || fail "a model failed: see above"
echo "loom: every model holds"
