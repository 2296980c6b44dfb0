//! The end of a map: dropping every key and value it holds at once, or handing them out.
//!
//! Blocks that were replaced earlier may still wait for their grace period and may own fences, or
//! links to blocks of the map. They own no entries (I5), so everything but their memory goes now.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::drop_in_place;

use super::RawMap;
use super::block::BlockRef;
use super::content::gather;
use super::entry::Entry;
use super::pair::is_inline;
use super::state::bits_of;
use crate::sync::Ordering;

/// Drops values one by one and keeps the first panic, so that each gets its turn.
#[derive(Default)]
struct Dropper {
    panic: Option<Box<dyn std::any::Any + Send>>,
}

impl Dropper {
    /// # Safety
    /// `place` holds a value that is dropped nowhere else.
    unsafe fn drop<T>(&mut self, place: *mut T) {
        // SAFETY: the caller's word.
        let result = catch_unwind(AssertUnwindSafe(|| unsafe { drop_in_place(place) }));
        if let Err(panic) = result {
            self.panic.get_or_insert(panic);
        }
    }

    /// Drops key and value of a live entry; its memory goes with its last owner.
    ///
    /// # Safety
    /// The map is being dropped, and a slot of it holds the entry.
    unsafe fn drop_entry<K, V>(&mut self, entry: *mut Entry<K, V>) {
        // SAFETY: nobody else uses the map, and the slot holds the entry.
        if unsafe { Entry::disown_value(entry) } {
            // SAFETY: the value is marked as gone, and nobody reads it.
            unsafe { self.drop(Entry::<K, V>::value_place(entry)) };
        }
        // SAFETY: as above.
        unsafe { self.drop_key(entry) };
        // SAFETY: the slot gives up its hold, once.
        unsafe { Entry::release(entry) };
    }

    /// Drops an entry's key, unless that is done.
    ///
    /// # Safety
    /// The map is being dropped, and the entry has an owner in it.
    unsafe fn drop_key<K, V>(&mut self, entry: *mut Entry<K, V>) {
        // SAFETY: the caller's word.
        if unsafe { Entry::disown_key(entry) } {
            // SAFETY: the key is marked as gone, and nobody reads it.
            unsafe { self.drop(Entry::<K, V>::key_place(entry)) };
        }
    }
}

impl<K, V> RawMap<K, V> {
    /// The root of a map that nobody else uses.
    fn last_root(&mut self) -> BlockRef<'_, K, V> {
        // Ordering: Relaxed; `&mut self` is proof that all other use has ended, and is visible.
        let root = self.root.load(Ordering::Relaxed);
        // SAFETY: the map's link.
        unsafe { BlockRef::new(root) }.expect("a map has a root")
    }
}

impl<K: Ord, V> RawMap<K, V> {
    /// Takes all entries out, in key order.
    pub(crate) fn into_entries(mut self) -> Vec<(K, V)> {
        let mut taken = Vec::with_capacity(self.len());
        for leaf in leaves(self.last_root()) {
            let mut content = Vec::with_capacity(leaf.capacity());
            gather(leaf, leaf.leaf_state(), &mut content);
            leaf.empty_out();
            // SAFETY: nobody else uses the map, and the leaf, which is live, has just let go of the entries.
            taken.extend(content.iter().map(|pair| unsafe { pair.take() }));
        }
        taken
    }
}

impl<K, V> Drop for RawMap<K, V> {
    fn drop(&mut self) {
        let mut dropper = Dropper::default();
        let root = self.last_root();
        for leaf in leaves(root) {
            // SAFETY: `&mut self`: nobody else uses the map.
            unsafe { drop_content(leaf, &mut dropper) };
        }
        // SAFETY: as above, and the map gives up its link.
        unsafe { free_all(root) };
        self.drop_live();
        if let Some(panic) = dropper.panic.take_if(|_| !std::thread::panicking()) {
            resume_unwind(panic);
        }
    }
}

/// The leaves of a map that nobody else uses, in order.
fn leaves<K, V>(root: BlockRef<'_, K, V>) -> impl Iterator<Item = BlockRef<'_, K, V>> {
    let mut first = root.latest();
    while first.level() > 0 {
        first = first.child_at(0).expect("a lane's first slot holds a block").latest();
    }
    std::iter::successors(Some(first), |leaf| leaf.next().map(BlockRef::latest))
}

/// Drops the entries and the fence's key of a live leaf.
///
/// # Safety
/// Nobody else uses the map.
unsafe fn drop_content<K, V>(leaf: BlockRef<'_, K, V>, dropper: &mut Dropper) {
    for index in bits_of(leaf.leaf_state().live()).filter(|_| !is_inline::<K, V>()) {
        // SAFETY: the leaf is live, so the entry is its own.
        unsafe { dropper.drop_entry::<K, V>(leaf.pair(index).word().cast()) };
    }
    if let Some(fence) = leaf.low().entry() {
        // SAFETY: I6, the leaf is an owner of its fence.
        unsafe { dropper.drop_key(fence) };
    }
}

/// Gives up a link and frees all blocks that lose their last one by it.
///
/// # Safety
/// Nobody else uses the map, and the caller owned the link.
unsafe fn free_all<K, V>(root: BlockRef<'_, K, V>) {
    let mut unlinked = vec![root.as_ptr()];
    while let Some(block) = unlinked.pop() {
        // SAFETY: a link led here until now.
        let Some(block) = (unsafe { BlockRef::<K, V>::new(block) }) else { continue };
        if block.drop_link() {
            // SAFETY: the last link has gone, and nobody else uses the map.
            unlinked.extend(unsafe { block.kept() });
            // SAFETY: as above.
            unsafe { block.leave_batch() };
            // SAFETY: as above.
            unsafe { block.free() };
        }
    }
}
