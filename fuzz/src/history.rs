//! Two threads' calls on the map, recorded and checked for linearizability.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};

use arbitrary::{Arbitrary, Result, Unstructured};
use linearizability::history::{History, Recorder};
use linearizability::linearize::check as check_history;
use linearizability::map_spec::{MapSpec, Op, Ret, Subject};
use linearizability::minimise::minimise;
use linearizability::ours::Ours;
use linearizability::pin;
use linearizability::worker::Log;

const KEYS: u8 = 6;

/// How often the same calls are made: how the threads meet differs.
const TIMES: usize = 4;

/// What is called before the threads, by each of them, and with which spins between the calls.
#[derive(Debug)]
pub struct Plan {
    setup: Vec<Op>,
    threads: [Vec<(u8, Op)>; 2],
}

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut values = 0..;
        let mut op = |u: &mut Unstructured<'a>| op(u, values.next().unwrap_or(0));
        let mut setup = Vec::new();
        for _ in 0..u.int_in_range(0..=8)? {
            setup.push(op(u)?);
        }
        let mut threads = [Vec::new(), Vec::new()];
        // In turns, so that a byte more changes little.
        for step in 0..16 {
            if u.is_empty() {
                break;
            }
            threads[step % 2].push((u.arbitrary::<u8>()? % 64, op(u)?));
        }
        Ok(Self { setup, threads })
    }
}

/// Makes the calls a few times, and panics where no order of them explains the answers.
pub fn check(plan: &Plan) {
    for _ in 0..TIMES {
        let history = make(plan);
        if check_history::<MapSpec>(&history).is_err() {
            let (_, violation) = minimise::<MapSpec>(&history).expect("it has just failed");
            panic!("{violation}");
        }
    }
}

/// One thread's part in a history.
struct Part {
    map: Arc<Ours<2, 4>>,
    log: Log,
    calls: Vec<(u8, Op)>,
    /// How many threads are there.
    gate: Arc<AtomicUsize>,
}

impl Part {
    fn work(mut self) -> Log {
        // Ordering: Relaxed; the gate only brings the two together.
        self.gate.fetch_add(1, Ordering::Relaxed);
        while self.gate.load(Ordering::Relaxed) < 2 {
            std::thread::yield_now();
        }
        for (spins, op) in self.calls {
            (0..spins).for_each(|_| std::hint::spin_loop());
            self.log.record(op, |op| self.map.apply(op));
        }
        self.log
    }
}

/// The other thread, which lives as long as the process: to start one takes longer than a history.
fn other() -> &'static Mutex<(Sender<Part>, Receiver<Log>)> {
    static OTHER: OnceLock<Mutex<(Sender<Part>, Receiver<Log>)>> = OnceLock::new();
    OTHER.get_or_init(|| {
        let ((parts, take), (done, logs)) = (channel::<Part>(), channel());
        std::thread::spawn(move || {
            pin::to_core(1);
            take.into_iter().try_for_each(|part| done.send(part.work()))
        });
        pin::to_core(0);
        Mutex::new((parts, logs))
    })
}

fn make(plan: &Plan) -> History<Op, Ret> {
    let map = Arc::new(Ours::<2, 4>::new());
    let recorder = Recorder::new();
    let mut main = recorder.log(0, plan.setup.len() + 2 * usize::from(KEYS));
    plan.setup.iter().for_each(|op| _ = main.record(*op, |op| map.apply(op)));
    let gate = Arc::new(AtomicUsize::new(0));
    let [own, others] =
        [(1, &plan.threads[0]), (2, &plan.threads[1])].map(|(thread, calls)| Part {
            map: Arc::clone(&map),
            log: recorder.log(thread, calls.len()),
            calls: calls.clone(),
            gate: Arc::clone(&gate),
        });
    let other = other().lock().expect("a history that panicked ends the process");
    other.0.send(others).expect("the other thread lives");
    let mut logs = vec![own.work(), other.1.recv().expect("no call panics")];
    for key in 0..KEYS {
        for op in [Op::Get(key), Op::LowerBound(key)] {
            main.record(op, |op| map.apply(op));
        }
    }
    logs.push(main);
    History::merge(logs)
}

/// A call that writes `value`, if it writes one. A new kind of call gets a number of its own here.
fn op(u: &mut Unstructured<'_>, value: u32) -> Result<Op> {
    let key = u.int_in_range(0..=KEYS - 1)?;
    Ok(match u.int_in_range(0..=19)? {
        0 => Op::ContainsKey(key),
        1 => Op::TryInsert(key, value),
        2 => Op::Add(key, 1_000),
        3 => Op::CompareExchange(key, None, Some(value)),
        4 => Op::CompareExchange(key, Some(value.saturating_sub(1)), None),
        5 => Op::CompareExchange(key, Some(value.saturating_sub(2)), Some(value)),
        6 => Op::First,
        7 => Op::Last,
        8 => Op::LowerBound(key),
        9 => Op::UpperBound(key),
        10 => Op::After(key),
        11 => Op::Before(key),
        12 => Op::PopFirst,
        13 => Op::PopLast,
        14 => Op::Get(key),
        15 | 16 => Op::Remove(key),
        17 if u.arbitrary()? => Op::Snapshot,
        17 => {
            let mut write =
                || Ok((u.int_in_range(0..=KEYS - 1)?, u.arbitrary::<bool>()?.then_some(value)));
            Op::Batch([write()?, write()?, write()?])
        }
        _ => Op::Insert(key, value),
    })
}
