#!/usr/bin/env bash
# Shows that the loom models can fail: plants one fault at a time into a copy of the map and runs the
# model that is to catch it, or a unit test of the core (raw/tests.rs) where no model gets there. Fails if one
# is not caught, if its place in the source has moved, or if a model file has none. Lists, at the end, the
# orderings that can be weakened without being caught, so that they can be questioned.
# A fault is a perl substitution on one file, so that the source itself stays free of them.
#
# Some minutes. --short plants every third fault and weakens no ordering that is only questioned.
source "$(dirname "$0")/lib.sh"

need cc gcc libc6-dev
need perl perl

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
copy_tree "$copy"
built=$PWD/target-loom-mutants
raw=concurrent-ordered-map/src/raw

number=0
missed=()
questions=()
declare -A has_fault

# build MODEL: builds it in the copy and prints its binary.
build() {
    local cfgs='--cfg com_loom' folder=$built arguments=(--release -p loom-tests --test "$1")
    case $1 in
        unit) cfgs='' folder=$built/unit arguments=(-p concurrent-ordered-map --lib) ;;
        loom_epoch) cfgs+=' --cfg com_epoch --cfg crossbeam_loom' folder=$built/epoch ;;
    esac
    (cd "$copy" && RUSTFLAGS="${RUSTFLAGS-} $cfgs" cargo test --target-dir "$folder" --no-run "${arguments[@]}") \
        >"$copy/build" 2>&1 && sed -n 's/^ *Executable.*(\(.*\))$/\1/p' "$copy/build"
}

# try MODEL FILE SUBSTITUTION WHAT SECONDS: runs the model on the copy with the substitution. Answers in
# `outcome`: caught, or why not.
try() {
    local model=${1%%::*} file=$copy/$2 what=$4 binary filter=() code=0
    if ! plant "$file" "$3"; then
        unplant "$file"
        outcome="its place in $2 has moved"
        return
    fi
    binary=$(build "$model") || { cat "$copy/build"; fail "$what: does not build"; }
    if [ "$model" = unit ]; then filter=(raw::tests); fi
    if [ "$model" != "$1" ]; then filter=("${1#*::}"); fi
    # The shell's own word on a model that aborts is of no interest.
    { timeout "$5" "$binary" "${filter[@]}" >"$copy/run" 2>&1 || code=$?; } 2>/dev/null
    unplant "$file"
    # The other models of the file may take longer than the one that fails.
    outcome=caught
    grep -q panicked "$copy/run" || outcome="$model did not catch it (exit code $code)"
}

# mutant MODEL FILE SUBSTITUTION WHAT: the model file must fail on the copy with the substitution. MODEL::NAME
# runs only those of its models that have such names.
mutant() {
    has_fault[${1%%::*}]=yes
    number=$((number + 1))
    if $SHORT && [ $((number % 3)) != 1 ]; then return; fi
    try "$@" 120
    printf '%-6s %-20s %s\n' "$([ "$outcome" = caught ] && echo caught || echo MISSED)" "$1" "$4"
    [ "$outcome" = caught ] || missed+=("$4: $outcome")
}

# questioned MODEL FILE SUBSTITUTION WHAT: the model is not known to fail.
questioned() {
    if $SHORT; then return; fi
    try "$@" 60
    case $outcome in
        caught) missed+=("$4: is caught by now, so it is to be a mutant") ;;
        *moved) missed+=("$4: $outcome") ;;
        *) questions+=("$4: $outcome") ;;
    esac
}

# Orderings, each of which publishes something.
mutant loom_overwrite_get $raw/slot.rs \
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

# What nobody has seen to be needed: loom has no load buffering, and takes what comes by way of a lock or
# a spawned thread for ordered.
questioned loom_help_absorb $raw/block.rs \
    's/(compare_exchange\(null_mut\(\), tagged, )Ordering::Release/$1Ordering::Relaxed/' \
    'O3: the absorber is announced without release'
questioned loom_help_absorb $raw/block.rs \
    's/(compare_exchange\(word, settled, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O3: a replacement is settled without release'
