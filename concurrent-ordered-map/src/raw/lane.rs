//! The lanes above the leaves: entering blocks, growing, thinning out.
//!
//! A lane is a block whose slots lead to blocks of the level below. Everything here is a hint, so
//! losing a race costs a step to the right later on, never an answer.

use std::ptr::null_mut;

use super::RawMap;
use super::block::{Birth, BlockRef};
use super::descend::{At, resolve, tidy_children};
use super::hint::Needle;
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

    fn swing_root<'g>(
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
        let needle = Needle::<K>::new::<K>(low);
        loop {
            let Some(lane) = self.descend(&At(&needle), level, guard) else {
                self.grow(block.level(), guard);
                continue;
            };
            let state = lane.state();
            if state.frozen() {
                self.help(lane, guard);
            } else if state.count() == lane.capacity() {
                tidy_children(lane, guard);
                self.make_room(lane, guard);
            } else if !block.try_link() {
                // Replaced and gone already; its replacement has been entered or swung in.
                return;
            } else if lane.append(state, block.low_hint(), block.as_word().0) == Append::Done {
                if block.forward().is_some() {
                    // Replaced while it was entered: its replacer may have found no slot to swing.
                    self.touch(block, guard);
                }
                return;
            } else {
                block.unlink(guard);
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
            capacity: self.capacity_at(top.level() + 1),
            low: null_mut(),
            low_hint: 0,
            next: null_mut(),
            high_hint: u64::MAX,
            content: &[(0, top.as_word().0)],
        };
        // SAFETY: it has no fence.
        let lane = unsafe { BlockRef::<K, V>::allocate(&birth) };
        // The new block is born with one link, which `swing_root` does not count on.
        self.swing_root(top, lane, guard);
        lane.unlink(guard);
    }

    /// Lets a lane shrink after one of its children, `gone`, was absorbed.
    pub(super) fn thin_out<'g>(&'g self, gone: BlockRef<'g, K, V>, guard: &'g Guard) {
        let low = gone.low_key().expect("an absorbed block has a fence");
        let needle = Needle::<K>::new::<K>(low);
        let Some(lane) = self.descend(&At(&needle), gone.level() + 1, guard) else { return };
        tidy_children(lane, guard);
        let children = children(lane);
        let strays =
            !lane.is_first() && children.iter().all(|child| child.low_key() < lane.low_key());
        if strays {
            self.absorb_empty(lane, guard);
        } else if children.len() <= (lane.capacity() / 4).max(1)
            && self.fits_with_next(lane, &children)
        {
            self.absorb_next(lane, guard);
        }
        self.shrink_root(guard);
    }

    fn fits_with_next<'g>(&'g self, lane: BlockRef<'g, K, V>, own: &[BlockRef<'g, K, V>]) -> bool {
        lane.next().is_some_and(|next| {
            next.forward().is_none()
                && own.len() + children(next).len() <= lane.capacity() - lane.capacity() / 4
        })
    }

    /// Takes top levels away that have a single child.
    fn shrink_root<'g>(&'g self, guard: &'g Guard) {
        loop {
            let root = self.root(guard);
            if root.level() == 0 || root.next().is_some() || root.forward().is_some() {
                return;
            }
            // A block that another thread enters meanwhile is lost to the lanes, not to the map.
            match children(root)[..] {
                [only] if self.swing_root(root, only, guard) => {}
                _ => return,
            }
        }
    }
}

/// The different children of a lane that was not replaced when the caller looked, in no order.
fn children<'g, K, V>(lane: BlockRef<'g, K, V>) -> Vec<BlockRef<'g, K, V>> {
    let published = 0..lane.state().count();
    let mut children: Vec<_> =
        published.filter_map(|index| lane.child_at(index)).map(resolve).collect();
    children.sort_unstable_by_key(|child| child.as_ptr());
    children.dedup();
    children
}
