//! A quiet tenant beside one that floods the pool: how many others are served before it, in one queue for all
//! and with tenants. Draws that as a plot.
//!
//!     cargo run -p pool --example tenants -- docs/tenants.svg

use std::cell::Cell;
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use pool::{Config, ConnectionManager, Tenant, TenantLimits};
use sqlx::Sqlite;
use tokio::task::LocalSet;

type Manager = ConnectionManager<Sqlite>;

const CONNECTIONS: usize = 4;
const FLOOD: usize = 100;
const CALLS: usize = 30;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).filter(|name| name.ends_with(".svg"));
    let file = file.map_or_else(|| std::env::temp_dir().join("pool-tenants.svg"), PathBuf::from);
    println!(
        "{FLOOD} callers of 'noisy' always want one of {CONNECTIONS} connections; 'quiet' asks {CALLS} times."
    );
    let one_queue = LocalSet::new().run_until(turns("noisy")).await?;
    let tenants = LocalSet::new().run_until(turns("quiet")).await?;
    for (name, turns) in [("one queue for all", &one_queue), ("with tenants", &tenants)] {
        let longest = turns.iter().max().unwrap_or(&0);
        println!("{name}: at most {longest} others were served before a call of 'quiet'");
    }
    std::fs::write(&file, plot(&one_queue, &tenants))?;
    println!("the plot is in {}", file.display());
    let is_apart = tenants.iter().all(|turns| *turns <= 2 * CONNECTIONS);
    let is_flooded = one_queue.iter().all(|turns| *turns >= FLOOD / 2);
    if !is_apart || !is_flooded {
        return Err(format!("with tenants {tenants:?}, without {one_queue:?}").into());
    }
    Ok(())
}

/// How many others are served while each call waits that is made in the name of `asks`.
async fn turns(asks: &'static str) -> Result<Vec<usize>, Box<dyn Error>> {
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(CONNECTIONS).max(CONNECTIONS);
    let manager = Manager::connect(config).await?;
    manager.set_tenant("quiet", TenantLimits::new().share_percent(25))?;
    let served = Rc::new(Cell::new(0));
    for _ in 0..FLOOD {
        tokio::task::spawn_local(flood(manager.tenant("noisy"), Rc::clone(&served)));
    }
    let asks = manager.tenant(asks);
    let mut turns = Vec::new();
    for _ in 0..CALLS {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let before = served.get();
        let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&asks).await?;
        turns.push(served.get() - before);
        assert_eq!(one, 1);
    }
    show(&manager);
    Ok(turns)
}

async fn flood(tenant: Tenant<pool::Sqlx<Sqlite>>, served: Rc<Cell<usize>>) {
    while let Ok(_connection) = tenant.acquire().await {
        served.set(served.get() + 1);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn show(manager: &Manager) {
    for tenant in manager.stats().tenants {
        println!(
            "  {:6} has {} and is guaranteed {}; {} wait, {} were served, half of them within {:?}",
            tenant.name,
            tenant.in_use,
            tenant.guaranteed,
            tenant.waiting,
            tenant.served,
            Duration::from_nanos(tenant.wait.p50_ns),
        );
    }
}

/// Both rows over the number of the call.
fn plot(one_queue: &[usize], tenants: &[usize]) -> String {
    const WIDTH: usize = 600;
    const HEIGHT: usize = 240;
    let most = one_queue.iter().chain(tenants).max().map_or(1, |most| (*most).max(1));
    let line = |turns: &[usize]| {
        turns.iter().enumerate().fold(String::new(), |mut points, (at, turns)| {
            let (x, y) = (60 + at * WIDTH / CALLS, 20 + HEIGHT - turns * HEIGHT / most);
            // Writing to a string does not fail.
            let _ = write!(points, "{x},{y} ");
            points
        })
    };
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 310" font-family="sans-serif" font-size="13">
<rect width="700" height="310" fill="white"/>
<path d="M60 20V260H660" fill="none" stroke="#444"/>
<text x="52" y="26" text-anchor="end">{most}</text><text x="52" y="264" text-anchor="end">0</text>
<text x="360" y="285" text-anchor="middle">call of the quiet tenant ({FLOOD} callers flood {CONNECTIONS} connections)</text>
<text x="20" y="140" text-anchor="middle" transform="rotate(-90 20 140)">others served before it</text>
<polyline points="{}" fill="none" stroke="#c33" stroke-width="2"/><text x="640" y="60" text-anchor="end" fill="#c33">one queue for all</text>
<polyline points="{}" fill="none" stroke="#27c" stroke-width="2"/><text x="640" y="245" text-anchor="end" fill="#27c">with tenants</text>
</svg>
"##,
        line(one_queue),
        line(tenants)
    )
}

#[cfg(test)]
#[test]
fn it_holds() {
    main().unwrap();
}
