#!/usr/bin/env bash
# Shows that the loom models can fail: plants one fault at a time into a copy of the map and runs the
# model that is to catch it, or a unit test of the core (raw/tests.rs) where no model gets there. Fails if one
# is not caught, if its place in the source has moved, or if a model file has none. Lists, at the end, the
# orderings that can be weakened without being caught, so that they can be questioned.
# A fault is a perl substitution on one file, so that the source itself stays free of them.
#
# It prints how long each took to build and to run. Some minutes. --short plants every third fault and weakens no
# ordering that is only questioned.
# COM_FAULTS=WORDS plants those only whose description has these words (an extended regular expression).
# A fault that is not found in COM_LOOM_SECONDS (300) of processor time is missed.
source "$(dirname "$0")/lib.sh"

limit=${COM_LOOM_SECONDS:-300}

need cc gcc libc6-dev
need perl perl

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
copy_tree "$copy"
built=$PWD/target-loom-mutants
# A fault is in one function: most of the rest needs no second build.
export CARGO_INCREMENTAL=1
raw=concurrent-ordered-map/src/raw

number=0
missed=()
questions=()
declare -A has_fault

# build MODEL: builds it in the copy and prints its binary.
build() {
    local cfgs='--cfg com_loom' folder=$built arguments=(--profile loom -p loom-tests --test "$1")
    case $1 in
        unit) cfgs='' folder=$built/unit arguments=(-p concurrent-ordered-map --lib) ;;
        loom_epoch) cfgs+=' --cfg com_epoch --cfg crossbeam_loom' folder=$built/epoch ;;
    esac
    (cd "$copy" && RUSTFLAGS="${RUSTFLAGS-} $cfgs" cargo test --target-dir "$folder" --no-run "${arguments[@]}") \
        >"$copy/build" 2>&1 && sed -n 's/^ *Executable.*(\(.*\))$/\1/p' "$copy/build"
}

# run BINARY ARGUMENT...: runs models until one fails, as the others may take long.
run() {
    prlimit --cpu="$limit" "$@" --nocapture >"$copy/run" 2>&1 &
    while sleep 0.1 && jobs -r | grep -q .; do
        if has_failed; then kill %% || true; fi
    done
    wait || true
}

has_failed() {
    grep -qE 'panicked|\.\.\. FAILED$' "$copy/run"
}

# try MODEL FILE SUBSTITUTION: runs the model on the copy with the substitution. Answers in `outcome`: caught, or
# why not; and in `times`: how long it took to build and to run, in seconds.
try() {
    local model=${1%%::*} file=$copy/$2 binary filter=() start=$SECONDS built_at=$SECONDS
    times=
    if ! plant "$file" "$3"; then
        unplant "$file"
        outcome="its place in $2 has moved"
        return
    fi
    if binary=$(build "$model"); then
        built_at=$SECONDS
        if [ "$model" = unit ]; then filter=(raw::tests); fi
        if [ "$model" != "$1" ]; then filter=("${1#*::}"); fi
        # The shell's own word on a model that aborts is of no interest.
        run "$binary" "${filter[@]}" 2>/dev/null
        if has_failed; then outcome=caught; else outcome="$model did not catch it"; fi
    else
        outcome="does not build: $(grep -m 1 -A 4 '^error' "$copy/build")"
    fi
    unplant "$file"
    times="$((built_at - start)) + $((SECONDS - built_at))"
}

# wanted WHAT: this fault is to be planted.
wanted() {
    grep -qE -- "${COM_FAULTS-}" <<<"$1"
}

# mutant MODEL FILE SUBSTITUTION WHAT: the model file must fail on the copy with the substitution. MODEL::NAME
# runs only those of its models that have such names.
mutant() {
    has_fault[${1%%::*}]=yes
    number=$((number + 1))
    if $SHORT && [ $((number % 3)) != 1 ] || ! wanted "$4"; then return; fi
    try "$@"
    printf '%-6s %8s s  %-20s  %s\n' "$([ "$outcome" = caught ] && echo caught || echo MISSED)" "$times" "$1" "$4"
    [ "$outcome" = caught ] || missed+=("$4: $outcome")
}

