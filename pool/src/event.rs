//! The events of a connection's life, through `tracing`.
//!
//! Every event has the target `pool` and the fields `pool` (the pool's name), `open` and `max`; those about
//! one connection have `id`. What they count is looked up only if somebody listens.

macro_rules! event {
    ($level:ident, $shared:expr, { $($field:tt)* }, $what:literal) => {{
        let shared = &$shared;
        tracing::$level!(
            target: "pool",
            pool = %shared.settings.name,
            open = shared.core.counts().open,
            max = shared.core.counts().max,
            $($field)*
            $what
        )
    }};
}

pub(crate) use event;
