//! The budget of an audit or a request: bounds on totals, in addition to the bound on each part.
//!
//! Work is counted in units, never by a clock, so that the same input gives the same result on every machine. A unit is one byte read, inflated,
//! hashed or compared; more expensive operations count as several units: see [`Work`]. The budget has a base, which is enough for small inputs, and
//! grows with the input: `work_base_units` and the other numbers are in [`Limits`]. Memory is counted in the same way, as bytes held at the same
//! time; the input's own bytes are not counted.
//!
//! `audit` creates one budget and passes it to the readers of the bundle, source, image and signatures, and to the checks through `Evidence`. Each
//! blob and file is charged once, however often it is referenced. Work is charged before it is done, but a reader charges bytes after reading them.
//! When the budget is exhausted, the work stops with [`Error::OverLimit`] (exit code 3). Code that returns findings rather than errors (the source's
//! proof, the checks) also stops, and `audit` then calls [`Budget::check`]: an incomplete answer is never shown.
//!
//! Clones share one budget, on any number of threads. Thread scheduling may affect which part the error names, but not whether there is an error.
//!
//! The budget does not bound the length of a report or the size of a single part: those have separate bounds in [`Limits`].

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};

/// Units for one git object (finding, inflating, hashing and indexing it), in addition to its bytes.
const OBJECT_UNITS: u64 = 1_000;
/// Units for one YAML or JSON node, or a similar item.
const NODE_UNITS: u64 = 500;
/// Units for one byte of bzip2 output: the byte is decoded, read as tar and, in a file, hashed twice.
const UNPACKED_UNITS: u64 = 8;
/// Units for one signature verification, based on 8192-bit RSA, the most expensive algorithm.
const SIGNATURE_UNITS: u64 = 300_000;
const MEGABYTE: u64 = 1_000_000;

/// Units of work to charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Bytes that are read, inflated, hashed or compared.
    Bytes(u64),
    /// Objects in a repository.
    Objects(u64),
    /// Mappings, lists and strings in a document, or other small items, such as log lines, tags and image references.
    Nodes(u64),
    /// Bytes of bzip2 output.
    Unpacked(u64),
    /// Attempts to verify a signature with a key, in addition to the bytes hashed for them.
    Signatures(u64),
}

impl Work {
    fn units(self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Objects(objects) => objects.saturating_mul(OBJECT_UNITS),
            Self::Nodes(nodes) => nodes.saturating_mul(NODE_UNITS),
            Self::Unpacked(bytes) => bytes.saturating_mul(UNPACKED_UNITS),
            Self::Signatures(signatures) => signatures.saturating_mul(SIGNATURE_UNITS),
        }
    }
}

/// Remaining work and memory of an audit or a request. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    work: Total,
    memory: Total,
    /// Whether a request for memory was refused.
    refused: AtomicBool,
    /// The first other limit that was exceeded, and what exceeded it.
    exceeded: OnceLock<(Bound, String)>,
}

/// A total whose allowance grows with the input, up to `most`.
#[derive(Debug)]
struct Total {
    used: AtomicU64,
    input: AtomicU64,
    base: Bound,
    per_input: u64,
    /// The number of input bytes that raise the allowance by `per_input` units.
    input_unit: u64,
    most: Bound,
}

impl Budget {
    /// The budget for an audit with this many bytes of evidence. [`Budget::add_input`] adds more evidence.
    pub fn of_audit(input_bytes: u64, limits: &Limits) -> Self {
        let memory = Total::new(limits.held_base_bytes(), limits.held_per_input_bytes, 1, unbounded(limits));
        Self::with(input_bytes, memory, limits)
    }

    /// The budget for input of unknown size: the maximum work for any input, and unbounded memory.
    pub fn of_unknown_input(limits: &Limits) -> Self {
        Self::of_audit(u64::MAX, limits)
    }

    /// The budget for one request of this many bytes.
    pub fn of_request(request_bytes: u64, limits: &Limits) -> Self {
        let (base, per_input) = (limits.request_base_bytes(), limits.request_per_input_bytes);
        Self::with(request_bytes, Total::new(base, per_input, 1, unbounded(limits)), limits)
    }

    fn with(input_bytes: u64, memory: Total, limits: &Limits) -> Self {
        let (base, most) = (limits.work_base_units(), limits.work_most_units());
        let work = Total::new(base, limits.work_per_megabyte_units, MEGABYTE, most);
        let budget =
            Self(Arc::new(Shared { work, memory, refused: AtomicBool::new(false), exceeded: OnceLock::new() }));
        budget.add_input(input_bytes);
        budget
    }

    /// Counts more input, which raises the allowance.
    pub fn add_input(&self, bytes: u64) {
        add(&self.0.work.input, bytes);
        add(&self.0.memory.input, bytes);
    }

