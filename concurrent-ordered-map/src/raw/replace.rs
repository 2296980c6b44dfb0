//! Replacing blocks: split, compact, absorb. The freeze protocol of Braginsky and Petrank
//! ("Locality-conscious lock-free linked lists", 2011), with the decision in the `next` pointer.
//!
//! 1. The block's fate is decided in its `next` word (I8). From here on anybody may do the rest.
//! 2. To absorb, the right neighbour's fate is decided too; if it had one of its own, the block is
//!    replaced alone.
//! 3. The blocks freeze: a leaf by its state, a lane by its state and then every published slot.
//! 4. Whoever helps builds a replacement from what the frozen slots hold. A compare-exchange on
//!    `forward`, of the absorbed block if there is one, agrees on one of them; it owns the content
//!    from then on (I5). The absorber's own `forward` follows.
//! 5. The winner swings the pointers that led to the old blocks, and enters new ones into the lane
//!    above. All of that is repair of hints and can be late.

use std::ptr::null_mut;

use super::RawMap;
use super::archive::Record;
use super::block::{Birth, BlockRef};
use super::content::{Content, Filed, collect, fence_of};
use super::descend::{At, Before, First, slot_towards};
use super::fence::Fence;
use super::hint::Needle;
use super::pair::Pair;
use super::state::{Fate, fate};
use crate::reclaim::Guard;

/// One or two new blocks that nobody else has seen.
#[derive(Clone, Copy)]
struct Proposal<'g, K, V> {
    first: BlockRef<'g, K, V>,
    second: Option<BlockRef<'g, K, V>>,
}

/// What a chain of new blocks takes the place of.
pub(super) struct Origin<'g, K, V> {
    pub(super) first: BlockRef<'g, K, V>,
    /// The first, or the neighbour that it absorbs.
    pub(super) last: BlockRef<'g, K, V>,
    /// That of the new blocks.
    pub(super) generation: u64,
    /// The prefix after which all hints of the content are, if it is one.
    pub(super) prefix: Option<&'g [u8]>,
}

