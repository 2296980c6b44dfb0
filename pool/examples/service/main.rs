//! A web service with the manager in its state: notes in SQLite, and what the manager says about itself.
//!
//!     cargo run -p pool --features fault-injection --example service -- 127.0.0.1:8080 --demo
//!     curl -d 'buy bread' http://127.0.0.1:8080/notes
//!     curl http://127.0.0.1:8080/notes
//!     curl http://127.0.0.1:8080/stats
//!
//! `http://127.0.0.1:8080/` is a page that shows these statistics live; with `--demo` there is something to see
//! on it: callers that come and go, of tenants and under tags. The feature, which only the demo needs, takes the
//! database away for eight seconds of forty, so that the circuit opens. When no connection is to be had, clients get
//! a 503 that says why. Ctrl-C ends it in good order: requests under way are answered, then the connections are
//! closed.

mod demo;

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use pool::{Breaker, Config, ConfigError, ConnectionManager, Error, Stats};
use sqlx::Sqlite;

type Manager = ConnectionManager<Sqlite>;
type Answer<T> = Result<T, (StatusCode, String)>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, mut addresses): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument == "--demo");
    let address = addresses.pop().unwrap_or_else(|| String::from("127.0.0.1:8080"));
    let file = std::env::temp_dir().join(format!("pool-service-{}.db", std::process::id()));
    let config = config(&format!("sqlite://{}?mode=rwc", file.display()))?;
    let manager = match flags.is_empty() {
        true => Manager::connect(config).await?,
        false => demo::start(config).await?,
    };
    create_table(&manager).await?;

    let listener = tokio::net::TcpListener::bind(&address).await?;
    let at = listener.local_addr()?;
    println!("notes are at http://{at}/notes, and what the manager does at http://{at}/");
    axum::serve(listener, service(manager.clone()))
        .with_graceful_shutdown(async { _ = tokio::signal::ctrl_c().await })
        .await?;
    manager.close(Duration::from_secs(5)).await?;
    std::fs::remove_file(file)?;
    Ok(())
}

fn config(url: &str) -> Result<Config<Sqlite>, ConfigError> {
    let breaker = Breaker {
        failures_in_a_row: Some(3),
        open_max: Duration::from_secs(2),
        ..Breaker::default()
    };
    Ok(Config::new(url)?.min(1).max(8).name("notes").set(|settings| {
        settings.acquire_timeout = Duration::from_secs(2);
        settings.breaker = Some(breaker);
    }))
}

async fn create_table(manager: &Manager) -> Result<(), sqlx::Error> {
    let sql = "CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL)";
    sqlx::query(sql).execute(manager).await.map(drop)
}

fn service(manager: Manager) -> Router {
    Router::new()
        .route("/notes", get(read).post(write))
        .route("/stats", get(stats))
        .route("/", get(page))
        .with_state(manager)
}

async fn read(State(manager): State<Manager>) -> Answer<Json<Vec<String>>> {
    let mut connection = manager.acquire().await.map_err(unavailable)?;
    let notes = sqlx::query_scalar("SELECT text FROM notes ORDER BY rowid");
    Ok(Json(notes.fetch_all(&mut *connection).await.map_err(failed)?))
}

async fn write(State(manager): State<Manager>, text: String) -> Answer<StatusCode> {
    let mut connection = manager.acquire().await.map_err(unavailable)?;
    let insert = sqlx::query("INSERT INTO notes VALUES (?)").bind(text);
    insert.execute(&mut *connection).await.map_err(failed)?;
    Ok(StatusCode::CREATED)
}

async fn stats(State(manager): State<Manager>) -> Json<Stats> {
    Json(manager.stats())
}

/// Shows `/stats`, live. It needs nothing but itself, and the browser holds it to that.
async fn page() -> impl IntoResponse {
    const ONLY_ITSELF: &str = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'";
    ([(header::CONTENT_SECURITY_POLICY, ONLY_ITSELF)], Html(include_str!("page.html")))
}

fn unavailable(error: Error) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

fn failed(error: sqlx::Error) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn ask(service: &Router, request: Request<Body>) -> (StatusCode, String) {
        let answer = service.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn get(path: &str) -> Request<Body> {
        Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn notes_are_kept_and_the_stats_tell_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/notes.db?mode=rwc", folder.path().display());
        let manager = Manager::connect(config(&url).unwrap()).await.unwrap();
        create_table(&manager).await.unwrap();
        let service = service(manager.clone());

        let note = Request::post("/notes").body(Body::from("buy bread")).unwrap();
        assert_eq!(ask(&service, note).await.0, StatusCode::CREATED);
        let notes = (StatusCode::OK, String::from(r#"["buy bread"]"#));
        assert_eq!(ask(&service, get("/notes")).await, notes);

        let (status, body) = ask(&service, get("/stats")).await;
        let stats: Stats = serde_json::from_str(&body).unwrap();
        assert_eq!((status, stats.name.as_str(), stats.in_use), (StatusCode::OK, "notes", 0));
        assert!((1..=8).contains(&stats.open) && stats.wait.count >= 3);

        // What it shows in a browser is checked by ci/page.sh.
        let (status, page) = ask(&service, get("/")).await;
        assert_eq!((status, page.contains("fetch(\"stats\"")), (StatusCode::OK, true));

        manager.close(Duration::from_secs(5)).await.unwrap();
        let (status, why) = ask(&service, get("/notes")).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(why.contains("closed"), "{why}");
    }
}