# questioned MODEL FILE SUBSTITUTION WHAT: the model is not known to fail.
questioned() {
    if $SHORT || ! wanted "$4"; then return; fi
    try "$@"
    case $outcome in
        caught) missed+=("$4: is caught by now, so it is to be a mutant") ;;
        *moved) missed+=("$4: $outcome") ;;
        *) questions+=("$4: $outcome ($times s)") ;;
    esac
}

# Orderings, each of which publishes something.
mutant loom_overwrite_get::while_it_is_overwritten $raw/block.rs \
    's/(self\.state\.compare_exchange\(seen, new, )Ordering::AcqRel, Ordering::Acquire/$1Ordering::Relaxed, Ordering::Relaxed/' \
    'O1: a slot is published without release'
mutant loom_overwrite_get::while_it_is_overwritten $raw/block.rs \
    's/self\.state\.load\(Ordering::Acquire\)/self.state.load(Ordering::Relaxed)/' \
    'O1: a published slot is read without acquire'
mutant loom_lane $raw/slot.rs \
    's/(\.word\s*\.compare_exchange\(seen\.0, new\.0, )Ordering::AcqRel/$1Ordering::Acquire/' \
    'O2: a slot of a lane is filled without release'
mutant loom_overwrite_get::while_its_leaf_splits $raw/forward.rs \
    's/(match self\.forward\.compare_exchange\(seen, new, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O3: a replacement is agreed without release'
mutant loom_insert_iterate $raw/block.rs \
    's/(self\.next\.compare_exchange\(seen, new, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O4: a neighbour is swung in without release'
mutant loom_insert_insert $raw/lane.rs \
    's/Ordering::Release,(\s*)Ordering::Relaxed,/Ordering::Relaxed,$1Ordering::Relaxed,/' \
    'O5: a root is swung in without release'

mutant loom_pop_absorb $raw/forward.rs \
    's/(compare_exchange\(word, settled, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O3: a replacement is settled without release'
mutant loom_free_fence $raw/entry.rs 's/fetch_sub\(KEY, Ordering::AcqRel\)/fetch_sub(KEY, Ordering::Relaxed)/' \
    'O6: the key is released without release'
mutant loom_free_fence $raw/entry.rs 's/owners\.load\(Ordering::Acquire\)/owners.load(Ordering::Relaxed)/' \
    'O6: the last owner is found without acquire'
mutant loom_snapshot_write::of_entries $raw/entry.rs \
    's/fetch_sub\(HOLDER, Ordering::AcqRel\)/fetch_sub(HOLDER, Ordering::Relaxed)/' \
    'O6: a hold is given up without release'
mutant loom_snapshot_write::a_read_when concurrent-ordered-map/src/reclaim/grace.rs \
    's/fetch_add\(by, Ordering::AcqRel\)/fetch_add(by, Ordering::Acquire)/' \
    'O10: a grace period ends without release'
mutant loom_snapshot_write::a_read_when concurrent-ordered-map/src/reclaim/grace.rs \
    's/(load\()Ordering::Acquire(\) & OVER)/$1Ordering::Relaxed$2/' \
    'O10: the end of a grace period is seen without acquire'

# What nobody has seen to be needed; docs/VERIFICATION.md says why it stays.
questioned loom_lane $raw/publish.rs \
    's/(fetch_tag\(&slot\.word, FROZEN, )Ordering::AcqRel/$1Ordering::Relaxed/' \
    'O3: a slot of a lane is frozen without release'
questioned loom_help_absorb::an_ $raw/link.rs 's/fetch_sub\(1, Ordering::AcqRel\)/fetch_sub(1, Ordering::Relaxed)/' \
    'O7: a link is dropped without release'
questioned loom_help_absorb::an_ $raw/link.rs 's/self\.links\.load\(Ordering::Acquire\)/self.links.load(Ordering::Relaxed)/' \
    'O7: a link that has gone is found without acquire'

# Second looks.
mutant loom_nearest $raw/seek.rs \
    's/if same \{ Ok\(\(\)\) \} else \{ Err\(Disturbed\) \}/let _ = same; Ok(())/' \
    'the nearest entry is answered without the second look'
