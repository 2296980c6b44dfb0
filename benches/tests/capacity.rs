//! Plans, from input to page, and service times measured on real databases.

use std::ffi::OsString;

use benches::capacity::args::{self, Args, Request};
use benches::capacity::report::Report;
use benches::capacity::runner::Scale;
use benches::capacity::{make, page, table};

#[path = "../../pool/tests/common/server.rs"]
mod server;

fn args(line: &[&str]) -> Args {
    match args::parse(line.iter().map(OsString::from)).expect("the flags are right") {
        Request::Plan(args) => *args,
        Request::Help => panic!("no help was asked for"),
    }
}

fn plan(line: &[&str], url: Option<&str>) -> Result<Report, String> {
    make(&args(line), url).map_err(|error| error.to_string())
}

#[test]
fn a_plan_needs_no_input() {
    let report = plan(&[], None).unwrap();
    let size = report.size.expect("some size holds");
    assert!((12..=20).contains(&size), "{}", report.recommendation);
    assert!(report.recommendation.starts_with(&format!("Take {size} connections: 99 % of calls")));
    let below = report.rows.iter().find(|row| row.size == size - 1).expect("it was tried");
    let row = report.rows.iter().find(|row| row.size == size).expect("it was tried");
    assert!(row.holds && !below.holds);
    assert_eq!(row.is, ["recommended"]);
    assert_eq!(report.checks.len(), 3);
    assert!(report.burst.calls > 0 && report.start.cold_ms > 10.0);
    assert!((size * 3 / 4..=size * 2).contains(&report.knee.at), "{:?}", report.knee);
}

#[test]
fn a_virtual_plan_is_the_same_each_time() {
    let figures = |report: &Report| {
        let rows = report.rows.iter().map(|row| (row.size, row.measured));
        (rows.collect::<Vec<_>>(), report.burst.calls, report.start.cold_ms)
    };
    let line = ["--service", "lognormal", "--mean-ms", "2", "--cv", "2"];
    let (one, other) = (plan(&line, None).unwrap(), plan(&line, None).unwrap());
    assert_eq!(figures(&one), figures(&other));
    assert_eq!(one.checks[0].model, "simulation");
}

