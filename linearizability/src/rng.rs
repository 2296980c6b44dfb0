//! `SplitMix64`: a tiny seeded generator, so that a run's calls are repeated by its seed alone.

/// The odd constant nearest to 2^64 divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream that `seed` names.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// One of many independent streams under one seed.
    pub fn stream(seed: u64, number: u64) -> Self {
        // Neighbouring numbers must not give overlapping streams, so the number is mixed first.
        Self::new(seed ^ mix(number.wrapping_add(STEP)))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).expect("the upper half has 32 bits")
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "nothing is below zero");
        let wide = u64::from(self.next_u32()) * u64::from(bound);
        u32::try_from(wide >> 32).expect("the product's upper half is below the bound")
    }

    /// An element of a slice that is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let len = u32::try_from(from.len()).expect("test slices are short");
        let index = usize::try_from(self.below(len)).expect("usize has at least 32 bits");
        &from[index]
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        f64::from(self.next_u32()) < probability * (f64::from(u32::MAX) + 1.0)
    }
}

/// `SplitMix64`'s output function.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