mutant loom_pop_pop::of_two $raw/pop.rs \
    's/if leaf\.leaf_state\(\) == state && fate\(leaf\.next_word\(\)\) == Fate::Open/if true/' \
    'an empty map is answered without the second look'

# Steps of the protocol: a slot is given out, filled and published, or killed, or frozen.
mutant loom_insert_insert::two_keys_of $raw/leaf.rs \
    's/match self\.change_leaf\(state, state\.give\(\)\)/match Ok::<_, LeafState>(state.give())/' \
    'a slot is given out twice'
mutant loom_insert_insert::two_keys_and_room $raw/leaf.rs \
    's/if state\.given\(\) == self\.capacity\(\)/if false/' \
    'a slot is given out that the leaf does not have'
mutant loom_insert_insert::two_keys_and_room $raw/write.rs \
    's/Some\(\(of, slot\)\) if of == leaf => slot,/Some((_, slot)) => slot,/' \
    'a slot of a leaf that was replaced is taken for one of its replacement'
mutant loom_held_value $raw/write.rs \
    's/_ => leaf\.give\(found\.state\)\?,/_ => found.index.map_or_else(|| leaf.give(found.state), Ok)?,/' \
    'a value is overwritten in its slot'
mutant loom_insert_insert::one_key $raw/leaf.rs \
    's/live == 0 \|\| self\.find_among\(live, &Needle::<K, K>::new\(key\)\)\.is_none\(\)/let _ = (live, key); true/' \
    'a publication does not look whether the key was published since'
mutant loom_insert_insert::zero $raw/leaf.rs \
    's/if found\.is_some\(\) \|\| four == fours\.len\(\)/if true/' \
    'a search ends at a slot that was written while it looked'
mutant unit::a_key_that_came $raw/leaf.rs \
    's/let live = new & state\.live\(\);/let live = new;/' \
    'a key is looked for among slots that died, too'
mutant loom_update_update::of_a_key_that_is_there $raw/leaf.rs \
    's/Some\(index\) => state\.is_live\(index\),/Some(_) => true,/' \
    'an update overwrites what it has not read'
mutant loom_overwrite_get::while_it_is_overwritten $raw/state.rs \
    's/over\.map_or\(published, \|over\| published\.kill\(over\)\)/{ let _ = over; published }/' \
    'a publication leaves the old slot alive'
mutant loom_insert_insert::a_label $raw/leaf.rs \
    's/if !filed \|\| has_labels::<K>\(\) && new != 0/if !filed/' \
    'a label is not made anew'
mutant loom_insert_insert::two_keys_and_room $raw/leaf.rs \
    's/(let mut filed = false;\s*loop \{\s*if state\.frozen\(\) \{\s*return )Err\(Unwritten::Frozen\)/$1Ok(())/' \
    'a publication refused by a frozen leaf counts as done'
mutant loom_remove_remove::one $raw/leaf.rs \
    's/Err\(now\) if !now\.is_live\(index\) => return Err\(Unwritten::Changed\),//' \
    'a dead slot is killed once more'
mutant loom_insert_remove::of_one_key $raw/write.rs \
    's/if leaf\.kill\(found, index\)\.is_ok\(\) \{/let _ = leaf.kill(found, index); {/' \
    'a removal that lost answers the entry all the same'
mutant loom_insert_remove::a_split $raw/leaf.rs \
    's/match self\.change_leaf\(state, state\.freeze\(/match self.change_leaf(self.leaf_state(), state.freeze(/' \
    'freezing overlooks what was written since it looked'
mutant loom_help_absorb::an_insertion $raw/leaf.rs \
    's/match self\.change_leaf\(state, (state\.freeze\(self\.capacity\(\), ahead\))\)/match Ok::<_, LeafState>($1)/' \
    'freezing leaves a leaf open'
mutant loom_lane $raw/publish.rs \
    's/fetch_tag\(&slot\.word, FROZEN, Ordering::AcqRel\);/let _ = (fetch_tag::<()>, FROZEN, slot);/' \
    'freezing leaves the slots of a lane open'
mutant loom_pop_insert::takes $raw/pop.rs \
    's/if !leaf\.kill_in\(state, index\)/if leaf.kill(super::leaf::Found { state, index: Some(index) }, index).is_err()/' \
    'a pop takes what was the first entry when it looked'
