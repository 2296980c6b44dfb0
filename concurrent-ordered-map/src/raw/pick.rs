//! Choosing the child of a lane towards a goal.
//!
//! Most of a search's time goes here, once a level: so hints are compared without branches that are up to chance,
//! and no child is asked where its hint decides.

use std::cmp::Ordering;

use super::block::BlockRef;
use super::descend::{Seek, reaches_block};
use super::entry::Entry;
use super::hint::is_exact;
use super::slot::Slot;

/// The slot of the lane's last child whose fence does not exceed the goal.
///
/// A slot's hint may exceed its child's fence, when the child absorbed its right neighbour. So a
/// smaller hint is proof that the child is not too far right, and a tie is settled by the child.
#[inline]
pub(super) fn pick<'g, K: Ord + 'g, V, S: Seek<K>>(
    lane: BlockRef<'g, K, V>,
    goal: &S,
    above: &mut *mut Entry<K, V>,
) -> usize {
    if S::IS_FIRST {
        return 0;
    }
    match goal.hint(lane.prefix()) {
        Some(hint) if is_exact::<K>() => pick_exact::<K, V, S>(lane, hint),
        Some(hint) => pick_by_hint(lane, goal, hint),
        None => {
            let order = |key: &K| {
                // Without a hint, the key decides.
                if goal.reaches(0, || key) { Ordering::Greater } else { Ordering::Less }
            };
            let spot = lane.search(lane.lane_state().shown(), order);
            if !spot.above.is_null() {
                *above = spot.above;
            }
            spot.floor.unwrap_or(0)
        }
    }
}

/// `pick`, where hints are whole keys, and a live slot's is its child's fence (I1): no child need be asked.
#[inline]
fn pick_exact<K, V, S: Seek<K>>(lane: BlockRef<'_, K, V>, hint: u64) -> usize {
    let slots = &lane.slots()[..lane.lane_state().count()];
    let (sorted, appended) = slots.split_at(lane.sorted());
    let is_reached = |slot: &Slot| {
        if S::IS_INCLUSIVE { slot.hint::<K>() <= hint } else { slot.hint::<K>() < hint }
    };
    let floor = live_until(lane, last_where(sorted, is_reached));
    // Without branches: which of the appended are better is up to chance.
    let (mut best, mut best_hint) = (floor, slots[floor].hint::<K>());
    for (index, slot) in appended.iter().enumerate() {
        let is_better = is_reached(slot) & (best_hint < slot.hint::<K>());
        best = if is_better { sorted.len() + index } else { best };
        best_hint = if is_better { slot.hint::<K>() } else { best_hint };
    }
    if best == floor || !slots[best].load().dead() {
        best
    } else {
        best_live(lane, floor, is_reached)
    }
}

/// The best of the live appended slots and of `best`.
#[cold]
fn best_live<K, V>(
    lane: BlockRef<'_, K, V>,
    mut best: usize,
    is_reached: impl Fn(&Slot) -> bool,
) -> usize {
    let slots = &lane.slots()[..lane.lane_state().count()];
    for (index, slot) in slots.iter().enumerate().skip(lane.sorted()) {
        let is_better = is_reached(slot) && slots[best].hint::<K>() < slot.hint::<K>();
        if is_better && !slot.load().dead() {
            best = index;
        }
    }
    best
}

#[inline]
fn pick_by_hint<'g, K: Ord + 'g, V, S: Seek<K>>(
    lane: BlockRef<'g, K, V>,
    goal: &S,
    hint: u64,
) -> usize {
    let slots = &lane.slots()[..lane.lane_state().count()];
    let (sorted, appended) = slots.split_at(lane.sorted());
    let mut best = last_where(sorted, |slot| slot.hint::<K>() < hint);
    if sorted.get(best + 1).is_some_and(|next| next.hint::<K>() == hint) {
        best = last_tied(lane, goal, best, hint);
    }
    best = live_until(lane, best);
    // How far the nearest of the appended is from the goal. What lies beyond the goal wraps round, and is
    // further than all that does not.
    let distance = |slot: &Slot| hint.wrapping_sub(slot.hint::<K>());
    let least = appended.iter().map(distance).fold(u64::MAX, u64::min);
    let rival = distance(&slots[best]);
    if least > rival {
        return best;
    }
    let mut nearest = (lane.sorted()..slots.len()).filter(|&at| distance(&slots[at]) == least);
    match (nearest.next(), nearest.next()) {
        // Alone, alive, nearer than all others and below the goal: no key need be asked.
        (Some(index), None) if 0 < least && least < rival && !slots[index].load().dead() => index,
        _ => best_of_appended(lane, goal, best, hint),
    }
}

