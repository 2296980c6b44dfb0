//! The manager's metrics, as Prometheus scrapes them.
//!
//!     cargo run -p pool --features metrics --example prometheus
//!     cargo run -p pool --features metrics --example prometheus -- 127.0.0.1:9184
//!
//! Without an address it works for a moment, scrapes itself, prints what it got and ends: with an error if
//! anything is missing. With one it goes on until Ctrl-C: `curl http://127.0.0.1:9184/metrics`.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use pool::{Config, ConnectionManager, Error};
use sqlx::Sqlite;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Manager = ConnectionManager<Sqlite>;
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Upper bounds of the histograms' buckets, in seconds: from what an idle connection takes to a time-out.
const BUCKETS: [f64; 10] = [1e-6, 1e-5, 1e-4, 1e-3, 5e-3, 0.025, 0.1, 0.5, 2.5, 10.0];

#[tokio::main]
async fn main() -> Outcome {
    run(std::env::args().nth(1)).await
}

async fn run(address: Option<String>) -> Outcome {
    // Before the manager is there: it makes its instruments once, when it starts.
    let prometheus = install()?;
    let manager = manager().await?;
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let at = listener.local_addr()?;
    let server = tokio::spawn(serve(listener, prometheus, manager.clone()));
    println!("metrics are at http://{at}/metrics");
    work(&manager).await?;
    if address.is_some() {
        tokio::signal::ctrl_c().await?;
    } else {
        let page = scrape(at).await?;
        println!("{page}");
        check(&page)?;
    }
    server.abort();
    Ok(manager.close(Duration::from_secs(5)).await?)
}

/// Makes Prometheus's registry the one that the `metrics` facade records to.
fn install() -> Outcome<PrometheusHandle> {
    let times = Matcher::Suffix(String::from("_time"));
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(times, &BUCKETS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    Ok(handle)
}

async fn manager() -> Outcome<Manager> {
    let config = Config::<Sqlite>::new("sqlite::memory:")?.name("orders").min(1).max(2);
    Ok(ConnectionManager::connect(config).await?)
}

async fn serve(listener: TcpListener, prometheus: PrometheusHandle, manager: Manager) {
    let metrics = |State((prometheus, manager)): State<(PrometheusHandle, Manager)>| async move {
        // The gauges are a second old at most; now they are not even that.
        manager.record_gauges();
        prometheus.run_upkeep();
        prometheus.render()
    };
    let service =
        axum::Router::new().route("/metrics", get(metrics)).with_state((prometheus, manager));
    if let Err(error) = axum::serve(listener, service).await {
        eprintln!("the server has ended: {error}");
    }
}

/// One request that gets no connection in time, since two others hold them; and then ten over the two.
async fn work(manager: &Manager) -> Outcome {
    let held = (manager.acquire().await?, manager.acquire().await?);
    match manager.acquire_timeout(Duration::from_millis(1)).await {
        Err(error @ Error::Timeout { .. }) => println!("{error}"),
        other => return Err(format!("not a time-out: {other:?}").into()),
    }
    drop(held);
    let request = |manager: Manager| async move {
        let _held = manager.acquire().await?;
        tokio::time::sleep(Duration::from_millis(5)).await;
        Outcome::Ok(())
    };
    let requests: Vec<_> = (0..10).map(|_| tokio::spawn(request(manager.clone()))).collect();
    for request in requests {
        request.await??;
    }
    Ok(())
}

/// What Prometheus does every few seconds.
async fn scrape(at: SocketAddr) -> Outcome<String> {
    let mut server = TcpStream::connect(at).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    server.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    server.read_to_string(&mut answer).await?;
    let (head, page) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("not an answer to be read: {head}").into());
    }
    Ok(String::from(page))
}

/// Sees that all that OpenTelemetry names is there, for the pool of this name.
fn check(page: &str) -> Outcome {
    const POOL: &str = r#"db_client_connection_pool_name="orders""#;
    let state = |state| format!(r#"count{{{POOL},db_client_connection_state="{state}"}} "#);
    let expected = [
        state("idle") + "2",
        state("used") + "0",
        format!("idle_max{{{POOL}}} 2"),
        format!("idle_min{{{POOL}}} 1"),
        format!("max{{{POOL}}} 2"),
        format!("pending_requests{{{POOL}}} 0"),
        format!("timeouts{{{POOL}}} 1"),
        format!("create_time_count{{{POOL}}} 2"),
        format!("wait_time_count{{{POOL}}} 12"),
        format!("use_time_count{{{POOL}}} 12"),
        format!(r#"use_time_bucket{{{POOL},le="10"}} 12"#),
    ];
    let expected = expected.map(|line| format!("db_client_connection_{line}"));
    match expected.iter().find(|expected| !page.lines().any(|line| line == *expected)) {
        Some(line) => Err(format!("there is no line: {line}").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, run};

    #[tokio::test]
    async fn a_scrape_has_every_metric() {
        run(None).await.unwrap();
    }

    #[test]
    fn a_page_without_them_is_seen() {
        assert!(check("db_client_connection_max 2").is_err());
    }
}
