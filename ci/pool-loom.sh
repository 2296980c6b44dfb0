#!/usr/bin/env bash
# Model-checks the pool's core, every interleaving of two threads at the hand-off (pool/src/core/loom.rs), and
# the racing callers for the process's instance (pool/src/once/loom.rs).
# First plants one fault at a time into a copy and fails if the models do not catch it.
# A minute or two, most of it building; --short is the same.
source "$(dirname "$0")/lib.sh"

need cc gcc libc6-dev
need perl perl

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -c --exclude='./target*' --exclude=./.git --exclude=./fuzz . | tar -x -C "$copy"
export CARGO_TARGET_DIR=$PWD/target-pool-loom
# A fault is in one function: most of the rest needs no second build.
export CARGO_INCREMENTAL=1
export RUSTFLAGS="${RUSTFLAGS-} --cfg pool_loom"
core=pool/src/core
once=pool/src/once.rs

# models FOLDER: runs them all.
models() {
    (cd "$1" && cargo test -p pool --lib --no-default-features loom::)
}

# caught FILE SUBSTITUTION WHAT: the models must fail on the copy with the substitution.
caught() {
    local file=$1 substitution=$2 what=$3
    cp "$copy/$file" "$copy/original"
    perl -0pi -e "$substitution" "$copy/$file"
    if cmp -s "$copy/original" "$copy/$file"; then fail "$what: its place in $file has moved"; fi
    if models "$copy" >"$copy/run" 2>&1; then fail "$what: the models did not catch it"; fi
    grep -q '^test result: FAILED' "$copy/run" || { cat "$copy/run"; fail "$what: does not build"; }
    cp "$copy/original" "$copy/$file"
    touch "$copy/$file"
    echo "caught: $what"
}

caught $core/serve.rs 's/waiter\.unclaimed\(\)/let _ = waiter;\n        None/' \
    'a waiter that leaves keeps what it was handed'
caught $core/serve.rs 's/self\.slots\[slot\]\.generation != self\.generation/false/' \
    'an outdated connection becomes idle'
caught $core/serve.rs 's/= self\.queue\.pop\(self\.lent\) else/= self.queue.pop(self.lent).filter(|_| false) else/' \
    'what is given back passes by who waits'
caught $core/serve.rs 's/if let Some\(since\) = lease\.since \{\s*self\.timings[^\n]*\s*\}\s*(self\.settle\([^\n]*\))/let (slot, since) = (lease.slot, lease.since);\n        let given = $1;\n        self.timings[slot].used.record(now.saturating_duration_since(since.unwrap()));\n        given/s' \
    'who gives back records when it is the next one'"'"'s turn'
caught $core/serve.rs 's/is_to_supply: state\.can_supply\(\)/is_to_supply: false/' \
    'who joins does not look for what has become idle meanwhile'
caught $core/lines.rs 's/let stays = !chosen\(\*ticket, waiter\);\s*if !stays \{(.*?)self\.len -= 1;/let stays = true;\n                if chosen(*ticket, waiter) {$1/s' \
    'one who is late is sent away but stays in the queue'

caught $core/supply.rs 's/state\.open\(\) >= limit/state.open() > limit/' \
    'one more than the limit is reserved'
caught $core/serve.rs 's/(let mut state = self\.state\.lock\(\);\s*)if state\.closed \{\s*return Err\(\(Refusal::Closed, waiter\)\);\s*\}/$1/' \
    'one who comes after the close waits'
caught $core/serve.rs 's/if self\.queue\.has_tenants\(\)/if false/' \
    'what comes back counts as its tenant'"'"'s until it has found its next owner'
caught $core/queue.rs 's/account\.is_idle\(\) && //' \
    'a tenant that has something is forgotten'
caught $core/serve.rs 's/if state\.tripped \{\s*return Err\(\(Refusal::Tripped, waiter\)\);\s*\}//' \
    'one who comes when the circuit has opened waits'

caught $core/serve.rs 's/(fn give_back\(.*?self\.settle\(self\.state\.lock\(\), lease, now, )!self\.prepares/$1true/s' \
    'what is to be prepared for each loan is handed on as it is'

caught $once 's/std::mem::replace\(&mut state\.stage, Stage::Building\)/std::mem::replace(\&mut state.stage, Stage::Empty)/' \
    'of those who race, more than one builds'
caught $once 's/self\.once\.end\(None\);/self.once.state.lock().stage = Stage::Empty;/' \
    'who gives up building wakes nobody'
caught $once 's/\*waiting = Waiting::Told\(error\.clone\(\)\);/let _ = error;/' \
    'who waited for an attempt that failed is woken and not told'
caught $once 's/state\.waiting\.values_mut\(\) \{/state.waiting.values_mut().take(1) {/' \
    'when an attempt ends one waiter is woken, and not all'
caught $once 's/let waited = self\.once\.state\.lock\(\)\.waiting\.remove\(&ticket\);/let waited = ticket;/' \
    'who stops waiting leaves its ticket behind'

# In the copy too: cargo would take what it built there for this tree's own.
models "$copy" || fail "a model of the pool failed: see above"
echo "pool-loom: the models hold, and all planted faults were caught"