/// The replacement that was agreed.
struct Agreed<'g, K, V> {
    first: BlockRef<'g, K, V>,
    /// This thread's proposal won, so that the repairs are its task.
    ours: Option<Proposal<'g, K, V>>,
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// Replaces a block by one or two with room in them.
    pub(super) fn make_room<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) {
        block.decide(Fate::Alone);
        self.help(block, guard);
    }

    /// Completes the replacement of a block whose fate is decided. Returns once it is replaced.
    pub(super) fn help<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) {
        while block.forward().is_none() {
            let next = block.next_word();
            match fate(next) {
                Fate::Open => return,
                Fate::Alone => match block.pending_batch() {
                    Some(batch) => self.complete_batch(batch, guard),
                    None => self.replace(block, None, guard),
                },
                Fate::Absorb => {
                    let partner = block.next().filter(|next| {
                        next.announce_absorber(block);
                        next.decide(Fate::Absorbed) == Fate::Absorbed
                    });
                    self.replace(block, partner, guard);
                }
                Fate::Absorbed => {
                    if let Some(absorber) = block.absorber() {
                        self.help(absorber, guard);
                    }
                }
            }
        }
    }

    /// Steps 3 to 5, for a block alone or with the right neighbour that it absorbs.
    fn replace<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        partner: Option<BlockRef<'g, K, V>>,
        guard: &'g Guard,
    ) {
        if block.level() == 0 {
            self.prefetch_neighbours(block, guard);
        }
        self.freeze(block, guard);
        if let Some(partner) = partner {
            self.freeze(partner, guard);
        }
        let Some(agreed) = self.agree(block, partner, guard) else { return };
        if partner.is_some()
            && agreed.first.try_link()
            && !block.exchange_forward(agreed.first, false)
        {
            agreed.first.unlink(guard);
        }
        if let Some(partner) = partner {
            partner.settle_forward();
        }
        if let Some(ours) = agreed.ours {
            self.repair(block, partner, (ours.first, ours.second.as_slice()), guard);
        }
    }

    /// Step 3, of one block.
    pub(super) fn freeze<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) {
        if block.level() == 0 {
            block.freeze_leaf(self.generation(guard));
        } else {
            block.freeze_lane();
        }
    }

    /// Step 4. `None`: the block was replaced before this thread got to it.
    fn agree<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        partner: Option<BlockRef<'g, K, V>>,
        guard: &'g Guard,
    ) -> Option<Agreed<'g, K, V>> {
        let last = partner.unwrap_or(block);
        let agreed =
            |last: BlockRef<'g, K, V>| last.forward().map(|first| Agreed { first, ours: None });
        // I3: a block not replaced now owns its slots' content, which is retired later than now if
        // at all. So the content may be read, whatever the others do meanwhile.
        if last.forward().is_some() {
            return agreed(last);
        }
        if block.forward().is_some() {
            return None;
        }
        let (content, doubles) = collect(block, partner);
        if block.level() == 0 && !self.archive_leaves(block, partner, &content, guard) {
            return agreed(last);
        }
        let proposal = self.build(block, last, partner.is_some(), &content)?;
        if last.exchange_forward(proposal.first, partner.is_some()) {
            for double in doubles {
                // A lane's slots that led to the same child are one slot now.
                double.unlink(guard);
            }
            return Some(Agreed { first: proposal.first, ours: Some(proposal) });
        }
        self.discard(proposal.first, proposal.second.as_slice(), guard);
        agreed(last)
    }

    /// Gives the frozen leaves to the snapshots that want them. False if they have been replaced, so that
    /// somebody else has done so.
    ///
    /// Before the replacement can be seen: whoever finds it looks for the original in the archive.
    fn archive_leaves<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        partner: Option<BlockRef<'g, K, V>>,
        content: &Content<'g>,
        guard: &'g Guard,
    ) -> bool {
        if !self.has_snapshots() {
            // One that wants the leaves was taken before they froze, so it would be seen here.
            return true;
        }
        let last = partner.unwrap_or(block);
        let next = next_generation(block, partner);
        let end = last.next();
        if last.forward().is_some() {
            return false;
        }
        let (own, partners) = content.live.split_at(content.own);
        // SAFETY: I3 and I6, the leaves were not replaced a moment ago, while pinned.
        unsafe { self.archive_leaf(block, partner.or(end), own, next, guard) };
        if let Some(partner) = partner {
            // SAFETY: as above.
            unsafe { self.archive_leaf(partner, end, partners, next, guard) };
        }
        true
    }

    /// Gives a frozen leaf, whose replacement will be of the generation `next`, to the snapshots that want it.
    ///
    /// # Safety
    /// The content is the leaf's and was not retired when the caller pinned. `end` was its right neighbour.
    pub(super) unsafe fn archive_leaf(
        &self,
        leaf: BlockRef<'_, K, V>,
        end: Option<BlockRef<'_, K, V>>,
        content: &[Pair],
        next: u64,
        guard: &Guard,
    ) {
        let high = Fence::before(end);
        let record = Record { low: *leaf.low(), high, content };
        // SAFETY: I6, by the caller's word.
        unsafe { self.archive(leaf.generation(), next, &record, guard) };
    }

    /// Builds the one or two blocks that hold the content, between the fences of the old ones. `None`:
    /// the old ones have been replaced, and their neighbour too.
    fn build<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        last: BlockRef<'g, K, V>,
        absorbing: bool,
        content: &Content<'g>,
    ) -> Option<Proposal<'g, K, V>> {
        let level = block.level();
        let live = &content.live;
        let slots = self.shape.slots(level);
        // A block that absorbs was sparse and will not be written soon, or it is emptied from the front. One
        // that is not full is replaced for the sake of a snapshot, and stays as it is.
        let full = match level {
            0 => block.leaf_state().was_full(),
            _ => block.lane_state().count() == block.capacity(),
        };
        let room = if absorbing || !full { slots } else { slots - self.shape.spare(level) };
        let (left, right) = live.split_at(split_point(live.len(), slots, room, content.ascending));
        let pieces = [left, right];
        let origin = Origin {
            first: block,
            last,
            generation: next_generation(block, (last != block).then_some(last)),
            prefix: content.prefix,
        };
        let mut second = None;
        let count = if right.is_empty() { 1 } else { 2 };
        let first =
            self.chain(&origin, pieces[..count].iter().copied(), |block| second = Some(block))?;
        Some(Proposal { first, second })
    }

    /// Builds a block for each piece of the content, and answers the first; `further` is given the others,
    /// from the last on. `None`: the old blocks have been replaced, and their neighbour too.
    ///
    /// Calls no `Ord` of the user's.
    pub(super) fn chain<'g, 'c>(
        &self,
        origin: &Origin<'g, K, V>,
        pieces: impl DoubleEndedIterator<Item = &'c [Pair]> + ExactSizeIterator,
        mut further: impl FnMut(BlockRef<'g, K, V>),
    ) -> Option<BlockRef<'g, K, V>> {
        let block = origin.first;
        let end = origin.last.next();
        if end.is_some_and(|end| !end.try_link()) {
            return None;
        }
        let (mut next, mut high) = (end, Fence::before(end));
        for (index, piece) in pieces.enumerate().rev() {
            let filed = Filed::new::<K, V>(block.level(), piece, origin.prefix);
            // I6: the entry or the child's fence is owned by the old block's content.
            let low = if index > 0 { fence_of(block.level(), piece[0]) } else { *block.low() };
            let birth = Birth {
                level: block.level(),
                generation: origin.generation,
                capacity: self.shape.capacity(block.level(), piece.len()),
                low,
                next: next.map_or(null_mut(), BlockRef::as_ptr),
                // SAFETY: I6, as above; the neighbour owns its own fence.
                high_hint: unsafe { filed.high_hint(&high) },
                prefix: filed.prefix,
                content: &filed.slots,
            };
            // SAFETY: I6, as above; the old block owns its own fence.
            let made = unsafe { BlockRef::<K, V>::allocate(&birth) };
            if index > 0 {
                further(made);
            }
            (next, high) = (Some(made), low);
        }
        next
    }

    /// Frees a chain that lost. The content was never its own.
    pub(super) fn discard<'g>(
        &'g self,
        first: BlockRef<'g, K, V>,
        later: &[BlockRef<'g, K, V>],
        guard: &'g Guard,
    ) {
        if let Some(end) = later.last().unwrap_or(&first).next() {
            end.unlink(guard);
        }
        for &block in [first].iter().chain(later) {
            // SAFETY: nobody else has seen the block.
            unsafe { block.free() };
        }
    }

    /// Step 5: swings what led to the old blocks, and enters the new ones above.
    pub(super) fn repair<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        partner: Option<BlockRef<'g, K, V>>,
        (first, later): (BlockRef<'g, K, V>, &[BlockRef<'g, K, V>]),
        guard: &'g Guard,
    ) {
        self.swing_to(block, partner.unwrap_or(block).next(), guard);
        block.sever_next(guard);
        if let Some(partner) = partner {
            partner.sever_next(guard);
        }
        // While the old blocks were frozen, others may have tried in vain to swing their pointers.
        self.tidy_next(*later.last().unwrap_or(&first), guard);
        for &further in later {
            self.enter(further, guard);
        }
        if let Some(partner) = partner {
            self.thin_out(partner, guard);
        }
        if !first.is_first() {
            self.absorb_empty(first, guard);
        }
    }

    /// Swings what leads to a block that has been replaced, whose range (with that of the neighbour that it
    /// absorbed) ends at `end`: the left neighbour's pointer, and the slots of the lane above.
    fn swing_to<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        end: Option<BlockRef<'g, K, V>>,
        guard: &'g Guard,
    ) {
        let above = block.level() + 1;
        let Some(low) = block.low_key() else {
            self.touch(block, guard);
            if let Some(end) = end {
                self.left_of(end, guard);
            }
            return;
        };
        let needle = Needle::<K, K>::new(low);
        // One way down serves for all, where they are all in one lane.
        let lane = self.descend(&At(&needle), above, guard);
        let left = match lane.filter(|lane| lane.low_key().cmp(&Some(low)).is_lt()) {
            Some(lane) => {
                self.child(lane, &At(&needle), &mut null_mut(), guard);
                let (.., before) = slot_towards(lane, &Before(&needle), &mut null_mut());
                Some(self.advance(before, &Before(&needle), null_mut(), guard))
            }
            None => {
                self.touch(block, guard);
                self.left_of(block, guard)
            }
        };
        if let Some(left) = left {
            self.tidy_next(left, guard);
        }
        // The first slot of a further lane may lead into the upper part of the range.
        let lies_within = |lane: BlockRef<'g, K, V>, end: BlockRef<'g, K, V>| {
            lane.next().is_some_and(|next| next.low_key().cmp(&end.low_key()).is_lt())
        };
        if let Some(end) = end
            && lane.is_none_or(|lane| lane.forward().is_some() || lies_within(lane, end))
        {
            self.left_of(end, guard);
        }
    }

    /// Descends to a block that has been replaced, which swings the pointers on the way.
    pub(super) fn touch<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) {
        match block.low_key() {
            Some(low) => self.descend(&At(&Needle::<K, K>::new(low)), block.level(), guard),
            None => self.descend(&First, block.level(), guard),
        };
    }
}

/// How much of `live` goes into the first block, if one block of `slots` may take as much as `room`.
fn split_point(live: usize, slots: usize, room: usize, ascending: bool) -> usize {
    if live <= room {
        live
    } else if ascending && live <= slots {
        // Keys that arrive in order go to the right block from now on.
        live - (slots / 8).max(1)
    } else {
        live / 2
    }
}

/// The generation of what replaces these frozen blocks: the later of those that they froze with (I15). Lanes
/// have none.
fn next_generation<K, V>(block: BlockRef<'_, K, V>, partner: Option<BlockRef<'_, K, V>>) -> u64 {
    if block.level() > 0 {
        return 0;
    }
    block.next_generation().max(partner.map_or(0, BlockRef::next_generation))
}
