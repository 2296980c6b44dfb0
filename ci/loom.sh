#!/usr/bin/env bash
# Model-checks the map: every interleaving of the loom models in loom-tests/, up to a number of
# preemptions, and prints how long each model took.
# All but a few have a reclaimer that checks; loom_epoch.rs is built apart, with crossbeam-epoch on loom's atomics.
# A pass is evidence, not proof: loom has no load buffering and takes SeqCst accesses for AcqRel.
#
# --short leaves each model its own bound on preemptions; without it the bound is 3 for all, which can take
# hours. LOOM_MAX_PREEMPTIONS sets another. A model that takes longer than COM_LOOM_SECONDS fails (1200 with
# --short, 7200 without): it has more states than its file claims.
source "$(dirname "$0")/lib.sh"

if $SHORT; then
    limit=${COM_LOOM_SECONDS:-1200}
else
    limit=${COM_LOOM_SECONDS:-7200}
    export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3}
fi

need cc gcc libc6-dev

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# build CFGS FOLDER ARGUMENT...: builds models, and adds one line for each: the binary and the model's name.
build() {
    RUSTFLAGS="${RUSTFLAGS-} $1" cargo test --profile loom -p loom-tests --target-dir "$2" --no-run "${@:3}" 2>&1 |
        tee "$scratch/build"
    sed -n 's/^ *Executable.*(\(.*\))$/\1/p' "$scratch/build" | while IFS= read -r binary; do
        "$binary" --list --format terse | sed -n "s|^\(.*\): test\$|$binary \1|p"
    done >"$scratch/built"
    [ -s "$scratch/built" ] || fail "loom-tests has no model with $1"
    cat "$scratch/built" >>"$scratch/models"
}

build '--cfg com_loom' target-loom --tests
# Never a bare `--cfg loom`, which other dependencies would take for theirs.
build '--cfg com_loom --cfg com_epoch --cfg crossbeam_loom' target-loom-epoch --test loom_epoch

# model BINARY NAME LIMIT: runs one model and prints its time; its output only when it fails.
model() {
    local file start taken out code=0
    file=$(basename "$1" | sed 's/-[0-9a-f]*$//')
    start=$(date +%s%N)
    out=$(timeout "$3" "$1" --exact "$2" --nocapture 2>&1) || code=$?
    if [ "$code" = 0 ] && ! grep -q '1 passed' <<<"$out"; then code=1; fi
    taken=$((($(date +%s%N) - start) / 10000000))
    printf '%-6s %5d.%02d s  %s::%s\n' \
        "$([ "$code" = 0 ] && echo ok || echo FAILED)" $((taken / 100)) $((taken % 100)) "$file" "$2"
    [ "$code" = 0 ] && return
    [ "$code" = 124 ] && echo "    took longer than $3 s"
    # shellcheck disable=SC2001
    sed 's/^/    /' <<<"$out"
    return 1
}
export -f model

# Those that take longest, by name: they go first, so that none runs alone at the end.
LONGEST='loom_(snapshot_write|pop_absorb|stopped_writer|pop_pop|remove_remove|batch|help_absorb)-'
{ grep -E "$LONGEST" "$scratch/models"; grep -vE "$LONGEST" "$scratch/models"; } >"$scratch/ordered"

echo "$(wc -l <"$scratch/ordered") models, $(nproc) at a time"
xargs -P "$(nproc)" -I MODEL bash -c "model MODEL $limit" <"$scratch/ordered" || fail "a model failed: see above"
echo "loom: every model holds"