questioned loom_overwrite_get $raw/publish.rs \
    's/(fetch_tag\(&slot\.word, FROZEN, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O3: a slot is frozen without release'
questioned loom_help_absorb $raw/entry.rs 's/fetch_sub\(KEY, Ordering::AcqRel\)/fetch_sub(KEY, Ordering::Relaxed)/' \
    'O6: the key is released without release'
questioned loom_snapshot_write $raw/entry.rs \
    's/fetch_sub\(HOLDER, Ordering::AcqRel\)/fetch_sub(HOLDER, Ordering::Relaxed)/' \
    'O6: a hold is given up without release'
questioned loom_help_absorb $raw/link.rs 's/fetch_sub\(1, Ordering::AcqRel\)/fetch_sub(1, Ordering::Relaxed)/' \
    'O7: a link is dropped without release'
questioned loom_help_absorb $raw/link.rs 's/self\.links\.load\(Ordering::Acquire\)/self.links.load(Ordering::Relaxed)/' \
    'O7: a link that has gone is found without acquire'

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
mutant loom_len $raw/mod.rs \
    's/(self\.stripes\[stripe\(\)\]\.0)\.fetch_add\(change, Ordering::Relaxed\)/$1.store($1.load(Ordering::Relaxed) + change, Ordering::Relaxed)/' \
    'an entry is counted in two steps'
mutant loom_remove_remove $raw/write.rs \
    's/if leaf\.slots\(\)\[index\]\.exchange\(word, Word::REMOVED\)\.is_ok\(\)/let _ = leaf.slots()[index].exchange(word, Word::REMOVED); if true/' \
    'of two removals both answer the entry'
mutant loom_pop_pop $raw/publish.rs \
    's/while !word\.dead\(\) \{\s*match slot\.exchange\(word, word\.popped\(\)\) \{\s*Ok\(\(\)\) => break,\s*Err\(now\) => word = now,\s*\}/if !word.dead() { word = slot.exchange(word, word.popped()).err().unwrap_or(word); let _ = word;/' \
    'a claim whose slot was overwritten leaves it alive'
mutant unit $raw/replace.rs \
    's/next\.decide\(Fate::Absorbed\) == Fate::Absorbed/next.decide(Fate::Absorbed) != Fate::Open/' \
    'a leaf with a fate of its own is absorbed'
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

mutant loom_epoch concurrent-ordered-map/src/reclaim.rs 's/unsafe \{ self\.0\.defer_unchecked\(job\) \};/job();/' \
    'what crossbeam-epoch is to defer is done at once'
mutant unit $raw/link.rs 's/while links != 0 \{/loop {/' 'a retired block is linked again'
mutant unit::agrees_where_slots_have_labels $raw/label.rs \
    's/\(place\.low, place\.floor\) = \(hint,/(place.low, place.floor) = (0,/' \
    'a label may be less than that of a lesser key'
mutant unit::agrees_where_slots_have_labels $raw/label.rs \
    's/slot\.hint\(\) <= place\.high/slot.hint() < place.low/' \
    'what was appended among the slots of birth is not looked at'
mutant loom_insert_insert::a_split_loses_no_key_without_hints $raw/publish.rs \
    's/self\.set_fence\(index, pointer\);//' \
    'a slot is published without its fence'
mutant unit $raw/descend.rs 's/Ok\(\(\)\) => child\.unlink\(guard\)/Ok(()) => {}/' 'a swung pointer keeps its link'

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

for model in loom-tests/tests/*.rs; do
    model=$(basename "$model" .rs)
    [ -n "${has_fault[$model]-}" ] || missed+=("$model has no planted fault")
done
if [ ${#questions[@]} != 0 ]; then
    echo "questioned, as no model shows that it is needed:"
    printf '    %s\n' "${questions[@]}"
fi
[ ${#missed[@]} = 0 ] || { printf '%s\n' "${missed[@]}"; fail "see the ${#missed[@]} lines above"; }
echo "loom-mutants: every planted fault was caught"
