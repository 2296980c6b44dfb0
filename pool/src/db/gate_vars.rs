//! What stands before an acquire, from variables.

use super::config::Vars;
use crate::error::ConfigError;
use crate::gate::circuit::Breaker;
use crate::gate::leaks::Leaks;
use crate::gate::relief::WaitLess;
use crate::settings::Settings;

/// Reads the variables that [`Config::from_env`](super::Config::from_env) lists.
pub(super) fn read_gate<F: Fn(&str) -> Option<String>>(
    vars: &Vars<F>,
    settings: &mut Settings,
) -> Result<(), ConfigError> {
    vars.number("POOL_MAX_TAGS", &mut settings.max_tags)?;
    read_leaks(vars, settings)?;
    read_breaker(vars, settings)?;
    let mut limit = None;
    vars.millis_or_off("POOL_WAIT_LESS", &mut limit)?;
    if let Some(limit) = limit {
        let mut rule = WaitLess { waiting_over: None, limit };
        vars.number_or_off("POOL_WAIT_LESS_OVER", &mut rule.waiting_over)?;
        settings.degradation.wait_less = Some(rule);
    }
    #[cfg(feature = "rate-limit")]
    read_rate_limit(vars, settings)?;
    Ok(())
}

fn read_leaks<F: Fn(&str) -> Option<String>>(
    vars: &Vars<F>,
    settings: &mut Settings,
) -> Result<(), ConfigError> {
    let mut after = None;
    vars.millis_or_off("POOL_LEAKS_AFTER", &mut after)?;
    if let Some(after) = after {
        let mut leaks = Leaks { after, ..Leaks::default() };
        vars.flag("POOL_LEAKS_BACKTRACE", &mut leaks.backtrace)?;
        settings.leaks = Some(leaks);
    }
    Ok(())
}

fn read_breaker<F: Fn(&str) -> Option<String>>(
    vars: &Vars<F>,
    settings: &mut Settings,
) -> Result<(), ConfigError> {
    let mut is_on = false;
    vars.flag("POOL_BREAKER", &mut is_on)?;
    if is_on {
        let breaker = settings.breaker.insert(Breaker::default());
        vars.number_or_off("POOL_BREAKER_FAILURES_IN_A_ROW", &mut breaker.failures_in_a_row)?;
        vars.number_or_off("POOL_BREAKER_FAILURE_PERCENT", &mut breaker.failure_percent)?;
        vars.millis("POOL_BREAKER_OPEN_MIN", &mut breaker.open_min)?;
        vars.millis("POOL_BREAKER_OPEN_MAX", &mut breaker.open_max)?;
    }
    Ok(())
}

#[cfg(feature = "rate-limit")]
fn read_rate_limit<F: Fn(&str) -> Option<String>>(
    vars: &Vars<F>,
    settings: &mut Settings,
) -> Result<(), ConfigError> {
    use crate::gate::limits::{Limited, RateLimit, WhenOver};

    let mut permits = None;
    vars.number_or_off("POOL_RATE_LIMIT", &mut permits)?;
    if let Some(permits) = permits {
        settings.rate_limits.push(RateLimit {
            of: Limited::Pool,
            permits,
            per: std::time::Duration::from_secs(1),
            burst: None,
            when_over: WhenOver::Wait,
        });
    }
    Ok(())
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::time::Duration;

    use crate::error::ConfigError;
    use crate::settings::Settings;

    fn read(vars: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let all = [&[("DATABASE_URL", "sqlite::memory:")], vars].concat();
        let look_up = |name: &str| {
            let found = all.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| String::from(*value))
        };
        super::super::Config::<sqlx::Sqlite>::from_vars(look_up)
            .map(|config| config.settings().clone())
    }

    #[test]
    fn each_variable_is_read_and_a_wrong_one_is_named() {
        assert_eq!(read(&[]).unwrap(), Settings::default());
        let settings = read(&[
            ("POOL_MAX_TAGS", "7"),
            ("POOL_LEAKS_AFTER", "1500"),
            ("POOL_LEAKS_BACKTRACE", "true"),
            ("POOL_BREAKER", "true"),
            ("POOL_BREAKER_FAILURES_IN_A_ROW", "9"),
            ("POOL_BREAKER_FAILURE_PERCENT", "off"),
            ("POOL_BREAKER_OPEN_MIN", "20"),
            ("POOL_BREAKER_OPEN_MAX", "40"),
            ("POOL_WAIT_LESS", "250"),
            ("POOL_WAIT_LESS_OVER", "3"),
        ])
        .unwrap();
        let (leaks, breaker) = (settings.leaks.unwrap(), settings.breaker.unwrap());
        assert_eq!((settings.max_tags, leaks.backtrace), (7, true));
        assert_eq!(leaks.after, Duration::from_millis(1_500));
        assert_eq!((breaker.failures_in_a_row, breaker.failure_percent), (Some(9), None));
        assert_eq!((breaker.open_min.as_millis(), breaker.open_max.as_millis()), (20, 40));
        let rule = settings.degradation.wait_less.unwrap();
        assert_eq!((rule.limit.as_millis(), rule.waiting_over), (250, Some(3)));

        let wrong = [
            ("POOL_BREAKER", "yes", "POOL_BREAKER: 'yes' is neither true nor false"),
            ("POOL_LEAKS_AFTER", "soon", "POOL_LEAKS_AFTER: 'soon' is not a whole number"),
            ("POOL_LEAKS_AFTER", "0", "leaks.after: must be more than zero"),
            ("POOL_WAIT_LESS", "0", "degradation.wait_less.limit: must be more than zero"),
        ];
        for (name, value, problem) in wrong {
            assert_eq!(read(&[(name, value)]).unwrap_err().to_string(), problem);
        }
        assert!(
            read(&[("POOL_BREAKER", "false"), ("POOL_LEAKS_AFTER", "off")])
                .unwrap()
                .breaker
                .is_none()
        );
    }

    #[cfg(feature = "rate-limit")]
    #[test]
    fn the_rate_limit_is_read() {
        let limits = read(&[("POOL_RATE_LIMIT", "50")]).unwrap().rate_limits;
        assert_eq!((limits.len(), limits[0].permits), (1, 50));
        let error = read(&[("POOL_RATE_LIMIT", "0")]).unwrap_err();
        assert_eq!(error.to_string(), "rate_limits[0].permits: must be at least 1");
    }
}
