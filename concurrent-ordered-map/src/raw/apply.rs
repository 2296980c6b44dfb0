//! Batches: several inserts and removals at one moment.
//!
//! A batch replaces the leaves that have its keys in their ranges, all at once.
//!
//! 1. Its descriptor *enlists* the leaves, in ascending order: each is decided to be replaced alone and
//!    freezes, and then its `forward` leads to the descriptor instead of to a replacement (I17).
//! 2. When it has them all, a plan is drawn up: a chain of new blocks for each leaf, with what the leaf held
//!    and the batch's writes to it.
//! 3. A compare-exchange of the descriptor's word agrees on one plan. That is the moment at which the batch
//!    takes effect: from then on the leaves' `forward` counts as leading to their replacements.
//! 4. Each leaf's `forward` is set to its replacement by whoever comes by, and the winner repairs what led
//!    to the leaf, as after any replacement.
//!
//! Whoever wants to write to a leaf that is enlisted does the steps that are left. A reader does not: until
//! the batch is decided, what the leaf holds is the truth. As leaves are enlisted in ascending order, a batch
//! that meets another's leaf helps a batch that waits for none of its own.
//!
//! If an `Ord` panics in the call that applies a batch, the batch is decided to come to nothing. Not so once a plan
//! is sealed, which is before anything is archived: what snapshots have then been given is what this batch
//! replaces, and it is left to whoever comes by.
//!
//! A helper that comes too late may enlist a leaf when its batch is decided. The plan knows nothing of that
//! leaf, which is then as if it were merely frozen.
//!
//! # Snapshots
//!
//! All that a batch makes is of one generation: the latest of those with which its leaves froze, and of that
//! at the beginning of the call. So a snapshot sees all of a batch or none of it. That it is in order with
//! other calls is seen as for single writes (`snapshot.rs`): a batch that begins after a snapshot is of a later
//! generation than its number; and as long as an earlier one may be under way, the snapshot is unsettled, so
//! that who comes to a leaf that it wants completes the batch first.

use std::cmp::Ordering::Equal;
use std::mem;
use std::ops::Range;

use super::RawMap;
use super::block::BlockRef;
use super::content::{Content, collect};
use super::descend::At;
use super::descriptor::{DescriptorRef, Op, Part, Plan};
use super::hint::{Needle, has_labels, hint, is_exact};
use super::pair::{Item, Pair};
use super::replace::Origin;
use super::state::Fate;
use crate::batch::Tally;
use crate::reclaim::Guard;

/// The link to a descriptor of the call that applies it.
struct Own<'g, K: Send + 'static, V: Send + 'static> {
    batch: DescriptorRef<'g, K, V>,
    guard: &'g Guard,
}

impl<K: Send + 'static, V: Send + 'static> Drop for Own<'_, K, V> {
    fn drop(&mut self) {
        // It has been decided, unless an `Ord` has panicked.
        if self.batch.plan().is_none() {
            self.batch.abandon(self.guard);
        }
        self.batch.unlink();
    }
}

/// A leaf that is enlisted.
struct Enlisted<'g, K, V> {
    leaf: BlockRef<'g, K, V>,
    /// Its right neighbour, at which its range ends.
    end: Option<BlockRef<'g, K, V>>,
    /// The writes to it.
    ops: Range<usize>,
}

