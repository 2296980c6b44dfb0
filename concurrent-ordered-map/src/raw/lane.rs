//! The lanes above the leaves: the root, entering blocks, growing.
//!
//! A lane is a block whose slots lead to blocks of the level below. Everything here is a hint, so
//! losing a race costs a step to the right later on, never an answer.

use std::ptr::null_mut;

use super::RawMap;
use super::block::{Birth, BlockRef};
use super::descend::{At, resolve};
use super::fence::Fence;
use super::hint::Needle;
use super::pair::Pair;
use super::publish::Append;
use crate::reclaim::Guard;
use crate::sync::Ordering;

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// The first block of the top level.
    #[inline]
    pub(super) fn root<'g>(&'g self, guard: &'g Guard) -> BlockRef<'g, K, V> {
        // Ordering: Acquire (O5), with `swing_root`: the block's content is visible.
        let word = self.root.load(Ordering::Acquire);
        // SAFETY: I10, the map's link to its root was there when it was read.
        let root = unsafe { BlockRef::new(word) }.expect("a map has a root");
        if root.forward().is_some() {
            self.swing_root(root, resolve(root), guard);
        }
        root
    }

    pub(super) fn swing_root<'g>(
        &'g self,
        old: BlockRef<'g, K, V>,
        new: BlockRef<'g, K, V>,
        guard: &'g Guard,
    ) -> bool {
        if new == old || !new.try_link() {
            return false;
        }
        // Ordering: Release (O5) publishes the new root's content.
        let swung = self.root.compare_exchange(
            old.as_ptr(),
            new.as_ptr(),
            Ordering::Release,
            Ordering::Relaxed,
        );
        if swung.is_ok() {
            old.unlink(guard)
        } else {
            new.unlink(guard)
        }
        swung.is_ok()
    }

    /// Enters a new block into the lane above it.
    pub(super) fn enter<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) {
        let level = block.level() + 1;
        let low = block.low_key().expect("a second block has a fence");
        let needle = Needle::<K, K>::new(low);
        loop {
            let Some(lane) = self.descend(&At(&needle), level, guard) else {
                self.grow(block.level(), guard);
                continue;
            };
            let state = lane.lane_state();
            // Compared before a link is taken, which a panic in `Ord` would leak.
            let is_first = lane.low_key().cmp(&Some(low)).is_eq();
            if state.frozen() {
                self.help(lane, guard);
                continue;
            }
            if state.count() == lane.capacity() && !is_first {
                self.make_room(lane, guard);
                continue;
            }
            let hint = if is_first { 0 } else { lane.hint_of(state.shown(), low) };
            if !block.try_link() {
                // Replaced and gone already; its replacement has been entered or swung in.
                return;
            }
            let appended = (!is_first).then(|| lane.append(state, hint, block.as_word().0));
            let put =
                appended.map_or_else(|| put_first(lane, block, guard), |it| it == Append::Done);
            if put {
                if block.forward().is_some() {
                    // Replaced while it was entered: its replacer may have found no slot to swing.
                    self.touch(block, guard);
                }
                return;
            }
            block.unlink(guard);
            if let Some(Append::Reserved(other)) = appended {
                lane.publish_other(state, other);
            }
        }
    }

    /// Puts a level on top, if `level` or one below it is still the top one.
    fn grow<'g>(&'g self, level: u8, guard: &'g Guard) {
        let top = self.root(guard);
        if top.level() > level || !top.try_link() {
            return;
        }
        let birth = Birth {
            level: top.level() + 1,
            generation: 0,
            capacity: self.shape.capacity(top.level() + 1, 1),
            low: Fence::none(),
            next: null_mut(),
            high_hint: u64::MAX,
            prefix: &[],
            content: &[Pair::new::<K>(0, top.as_word().0)],
        };
        // SAFETY: it has no fence.
        let lane = unsafe { BlockRef::<K, V>::allocate(&birth) };
        // The new block is born with one link, which `swing_root` does not count on.
        self.swing_root(top, lane, guard);
        lane.unlink(guard);
    }
}

/// Hands a link to a block with the lane's own fence over to the lane's first slot, which leads further
/// left since the last block with this fence was absorbed. Beside a second slot for the same keys nobody
/// would pass by it any more and swing it. False if the slot changed first.
fn put_first<K, V>(lane: BlockRef<'_, K, V>, block: BlockRef<'_, K, V>, guard: &Guard) -> bool {
    let slot = &lane.slots()[0];
    let word = slot.load();
    let put = !word.frozen() && slot.exchange(word, block.as_word()).is_ok();
    if put && let Some(child) = lane.child_of(word) {
        child.unlink(guard);
    }
    put
}
