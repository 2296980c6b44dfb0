//! Replacing blocks: split, compact, absorb. The freeze protocol of Braginsky and Petrank
//! ("Locality-conscious lock-free linked lists", 2011), with the decision in the `next` pointer.
//!
//! 1. The block's fate is decided in its `next` word (I8). From here on anybody may do the rest.
//! 2. To absorb, the right neighbour's fate is decided too; if it had one of its own, the block is
//!    replaced alone.
//! 3. The blocks freeze: first the state, then every published slot.
//! 4. Whoever helps builds a replacement from what the frozen slots hold. A compare-exchange on
//!    `forward`, of the absorbed block if there is one, agrees on one of them; it owns the content
//!    from then on (I5). The absorber's own `forward` follows.
//! 5. The winner swings the pointers that led to the old blocks, and enters new ones into the lane
//!    above. All of that is repair of hints and can be late.

use std::ptr::null_mut;

use super::RawMap;
use super::archive::Record;
use super::block::{Birth, BlockRef};
use super::content::{Content, Filed, collect, fence};
use super::descend::{At, First, tidy_children};
use super::entry::Entry;
use super::hint::{Needle, hint};
use super::state::{Fate, fate};
use crate::reclaim::Guard;

/// One or two new blocks that nobody else has seen.
#[derive(Clone, Copy)]
struct Proposal<'g, K, V> {
    first: BlockRef<'g, K, V>,
    second: Option<BlockRef<'g, K, V>>,
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
                Fate::Alone => self.replace(block, None, guard),
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
        block.freeze(self.generation(guard));
        if let Some(partner) = partner {
            partner.freeze(self.generation(guard));
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
            self.repair(block, partner, ours, guard);
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
        self.discard(proposal, guard);
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
        let fence = |block: Option<BlockRef<'g, K, V>>| block.map_or(null_mut(), BlockRef::low);
        let record = |leaf: BlockRef<'g, K, V>, high| Record {
            low: leaf.low(),
            low_hint: leaf.low_hint(),
            high,
            content: if leaf == block { own } else { partners },
        };
        let own = record(block, fence(partner.or(end)));
        // SAFETY: I3 and I6, the leaves were not replaced a moment ago, while pinned.
        unsafe { self.archive(block.generation(), next, &own, guard) };
        if let Some(partner) = partner {
            let partners = record(partner, fence(end));
            // SAFETY: as above.
            unsafe { self.archive(partner.generation(), next, &partners, guard) };
        }
        true
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
        let full = block.state().count() == block.capacity();
        let room = if absorbing || !full { slots } else { slots - self.shape.spare(level) };
        let cut = split_point(live.len(), slots, room, content.ascending);
        let end = last.next();
        if end.is_some_and(|end| !end.try_link()) {
            return None;
        }
        let (left, right) = live.split_at(cut);
        let before = Filed::new::<K, V>(level, left, content.prefix);
        let high = end.map_or(null_mut(), BlockRef::low);
        // SAFETY: I6, the neighbour is an owner of its fence.
        let high_hint = |filed: &Filed<'_, '_>| unsafe { filed.high_hint::<K, V>(high) };
        let mut birth = Birth {
            level,
            generation: next_generation(block, (last != block).then_some(last)),
            capacity: self.shape.capacity(level, cut),
            low: block.low(),
            low_hint: block.low_hint(),
            next: end.map_or(null_mut(), BlockRef::as_ptr),
            high_hint: high_hint(&before),
            prefix: before.prefix,
            content: &before.slots,
        };
        let mut second = None;
        if let Some(&(_, least)) = right.first() {
            let filed = Filed::new::<K, V>(level, right, content.prefix);
            let low = fence::<K, V>(level, least);
            // SAFETY: I6, the entry or the child's fence is owned by the old block's content.
            let low_key = unsafe { Entry::<K, V>::key_of(low) };
            let right = Birth {
                capacity: self.shape.capacity(level, right.len()),
                low,
                low_hint: hint(&[], low_key),
                high_hint: high_hint(&filed),
                prefix: filed.prefix,
                content: &filed.slots,
                ..birth
            };
            // SAFETY: I6, as above.
            let right = unsafe { BlockRef::<K, V>::allocate(&right) };
            birth.next = right.as_ptr();
            // SAFETY: I6, as above.
            birth.high_hint = unsafe { before.high_hint::<K, V>(low) };
            second = Some(right);
        }
        // SAFETY: I6, the old block owns its fence.
        let first = unsafe { BlockRef::allocate(&birth) };
        Some(Proposal { first, second })
    }

    /// Frees a proposal that lost. The content was never its own.
    fn discard<'g>(&'g self, proposal: Proposal<'g, K, V>, guard: &'g Guard) {
        let last = proposal.second.unwrap_or(proposal.first);
        if let Some(end) = last.next() {
            end.unlink(guard);
        }
        for block in [Some(proposal.first), proposal.second].into_iter().flatten() {
            // SAFETY: nobody else has seen the block.
            unsafe { block.free() };
        }
    }

    /// Step 5: swings what led to the old blocks, and enters the new ones above.
    fn repair<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        partner: Option<BlockRef<'g, K, V>>,
        ours: Proposal<'g, K, V>,
        guard: &'g Guard,
    ) {
        if let Some(left) = self.left_of(block, guard) {
            self.tidy_next(left, guard);
        }
        self.touch(block, guard);
        // The first slot of a lane may lead into the upper part of the range.
        if let Some(end) = partner.unwrap_or(block).next() {
            self.left_of(end, guard);
        }
        block.sever_next(guard);
        if let Some(partner) = partner {
            partner.sever_next(guard);
        }
        // While the old blocks were frozen, others may have tried in vain to swing their pointers.
        self.tidy_next(ours.second.unwrap_or(ours.first), guard);
        if block.level() > 0 {
            [Some(ours.first), ours.second].into_iter().flatten().for_each(|lane| {
                if lane.forward().is_none() {
                    tidy_children(lane, guard);
                }
            });
        }
        if let Some(second) = ours.second {
            self.enter(second, guard);
        }
        if let Some(partner) = partner {
            self.thin_out(partner, guard);
        }
        if !ours.first.is_first() {
            self.absorb_empty(ours.first, guard);
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

/// The generation of what replaces these frozen blocks: the later of those that they froze with (I15).
fn next_generation<K, V>(block: BlockRef<'_, K, V>, partner: Option<BlockRef<'_, K, V>>) -> u64 {
    let next = |block: BlockRef<'_, K, V>| block.state().next_generation();
    next(block).max(partner.map_or(0, next))
}