/// What a leaf holds after the batch.
struct Outcome<'g> {
    /// What it held before.
    content: Content<'g>,
    merged: Vec<Pair>,
    /// Some of the entries that were there are gone.
    thinned: bool,
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// Makes writes at one moment: a value is inserted, or replaces the one that is there; without a value, the
    /// key is removed. Of those with one key the last counts. Answers the entries that were replaced or removed,
    /// too, in key order.
    pub(crate) fn apply<'g>(
        &'g self,
        mut writes: Vec<(K, Option<V>)>,
        guard: &'g Guard,
    ) -> (Tally, Vec<Item<'g, K, V>>) {
        writes.sort_by(|one, other| one.0.cmp(&other.0));
        writes.dedup_by(|later, kept| {
            let same = later.0.cmp(&kept.0).is_eq();
            if same {
                mem::swap(later, kept);
            }
            same
        });
        if writes.is_empty() {
            return (Tally::default(), Vec::new());
        }
        if has_labels::<K>() {
            // An `Ord` that panics does so here, before others see the batch and have to help it.
            for (key, _) in &writes {
                self.get(key, guard);
            }
        }
        let ops = writes.into_iter().map(|(key, value)| Op::new(key, value)).collect();
        let batch = DescriptorRef::allocate(ops, self.generation(guard));
        let own = Own { batch, guard };
        self.complete_batch(batch, guard);
        let plan = own.batch.plan().expect("a completed batch is decided");
        // SAFETY: I17, the plan is freed with the descriptor, whose last link is taken away while this thread is
        // pinned.
        let plan: &'g Plan<K, V> = unsafe { &*std::ptr::from_ref(plan) };
        // SAFETY: I3, the entries left their slots when the batch was decided, and this thread was pinned.
        let displaced = plan.displaced.iter().map(|pair| unsafe { pair.item() });
        (plan.tally, displaced.collect())
    }

    /// Sees to it that a batch is decided.
    pub(super) fn complete_batch<'g>(&'g self, batch: DescriptorRef<'g, K, V>, guard: &'g Guard) {
        while batch.plan().is_none() {
            let plan = self
                .enlist_all(batch, guard)
                .and_then(|enlisted| self.draw_up(batch, &enlisted, guard));
            let Some(plan) = plan else { continue };
            match batch.decide(Box::new(plan)) {
                Ok(plan) => self.carry_out(plan, guard),
                Err(plan) => self.discard_parts(&plan.parts, guard),
            }
        }
    }

    /// Step 1. `None`: the batch has been decided.
    fn enlist_all<'g>(
        &'g self,
        batch: DescriptorRef<'g, K, V>,
        guard: &'g Guard,
    ) -> Option<Vec<Enlisted<'g, K, V>>> {
        // SAFETY: I17, the caller saw that the batch was not decided, while pinned.
        let keys: Vec<&K> = batch.ops().iter().map(|op| unsafe { op.key() }).collect();
        let mut enlisted = Vec::new();
        let mut from = 0;
        while from < keys.len() {
            let leaf = self.enlist(batch, keys[from], guard)?;
            let end = leaf.next();
            let high = end.and_then(BlockRef::low_key);
            let within = |key: &&K| high.is_none_or(|high| (*key).cmp(high).is_lt());
            let to = from + keys[from..].partition_point(within);
            enlisted.push(Enlisted { leaf, end, ops: from..to });
            from = to;
        }
        // Otherwise what is enlisted is not the batch, and a neighbour may have been severed.
        batch.plan().is_none().then_some(enlisted)
    }

    /// Enlists the leaf of a key.
    fn enlist<'g>(
        &'g self,
        batch: DescriptorRef<'g, K, V>,
        key: &K,
        guard: &'g Guard,
    ) -> Option<BlockRef<'g, K, V>> {
        let needle = Needle::<K, K>::new(key);
        while batch.plan().is_none() {
            let leaf = self.leaf(&At(&needle), guard);
            if leaf.decide(Fate::Alone) == Fate::Alone {
                self.freeze(leaf, guard);
                if leaf.enlist(batch) && batch.plan().is_none() {
                    return Some(leaf);
                }
            }
            // It has another fate, or is of another batch; or this one came too late, and has only frozen it.
            self.help(leaf, guard);
        }
        None
    }

    /// Step 2. `None`: the batch has been decided.
    fn draw_up<'g>(
        &'g self,
        batch: DescriptorRef<'g, K, V>,
        enlisted: &[Enlisted<'g, K, V>],
        guard: &'g Guard,
    ) -> Option<Plan<K, V>> {
        let latest = enlisted.iter().map(|each| each.leaf.next_generation()).max();
        let generation = latest.unwrap_or(0).max(batch.generation());
        let (mut displaced, mut tally) = (Vec::new(), Tally::default());
        let mut outcomes = Vec::with_capacity(enlisted.len());
        for each in enlisted {
            // I3: the batch was not decided when it had all of its leaves, while pinned.
            let (content, _) = collect(each.leaf, None);
            let removed = tally.removed;
            let ops = &batch.ops()[each.ops.clone()];
            let merged = merge(each.leaf, &content.live, ops, (&mut displaced, &mut tally));
            outcomes.push(Outcome { content, merged, thinned: tally.removed > removed });
        }
        // What is in an archive has to be replaced by what this batch makes, and by nothing else.
        batch.seal();
        for (each, outcome) in enlisted.iter().zip(&outcomes) {
            let live = &outcome.content.live;
            // SAFETY: I3, as above.
            unsafe { self.archive_leaf(each.leaf, each.end, live, generation, guard) };
        }
        // From here on no `Ord` is called, whose panic would leak blocks.
        let mut parts = Vec::with_capacity(enlisted.len());
        for (each, outcome) in enlisted.iter().zip(outcomes) {
            let Some(part) = self.part(each.leaf, &outcome, generation) else {
                self.discard_parts(&parts, guard);
                return None;
            };
            parts.push(part);
        }
        Some(Plan::new(parts, displaced, tally))
    }

    /// Builds what replaces a leaf.
    fn part<'g>(
        &self,
        leaf: BlockRef<'g, K, V>,
        outcome: &Outcome<'g>,
        generation: u64,
    ) -> Option<Part<K, V>> {
        let merged = &outcome.merged;
        let slots = self.shape.slots(0);
        let grown = merged.len() > outcome.content.live.len();
        let room = if grown { slots - self.shape.spare(0) } else { slots };
        let count = merged.len().div_ceil(room).max(1);
        let cut = |piece| piece * merged.len() / count;
        let pieces = (0..count).map(|piece| &merged[cut(piece)..cut(piece + 1)]);
        let origin = Origin { first: leaf, last: leaf, generation, prefix: outcome.content.prefix };
        let mut later = Vec::new();
        let first = self.chain(&origin, pieces, |block| later.push(block.as_ptr()))?;
        later.reverse();
        let few = count == 1 && merged.len() <= slots / 4;
        Some(Part {
            leaf: leaf.as_ptr(),
            first: first.as_ptr(),
            later,
            thinned: (outcome.thinned && few).then_some(merged.len()),
        })
    }

    /// Step 4, by the one whose plan was agreed.
    fn carry_out<'g>(&'g self, plan: &Plan<K, V>, guard: &'g Guard) {
        for pair in &plan.displaced {
            // SAFETY: I5, this thread took the entries out of their slots.
            unsafe { pair.retire::<K, V>(guard) };
        }
        let Tally { inserted, removed, .. } = plan.tally;
        self.count(inserted.cast_signed() - removed.cast_signed());
        for part in &plan.parts {
            // Hands the plan's link over.
            let [leaf, _] = blocks(part);
            leaf.forward();
        }
        for part in &plan.parts {
            let [leaf, first] = blocks(part);
            self.repair(leaf, None, (first, &later(part)), guard);
            if let Some(held) = part.thinned {
                self.join(first, held, guard);
            }
        }
    }

    /// Frees the blocks of a plan that nobody else has seen.
    fn discard_parts<'g>(&'g self, parts: &[Part<K, V>], guard: &'g Guard) {
        for part in parts {
            let [_, first] = blocks(part);
            self.discard(first, &later(part), guard);
        }
    }
}