#[test]
fn the_page_and_the_files_have_everything_and_need_nothing() {
    let line =
        ["--server-limit", "60", "--instances", "2", "--cores", "4", "--compare", "deadpool"];
    let report = plan(&line, None).unwrap();
    let page = page::html(&report).unwrap();
    assert_eq!(page.matches("<svg").count(), 5);
    assert!(page.contains("name=\"viewport\"") && page.contains("recommended"));
    for outside in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let csv = table::csv(&report).unwrap();
    assert_eq!(csv.lines().count(), report.rows.len() + 1);
    assert!(csv.contains("HikariCP's cores x 2 + spindles"), "{csv}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["peers"][1]["pool"], "deadpool");
    assert_eq!(json["split"][0]["each"], 30);
    let last = report.rows.len() - 1;
    assert!(json["rows"][last]["predicted"]["mean_ms"].is_number(), "{json}");
    let text = table::markdown(&report);
    assert!(text.contains("| size |") && text.contains("connections each"), "{text}");
}

#[test]
fn peers_are_planned_for_the_same_load() {
    let report = plan(&["--compare", "sqlx,deadpool,deadpool+t,bb8"], None).unwrap();
    let names: Vec<_> = report.peers.iter().map(|plan| plan.pool).collect();
    assert_eq!(names, ["ours", "sqlx", "deadpool", "deadpool+t", "bb8"]);
    // Ours is first come, first served.
    assert_eq!(report.peers[0].measured.overtaken, 0.0);
    for plan in &report.peers {
        assert!(plan.measured.calls > 3_000 && plan.measured.refused == 0.0, "{plan:?}");
    }
}

#[test]
fn the_gate_judges_the_configured_size() {
    for (size, holds) in [("9", false), ("24", true)] {
        let configured = plan(&["--gate", "--size", size], None).unwrap().configured.unwrap();
        assert_eq!(configured.holds, holds, "{configured:?}");
    }
    let error = plan(&["--gate"], None).unwrap_err();
    assert!(error.starts_with("--gate: needs a size"), "{error}");
}

#[test]
fn what_cannot_hold_is_said() {
    let report = plan(&["--server-limit", "10"], None).unwrap();
    assert_eq!(report.size, None);
    let says = &report.recommendation;
    assert!(
        says.starts_with("No size up to 10 holds a p99 wait under 5 ms: that is what"),
        "{says}"
    );
    // Twice the load that there are places for, and callers that are refused.
    let report = plan(&["--server-limit", "4", "--concurrency", "20"], None).unwrap();
    assert_eq!(report.size, None);
    assert!(report.recommendation.contains("connections would be busy all the time"));
    let run = report.rows.last().and_then(|row| row.measured).unwrap();
    assert!((0.4..0.6).contains(&run.refused) && run.p99_ms.is_infinite(), "{run:?}");
}

#[test]
fn callers_that_hold_several_get_no_less_than_the_deadlock_floor() {
    let line = ["--held", "2", "--concurrency", "12", "--rate", "300", "--wait-ms", "1000"];
    let report = plan(&line, None).unwrap();
    assert_eq!((report.asked.offered, report.size), (4.8, Some(13)), "{}", report.recommendation);
    let deadlock = report.deadlock.expect("it was tried");
    assert_eq!((deadlock.floor, deadlock.served, deadlock.served_below), (13, 12, 0));
    assert!(report.notes.contains(&deadlock.says()));
    assert!(report.rows.iter().all(|row| row.holds == (row.size >= 13)), "{:?}", report.rows);
    let report = plan(&[&line[..], &["--server-limit", "12"]].concat(), None).unwrap();
    let says = &report.recommendation;
    assert!(says.ends_with("callers that hold 2 connections need 13."), "{says}");
}

#[test]
fn the_walls_clock_gives_a_plan_too() {
    let mut args = args(&["--real-time", "--seconds", "0.1", "--rate", "1000", "--mean-ms", "2"]);
    args.measure = true;
    args.quick = true;
    let report = make(&args, None).unwrap();
    assert!(report.clock.starts_with("the wall's: connections are held"), "{}", report.clock);
    // Whatever else the machine does meanwhile.
    assert_eq!(report.notes[0].starts_with("NO PLAN: "), report.late_percent > 5.0);
    assert!(report.rows.iter().any(|row| row.measured.is_some()));
}

#[test]
fn runs_of_real_time_are_no_longer_than_asked() {
    let scale = Scale::FULL.within(1_000.0, 3.0);
    assert_eq!((scale.calls, scale.check_calls), (3_000, 9_000));
}

fn database_plan(url: &str, sql: &str) -> Result<Report, String> {
    plan(&["--sql", sql, "--rate", "50", "--wait-ms", "20"], Some(url))
}

fn is_measured_on(url: &str, name: &str, sql: &str) {
    let report = database_plan(url, sql).unwrap();
    assert!(report.asked.service.contains(name), "{}", report.asked.service);
    assert!(report.knee_of.contains(name) && report.knee.steps.len() > 2, "{:?}", report.knee);
    assert!(report.asked.service_mean_ms > 0.0 && report.start.connect_ms > 0.0);
    let error = database_plan(url, "SELEKT 1").unwrap_err();
    assert!(error.starts_with("service.sql: "), "{error}");
}

#[test]
fn service_times_are_measured_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}?mode=rwc", folder.path().join("plan.db").display());
    is_measured_on(&url, "SQLite", "SELECT date('now')");
}

#[test]
fn service_times_are_measured_on_postgres() {
    let Some(server) = server::Shared::start(&server::POSTGRES, "TEST_DATABASE_URL") else {
        return;
    };
    // Types that only PostgreSQL has, and a time that is known.
    let sql = "SELECT pg_sleep(0.005), now(), ARRAY[1, 2], gen_random_uuid()";
    is_measured_on(&server.url(), "PostgreSQL", sql);
    let report = database_plan(&server.url(), sql).unwrap();
    assert!((5.0..50.0).contains(&report.asked.service_mean_ms), "{}", report.asked.service);
}

#[test]
fn service_times_are_measured_on_mysql() {
    let Some(server) = server::Shared::start(&server::MARIADB, "TEST_MYSQL_URL") else { return };
    is_measured_on(&server.url(), "MySQL", "SELECT SLEEP(0.002), NOW()");
}

#[test]
fn a_database_that_cannot_be_reached_is_named() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    for (url, named) in [
        (format!("postgres://nobody:secret@127.0.0.1:{free}/x"), "DATABASE_URL: "),
        ("sqlite:/no/such/folder/x.db".into(), "DATABASE_URL: "),
        ("oracle://127.0.0.1/x".into(), "DATABASE_URL: 'oracle:' is no kind of database"),
        ("postgres://[".into(), "DATABASE_URL: "),
    ] {
        let error = database_plan(&url, "SELECT 1").unwrap_err();
        assert!(error.starts_with(named) && !error.contains("secret"), "{url}: {error}");
    }
}
