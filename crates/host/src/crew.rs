//! The threads of a network: a hand-over of tasks that costs about a microsecond.
//!
//! A training step of a small network lasts a few dozen microseconds and meets its threads twice.
//! A thread pool that puts its workers to sleep in between, or allocates for a job, costs more
//! than the step. The crew's workers watch for the next tasks for a moment before they sleep, and
//! the calling thread is one of them.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a worker without tasks, or a caller waiting for the last one, watches before it
/// sleeps. Longer than the pause between two steps of a small network, far shorter than anyone
/// notices.
const WATCH: Duration = Duration::from_micros(60);

/// A fixed number of threads, the caller's among them.
pub struct Crew {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// The tasks of one call, as (the function, how many times to call it).
type Job = (*const (dyn Fn(usize, usize) + Sync), usize);

/// A thread's tasks. Calls that are cut alike give each thread the same ones, so that what a task
/// leaves in a core's cache is found there by the next; a thread that has done its share helps the
/// others.
///
/// Each in cache lines of its own (processors fetch pairs of them).
#[derive(Default)]
#[repr(align(128))]
struct Share {
    /// Which call this is (upper half) and how many of the tasks nobody has taken (lower half). A
    /// task is taken by counting down; only who has taken one may read the job, and `end`.
    tickets: AtomicU64,
    /// The number behind that of the last task.
    end: AtomicUsize,
}

struct Shared {
    /// Which call this is. Workers watch it.
    call: AtomicU32,
    /// For each thread, its share of the tasks of a call.
    shares: Vec<Share>,
    job: UnsafeCell<Option<Job>>,
    /// Tasks finished since the call began.
    finished: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    leaving: AtomicBool,
    /// Workers that have begun to work.
    started: AtomicUsize,
    /// A flag for each worker, raised while it sleeps or is about to.
    asleep: Vec<AtomicBool>,
    caller: Mutex<Option<Thread>>,
    caller_asleep: AtomicBool,
    /// Whether watching makes sense: not with more threads than cores.
    watch: bool,
}

// SAFETY: `job` is written only by the caller while no ticket is out (all tasks of the last call
// are finished, so nobody reads it), and read only by threads that hold a ticket, which they took
// with acquire ordering after the caller published it with release ordering. Its function is
// `Sync`. Everything else is Sync by itself.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer in `job` is never used after the call that stored it returns.
unsafe impl Send for Shared {}

impl Crew {
    /// A crew of `threads` threads (at least 1), the caller's included.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared {
            call: AtomicU32::new(0),
            shares: (0..threads).map(|_| Share::default()).collect(),
            job: UnsafeCell::new(None),
            finished: AtomicUsize::new(0),
            panic: Mutex::new(None),
            leaving: AtomicBool::new(false),
            started: AtomicUsize::new(0),
            asleep: (1..threads).map(|_| AtomicBool::new(false)).collect(),
            caller: Mutex::new(None),
            caller_asleep: AtomicBool::new(false),
            watch: threads <= cores,
        });
        let mut crew = Crew { shared, workers: Vec::with_capacity(threads - 1) };
        for number in 0..threads - 1 {
            let shared = Arc::clone(&crew.shared);
            let worker = thread::Builder::new()
                .name(format!("consonance-{}", number + 1))
                .spawn(move || shared.work(number + 1))?;
            crew.workers.push(worker);
        }
        // A thread allocates while it starts, and the main thread when it first asks who it is:
        // neither is to happen in the middle of a training.
        let _ = thread::current();
        while crew.shared.started.load(Ordering::Acquire) < threads - 1 {
            thread::yield_now();
        }
        Ok(crew)
    }

    /// How many threads there are, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// [`Crew::for_each`] if `share`; otherwise all tasks on the calling thread.
    pub fn for_each_if(&mut self, share: bool, tasks: usize, task: &(dyn Fn(usize, usize) + Sync)) {
        if share {
            self.for_each(tasks, task);
        } else {
            (0..tasks).for_each(|number| task(number, 0));
        }
    }

    /// Calls `task(number, thread)` for each number below `tasks`, once, on any threads, and returns
    /// when all have returned. Threads are numbered from 0, the caller's, which has the first tasks
    /// unless others help; each has as many tasks, or one less. Allocates nothing.
    ///
    /// # Panics
    /// With the panic of a task, after all others have finished; for 2³² tasks or more.
    pub fn for_each(&mut self, tasks: usize, task: &(dyn Fn(usize, usize) + Sync)) {
        let threads = self.threads();
        self.hand_out(|thread| ((thread + 1) * tasks).div_ceil(threads), task);
    }

    /// [`Crew::for_each`] in shares of the caller's choice: unless others help, a thread has the
    /// tasks from the end of the thread before, or 0, up to its own, `end(thread)`. If not `share`,
    /// all run on the calling thread.
    ///
    /// # Panics
    /// As [`Crew::for_each`]; and if an end is before that of an earlier thread.
    pub fn for_each_in_shares(
        &mut self,
        share: bool,
        end: impl Fn(usize) -> usize,
        task: &(dyn Fn(usize, usize) + Sync),
    ) {
        match share {
            true => self.hand_out(end, task),
            false => (0..end(self.workers.len())).for_each(|number| task(number, 0)),
        }
    }

    /// Has the tasks run: those of each thread end before what `end` says of it.
    fn hand_out(&mut self, end: impl Fn(usize) -> usize, task: &(dyn Fn(usize, usize) + Sync)) {
        let shared = &*self.shared;
        // asked once each: whatever it answers, the tickets below fit one another
        let mut tasks = 0;
        for (thread, share) in shared.shares.iter().enumerate() {
            let end = end(thread);
            assert!(end >= tasks, "the tasks of thread {thread} end with {end}, before {tasks}");
            share.end.store(end, Ordering::Relaxed);
            tasks = end;
        }
        if tasks <= 1 || self.workers.is_empty() {
            (0..tasks).for_each(|number| task(number, 0));
            return;
        }
        assert!(u32::try_from(tasks).is_ok(), "{tasks} tasks are more than a share can count");
        // SAFETY: only the lifetime is erased. This call returns when every task has finished,
        // so nobody calls the function after its borrow ends.
        let function = unsafe {
            std::mem::transmute::<
                &(dyn Fn(usize, usize) + Sync),
                *const (dyn Fn(usize, usize) + Sync),
            >(task)
        };
        // SAFETY: `&mut self` makes this the only call, and the last one returned when all its
        // tickets were taken and finished: nobody reads `job`.
        unsafe { *shared.job.get() = Some((function, tasks)) };
        shared.finished.store(0, Ordering::Relaxed);
        let call = shared.call.load(Ordering::Relaxed).wrapping_add(1);
        let ends = || shared.shares.iter().map(|share| share.end.load(Ordering::Relaxed));
        let lens = || ends().zip([0].into_iter().chain(ends())).map(|(end, start)| end - start);
        for (share, len) in shared.shares.iter().zip(lens()) {
            share.tickets.store(u64::from(call) << 32 | len as u64, Ordering::Release);
        }
        // SeqCst orders this store before the look at the sleepers: see `Shared::sleep`.
        shared.call.store(call, Ordering::SeqCst);
        for ((worker, asleep), len) in self.workers.iter().zip(&shared.asleep).zip(lens().skip(1)) {
            if len > 0 && asleep.load(Ordering::SeqCst) && asleep.swap(false, Ordering::SeqCst) {
                worker.thread().unpark();
            }
        }
        shared.take_tasks(0);
        shared.wait_for(tasks);
        let panic = shared.panic.lock().unwrap_or_else(|e| e.into_inner()).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    /// What worker `number` does until the crew is dropped.
    fn work(&self, number: usize) {
        self.started.fetch_add(1, Ordering::Release);
        let mut seen = 0;
        while !self.leaving.load(Ordering::Acquire) {
            let called = || self.call.load(Ordering::SeqCst) != seen;
            let leaving = || self.leaving.load(Ordering::SeqCst);
            self.sleep(&self.asleep[number - 1], || called() || leaving());
            seen = self.call.load(Ordering::Acquire);
            self.take_tasks(number);
        }
    }

    /// Takes and runs tasks until none is left, those of thread `number` first.
    ///
    /// They are counted when there are no more: threads pass the counter's cache line around once a
    /// call, not once a task. Until then the call cannot return, so all of them are of one call.
    fn take_tasks(&self, number: usize) {
        let (before, from) = self.shares.split_at(number);
        let (mut run, mut of_call) = (0, 0);
        for (offset, share) in from.iter().chain(before).enumerate() {
            let owner = (number + offset) % self.shares.len();
            let mut tickets = share.tickets.load(Ordering::Acquire);
            while tickets as u32 > 0 {
                let taken = share.tickets.compare_exchange_weak(
                    tickets,
                    tickets - 1,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                );
                match taken {
                    Ok(_) => {
                        of_call = self.run(owner, tickets as u32 as usize, number);
                        run += 1;
                        tickets = share.tickets.load(Ordering::Acquire);
                    }
                    Err(now) => tickets = now,
                }
            }
        }
        // release: what the tasks wrote is visible to who sees them finished
        if run > 0
            && self.finished.fetch_add(run, Ordering::SeqCst) + run == of_call
            && self.caller_asleep.load(Ordering::SeqCst)
            && let Some(caller) = &*self.caller.lock().unwrap_or_else(|e| e.into_inner())
        {
            caller.unpark();
        }
    }

    /// Runs a task of `owner`'s share on thread `number`: `left` counts it and those behind it.
    /// Answers how many tasks the call has.
    fn run(&self, owner: usize, left: usize, number: usize) -> usize {
        // SAFETY: the caller of this function took a ticket, so the call that published `job`
        // has not returned and does not write it.
        let Some((function, tasks)) = (unsafe { *self.job.get() }) else { return 0 };
        // SAFETY: as above; the function outlives the call.
        let function = unsafe { &*function };
        let task = self.shares[owner].end.load(Ordering::Relaxed) - left;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| function(task, number))) {
            *self.panic.lock().unwrap_or_else(|e| e.into_inner()) = Some(panic);
        }
        tasks
    }

    /// Waits on the calling thread until `tasks` tasks have finished.
    fn wait_for(&self, tasks: usize) {
        let done = || self.finished.load(Ordering::SeqCst) == tasks;
        if self.watch_for(done) {
            return;
        }
        *self.caller.lock().unwrap_or_else(|e| e.into_inner()) = Some(thread::current());
        self.caller_asleep.store(true, Ordering::SeqCst);
        while !done() {
            thread::park();
        }
        self.caller_asleep.store(false, Ordering::SeqCst);
    }

    /// Watches, then sleeps, until `ready`. The flag is raised before the last look at `ready`
    /// and whoever makes it ready looks at the flag afterwards, so one of the two sees the other.
    fn sleep(&self, asleep: &AtomicBool, ready: impl Fn() -> bool) {
        if self.watch_for(&ready) {
            return;
        }
        loop {
            // raised anew each time: a caller lowers it, and others may take all its tasks
            asleep.store(true, Ordering::SeqCst);
            if ready() {
                break;
            }
            thread::park();
        }
        asleep.store(false, Ordering::SeqCst);
    }

    /// Watches for a moment; true if `ready` came true.
    fn watch_for(&self, ready: impl Fn() -> bool) -> bool {
        if !self.watch {
            return ready();
        }
        let mut since = None;
        loop {
            for _ in 0..64 {
                if ready() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if since.get_or_insert_with(Instant::now).elapsed() > WATCH {
                return false;
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.leaving.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // a worker catches the panics of its tasks: there is nothing to pass on
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_on_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let mut crew = Crew::new(threads).unwrap();
            for tasks in [0, 1, 2, 7, 64, 1000] {
                let counts: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                crew.for_each(tasks, &|task, _| {
                    counts[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn shares_end_where_they_are_said_to() {
        let mut crew = Crew::new(3).unwrap();
        for (share, ends) in [(true, [4, 4, 9]), (true, [0, 7, 7]), (false, [100, 200, 300])] {
            let ran: Vec<_> = (0..ends[2]).map(|_| AtomicUsize::new(0)).collect();
            crew.for_each_in_shares(share, |thread| ends[thread], &|task, thread| {
                assert!(share || thread == 0);
                ran[task].fetch_add(1, Ordering::Relaxed);
            });
            assert!(ran.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{ends:?}");
        }
        assert_eq!(
            firsts(|crew, task| crew.for_each_in_shares(true, |t| [1, 6, 8][t], task)),
            [0, 1, 6]
        );
        assert_eq!(firsts(|crew, task| crew.for_each(8, task)), [0, 3, 6]);
    }

    /// The first task of each of three threads, which wait for one another.
    fn firsts(run: impl FnOnce(&mut Crew, &(dyn Fn(usize, usize) + Sync))) -> [usize; 3] {
        let begun = AtomicUsize::new(0);
        let firsts = [const { AtomicUsize::new(usize::MAX) }; 3];
        run(&mut Crew::new(3).unwrap(), &|task, thread| {
            if firsts[thread].load(Ordering::SeqCst) == usize::MAX {
                firsts[thread].store(task, Ordering::SeqCst);
                begun.fetch_add(1, Ordering::SeqCst);
                // not for ever: a thread that has no tasks may sleep
                let since = Instant::now();
                while begun.load(Ordering::SeqCst) < 3 && since.elapsed().as_secs() < 10 {
                    thread::yield_now();
                }
            }
        });
        firsts.map(AtomicUsize::into_inner)
    }

    #[test]
    fn shares_that_end_before_others_are_refused() {
        let mut crew = Crew::new(3).unwrap();
        let falling = catch_unwind(AssertUnwindSafe(|| {
            crew.for_each_in_shares(true, |thread| [3, 2, 4][thread], &|_, _| {});
        }));
        assert!(falling.is_err());
        let ran = AtomicUsize::new(0);
        crew.for_each(8, &|_, _| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.into_inner(), 8);
    }

    #[test]
    fn many_short_calls_see_their_own_function() {
        let mut crew = Crew::new(3).unwrap();
        // Miri takes its time
        let calls = if cfg!(miri) { 100 } else { 20_000_usize };
        for call in 0..calls {
            let sum = AtomicUsize::new(0);
            crew.for_each(3, &|task, _| {
                sum.fetch_add(call + task, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 3 * call + 3);
            if call % 5000 == 0 {
                thread::sleep(2 * WATCH);
            }
        }
    }

    #[test]
    fn a_panic_comes_back_to_the_caller_and_the_crew_goes_on() {
        let mut crew = Crew::new(2).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            crew.for_each(8, &|task, _| assert_ne!(task, 5, "task five"));
        }));
        assert!(outcome.is_err());
        let ran = AtomicUsize::new(0);
        crew.for_each(8, &|_, _| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.into_inner(), 8);
    }
}