/// The best of the appended slots and of `best`, slot by slot.
#[cold]
#[inline(never)]
fn best_of_appended<'g, K: Ord + 'g, V, S: Seek<K>>(
    lane: BlockRef<'g, K, V>,
    goal: &S,
    mut best: usize,
    hint: u64,
) -> usize {
    let slots = &lane.slots()[..lane.lane_state().count()];
    for index in lane.sorted()..slots.len() {
        let (own, best_hint) = (slots[index].hint::<K>(), slots[best].hint::<K>());
        if best_hint <= own && own <= hint && is_better(lane, goal, index, best) {
            best = index;
        }
    }
    best
}

/// The last slot for which `before` holds, given that it holds for a run of slots from the first on;
/// 0 if for none.
///
/// In two rounds: among every eighth slot, then among the seven behind the one that was found. The loads
/// of a round do not wait for each other, so a lane that is not in the cache costs two misses, where a
/// binary search waits for one after the other. Without branches that depend on the slots.
#[inline]
fn last_where(slots: &[Slot], before: impl Fn(&Slot) -> bool) -> usize {
    const STEP: usize = 8;
    // Plain loops: iterators that step are not inlined, and cost three times as much.
    let mut rounds = 0;
    let mut sample = STEP;
    while sample < slots.len() {
        rounds += usize::from(before(&slots[sample]));
        sample += STEP;
    }
    let low = rounds * STEP;
    let rest = &slots[low.min(slots.len())..];
    let count = |slots: &[Slot]| slots.iter().map(|slot| usize::from(before(slot))).sum::<usize>();
    // A round of known length is unrolled.
    low + match rest.first_chunk::<STEP>() {
        Some(round) => count(&round[1..]),
        None => count(rest.get(1..).unwrap_or_default()),
    }
}

/// Of the sorted slots whose hint ties with the goal's, the last that does not exceed the goal, or
/// `before`, the slot ahead of them.
#[cold]
fn last_tied<'g, K: 'g, V, S: Seek<K>>(
    lane: BlockRef<'g, K, V>,
    goal: &S,
    before: usize,
    hint: u64,
) -> usize {
    let sorted = &lane.slots()[..lane.sorted()];
    let last = last_where(sorted, |slot| slot.hint::<K>() <= hint);
    last_reached(lane, goal, before, last + 1)
}

/// The last sorted slot that does not exceed the goal, given that `low` does not and that those from
/// `high` on do.
fn last_reached<'g, K: 'g, V, S: Seek<K>>(
    lane: BlockRef<'g, K, V>,
    goal: &S,
    mut low: usize,
    mut high: usize,
) -> usize {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        // A slot that has died meanwhile decides nothing; the search ends to its left.
        let child = lane.child_at(live_until(lane, middle));
        if child.is_some_and(|child| reaches_block(goal, child)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The last live slot up to this one.
#[inline]
fn live_until<K, V>(lane: BlockRef<'_, K, V>, mut index: usize) -> usize {
    while index > 0 && lane.slots()[index].load().dead() {
        index -= 1;
    }
    index
}

/// True if slot `index` leads further to the right than slot `than`, and not beyond the goal. By
/// hints, where they decide, or else by the children's fences.
fn is_better<'g, K: Ord + 'g, V, S: Seek<K>>(
    lane: BlockRef<'g, K, V>,
    goal: &S,
    index: usize,
    than: usize,
) -> bool {
    let (one, other) = (lane.slots()[index].hint::<K>(), lane.slots()[than].hint::<K>());
    let Some(child) = lane.child_at(index).filter(|_| one >= other) else { return false };
    if one == other {
        // If the other slot has died, any live one is better.
        let than = lane.child_at(than);
        let further = than.is_none_or(|than| child.low_key().cmp(&than.low_key()).is_gt());
        if !further {
            return false;
        }
    }
    goal.hint(lane.prefix()).is_some_and(|hint| one < hint) || reaches_block(goal, child)
}
