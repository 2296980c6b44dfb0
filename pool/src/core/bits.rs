//! A fixed set of slot numbers that answers its lowest and its highest member.

/// One bit a slot.
#[derive(Debug)]
pub(crate) struct Bits {
    words: Box<[u64]>,
    len: usize,
}

impl Bits {
    /// An empty set that has room for the numbers below `slots`.
    pub(crate) fn with_room(slots: usize) -> Self {
        Self { words: vec![0; slots.div_ceil(64)].into(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn insert(&mut self, slot: usize) {
        let (word, bit) = (slot / 64, 1 << (slot % 64));
        debug_assert_eq!(self.words[word] & bit, 0, "slot {slot} is in the set already");
        self.words[word] |= bit;
        self.len += 1;
    }

    #[inline]
    pub(crate) fn remove(&mut self, slot: usize) {
        let (word, bit) = (slot / 64, 1 << (slot % 64));
        debug_assert_ne!(self.words[word] & bit, 0, "slot {slot} is not in the set");
        self.words[word] &= !bit;
        self.len -= 1;
    }

    /// The lowest member. Looks at one word for each 64 slots.
    #[inline]
    pub(crate) fn first(&self) -> Option<usize> {
        let (index, word) = self.words.iter().enumerate().find(|(_, word)| **word != 0)?;
        // At most 63, so nothing is cut off.
        Some(index * 64 + usize::try_from(word.trailing_zeros()).unwrap_or(0))
    }

    /// The highest member. Looks at one word for each 64 slots.
    pub(crate) fn last(&self) -> Option<usize> {
        let (index, word) = self.words.iter().enumerate().rfind(|(_, word)| **word != 0)?;
        Some(index * 64 + usize::try_from(word.ilog2()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn the_lowest_comes_first_across_words() {
        let mut bits = Bits::with_room(130);
        assert_eq!(bits.first(), None);
        for slot in [129, 64, 63, 0] {
            bits.insert(slot);
            assert_eq!((bits.first(), bits.last()), (Some(slot), Some(129)));
        }
        for slot in [0, 63, 64, 129] {
            assert_eq!(bits.first(), Some(slot));
            bits.remove(slot);
        }
        assert_eq!((bits.first(), bits.last(), bits.len()), (None, None, 0));
    }
}