/// The leaf and the first block of its replacement.
fn blocks<'g, K, V>(part: &Part<K, V>) -> [BlockRef<'g, K, V>; 2] {
    // SAFETY: I17, the thread is pinned since before the plan was drawn up or found.
    [part.leaf, part.first].map(|block| unsafe { BlockRef::new(block) }.expect("a part has blocks"))
}

fn later<'g, K, V>(part: &Part<K, V>) -> Vec<BlockRef<'g, K, V>> {
    // SAFETY: as for `blocks`.
    part.later.iter().filter_map(|&block| unsafe { BlockRef::new(block) }).collect()
}

/// What a leaf holds after these writes. Notes what they displace, and counts.
fn merge<K: Ord, V>(
    leaf: BlockRef<'_, K, V>,
    mut live: &[Pair],
    ops: &[Op<K, V>],
    (displaced, tally): (&mut Vec<Pair>, &mut Tally),
) -> Vec<Pair> {
    let mut merged = Vec::with_capacity(live.len() + ops.len());
    for op in ops {
        // SAFETY: I17, the batch was not decided when the leaf was read, while pinned.
        let key = unsafe { op.key() };
        // The blocks to come give labels of their own, and new keys have none here.
        let wanted = if has_labels::<K>() { 0 } else { hint(leaf.prefix(), key) };
        let order = |pair: &Pair| {
            let by_hint = if has_labels::<K>() { Equal } else { pair.hint::<K>().cmp(&wanted) };
            if is_exact::<K>() {
                return by_hint;
            }
            // SAFETY: I3, as above.
            by_hint.then_with(|| unsafe { pair.key::<K, V>() }.cmp(key))
        };
        let before = live.partition_point(|pair| order(pair).is_lt());
        merged.extend_from_slice(&live[..before]);
        live = &live[before..];
        let found = live.split_first().filter(|(pair, _)| order(pair).is_eq());
        if let Some((&pair, rest)) = found {
            displaced.push(pair);
            live = rest;
        }
        match op {
            Op::Put(pair) => {
                merged.push(pair.under::<K>(wanted));
                tally.replaced += usize::from(found.is_some());
                tally.inserted += usize::from(found.is_none());
            }
            Op::Remove(..) => tally.removed += usize::from(found.is_some()),
        }
    }
    merged.extend_from_slice(live);
    merged
}
