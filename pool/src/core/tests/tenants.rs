//! Whose turn it is, among tenants.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Place, far_away, full, give_back, request, served, take};
use crate::ask::Priority;
use crate::core::{Core, Lease, Refusal, Request, Take, Tenancy, Unset};
use crate::tenants::TenantLimits;

fn tenant(core: &Core<u32>, name: &str, limits: TenantLimits) -> Arc<Tenancy> {
    let account = core.open_account(TenantLimits::default(), Instant::now());
    let tenancy = Arc::new(Tenancy::new(name.into(), account));
    core.set_limits(&tenancy, limits, true).unwrap();
    tenancy
}

fn of(tenant: &Arc<Tenancy>) -> Request {
    let mut request = request(Priority::Normal);
    request.caller.tenant = Some(Arc::clone(tenant));
    request
}

fn take_for(core: &Core<u32>, tenant: &Arc<Tenancy>) -> Option<Lease<u32>> {
    match core.take(&of(tenant), |_| true) {
        Take::Lease(lease) => Some(lease),
        _ => None,
    }
}

fn join_for(core: &Core<u32>, tenant: &Arc<Tenancy>) -> Place<u32> {
    core.join(of(tenant), far_away()).expect("open")
}

fn in_use(core: &Core<u32>, tenant: &Arc<Tenancy>) -> usize {
    let standings = core.standings();
    standings.iter().find(|standing| standing.id == tenant.account).expect("known").in_use
}

/// Takes back what was lent, one each time, and lets each who is served give back after so many turns.
/// Answers how often each tenant was served.
fn turns(core: &Core<u32>, tenants: &[Arc<Tenancy>], turns: usize) -> Vec<usize> {
    let mut lent: std::collections::VecDeque<_> = std::iter::from_fn(|| take(core)).collect();
    let mut waiting: Vec<Vec<Place<u32>>> =
        tenants.iter().map(|tenant| (0..50).map(|_| join_for(core, tenant)).collect()).collect();
    let mut counts = vec![0; tenants.len()];
    for _ in 0..turns {
        assert_eq!(give_back(core, lent.pop_front().expect("lent")), None);
        for (at, places) in waiting.iter_mut().enumerate() {
            let Some(next) = places.iter().position(|place| place.waiter.is_served()) else {
                continue;
            };
            let place = places.remove(next);
            lent.push_back(place.waiter.unclaimed().expect("served"));
            counts[at] += 1;
            places.push(join_for(core, &tenants[at]));
        }
    }
    counts
}

#[test]
fn a_tenant_has_no_more_than_its_maximum_and_gets_the_next_when_one_comes_back() {
    let core = full(3);
    let acme = tenant(&core, "acme", TenantLimits::new().max(1));
    let held = take_for(&core, &acme).unwrap();
    assert!(take_for(&core, &acme).is_none(), "more than its maximum");
    let place = join_for(&core, &acme);
    assert!(core.supply(Instant::now(), |_| true).is_none(), "nothing can be done for it");
    assert_eq!(core.counts().idle, 2);
    let other = take(&core).expect("others take what is idle while it waits for itself");
    give_back(&core, other);
    assert!(served(&place).is_none(), "another's is none of its own");
    give_back(&core, held);
    assert!(served(&place).is_some());
    assert_eq!((in_use(&core, &acme), core.counts().idle), (1, 2));
}

/// Its own is closed, not given back; others are idle.
#[test]
fn a_tenant_at_its_maximum_is_served_from_the_idle_when_its_own_is_closed() {
    let core = full(2);
    let acme = tenant(&core, "acme", TenantLimits::new().max(1));
    let held = take_for(&core, &acme).unwrap();
    let place = join_for(&core, &acme);
    core.retire(held.slot, Instant::now());
    assert!(take(&core).is_none(), "a newcomer has overtaken");
    assert!(core.supply(Instant::now(), |_| true).is_none());
    assert!(served(&place).is_some());
    core.vacate(held.slot);
}

#[test]
fn a_higher_maximum_lets_more_be_served() {
    let core = full(3);
    let acme = tenant(&core, "acme", TenantLimits::new().max(1));
    take_for(&core, &acme).unwrap();
    let places = [join_for(&core, &acme), join_for(&core, &acme)];
    core.set_limits(&acme, TenantLimits::new().max(2), true).unwrap();
    assert!(core.supply(Instant::now(), |_| true).is_none());
    assert_eq!(places.map(|place| served(&place).is_some()), [true, false]);
}

#[test]
fn one_below_its_share_goes_before_all_who_are_not() {
    let core = full(4);
    let flood = tenant(&core, "flood", TenantLimits::new().weight(1_000));
    let guaranteed = tenant(&core, "guaranteed", TenantLimits::new().share_percent(50));
    let held: Vec<_> = (0..4).map(|_| take_for(&core, &flood).unwrap()).collect();
    let _flood: Vec<_> = (0..100).map(|_| join_for(&core, &flood)).collect();
    let own: Vec<_> = (0..3).map(|_| join_for(&core, &guaranteed)).collect();
    for (turn, lease) in held.into_iter().enumerate() {
        give_back(&core, lease);
        assert_eq!(in_use(&core, &guaranteed), (turn + 1).min(2), "turn {turn}");
    }
    assert!(served(&own[2]).is_none(), "it has its share, and weighs less");
}

