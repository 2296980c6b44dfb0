//! Dropping the whole map: every key and value it holds, at once.
//!
//! Blocks that were replaced earlier may still wait for their grace period and may own fences, or
//! links to blocks of the map. They own no entries (I5), so everything but their memory goes now.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::drop_in_place;

use super::RawMap;
use super::block::{Block, BlockRef};
use super::entry::Entry;
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
        // SAFETY: nobody else uses the map; the slot owns the value.
        unsafe { self.drop(Entry::<K, V>::value_place(entry)) };
        // SAFETY: as above.
        unsafe { self.drop_key(entry) };
        // SAFETY: the slot gives up its ownership, once.
        unsafe { Entry::release(entry) };
    }

    /// Drops an entry's key, unless that is done.
    ///
    /// # Safety
    /// The map is being dropped, and the entry has an owner in it.
    unsafe fn drop_key<K, V>(&mut self, entry: *mut Entry<K, V>) {
        // SAFETY: `hollow` answers with the place once only.
        let mut drop = |place: *mut K| unsafe { self.drop(place) };
        // SAFETY: the caller's word.
        unsafe { Entry::hollow(entry, &mut drop) };
    }
}

impl<K, V> Drop for RawMap<K, V> {
    fn drop(&mut self) {
        let mut dropper = Dropper::default();
        // Ordering: Relaxed; `&mut self` is proof that all other use has ended, and is visible.
        let root = self.root.load(Ordering::Relaxed);
        // SAFETY: the map's link.
        let root = unsafe { BlockRef::<K, V>::new(root) };
        let mut leaf = root.map(first_leaf);
        while let Some(block) = leaf {
            // SAFETY: `&mut self`: nobody else uses the map.
            unsafe { drop_content(block, &mut dropper) };
            leaf = block.next().map(live);
        }
        if let Some(root) = root {
            // SAFETY: as above, and the map gives up its link.
            unsafe { free_all(root) };
        }
        if let Some(panic) = dropper.panic.take_if(|_| !std::thread::panicking()) {
            resume_unwind(panic);
        }
    }
}

fn live<K, V>(mut block: BlockRef<'_, K, V>) -> BlockRef<'_, K, V> {
    while let Some(replacement) = block.forward() {
        block = replacement;
    }
    block
}

fn first_leaf<K, V>(root: BlockRef<'_, K, V>) -> BlockRef<'_, K, V> {
    let mut block = live(root);
    while block.level() > 0 {
        let word = block.slots()[0].load();
        // SAFETY: I10, the lane is live, so the link is its own.
        let child = unsafe { BlockRef::<K, V>::new(word.pointer::<Block<K, V>>()) };
        block = live(child.expect("a lane's first slot holds a block"));
    }
    block
}

/// Drops the entries and the fence's key of a live leaf.
///
/// # Safety
/// Nobody else uses the map.
unsafe fn drop_content<K, V>(leaf: BlockRef<'_, K, V>, dropper: &mut Dropper) {
    for slot in &leaf.slots()[..leaf.state().count()] {
        let word = slot.load();
        if !word.dead() {
            // SAFETY: the leaf is live, so the entry is its own.
            unsafe { dropper.drop_entry::<K, V>(word.pointer()) };
        }
    }
    if !leaf.is_first() {
        // SAFETY: I6, the leaf is an owner of its fence.
        unsafe { dropper.drop_key(leaf.low()) };
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
            unsafe { block.free() };
        }
    }
}