mutant loom_pop_pop::of_the_last $raw/pop.rs \
    's/if !leaf\.kill_in\(state, index\)/let _ = leaf.kill_in(state, index); if false/' \
    'a pop that lost answers the entry all the same'
mutant loom_len $raw/mod.rs \
    's/(self\.stripes\[stripe\(\)\]\.0)\.fetch_add\(change, Ordering::Relaxed\)/$1.store($1.load(Ordering::Relaxed) + change, Ordering::Relaxed)/' \
    'an entry is counted in two steps'
mutant unit $raw/replace.rs \
    's/next\.decide\(Fate::Absorbed\) == Fate::Absorbed/next.decide(Fate::Absorbed) != Fate::Open/' \
    'a leaf with a fate of its own is absorbed'
mutant loom_help_absorb $raw/replace.rs \
    's/self\.freeze\(partner, guard\);/let _ = partner;/' \
    'the absorbed leaf does not freeze'

mutant loom_stopped_writer $raw/join.rs \
    's/\.filter\(\|next\| fate\(next\.next_word\(\)\) != Fate::Open\)/.filter(|_| false)/' \
    'an absorption waits for a neighbour that is being replaced'
mutant loom_stopped_writer::an_empty_map $raw/pop.rs \
    's/self\.help\(leaf, guard\);(\s*Attempt::Again\s*\}\s*\}\s*)$/$1/' \
    'a pop waits for the only leaf to be replaced'
mutant loom_pop_absorb $raw/descend.rs 's/if block\.is_pending\(\)/if false/' \
    'a pop comes through a pending replacement'

# Reclamation.
mutant loom_overwrite_get::of_entries $raw/entry.rs \
    's/unsafe \{ guard\.defer\(job\) \};/{ let _ = guard; job(); }/' \
    'an entry is dropped without a grace period'
mutant loom_held_value $raw/link.rs \
    's/unsafe \{ guard\.defer\(job\) \};/{ let _ = guard; job(); }/' \
    'a block is freed without a grace period'
mutant loom_overwrite_get::while_its_leaf_splits $raw/replace.rs \
    's/unsafe \{ block\.free\(\) \};/let _ = block;/' \
    'a proposal that lost is leaked'

mutant loom_epoch concurrent-ordered-map/src/reclaim.rs 's/unsafe \{ self\.epoch\.defer_unchecked\(job\) \};/job();/' \
    'what crossbeam-epoch is to defer is done at once'
mutant unit $raw/link.rs 's/while links != 0 \{/loop {/' 'a retired block is linked again'
mutant unit::agrees_where_slots_have_labels $raw/label.rs \
    's/\(spot\.low, spot\.floor\) = \(hint,/(spot.low, spot.floor) = (0,/' \
    'a label may be less than that of a lesser key'
mutant unit::agrees_where_slots_have_labels $raw/label.rs \
    's/hint <= spot\.high/hint < spot.low/' \
    'what was appended among the slots of birth is not looked at'
mutant loom_insert_insert::a_split_loses_no_key_without_hints $raw/publish.rs \
    's/self\.set_fence\(index, child\);//' \
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
mutant loom_snapshot_write::of_entries $raw/archive.rs \
    's/unsafe \{ pair\.hold::<K, V>\(\) \};/let _ = pair;/' \
    'the archive does not hold its entries'
mutant loom_snapshot_write::a_copy $raw/view.rs \
    's/if state\.frozen\(\) \{\s*return false;\s*\}//' \
    'a leaf that froze before the snapshot was settled is copied'
mutant loom_snapshot_write::two_looks $raw/view.rs \
    's/if !snap\.is_settled\(\) \{\s*map\.make_room\(leaf, guard\);\s*\} else if/if/' \
    'a snapshot that is not settled reads a leaf that is still written'
mutant loom_snapshot_write $raw/replace.rs \
    's/if block\.level\(\) == 0 && !self\.archive_leaves/if false \&\& !self.archive_leaves/' \
    'what is replaced is not archived'