#[test]
fn nothing_is_kept_back_for_a_share() {
    let core = full(2);
    let _guaranteed = tenant(&core, "guaranteed", TenantLimits::new().share_percent(100));
    let flood = tenant(&core, "flood", TenantLimits::new());
    assert!(take_for(&core, &flood).is_some() && take_for(&core, &flood).is_some());
}

/// While those with shares want them all the time: one without has what the shares leave, and nothing if they
/// leave nothing.
#[test]
fn one_without_a_share_gets_what_the_shares_leave() {
    for (shares, left) in [([50, 30], 2), ([50, 40], 1), ([50, 50], 0)] {
        let core = full(10);
        let [acme, bolt] =
            shares.map(|share| tenant(&core, "any", TenantLimits::new().share_percent(share)));
        let without = tenant(&core, "without", TenantLimits::new());
        let all = [acme, bolt, without];
        let counts = turns(&core, &all, 10 + 1_000);
        assert_eq!(in_use(&core, &all[2]), left, "{shares:?}");
        assert_eq!(in_use(&core, &all[0]), 5, "{shares:?}");
        assert!(counts[2].abs_diff(100 * left) <= 3, "{shares:?}: {counts:?}");
    }
}

#[test]
fn those_who_want_more_than_there_is_get_it_by_weight() {
    let core = full(8);
    let weights = [1, 2, 5];
    let tenants = weights.map(|weight| tenant(&core, "any", TenantLimits::new().weight(weight)));
    // All those lent at the start come back first; from then on they hold 1, 2 and 5.
    let counts = turns(&core, &tenants, 8 + 800);
    assert_eq!(tenants.each_ref().map(|tenant| in_use(&core, tenant)), [1, 2, 5]);
    let expected = [101, 202, 505];
    for (count, expected) in counts.iter().zip(expected) {
        assert!(count.abs_diff(expected) <= 3, "{counts:?}");
    }
}

/// With one connection nobody has anything when the next is chosen.
#[test]
fn more_tenants_than_connections_are_served_in_turn_and_by_weight() {
    let core = full(1);
    let weights = [1, 1, 4];
    let tenants = weights.map(|weight| tenant(&core, "any", TenantLimits::new().weight(weight)));
    assert_eq!(turns(&core, &tenants, 1 + 599), [100, 100, 400]);
}

/// Having asked for nothing for long gives no right to a long run.
#[test]
fn one_that_comes_back_does_not_get_all_that_it_left() {
    let core = full(1);
    let [busy, idle] = ["busy", "idle"].map(|name| tenant(&core, name, TenantLimits::new()));
    turns(&core, std::slice::from_ref(&busy), 1_000);
    // Fifty of the busy one's callers still wait.
    let places: Vec<_> = (0..10).map(|_| join_for(&core, &idle)).collect();
    for _ in 0..6 {
        give_back(&core, Lease { slot: 0, since: None, resource: 0 });
    }
    let served = places.iter().filter(|place| place.waiter.is_served()).count();
    assert_eq!(served, 3, "every other time");
}

#[test]
fn shares_are_refused_that_are_more_than_all() {
    let core = full(10);
    let _acme = tenant(&core, "acme", TenantLimits::new().share_percent(60));
    let bolt = tenant(&core, "bolt", TenantLimits::new().share_percent(40));
    let set = |share| core.set_limits(&bolt, TenantLimits::new().share_percent(share), true);
    assert_eq!(set(41), Err(Unset::Shares(60)));
    assert_eq!(set(40), Ok(()));
}

#[test]
fn a_forgotten_tenant_is_told_so_and_its_place_is_another_s() {
    let core = full(1);
    let account = core.open_account(TenantLimits::default(), Instant::now());
    let acme = Arc::new(Tenancy::new("acme".into(), account));
    let held = take_for(&core, &acme).unwrap();
    assert!(!core.forget(&acme, far_away()), "it has one");
    give_back(&core, held);
    assert!(!core.forget(&acme, account_age()), "it was active lately");
    assert!(core.forget(&acme, far_away()));
    let bolt = tenant(&core, "bolt", TenantLimits::new());
    assert!(!core.forget(&bolt, far_away()), "it was named");
    assert!(matches!(core.take(&of(&acme), |_| true), Take::Forgotten));
    assert!(matches!(core.join(of(&acme), far_away()), Err((Refusal::Forgotten, _))));
    assert_eq!(core.set_limits(&acme, TenantLimits::new(), true), Err(Unset::Forgotten));
    assert!(take_for(&core, &bolt).is_some());
    assert_eq!(core.standings().len(), 1);
}

#[test]
fn who_waited_before_there_were_tenants_is_served_among_them() {
    let core = full(2);
    let held: Vec<_> = std::iter::from_fn(|| take(&core)).collect();
    let places = [Priority::Low, Priority::High].map(|priority| super::join(&core, priority));
    let acme = tenant(&core, "acme", TenantLimits::new().max(1));
    let of_acme = [join_for(&core, &acme), join_for(&core, &acme)];
    assert_eq!((core.counts().waiting, core.standings()[0].waiting), (4, 2));
    let mut held = held.into_iter();
    give_back(&core, held.next().unwrap());
    // Of acme, which has nothing, and those without a tenant, who have one.
    assert!(served(&of_acme[0]).is_some());
    give_back(&core, held.next().unwrap());
    assert!(served(&places[1]).is_some() && served(&places[0]).is_none());
    assert_eq!(core.counts().waiting, 2);
}

/// Long before anybody came.
fn account_age() -> Instant {
    Instant::now() - std::time::Duration::from_secs(1)
}
