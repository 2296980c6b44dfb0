#!/usr/bin/env bash
# Shows that the loom models can fail: plants one fault at a time into a copy of the map and runs the
# model that is to catch it. Fails if one is not caught, or if its place in the source has moved.
# A fault is a perl substitution on one file, so that the source itself stays free of them.
#
# About three minutes. --short plants every third fault.
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

# mutant MODELS FILE SUBSTITUTION WHAT: a model of the file MODELS must fail on the copy with the substitution;
# MODELS::NAME runs those with such names only.
mutant() {
    local model=${1%%::*} only=${1#*::} file=$2 substitution=$3 what=$4 code=0
    if [ "$only" = "$model" ]; then only=; fi
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
    timeout 120 "$(sed -n 's/^ *Executable.*(\(.*\))$/\1/p' "$copy/build")" "$only" >"$copy/run" 2>&1 || code=$?
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

# Snapshots.
mutant loom_snapshot_write::a_read $raw/snapshot.rs \
    's/\(access == Access::Write \|\| !last\.is_settled\(\)\)/access == Access::Write/' \
    'a read leaves alone what an unsettled snapshot wants'
mutant loom_snapshot_write::a_walk $raw/snapshot.rs \
    's/self\.grace\.is_over\(\)/true || $&/' \
    'a snapshot is taken for settled at once'
mutant loom_snapshot_write $raw/snapshot.rs \
    's/compare_exchange\(seen, word, Ordering::AcqRel/compare_exchange(seen, word, Ordering::Relaxed/' \
    'O8: the list of snapshots is replaced without release'
mutant loom_snapshot_write $raw/archive.rs \
    's/leaf\.as_ptr\(\), Ordering::Release/leaf.as_ptr(), Ordering::Relaxed/' \
    'O9: a leaf is archived without release'
mutant loom_snapshot_write $raw/archive.rs \
    's/unsafe \{ Entry::hold\(entry\) \};/let _ = entry;/' \
    'the archive does not hold its entries'
mutant loom_snapshot_write $raw/replace.rs \
    's/if block\.level\(\) == 0 && !self\.archive_leaves/if false \&\& !self.archive_leaves/' \
    'what is replaced is not archived'
mutant loom_snapshot_write $raw/replace.rs \
    's/if block\.level\(\) == 0 && !self\.archive_leaves\(.*?\) \{.*?\n        \}//s; s/(if last\.exchange_forward\(proposal\.first, partner\.is_some\(\)\) \{)/$1 if block.level() == 0 { self.archive_leaves(block, partner, \&content, guard); }/; s/if last\.forward\(\)\.is_some\(\) \{\s*return false;\s*\}//' \
    'what is replaced is archived when the replacement can be found'
mutant loom_snapshot_write::a_search $raw/seek.rs \
    's/\s*&& !self\.is_wanted\(leaf, Access::Read, guard\)//' \
    'the second look overlooks a snapshot taken since the first'

[ ${#missed[@]} = 0 ] || { printf '%s\n' "${missed[@]}"; fail "${#missed[@]} planted faults were not caught"; }
echo "loom-mutants: every planted fault was caught"
