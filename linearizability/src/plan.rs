//! Random calls from a seed: what each thread of a history is going to call.

use crate::map_spec::{Op, Subject};
use crate::rng::Rng;

/// The main thread's number in a history; the workers are 1, 2 and so on.
pub const MAIN: usize = 0;

/// The kinds of [`Op`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Op::Get`]
    Get,
    /// [`Op::ContainsKey`]
    ContainsKey,
    /// [`Op::Insert`]
    Insert,
    /// [`Op::TryInsert`]
    TryInsert,
    /// [`Op::Remove`]
    Remove,
    /// [`Op::Add`]
    Add,
    /// [`Op::CompareExchange`]
    CompareExchange,
    /// [`Op::PopFirst`]
    PopFirst,
    /// [`Op::PopLast`]
    PopLast,
    /// [`Op::First`]
    First,
    /// [`Op::Last`]
    Last,
    /// [`Op::LowerBound`]
    LowerBound,
    /// [`Op::UpperBound`]
    UpperBound,
    /// [`Op::After`]
    After,
    /// [`Op::Before`]
    Before,
    /// [`Op::Snapshot`]
    Snapshot,
    /// [`Op::Batch`]
    Batch,
}

/// How often each kind is called, relative to the others. A kind that is not listed is not called.
pub type Weights = &'static [(Kind, u32)];

/// All kinds, the writes on one key most often, because they are what the others trip over.
pub const ALL_KINDS: Weights = &[
    (Kind::Get, 6),
    (Kind::ContainsKey, 2),
    (Kind::Insert, 6),
    (Kind::TryInsert, 4),
    (Kind::Remove, 6),
    (Kind::Add, 4),
    (Kind::CompareExchange, 4),
    (Kind::PopFirst, 2),
    (Kind::PopLast, 2),
    (Kind::First, 2),
    (Kind::Last, 2),
    (Kind::LowerBound, 2),
    (Kind::UpperBound, 2),
    (Kind::After, 2),
    (Kind::Before, 2),
    (Kind::Snapshot, 3),
    (Kind::Batch, 3),
];

/// Insertions and removals that split and absorb blocks, and reads that look for what they left.
pub const CHURN: Weights =
    &[(Kind::Insert, 6), (Kind::Remove, 6), (Kind::Get, 3), (Kind::After, 1), (Kind::Before, 1)];

/// Pops against insertions at the ends.
pub const ENDS: Weights = &[
    (Kind::PopFirst, 4),
    (Kind::PopLast, 4),
    (Kind::Insert, 6),
    (Kind::First, 2),
    (Kind::Last, 2),
    (Kind::Get, 2),
];

/// Snapshots against writes of every kind.
pub const SNAPSHOTS: Weights = &[
    (Kind::Snapshot, 5),
    (Kind::Insert, 6),
    (Kind::Remove, 4),
    (Kind::Get, 3),
    (Kind::After, 2),
    (Kind::Last, 1),
    (Kind::PopFirst, 1),
];

/// Batches against each other, writes of single keys and all that may see a half of one.
pub const BATCHES: Weights = &[
    (Kind::Batch, 8),
    (Kind::Snapshot, 3),
    (Kind::Get, 4),
    (Kind::Insert, 3),
    (Kind::Remove, 3),
    (Kind::Add, 1),
    (Kind::After, 1),
    (Kind::Last, 1),
    (Kind::PopFirst, 1),
];

/// How large plans are.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Threads that call at the same time.
    pub threads: usize,
    /// Calls of each thread, below 1,000.
    pub ops_per_thread: usize,
    /// Keys are `0..keys`.
    pub keys: u8,
    /// The probability with which a key is there from the start.
    pub prefill: f64,
    /// The mix of calls.
    pub weights: Weights,
}

/// The calls of one history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the main thread calls first.
    pub setup: Vec<Op>,
    /// What each worker calls.
    pub workers: Vec<Vec<Op>>,
    /// What the main thread calls last: every key looked up on its own and by key order, so
    /// that a lost or misplaced entry shows even if no worker happened to look for it.
    pub audit: Vec<Op>,
}

impl Plan {
    /// The plan that a seed names, with calls that the subject supports.
    pub fn generate<S: Subject>(shape: &Shape, seed: u64) -> Self {
        assert!(shape.keys > 0 && shape.ops_per_thread < 1_000);
        let mut generator = Generator::new(shape, seed);
        let setup = generator.setup::<S>();
        let mut workers = vec![Vec::with_capacity(shape.ops_per_thread); shape.threads];
        // Round by round, so that a call can expect values that other threads wrote before it.
        for call in 0..shape.ops_per_thread {
            for (index, ops) in workers.iter_mut().enumerate() {
                ops.push(generator.op::<S>(value(index + 1, call)));
            }
        }
        let keys = 0..shape.keys;
        let audit = keys.flat_map(|key| [Op::Get(key), Op::LowerBound(key)]);
        Self { setup, workers, audit: audit.filter(S::supports).collect() }
    }
}