    /// Charges work on `what`, before that work is done. After a failure, every later call fails too, unless more input raises the allowance.
    ///
    /// # Errors
    /// [`Error::OverLimit`] if the remaining budget is too small.
    pub fn spend(&self, work: Work, what: &str) -> Result<(), Error> {
        let total = &self.0.work;
        total.bound().check(add(&total.used, work.units()), what)
    }

    /// Reserves memory for `what` until the memory is released.
    ///
    /// # Errors
    /// [`Error::OverLimit`] if the total would exceed the limit; in that case, nothing is reserved.
    pub fn hold(&self, bytes: u64, what: &str) -> Result<(), Error> {
        let total = &self.0.memory;
        let checked = total.bound().check(add(&total.used, bytes), what);
        if checked.is_err() {
            self.release(bytes);
            self.0.refused.store(true, Ordering::Relaxed);
        }
        checked
    }

    /// Units spent so far.
    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.0.work.used.load(Ordering::Relaxed)
    }

    /// Bytes of input counted so far.
    pub(crate) fn input(&self) -> u64 {
        self.0.memory.input.load(Ordering::Relaxed)
    }

    /// Bytes of memory that can still be reserved.
    pub(crate) fn memory_left(&self) -> u64 {
        let total = &self.0.memory;
        total.bound().allowed.saturating_sub(total.used.load(Ordering::Relaxed))
    }

    /// Records that the remaining memory is not enough; after that, [`Budget::check`] fails.
    pub(crate) fn refuse_memory(&self) {
        self.0.refused.store(true, Ordering::Relaxed);
    }

    /// Records that `what` exceeds a limit, so that part of it was not examined; after that, [`Budget::check`] fails.
    pub(crate) fn refuse(&self, bound: Bound, what: &str) {
        self.0.exceeded.get_or_init(|| (bound, what.to_owned()));
    }

    /// Checks that no work or memory was refused, and no other limit exceeded. Call this before returning results that may have been cut short.
    ///
    /// # Errors
    /// [`Error::OverLimit`], which names the limit.
    pub fn check(&self, what: &str) -> Result<(), Error> {
        if let Some((bound, what)) = self.0.exceeded.get() {
            return Err(bound.exceeded(what));
        }
        if self.0.refused.load(Ordering::Relaxed) {
            return Err(self.0.memory.bound().exceeded(what));
        }
        self.spend(Work::Bytes(0), what)
    }

    /// Reads `inner` within this budget as additional input: every byte read raises the allowance.
    pub(crate) fn reading_input<R>(&self, inner: R, what: &str) -> Spending<R> {
        Spending { is_input: true, ..self.reading(inner, Work::Bytes, what) }
    }

    /// Reads `inner` within this budget and charges `work` for every byte read.
    pub(crate) fn reading<R>(&self, inner: R, work: fn(u64) -> Work, what: &str) -> Spending<R> {
        Spending { inner, budget: self.clone(), work, what: what.to_owned(), is_input: false }
    }

    /// Releases reserved memory.
    pub fn release(&self, bytes: u64) {
        change(&self.0.memory.used, |held| held.saturating_sub(bytes));
    }
}

/// A reader that charges a budget.
pub(crate) struct Spending<R> {
    inner: R,
    budget: Budget,
    work: fn(u64) -> Work,
    what: String,
    is_input: bool,
}

impl<R: Read> Read for Spending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if self.is_input {
            self.budget.add_input(read as u64);
        }
        self.budget.spend((self.work)(read as u64), &self.what)?;
        Ok(read)
    }
}

impl Total {
    fn new(base: Bound, per_input: u64, input_unit: u64, most: Bound) -> Self {
        Self { used: AtomicU64::new(0), input: AtomicU64::new(0), base, per_input, input_unit, most }
    }

    /// The current allowance, as a bound.
    fn bound(&self) -> Bound {
        // Saturation is harmless: a saturated value exceeds the maximum, or any real memory size.
        let grown = self.input.load(Ordering::Relaxed).saturating_mul(self.per_input) / self.input_unit;
        let allowed = self.base.allowed.saturating_add(grown);
        if allowed > self.most.allowed { self.most } else { Bound { allowed, ..self.base } }
    }
}

/// The allowance for memory has no maximum of its own, because the limits on inputs bound it.
fn unbounded(limits: &Limits) -> Bound {
    Bound { allowed: u64::MAX, ..limits.held_base_bytes() }
}

/// Adds to the counter and returns the sum.
fn add(counter: &AtomicU64, more: u64) -> u64 {
    change(counter, |before| before.saturating_add(more))
}

