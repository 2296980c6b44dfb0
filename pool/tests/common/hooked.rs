//! The fake database with hooks, which write down what runs in which order.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use pool::{Condition, ConnectionMetadata, Connector, HookSet, Pool, Settings};

use crate::common::{Fake, FakeConnection, No, Server, millis};

/// What the hooks do, and what was done.
#[derive(Default)]
pub(crate) struct Script {
    /// How long each hook takes, in milliseconds.
    pub(crate) before_ms: AtomicU64,
    pub(crate) after_ms: AtomicU64,
    /// So many of the next runs of the hook answer that the connection is to be closed.
    pub(crate) before_refuses: AtomicUsize,
    pub(crate) after_refuses: AtomicUsize,
    /// Whether the hook fails.
    pub(crate) before_fails: AtomicBool,
    pub(crate) after_fails: AtomicBool,
    /// Whether the next run of the hook panics.
    pub(crate) before_panics: AtomicBool,
    /// Each step with the number of its connection.
    log: Mutex<Vec<(&'static str, usize)>>,
    told: Mutex<Vec<ConnectionMetadata>>,
}

impl Script {
    fn note(&self, step: &'static str, connection: &FakeConnection) {
        self.log.lock().unwrap().push((step, connection.number));
    }

    pub(crate) fn take_log(&self) -> Vec<(&'static str, usize)> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    pub(crate) fn take_told(&self) -> Vec<ConnectionMetadata> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

pub(crate) struct Hooked {
    fake: Fake,
    script: Arc<Script>,
    hooks: HookSet,
}

/// Takes its time, then answers as the script says.
async fn answer(ms: &AtomicU64, refuses: &AtomicUsize, fails: &AtomicBool) -> Result<bool, No> {
    match ms.load(SeqCst) {
        0 => {}
        ms => tokio::time::sleep(millis(ms)).await,
    }
    if fails.load(SeqCst) {
        return Err(No);
    }
    let refused = refuses.try_update(SeqCst, SeqCst, |left| left.checked_sub(1));
    Ok(refused.is_err())
}

impl Connector for Hooked {
    type Connection = FakeConnection;
    type Error = No;

    async fn connect(&self) -> Result<FakeConnection, No> {
        let connection = self.fake.connect().await?;
        self.script.note("connect", &connection);
        Ok(connection)
    }

    async fn check(&self, connection: &mut FakeConnection) -> Result<(), No> {
        self.script.note("check", connection);
        self.fake.check(connection).await
    }

    fn condition(&self, connection: &mut FakeConnection) -> Condition {
        self.fake.condition(connection)
    }

    async fn clean(&self, connection: &mut FakeConnection, condition: Condition) -> Result<(), No> {
        self.script.note("clean", connection);
        self.fake.clean(connection, condition).await
    }

    fn hooks(&self) -> HookSet {
        self.hooks
    }

    async fn before_acquire(
        &self,
        connection: &mut FakeConnection,
        metadata: ConnectionMetadata,
    ) -> Result<bool, No> {
        let script = &self.script;
        script.note("before_acquire", connection);
        script.told.lock().unwrap().push(metadata);
        assert!(!script.before_panics.swap(false, SeqCst), "this panic is part of the test");
        answer(&script.before_ms, &script.before_refuses, &script.before_fails).await
    }

    async fn after_release(
        &self,
        connection: &mut FakeConnection,
        metadata: ConnectionMetadata,
    ) -> Result<bool, No> {
        let script = &self.script;
        script.note("after_release", connection);
        script.told.lock().unwrap().push(metadata);
        answer(&script.after_ms, &script.after_refuses, &script.after_fails).await
    }

    async fn close(&self, connection: FakeConnection) -> Result<(), No> {
        self.script.note("close", &connection);
        self.fake.close(connection).await
    }
}

pub(crate) const BEFORE: HookSet = HookSet { before_acquire: true, after_release: false };
pub(crate) const AFTER: HookSet = HookSet { before_acquire: false, after_release: true };
pub(crate) const BOTH: HookSet = HookSet { before_acquire: true, after_release: true };

pub(crate) async fn start_hooked(
    settings: Settings,
    hooks: HookSet,
) -> (Pool<Hooked>, Arc<Server>, Arc<Script>) {
    let (fake, script) = (Fake::default(), Arc::<Script>::default());
    let server = Arc::clone(&fake.0);
    let connector = Hooked { fake, script: Arc::clone(&script), hooks };
    let pool = Pool::start(connector, settings).await.expect("the fake server is up");
    script.take_log();
    (pool, server, script)
}
