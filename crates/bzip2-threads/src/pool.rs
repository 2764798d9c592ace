//! Threads that decode blocks ahead.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::block::Job;
use super::decode::Desk;

/// Identifies a job and its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ticket(u64);

/// Decodes jobs on several threads; a thread that waits for a result also decodes. Dropping the pool ends its threads.
pub(super) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    wanted: usize,
    next: u64,
    /// Memory of the caller's thread.
    desk: Option<Desk>,
}

thread_local! {
    /// Memory that this thread's last pool left for the next pool, because clearing five megabytes takes longer than decoding a small archive.
    static SPARE: Cell<Option<Desk>> = const { Cell::new(None) };
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
    /// A pool for `threads` threads, including the caller's. The other threads start when there is work for them.
    pub(super) fn new(threads: usize) -> Self {
        Self { shared: Arc::default(), workers: Vec::new(), wanted: threads.saturating_sub(1), next: 0, desk: None }
    }

    pub(super) fn submit(&mut self, job: Job) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.shared.lock().waiting.push_back((ticket, job));
        ticket
    }

    /// Starts or wakes threads for the submitted jobs.
    pub(super) fn start(&mut self) {
        let waiting = self.shared.lock().waiting.len();
        while self.workers.len() < self.wanted.min(waiting.saturating_sub(1)) {
            let shared = Arc::clone(&self.shared);
            match thread::Builder::new().spawn(move || shared.work()) {
                Ok(worker) => self.workers.push(worker),
                // If a thread cannot be started, the other threads do the work.
                Err(_) => self.wanted = self.workers.len(),
            }
        }
        self.shared.changed.notify_all();
    }

    /// The result of [`Desk::decode`] for a job. Until the result is available, the caller's thread decodes waiting jobs.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Vec<u8>> {
        let mut state = self.shared.lock();
        loop {
            if let Some(answer) = state.done.remove(&ticket) {
                return answer;
            }
            state = self.shared.work_or_wait(state, &mut self.desk);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(desk) = self.desk.take() {
            // If the thread is ending, there is no next pool for which to keep the memory.
            let _ = SPARE.try_with(|spare| spare.set(Some(desk)));
        }
        {
            let mut state = self.shared.lock();
            state.waiting.clear();
            state.closed = true;
        }
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // The job that panicked has no result, but the output is still correct. Nevertheless, the panic must not be hidden.
            if let Err(panic) = worker.join()
                && !thread::panicking()
            {
                resume_unwind(panic);
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut desk = None;
        let mut state = self.lock();
        while !state.closed {
            state = self.work_or_wait(state, &mut desk);
        }
    }

    /// Decodes a waiting job. If no job is waiting, waits for a change.
    fn work_or_wait<'s>(&'s self, mut state: MutexGuard<'s, State>, desk: &mut Option<Desk>) -> MutexGuard<'s, State> {
        let Some((ticket, job)) = state.waiting.pop_front() else {
            return self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        let mut answer = Answer { shared: self, ticket, content: None };
        if desk.is_none() {
            *desk = SPARE.try_with(Cell::take).ok().flatten().or_else(Desk::new);
        }
        answer.content = desk.as_mut().and_then(|desk| desk.decode(&job));
        drop(answer);
        self.lock()
    }
}

/// Delivers the result when dropped, even after a panic, so that no thread waits forever for the result.
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
