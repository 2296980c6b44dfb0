#!/usr/bin/env bash
# Shows that the loom models can fail: plants one fault at a time into a copy of the map and runs the
# model that is to catch it. Fails if one is not caught, or if its place in the source has moved.
# A fault is a perl substitution on one file, so that the source itself stays free of them.
#
# About two minutes. --short plants every third fault.
source "$(dirname "$0")/lib.sh"

need cc gcc libc6-dev
need perl perl

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -c --exclude='./target*' --exclude=./.git --exclude=./fuzz . | tar -x -C "$copy"
export CARGO_TARGET_DIR=$PWD/target-loom-mutants
export RUSTFLAGS="${RUSTFLAGS-} --cfg com_loom"
raw=concurrent-ordered-map/src/raw

number=0
missed=()

# mutant MODEL FILE SUBSTITUTION WHAT: the model must fail on the copy with the substitution.
mutant() {
    local model=$1 file=$2 substitution=$3 what=$4 code=0
    number=$((number + 1))
    if $SHORT && [ $((number % 3)) != 1 ]; then return; fi
    cp "$copy/$file" "$copy/original"
    perl -0pi -e "$substitution" "$copy/$file"
    if cmp -s "$copy/original" "$copy/$file"; then
        missed+=("$what: its place in $file has moved")
        return
    fi
    (cd "$copy" && cargo test --release -p loom-tests --test "$model" --no-run) >"$copy/build" 2>&1 || {
        cat "$copy/build"
        fail "$what: does not build"
    }
    timeout 120 "$(sed -n 's/^ *Executable.*(\(.*\))$/\1/p' "$copy/build")" >"$copy/run" 2>&1 || code=$?
    mv "$copy/original" "$copy/$file"
    # The other models of the file may take longer than the one that fails.
    if ! grep -q panicked "$copy/run"; then
        missed+=("$what: $model did not catch it (exit code $code)")
        printf 'MISSED %-20s %s (exit code %s)\n' "$model" "$what" "$code"
    else
        printf 'caught %-20s %s\n' "$model" "$what"
    fi
}

# Orderings, each of which publishes something.
mutant loom_overwrite_get $raw/block.rs \
    's/(\.word\s*\.compare_exchange\(seen\.0, new\.0, )Ordering::AcqRel/$1Ordering::Acquire/' \
    'O2: a slot is filled without release'
mutant loom_insert_iterate $raw/block.rs \
    's/(self\.state\s*\.compare_exchange\(seen\.0, new\.0, )Ordering::AcqRel, Ordering::Acquire/$1Ordering::Relaxed, Ordering::Relaxed/' \
    'O1: a slot is counted without release'
mutant loom_overwrite_get $raw/block.rs \
    's/(match self\.forward\.compare_exchange\(seen, new, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O3: a replacement is agreed without release'
mutant loom_insert_iterate $raw/block.rs \
    's/(self\.next\.compare_exchange\(seen, new, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O4: a neighbour is swung in without release'
mutant loom_insert_insert $raw/lane.rs \
    's/Ordering::Release,(\s*)Ordering::Relaxed,/Ordering::Relaxed,$1Ordering::Relaxed,/' \
    'O5: a root is swung in without release'

# Second looks.
mutant loom_pop_insert $raw/seek.rs \
    's/if same \{ Ok\(\(\)\) \} else \{ Err\(Disturbed\) \}/let _ = same; Ok(())/' \
    'the nearest entry is answered without the second look'
mutant loom_pop_insert $raw/pop.rs \
    's/if leaf\.state\(\) == state && /if /' \
    'an empty map is answered without the second look'

# Steps of the protocol.
mutant loom_overwrite_get $raw/publish.rs \
    's/fetch_tag\(&slot\.word, FROZEN, Ordering::AcqRel\);/let _ = (fetch_tag::<()>, FROZEN, slot);/' \
    'freezing leaves the slots open'
mutant loom_help_absorb $raw/publish.rs \
    's/match self\.change_state\(state, state\.freeze\(\)\)/match Ok::<(), State>(())/' \
    'freezing leaves the state open'
mutant loom_pop_insert $raw/publish.rs \
    's/let won = self\.change_state\(seen, claimed\)\.is_ok\(\);/let won = true;/' \
    'a pop goes on without its claim'
mutant loom_help_absorb $raw/publish.rs \
    's/Err\(now\) if now\.frozen\(\) => return Append::Refused/Err(now) if now.frozen() => return Append::Done/' \
    'an insertion refused by a frozen leaf counts as done'
mutant loom_insert_remove $raw/write.rs \
    's/if leaf\.slots\(\)\[index\]\.exchange\(word, Word::REMOVED\)\.is_ok\(\)/let _ = leaf.slots()[index].exchange(word, Word::REMOVED); if true/' \
    'a removal that lost answers the entry all the same'
mutant loom_update_update $raw/write.rs \
    's/slot\.exchange\(word, Word\(entry\.cast\(\)\)\)\.ok\(\)\?;/let mut now = word; while let Err(other) = slot.exchange(now, Word(entry.cast())) { if other.dead() || other.frozen() { return None; } now = other; }/' \
    'an update overwrites what it has not read'
mutant loom_help_absorb $raw/replace.rs \
    's/partner\.freeze\(\);/let _ = partner;/' \
    'the absorbed leaf does not freeze'

mutant loom_stopped_writer $raw/join.rs \
    's/\.filter\(\|next\| fate\(next\.next_word\(\)\) != Fate::Open\)/.filter(|_| false)/' \
    'an absorption waits for a neighbour that is being replaced'
mutant loom_stopped_writer $raw/pop.rs \
    's/self\.help\(leaf, guard\);(\s*Attempt::Again\s*\}\s*\}\s*)$/$1/' \
    'a pop waits for the only leaf to be replaced'
mutant loom_pop_absorb $raw/descend.rs 's/if block\.is_pending\(\)/if false/' \
    'a pop comes through a pending replacement'

# Reclamation.
mutant loom_overwrite_get $raw/entry.rs \
    's/unsafe \{ guard\.defer\(job\) \};/{ let _ = guard; job(); }/' \
    'an entry is dropped without a grace period'
mutant loom_overwrite_get $raw/link.rs \
    's/unsafe \{ guard\.defer\(job\) \};/{ let _ = guard; job(); }/' \
    'a block is freed without a grace period'
mutant loom_overwrite_get $raw/replace.rs \
    's/unsafe \{ block\.free\(\) \};/let _ = block;/' \
    'a proposal that lost is leaked'

[ ${#missed[@]} = 0 ] || { printf '%s\n' "${missed[@]}"; fail "${#missed[@]} planted faults were not caught"; }
echo "loom-mutants: every planted fault was caught"