fn change(counter: &AtomicU64, to: impl Fn(u64) -> u64) -> u64 {
    let before = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| Some(to(before)));
    to(before.unwrap_or_else(|before| before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            work_base_units: 10_000,
            work_per_megabyte_units: 1_000,
            work_most_units: 12_000,
            held_base_bytes: 100,
            held_per_input_bytes: 2,
            request_base_bytes: 10,
            request_per_input_bytes: 20,
            ..Limits::default()
        }
    }

    fn over(result: Result<(), Error>) -> Option<(&'static str, u64)> {
        match result {
            Ok(()) => None,
            Err(Error::OverLimit { limit, allowed, .. }) => Some((limit, allowed)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn totals_are_exact_to_the_unit() {
        let budget = Budget::of_audit(0, &limits());
        budget.spend(Work::Bytes(4_000), "a").unwrap();
        budget.clone().spend(Work::Objects(5), "b").unwrap();
        budget.spend(Work::Nodes(2), "c").unwrap();
        assert_eq!(over(budget.spend(Work::Bytes(1), "d")), Some(("work_base_units", 10_000)));
        // After this, every later call also fails.
        assert!(budget.spend(Work::Bytes(0), "e").is_err());
        assert!(over(Budget::of_audit(0, &limits()).spend(Work::Objects(u64::MAX), "x")).is_some());
    }

    #[test]
    fn the_allowance_grows_with_the_input_up_to_the_maximum() {
        let budget = Budget::of_audit(500_000, &limits());
        budget.spend(Work::Bytes(10_500), "a").unwrap();
        assert_eq!(over(budget.spend(Work::Bytes(1), "a")), Some(("work_base_units", 10_500)));
        budget.add_input(500_000);
        budget.spend(Work::Bytes(499), "a").unwrap();
        budget.add_input(u64::MAX);
        budget.spend(Work::Bytes(1_000), "a").unwrap();
        assert_eq!(over(budget.spend(Work::Bytes(1), "a")), Some(("work_most_units", 12_000)));
    }

    #[test]
    fn memory_counts_only_what_is_held_at_the_same_time() {
        let budget = Budget::of_audit(50, &limits());
        budget.hold(200, "a").unwrap();
        assert_eq!(over(budget.hold(1, "a")), Some(("held_base_bytes", 200)));
        budget.release(1);
        budget.hold(1, "a").unwrap();
        budget.release(u64::MAX);
        budget.hold(200, "a").unwrap();
        let request = Budget::of_request(3, &limits());
        request.hold(70, "a").unwrap();
        assert_eq!(over(request.hold(1, "a")), Some(("request_base_bytes", 70)));
    }

    #[test]
    fn a_refusal_is_remembered() {
        let budget = Budget::of_audit(0, &limits());
        assert!(budget.check("a").is_ok());
        assert!(budget.hold(101, "a").is_err());
        assert_eq!(over(budget.check("a")), Some(("held_base_bytes", 100)));
        let budget = Budget::of_audit(0, &limits());
        budget.refuse_memory();
        assert_eq!(over(budget.check("a")), Some(("held_base_bytes", 100)));
        let budget = Budget::of_audit(0, &limits());
        assert!(budget.spend(Work::Unpacked(1_251), "a").is_err());
        assert_eq!(over(budget.check("a")), Some(("work_base_units", 10_000)));
    }

    #[test]
    fn a_reader_charges_every_byte_and_input_raises_the_allowance() {
        let bytes = vec![0; 1_250];
        let read = |budget: &Budget, is_input: bool| {
            let mut content = Vec::new();
            let mut reader = match is_input {
                true => budget.reading_input(bytes.as_slice(), "a"),
                false => budget.reading(bytes.as_slice(), Work::Unpacked, "a"),
            };
            reader.read_to_end(&mut content).map(|_| content.len()).map_err(|error| Error::from_read("a", error))
        };
        let budget = Budget::of_audit(0, &limits());
        assert_eq!(read(&budget, false), Ok(1_250));
        assert!(matches!(read(&budget, false), Err(Error::OverLimit { limit: "work_base_units", .. })));
        let budget = Budget::of_audit(0, &limits());
        assert_eq!(read(&budget, true), Ok(1_250));
        assert_eq!((budget.input(), budget.spent(), budget.memory_left()), (1_250, 1_250, 2_600));
    }

    /// Whether an error occurs does not depend on which thread charges the budget first.
    #[test]
    fn threads_share_one_budget() {
        for (spent, fits) in [(2_500, true), (2_501, false)] {
            let budget = Budget::of_audit(0, &limits());
            let all = std::thread::scope(|scope| {
                let spend = || scope.spawn(|| (0..spent).all(|_| budget.spend(Work::Bytes(1), "a").is_ok()));
                [spend(), spend(), spend(), spend()].map(|thread| thread.join().unwrap())
            });
            assert_eq!(all.iter().all(|fit| *fit), fits);
        }
    }
}
