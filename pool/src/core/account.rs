//! The account of one tenant: what it may have, what it has, and who waits for more.

use std::cmp::Ordering;
use std::sync::Arc;

use tokio::time::Instant;

use super::Waiter;
use super::lines::Lines;
use crate::ask::Ageing;
use crate::tenants::TenantLimits;

/// Which account. It names none once the account was closed, whoever has its place then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountId {
    pub(super) index: usize,
    pub(super) serial: u64,
}

/// How an account stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) id: AccountId,
    pub(crate) limits: TenantLimits,
    pub(crate) guaranteed: usize,
    pub(crate) in_use: usize,
    pub(crate) waiting: usize,
}

pub(super) struct Account<R> {
    /// None when it is closed.
    pub(super) serial: Option<u64>,
    limits: TenantLimits,
    pub(super) lines: Lines<R>,
    pub(super) in_use: usize,
    /// Its place among those that have equally much: what it was served so far, the less the more it weighs.
    pub(super) pass: u128,
    /// When somebody last came to wait or got something.
    pub(super) last_active: Option<Instant>,
}

/// How far one service moves the pass of an account of weight 1.
const STEP: u128 = 1 << 20;

impl<R> Account<R> {
    pub(super) fn open(serial: u64, limits: TenantLimits, now: Option<Instant>) -> Self {
        let lines = Lines::new();
        Self { serial: Some(serial), limits, lines, in_use: 0, pass: 0, last_active: now }
    }

    pub(super) fn set_limits(&mut self, limits: TenantLimits) {
        self.limits = limits;
    }

    pub(super) fn share_percent(&self) -> u8 {
        if self.serial.is_some() { self.limits.share_percent } else { 0 }
    }

    pub(super) fn standing(&self, index: usize, limit: usize) -> Option<Standing> {
        Some(Standing {
            id: AccountId { index, serial: self.serial? },
            limits: self.limits.clone(),
            guaranteed: self.limits.guaranteed(limit),
            in_use: self.in_use,
            waiting: self.lines.len(),
        })
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_use == 0 && self.lines.len() == 0
    }

    pub(super) fn has_maximum(&self) -> bool {
        self.limits.max.is_some()
    }

    pub(super) fn has_room(&self) -> bool {
        self.room() > 0
    }

    fn room(&self) -> usize {
        self.limits.max.map_or(usize::MAX, |max| max.saturating_sub(self.in_use))
    }

    /// How many of those who wait could be served now if there were enough resources.
    pub(super) fn claims(&self) -> usize {
        self.lines.len().min(self.room())
    }

    /// Takes off the first.
    pub(super) fn serve(&mut self, ageing: Option<&Ageing>) -> Option<Arc<Waiter<R>>> {
        self.pass += STEP / u128::from(self.limits.weight);
        self.lines.pop(ageing)
    }

    /// Who is served first: an account that has less than it is guaranteed of `limit` resources; then the one
    /// that has least for its weight; then the one that was served least for its weight; then the one whose
    /// first came first.
    pub(super) fn before(&self, other: &Self, limit: usize) -> Ordering {
        let has_share = |account: &Self| account.in_use >= account.limits.guaranteed(limit);
        let weighed =
            |account: &Self, by: &Self| account.in_use as u128 * u128::from(by.limits.weight);
        has_share(self)
            .cmp(&has_share(other))
            .then_with(|| weighed(self, other).cmp(&weighed(other, self)))
            .then_with(|| self.pass.cmp(&other.pass))
            .then_with(|| self.lines.first_ticket().cmp(&other.lines.first_ticket()))
    }
}
