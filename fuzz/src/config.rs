//! The pool's configuration: from a URL, from variables, and from JSON. Whatever the input, nothing panics,
//! what is accepted makes sense, and no password is shown.

use arbitrary::{Arbitrary, Result, Unstructured};
use pool::{Config, Settings};
use sqlx::{Any, Database, Postgres};

/// It stands in URLs, and nowhere in what is printed.
const PASSWORD: &str = "s3cr3t-of-mine";

/// What a configuration is read from.
#[derive(Debug)]
pub struct Plan {
    url: String,
    vars: Vec<(&'static str, String)>,
    json: String,
}

const NAMES: [&str; 23] = [
    "POOL_NAME",
    "POOL_MIN",
    "POOL_MAX",
    "POOL_RESET_SESSION",
    "POOL_LIFETIME_JITTER_PERCENT",
    "POOL_ACQUIRE_TIMEOUT",
    "POOL_CONNECT_TIMEOUT",
    "POOL_CHECK_AFTER",
    "POOL_CHECK_TIMEOUT",
    "POOL_CLEAN_TIMEOUT",
    "POOL_CLOSE_TIMEOUT",
    "POOL_RENEW_BEFORE",
    "POOL_RETRY_MIN",
    "POOL_RETRY_MAX",
    "POOL_MAX_LIFETIME",
    "POOL_IDLE_TIMEOUT",
    "POOL_AGEING",
    "POOL_AGEING_NORMAL",
    "POOL_AGEING_LOW",
    "POOL_ADAPTIVE_MIN_MAX",
    "POOL_ADAPTIVE_MAX_MAX",
    "POOL_ADAPTIVE_EVERY",
    "POOL_ADAPTIVE_WAIT_TARGET",
];

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut vars = Vec::new();
        while u.arbitrary()? && vars.len() < 8 {
            vars.push((*u.choose(&NAMES)?, text(u, &["off", "true", "0", "7", " 12 ", "300"])?));
        }
        let field = *u.choose(&NAMES)?;
        let field = field.trim_start_matches("POOL_").to_ascii_lowercase();
        let value = text(u, &["null", "0", "7", "-1", "\"x\"", "18446744073709551615"])?;
        let url = url(u)?;
        let quoted = serde_json::Value::from(url.as_str());
        let json = format!("{{\"url\":{quoted},\"settings\":{{\"{field}\":{value}}}}}");
        Ok(Self { url, vars, json })
    }
}

/// One of these, or whatever.
fn text(u: &mut Unstructured<'_>, usual: &[&str]) -> Result<String> {
    if u.ratio(3, 4)? { Ok(String::from(*u.choose(usual)?)) } else { u.arbitrary() }
}

fn url(u: &mut Unstructured<'_>) -> Result<String> {
    let scheme = *u.choose(&["sqlite:", "postgres://", "postgresql://", "mysql://", ""])?;
    let with = *u.choose(&["", "user@host/db?", ":memory:", "//file.db?", "user:"])?;
    let rest: String = u.arbitrary()?;
    if with == "user:" {
        return Ok(format!("{scheme}user:{PASSWORD}@host/{rest}"));
    }
    Ok(format!("{scheme}{with}{rest}"))
}

/// Reads it all, for a kind of database that is known, and for one that the URL tells.
pub fn check(plan: &Plan) {
    check_for::<Any>(plan);
    check_for::<Postgres>(plan);
}

fn check_for<DB: Database>(plan: &Plan) {
    let look_up = |name: &str| {
        let found = plan.vars.iter().find(|(var, _)| *var == name);
        found.map(|(_, value)| value.clone()).or((name == "DATABASE_URL").then(|| plan.url.clone()))
    };
    let new = Config::<DB>::new(&plan.url);
    let vars = Config::<DB>::from_vars(look_up);
    let json = serde_json::from_str::<Config<DB>>(&plan.json);
    assert!(new.is_ok() || vars.is_err(), "variables make a URL no better");
    for read in [&new, &vars] {
        match read {
            Ok(config) => accepted(config),
            Err(error) => assert!(!error.field.is_empty() && !error.problem.is_empty()),
        }
    }
    if let Ok(config) = &json {
        accepted(config);
        assert!(new.is_ok(), "JSON makes a URL no better");
    }
}

/// Holds that a configuration that was accepted makes sense, and stays what it is when it is written down.
fn accepted<DB: Database>(config: &Config<DB>) {
    config.validate().expect("it was accepted");
    let settings = config.settings();
    assert!(settings.min <= settings.max && settings.max > 0);
    assert!(settings.retry_min <= settings.retry_max && !settings.acquire_timeout.is_zero());
    assert!(settings.ageing.is_none_or(|ageing| ageing.normal <= ageing.low));
    if let Some(adaptive) = &settings.adaptive {
        assert!(settings.min <= adaptive.min_max && adaptive.min_max <= settings.max);
        assert!(settings.max <= adaptive.max_max && !adaptive.every.is_zero());
    }
    let written = serde_json::to_string(settings).expect("settings can be written");
    let again: Settings = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(*settings, again);
    assert!(!format!("{config:?}").contains(PASSWORD), "a password is shown");
}