/// The value that a thread writes in its nth call: no two calls write the same, and a reader of
/// a report sees whose it is (2003 is thread 2, call 3).
fn value(thread: usize, call: usize) -> u32 {
    u32::try_from(thread * 1_000 + call).expect("plans are small")
}

struct Generator<'s> {
    shape: &'s Shape,
    rng: Rng,
    total_weight: u32,
    /// The values that the plan writes to each key so far.
    written: Vec<Vec<u32>>,
}

impl<'s> Generator<'s> {
    fn new(shape: &'s Shape, seed: u64) -> Self {
        Self {
            shape,
            rng: Rng::new(seed),
            total_weight: shape.weights.iter().map(|(_, weight)| weight).sum(),
            written: vec![Vec::new(); usize::from(shape.keys)],
        }
    }

    fn setup<S: Subject>(&mut self) -> Vec<Op> {
        let mut setup = Vec::new();
        for key in 0..self.shape.keys {
            let op = Op::Insert(key, value(MAIN, usize::from(key)));
            if self.rng.chance(self.shape.prefill) && S::supports(&op) {
                self.note_write(&op);
                setup.push(op);
            }
        }
        setup
    }

    /// A random call that the subject supports, writing `value` if it writes one.
    fn op<S: Subject>(&mut self, value: u32) -> Op {
        const TRIES: usize = 10_000;
        for _ in 0..TRIES {
            let kind = self.kind();
            let op = self.op_of(kind, value);
            if S::supports(&op) {
                self.note_write(&op);
                return op;
            }
        }
        panic!("the subject supports none of the calls that have a weight")
    }

    fn kind(&mut self) -> Kind {
        let mut left = self.rng.below(self.total_weight);
        for &(kind, weight) in self.shape.weights {
            if left < weight {
                return kind;
            }
            left -= weight;
        }
        unreachable!("the draw is below the sum of the weights")
    }

    fn op_of(&mut self, kind: Kind, value: u32) -> Op {
        let key = self.rng.below(u32::from(self.shape.keys));
        let key = u8::try_from(key).expect("the number of keys is a u8");
        match kind {
            Kind::Get => Op::Get(key),
            Kind::ContainsKey => Op::ContainsKey(key),
            Kind::Insert => Op::Insert(key, value),
            Kind::TryInsert => Op::TryInsert(key, value),
            Kind::Remove => Op::Remove(key),
            // So large that a sum shows how often it was added to, and to which value.
            Kind::Add => Op::Add(key, 1_000_000),
            Kind::CompareExchange => self.compare_exchange(key, value),
            Kind::PopFirst => Op::PopFirst,
            Kind::PopLast => Op::PopLast,
            Kind::First => Op::First,
            Kind::Last => Op::Last,
            Kind::LowerBound => Op::LowerBound(key),
            Kind::UpperBound => Op::UpperBound(key),
            Kind::After => Op::After(key),
            Kind::Before => Op::Before(key),
            Kind::Snapshot => Op::Snapshot,
            Kind::Batch => Op::Batch(std::array::from_fn(|_| self.write(value))),
        }
    }

    /// One write of a batch.
    fn write(&mut self, value: u32) -> (u8, Option<u32>) {
        let key = self.rng.below(u32::from(self.shape.keys));
        let key = u8::try_from(key).expect("the number of keys is a u8");
        (key, self.rng.chance(0.7).then_some(value))
    }

    /// Expects a value that the plan writes to the key, or absence: a value at random would
    /// never be there, and only failures would be tested.
    fn compare_exchange(&mut self, key: u8, value: u32) -> Op {
        let written = &self.written[usize::from(key)];
        if written.is_empty() || self.rng.chance(0.25) {
            return Op::CompareExchange(key, None, Some(value));
        }
        let current = *self.rng.pick(written);
        let removes = self.rng.chance(0.25);
        Op::CompareExchange(key, Some(current), (!removes).then_some(value))
    }

    fn note_write(&mut self, op: &Op) {
        if let Op::Insert(k, v) | Op::TryInsert(k, v) | Op::CompareExchange(k, _, Some(v)) = *op {
            self.written[usize::from(k)].push(v);
        }
        if let Op::Batch(writes) = *op {
            for (k, v) in writes {
                self.written[usize::from(k)].extend(v);
            }
        }
    }
}
