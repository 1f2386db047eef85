use std::{
    collections::VecDeque,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{
    hash::{Cost, PasswordHash, Worker},
    strength::MAXIMUM_BYTES,
};
use crate::secret::Secret;

/// No thread came free before the deadline: the caller answers 503 with `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at the moment")]
pub struct Busy;

/// What came out of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// Right, but hashed at another cost than today's: hash it again and call `password::rehash`.
    RightOutdated,
    Wrong,
}

impl Verdict {
    /// Whether it was the password.
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// How long memory is kept after the last hash.
const IDLE: Duration = Duration::from_secs(30);

/// The pool that hashes passwords. Clones share it; it ends with the last one.
#[derive(Clone)]
pub struct Hasher(Arc<Pool>);

struct Pool {
    queue: Arc<Queue>,
    cost: Cost,
    deadline: Duration,
}

struct Queue {
    jobs: Mutex<Jobs>,
    arrived: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

struct Job {
    queued_at: Instant,
    deadline: Duration,
    cost: Cost,
    plain: Secret,
    work: Work,
}

enum Work {
    Hash(oneshot::Sender<Result<PasswordHash, Busy>>),
    Verify(Option<PasswordHash>, oneshot::Sender<Result<Verdict, Busy>>),
}

impl Hasher {
    /// A pool of one thread less than there are processors (at least one), so that everything else
    /// goes on during a flood of sign-ins. What waits longer than `deadline` is refused.
    pub fn new(cost: Cost, deadline: Duration) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(processors.saturating_sub(1).max(1), cost, deadline)
    }

    /// The same with a number of threads.
    pub fn with_threads(threads: usize, cost: Cost, deadline: Duration) -> Self {
        let queue = Arc::new(Queue { jobs: Mutex::new(Jobs::default()), arrived: Condvar::new() });
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            let spawned = thread::Builder::new().name(format!("password-{number}")).spawn(move || queue.serve());
            if let Err(error) = spawned {
                tracing::error!(%error, "a thread for password hashes could not be started");
            }
        }
        Self(Arc::new(Pool { queue, cost, deadline }))
    }

    /// Hashes a new password, which [`super::check_strength`] has let through.
    ///
    /// # Errors
    /// [`Busy`] if no thread came free in time.
    pub async fn hash(&self, plain: Secret) -> Result<PasswordHash, Busy> {
        let (sender, receiver) = oneshot::channel();
        self.queue(plain, Work::Hash(sender));
        receiver.await.unwrap_or(Err(Busy))
    }

    /// Compares. Without a hash (no such user, or no password) it takes as long and answers `Wrong`.
    ///
    /// # Errors
    /// [`Busy`] if no thread came free in time.
    pub async fn verify(&self, plain: Secret, hash: Option<PasswordHash>) -> Result<Verdict, Busy> {
        // Longer than any password can be: hash nothing of it, but take the usual time.
        let (plain, hash) = if plain.expose().len() > MAXIMUM_BYTES { (Secret::random(), None) } else { (plain, hash) };
        let (sender, receiver) = oneshot::channel();
        self.queue(plain, Work::Verify(hash, sender));
        receiver.await.unwrap_or(Err(Busy))
    }

    fn queue(&self, plain: Secret, work: Work) {
        let job = Job { queued_at: Instant::now(), deadline: self.0.deadline, cost: self.0.cost, plain, work };
        self.0.queue.jobs.lock().waiting.push_back(job);
        self.0.queue.arrived.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.jobs.lock().closed = true;
        self.queue.arrived.notify_all();
    }
}

impl Queue {
    /// One thread's life.
    fn serve(&self) {
        let mut worker = Worker::default();
        loop {
            let job = {
                let mut jobs = self.jobs.lock();
                loop {
                    if let Some(job) = jobs.waiting.pop_front() {
                        break job;
                    }
                    if jobs.closed {
                        return;
                    }
                    if !worker.holds_memory() {
                        self.arrived.wait(&mut jobs);
                    } else if self.arrived.wait_for(&mut jobs, IDLE).timed_out() {
                        worker.release();
                    }
                }
            };
            job.run(&mut worker);
        }
    }
}

impl Job {
    fn run(self, worker: &mut Worker) {
        let late = self.queued_at.elapsed() > self.deadline;
        // A caller that has gone away costs no hash. An answer nobody waits for may be dropped.
        match self.work {
            Work::Hash(answer) if !answer.is_closed() => {
                let outcome = if late { Err(Busy) } else { Ok(worker.hash(self.plain.expose(), self.cost)) };
                _ = answer.send(outcome);
            }
            Work::Verify(hash, answer) if !answer.is_closed() => {
                let outcome = if late { Err(Busy) } else { Ok(judge(worker, &self.plain, hash.as_ref(), self.cost)) };
                _ = answer.send(outcome);
            }
            Work::Hash(_) | Work::Verify(..) => {}
        }
    }
}

fn judge(worker: &mut Worker, plain: &Secret, hash: Option<&PasswordHash>, cost: Cost) -> Verdict {
    let verified = hash.and_then(|hash| worker.verify(plain.expose(), hash, cost));
    match verified {
        Some((true, true)) => Verdict::Right,
        Some((true, false)) => Verdict::RightOutdated,
        Some((false, _)) => Verdict::Wrong,
        None => {
            worker.hash(plain.expose(), cost);
            Verdict::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory: 64, passes: 1 };

    #[tokio::test]
    async fn a_password_is_known_again_and_nobody_has_none() {
        let hasher = Hasher::with_threads(1, CHEAP, Duration::from_secs(5));
        let hash = hasher.hash(Secret::from_text("one two three")).await.expect("a free thread");
        let verify = async |text: &str, hash: Option<PasswordHash>| hasher.verify(Secret::from_text(text), hash).await;
        assert_eq!(verify("one two three", Some(hash.clone())).await, Ok(Verdict::Right));
        assert_eq!(verify("one two four", Some(hash.clone())).await, Ok(Verdict::Wrong));
        assert_eq!(verify("one two three", None).await, Ok(Verdict::Wrong));
        assert_eq!(verify(&"x".repeat(MAXIMUM_BYTES + 1), Some(hash)).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn what_waits_past_the_deadline_is_refused() {
        let hasher = Hasher::with_threads(1, CHEAP, Duration::ZERO);
        assert_eq!(hasher.verify(Secret::from_text("late"), None).await, Err(Busy));
    }
}
