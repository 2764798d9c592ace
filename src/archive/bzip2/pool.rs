//! Threads that decode blocks ahead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::block::Job;

/// Which job an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ticket(u64);

/// Decodes jobs on some threads; whoever waits for an answer lends a hand. All ends with it.
pub(super) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    wanted: usize,
    next: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Ticket, Job)>,
    done: HashMap<Ticket, Option<Vec<u8>>>,
    closed: bool,
}

impl Pool {
    /// A pool for `threads` threads, of which the caller's is one. The others start when there is work for them.
    pub(super) fn new(threads: usize) -> Self {
        Self { shared: Arc::default(), workers: Vec::new(), wanted: threads.saturating_sub(1), next: 0 }
    }

    pub(super) fn submit(&mut self, job: Job) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        let waiting = {
            let mut state = self.shared.lock();
            state.waiting.push_back((ticket, job));
            state.waiting.len()
        };
        self.shared.changed.notify_one();
        if waiting > 1 && self.workers.len() < self.wanted {
            let shared = Arc::clone(&self.shared);
            // Where no thread can be had the caller's own does the work.
            self.workers.extend(thread::Builder::new().spawn(move || shared.work()));
        }
        ticket
    }

    /// What [`Job::decode`] says of a job. Meanwhile the caller's thread decodes what waits.
    pub(super) fn take(&self, ticket: Ticket) -> Option<Vec<u8>> {
        let mut state = self.shared.lock();
        loop {
            if let Some(answer) = state.done.remove(&ticket) {
                return answer;
            }
            state = match state.waiting.pop_front() {
                Some((ticket, job)) => {
                    drop(state);
                    self.shared.decode(ticket, job);
                    self.shared.lock()
                }
                None => self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.waiting.clear();
            state.closed = true;
        }
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A panic has been printed, and its job has no answer.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        while !state.closed {
            state = match state.waiting.pop_front() {
                Some((ticket, job)) => {
                    drop(state);
                    self.decode(ticket, job);
                    self.lock()
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn decode(&self, ticket: Ticket, job: Job) {
        let mut answer = Answer { shared: self, ticket, content: None };
        answer.content = job.decode();
    }
}

/// Handed in whatever happens: nobody waits for an answer that never comes.
struct Answer<'s> {
    shared: &'s Shared,
    ticket: Ticket,
    content: Option<Vec<u8>>,
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        self.shared.lock().done.insert(self.ticket, self.content.take());
        self.shared.changed.notify_all();
    }
}
