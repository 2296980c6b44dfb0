//! Who waits, in the order in which they are served: an account for each tenant and one for those without.
//!
//! Not a map. The lock is held when a place is taken or given, so nothing here needs to be lock-free, and a
//! queue that only grows at its end needs no search: with `ConcurrentOrderedMap` in its place, 500 tasks over
//! ten connections were served 0.95 million times a second, with these lines 2.4 million, and by deadpool
//! 2.3 million in the same rounds (two cores, one yield while a connection is held). A map's session and the
//! two nodes that it makes and frees for each waiter are what it costs. The registry and the expiry index,
//! which are searched and read beside others, are maps.

use std::sync::Arc;

use tokio::time::Instant;

use super::account::{Account, AccountId, Standing};
use super::{Caller, Tenancy, Waiter};
use crate::ask::{Ageing, Priority};
use crate::tenants::TenantLimits;

/// A place in the queue: whose account, the priority, then the order of arrival.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    account: usize,
    priority: Priority,
    ticket: u64,
}

/// The account of those who name no tenant.
const COMMON: usize = 0;

pub(super) struct Queue<R> {
    accounts: Vec<Account<R>>,
    /// The closed ones, to be opened again for others.
    closed: Vec<usize>,
    /// The accounts with claims: any of these may be served next.
    ready: Vec<usize>,
    /// The sum of all accounts' claims.
    claims: usize,
    /// The sum of all who wait.
    len: usize,
    lent_to_tenants: usize,
    ageing: Option<Ageing>,
    /// Of how many resources the accounts' shares are.
    limit: usize,
    next_ticket: u64,
    next_serial: u64,
    /// The pass of the account that was served last. One that comes back starts there: what it left unused
    /// while nobody waited for it gives it no precedence.
    pass: u128,
}