mutant loom_snapshot_write $raw/replace.rs \
    's/if block\.level\(\) == 0 && !self\.archive_leaves\(.*?\) \{.*?\n        \}//s; s/(if last\.exchange_forward\(proposal\.first, partner\.is_some\(\)\) \{)/$1 if block.level() == 0 { self.archive_leaves(block, partner, \&content, guard); }/; s/if last\.forward\(\)\.is_some\(\) \{\s*return false;\s*\}//' \
    'what is replaced is archived when the replacement can be found'
mutant loom_snapshot_write::a_search $raw/seek.rs \
    's/\s*&& !self\.is_wanted\(leaf, Access::Read, guard\)//' \
    'the second look overlooks a snapshot taken since the first'

# Batches.
mutant loom_batch::reads $raw/forward.rs \
    's/batch\.plan\(\)\?\.replacement\(self\)\?/batch.plan().filter(|_| self.is_first())?.replacement(self)?/' \
    'a decided batch does not count in all of its leaves'
mutant loom_batch::an_overwrite $raw/apply.rs \
    's/(let to = from \+ )keys\[from\.\.\]\.partition_point\(within\);/let _ = within; $1(keys.len() - from);/' \
    'a batch enlists its first leaf only'
mutant loom_batch::an_overwrite $raw/apply.rs \
    's/self\.freeze\(leaf, guard\);/let _ = guard;/' \
    'a leaf is enlisted before it is frozen'
mutant loom_batch::an_overwrite $raw/replace.rs \
    's/match block\.pending_batch\(\) \{/match block.pending_batch().filter(|_| false) {/' \
    'a batch is not helped, but waited for'
mutant loom_batch::a_snapshot_amid $raw/apply.rs \
    's/(each\.end, live, )generation/$1each.leaf.next_generation()/; s/(self\.part\(each\.leaf, &outcome, )generation/$1each.leaf.next_generation()/; s/let generation = latest/let _ = latest/' \
    'each leaf of a batch has a generation of its own'
mutant loom_batch::a_snapshot $raw/apply.rs \
    's/unsafe \{ self\.archive_leaf\(each\.leaf, each\.end, live, generation, guard\) \};/let _ = live;/' \
    'the leaves of a batch are not archived'
mutant loom_batch::meet $raw/forward.rs \
    's/\|\| self\.batch_in\(word\)\.is_some_and\(decided_without\)/|| self.batch_in(word).is_some_and(|batch| batch.plan().is_none_or(|_| decided_without(batch)))/' \
    'a leaf is taken from a batch that is not decided'
mutant loom_batch::meet $raw/descriptor.rs \
    's/unsafe \{ reclaim::pin\(\)\.defer\(job\) \};/job();/' \
    'a descriptor is freed without a grace period'
mutant loom_batch::a_batch_that_meets $raw/forward.rs \
    's/if (self\.forward\.compare_exchange\(word, new, Ordering::AcqRel, Ordering::Relaxed\))\.is_ok\(\)/let _ = $1; /' \
    'a leaf gives up its link to a batch twice'
mutant loom_batch::an_insertion_that_meets $raw/replace.rs \
    's/match block\.pending_batch\(\) \{/match block.pending_batch().filter(|_| false) {/' \
    'an insertion waits for a batch'
mutant loom_batch::meet $raw/apply.rs \
    's/Err\(plan\) => self\.discard_parts\(&plan\.parts, guard\)/Err(_) => {}/' \
    'a plan that lost is leaked'
mutant loom_batch $raw/descriptor.rs \
    's/compare_exchange\(seen, plan, Ordering::AcqRel/compare_exchange(seen, plan, Ordering::Relaxed/' \
    'O11: a batch is decided without release'

for model in loom-tests/tests/loom_*.rs; do
    model=$(basename "$model" .rs)
    [ -n "${has_fault[$model]-}" ] || missed+=("$model has no planted fault")
done
if [ ${#questions[@]} != 0 ]; then
    echo "questioned, as no model shows that it is needed:"
    printf '    %s\n' "${questions[@]}"
fi
[ ${#missed[@]} = 0 ] || { printf '%s\n' "${missed[@]}"; fail "see the ${#missed[@]} lines above"; }
echo "loom-mutants: every planted fault was caught"