impl<R> Queue<R> {
    pub(super) fn new(limit: usize, ageing: Option<Ageing>) -> Self {
        Self {
            accounts: vec![Account::open(0, TenantLimits::default(), None)],
            closed: Vec::new(),
            ready: Vec::new(),
            claims: 0,
            len: 0,
            lent_to_tenants: 0,
            ageing,
            limit,
            next_ticket: 0,
            next_serial: 1,
            pass: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many of those who wait could be served now: the others wait for their tenants' maxima.
    #[inline]
    pub(super) fn claims(&self) -> usize {
        self.claims
    }

    /// The ticket that the next to come will get.
    pub(super) fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    /// Does something to an account, and keeps in step what its claims are part of.
    fn with<T>(&mut self, index: usize, change: impl FnOnce(&mut Account<R>) -> T) -> T {
        let account = &mut self.accounts[index];
        let (waiting, claims) = (account.lines.len(), account.claims());
        let done = change(account);
        self.len = self.len - waiting + account.lines.len();
        let now = account.claims();
        self.claims = self.claims - claims + now;
        match (claims, now) {
            (0, 1..) => {
                account.pass = account.pass.max(self.pass);
                self.ready.push(index);
            }
            (1.., 0) => self.ready.retain(|ready| *ready != index),
            _ => {}
        }
        done
    }

    #[inline]
    pub(super) fn push(&mut self, priority: Priority, waiter: &Arc<Waiter<R>>) -> Turn {
        let account = index(&waiter.caller);
        let turn = Turn { account, priority, ticket: self.next_ticket };
        self.next_ticket += 1;
        let waiter = Arc::clone(waiter);
        if self.has_tenants() {
            self.push_among_others(turn, waiter);
        } else {
            self.accounts[COMMON].lines.push(priority, turn.ticket, waiter);
            self.len += 1;
            self.claims += 1;
            if self.claims == 1 {
                self.ready.push(COMMON);
            }
        }
        turn
    }

    #[inline(never)]
    fn push_among_others(&mut self, turn: Turn, waiter: Arc<Waiter<R>>) {
        self.with(turn.account, |account| {
            account.last_active = Some(waiter.since);
            account.lines.push(turn.priority, turn.ticket, waiter);
        });
    }

    /// Takes off the first of the account whose turn it is, while so many are `lent`. With several that have
    /// claims, looks at each.
    #[inline]
    pub(super) fn pop(&mut self, lent: usize) -> Option<Arc<Waiter<R>>> {
        if self.claims == 0 {
            None
        } else if self.has_tenants() {
            self.pop_in_turn(lent)
        } else {
            self.pop_common()
        }
    }

    /// As [`pop`](Self::pop), without tenants: nobody's maximum or turn is to be looked at.
    #[inline]
    fn pop_common(&mut self) -> Option<Arc<Waiter<R>>> {
        let first = self.accounts[COMMON].lines.pop(self.ageing.as_ref())?;
        self.len -= 1;
        self.claims -= 1;
        if self.claims == 0 {
            self.ready.clear();
        }
        Some(first)
    }

    #[inline(never)]
    fn pop_in_turn(&mut self, lent: usize) -> Option<Arc<Waiter<R>>> {
        let next = match *self.ready {
            [] => return None,
            [only] => only,
            _ => {
                // Not counted where nobody asks: most pools have no tenants.
                self.accounts[COMMON].in_use = lent - self.lent_to_tenants;
                *self.ready.iter().min_by(|one, other| self.in_turn(**one, **other))?
            }
        };
        self.pass = self.accounts[next].pass;
        let ageing = self.ageing;
        self.with(next, |account| account.serve(ageing.as_ref()))
    }

    fn in_turn(&self, one: usize, other: usize) -> std::cmp::Ordering {
        self.accounts[one].before(&self.accounts[other], self.limit)
    }

    /// Takes off one, wherever it stands. `None` if it was taken off before.
    pub(super) fn remove(&mut self, turn: Turn) -> Option<Arc<Waiter<R>>> {
        self.with(turn.account, |account| account.lines.remove(turn.priority, turn.ticket))
    }

    /// Takes off all of those who are `chosen`, by ticket and waiter.
    pub(super) fn take(&mut self, chosen: impl Fn(u64, &Waiter<R>) -> bool) -> Vec<Arc<Waiter<R>>> {
        let mut taken = Vec::new();
        for index in 0..self.accounts.len() {
            self.with(index, |account| account.lines.take(&chosen, &mut taken));
        }
        taken
    }

    /// When the next of those who wait runs out of time.
    pub(super) fn earliest_deadline(&self) -> Option<Instant> {
        let waiting = self.accounts.iter().flat_map(|account| account.lines.iter());
        waiting.map(|waiter| waiter.deadline).min()
    }

    /// Whether there is any account but that of those without a tenant.
    #[inline]
    pub(super) fn has_tenants(&self) -> bool {
        self.accounts.len() > COMMON + 1
    }

    /// Counts a resource that is lent to a tenant.
    #[inline(never)]
    pub(super) fn lent(&mut self, tenant: &Tenancy, since: Instant) {
        self.lent_to_tenants += 1;
        self.with(tenant.account.index, |account| {
            account.last_active = Some(since);
            account.in_use += 1;
        });
    }

    /// Counts a resource that a tenant has no more. It may then have one again for which it waits.
    #[inline(never)]
    pub(super) fn ended(&mut self, tenant: &Tenancy) {
        self.lent_to_tenants -= 1;
        self.with(tenant.account.index, |account| account.in_use -= 1);
    }

    /// Whether whoever asks may have one more.
    #[inline]
    pub(super) fn has_room(&self, caller: &Caller) -> bool {
        self.accounts[index(caller)].has_room()
    }

    /// Whether the account is open in whose name somebody asks.
    #[inline]
    pub(super) fn is_open(&self, caller: &Caller) -> bool {
        caller.tenant.as_ref().is_none_or(|tenant| self.holds(tenant.account))
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    fn holds(&self, id: AccountId) -> bool {
        self.accounts[id.index].serial == Some(id.serial)
    }

    pub(super) fn open(&mut self, limits: TenantLimits, now: Instant) -> AccountId {
        let serial = self.next_serial;
        self.next_serial += 1;
        let account = Account::open(serial, limits, Some(now));
        let index = match self.closed.pop() {
            Some(index) => {
                self.accounts[index] = account;
                index
            }
            None => {
                self.accounts.push(account);
                self.accounts.len() - 1
            }
        };
        AccountId { index, serial }
    }

    /// Closes an account that has nothing, if it was last active `before`. Answers whether it is closed.
    pub(super) fn close(&mut self, id: AccountId, before: Instant) -> bool {
        if !self.holds(id) {
            return true;
        }
        let account = &mut self.accounts[id.index];
        let is_left =
            account.is_idle() && account.last_active.is_none_or(|active| active <= before);
        if is_left {
            account.serial = None;
            self.closed.push(id.index);
        }
        is_left
    }

    /// Answers whether the account is open.
    pub(super) fn set_limits(&mut self, id: AccountId, limits: TenantLimits) -> bool {
        let holds = self.holds(id);
        if holds {
            self.with(id.index, |account| account.set_limits(limits));
        }
        holds
    }

    /// What all accounts but one are guaranteed, in per cent.
    pub(super) fn shares_but(&self, id: AccountId) -> u32 {
        let others = self.accounts.iter().enumerate().filter(|(index, _)| *index != id.index);
        others.map(|(_, account)| u32::from(account.share_percent())).sum()
    }

    /// How the tenants stand.
    pub(super) fn standings(&self) -> Vec<Standing> {
        let tenants = self.accounts.iter().enumerate().skip(COMMON + 1);
        tenants.filter_map(|(index, account)| account.standing(index, self.limit)).collect()
    }
}

/// Whose account a caller is of.
#[inline]
fn index(caller: &Caller) -> usize {
    caller.tenant.as_ref().map_or(COMMON, |tenant| tenant.account.index)
}
