//! Runs a conformance program through `sim`'s public API.
//!
//! Python's exceptions are `Err` values here, except for one: a request to cancel unwinds by
//! itself, as it does in any program under `sim`, and is caught where Python has a `try`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use sim::sync::{Barrier, Condition, Event, Mutex, Queue, Semaphore};
use sim::task::raise_cancelled;
use sim::{
    Cancelled, FailureKind, JoinError, JoinHandle, Leaks, Progress, Sim, TaskError, TaskGroup,
    WaitFor, WaitForError, catch_cancel,
};

use super::exception::Exception;
use super::program::{Except, Op, Program, QueueKind, When};

/// What a task's body gives.
type Outcome = Result<i64, Exception>;
type Handle = JoinHandle<Outcome>;
/// What a list of operations gives: a value, if one of them was `return`.
type Flow = Result<Option<i64>, Exception>;

/// Runs a program under FIFO and gives its trace.
#[must_use]
pub fn trace(program: &Program) -> Vec<String> {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let world = {
        let (program, lines) = (program.clone(), Rc::clone(&lines));
        move || World::new(program, lines)
    };
    // CPython lets what is pending go on; a trace ends where `asyncio.run` would cancel it.
    let mut run = Sim::new().leaks(Leaks::Allow).start(|| async move {
        let world = Rc::new(world());
        let _ = world.body("main").await;
    });
    while let Progress::Stepped(_) = run.step() {}
    let now = run.elapsed().as_micros();
    let (ended, pending) = match run.finish() {
        Ok(outcome) => (true, outcome.leaked().len()),
        Err(failure) => {
            // A task may end with an error nobody looks at, as in CPython; nothing else may.
            let expected = matches!(
                failure.kind(),
                FailureKind::Deadlock { .. }
                    | FailureKind::UnobservedError { .. }
                    | FailureKind::RootCancelled
            );
            if !expected {
                lines.borrow_mut().push(format!("{now} - {}", failure.short()));
            }
            (failure.is_shutting_down(), failure.leaked().len())
        }
    };
    let mut lines = lines.take();
    lines.push(if ended {
        format!("{now} - end pending:{pending}")
    } else {
        format!("{now} - deadlock")
    });
    lines
}

/// A program that runs: its shared objects, and who was started under which name.
struct World {
    program: Program,
    lines: Rc<RefCell<Vec<String>>>,
    handles: RefCell<BTreeMap<String, Handle>>,
    locks: Vec<Mutex<()>>,
    events: Vec<Event>,
    conditions: Vec<Condition>,
    semaphores: Vec<Semaphore>,
    barriers: Vec<Barrier>,
    queues: Vec<Queue<i64>>,
}

impl World {
    fn new(program: Program, lines: Rc<RefCell<Vec<String>>>) -> Self {
        Self {
            lines,
            handles: RefCell::default(),
            locks: (0..program.locks).map(|_| Mutex::new(())).collect(),
            events: (0..program.events).map(|_| Event::new()).collect(),
            conditions: (0..program.conditions).map(|_| Condition::new(())).collect(),
            semaphores: program.semaphores.iter().map(|&permits| Semaphore::new(permits)).collect(),
            barriers: program.barriers.iter().map(|&parties| Barrier::new(parties)).collect(),
            queues: program
                .queues
                .iter()
                .map(|queue| match queue.kind {
                    QueueKind::Fifo => Queue::new(queue.max),
                    QueueKind::Lifo => Queue::lifo(queue.max),
                    QueueKind::Priority => Queue::priority(queue.max),
                })
                .collect(),
            program,
        }
    }

    fn log(&self, task: &str, words: &str) {
        self.lines.borrow_mut().push(format!("{} {task} {words}", sim::now().as_micros()));
    }

    /// The future of a task's body.
    fn body(self: &Rc<Self>, task: &str) -> impl Future<Output = Outcome> + 'static {
        let (world, task) = (Rc::clone(self), task.to_owned());
        async move {
            world.log(&task, "start");
            let ops = world.program.tasks.get(&task).cloned().unwrap_or_default();
            match catch_cancel(world.ops(&task, &ops)).await {
                Ok(Ok(value)) => {
                    let value = value.unwrap_or(0);
                    world.log(&task, &format!("end value:{value}"));
                    Ok(value)
                }
                Ok(Err(exception)) => {
                    world.log(&task, &format!("end {exception}"));
                    Err(exception)
                }
                Err(cancelled) => {
                    world.log(&task, "end cancelled");
                    resume(cancelled).await
                }
            }
        }
    }

    fn ops<'a>(
        self: &'a Rc<Self>,
        task: &'a str,
        ops: &'a [Op],
    ) -> Pin<Box<dyn Future<Output = Flow> + 'a>> {
        Box::pin(async move {
            for op in ops {
                if let Some(value) = self.op(task, op).await? {
                    return Ok(Some(value));
                }
            }
            Ok(None)
        })
    }

    async fn op(self: &Rc<Self>, task: &str, op: &Op) -> Flow {
        let log = |words: &str| self.log(task, words);
        match op {
            Op::Log { v } => log(&format!("log {v}")),
            Op::Sleep { us, result } => {
                let slept = sim::sleep_with(micros(*us), result.unwrap_or(0)).await;
                log(&format!("slept {slept}"));
            }
            Op::Yield => {
                sim::yield_now().await;
                log("yielded");
            }
            Op::Busy { us } => {
                sim::busy(micros(*us));
                log("worked");
            }
            Op::Raise { v } => return Err(Exception::Error(v.clone())),
            Op::Return { v } => return Ok(Some(*v)),
            Op::Spawn { task, r#as } => {
                let handle = sim::try_spawn(self.body(task)).named(r#as);
                self.handles.borrow_mut().insert(r#as.clone(), handle);
            }
            Op::Await { h } => match self.handle(h) {
                None => log("nohandle"),
                Some(handle) => {
                    let value = returned((&handle).await).await?;
                    log(&format!("got {value}"));
                }
            },
            Op::Shield { h } => match self.handle(h) {
                None => log("nohandle"),
                Some(handle) => {
                    let value = returned(sim::shield(&handle).await).await?;
                    log(&format!("shielded {value}"));
                }
            },
            Op::Cancel { h } => match self.handle(h) {
                None => log("nohandle"),
                Some(handle) => log(&format!("cancel {}", handle.cancel())),
            },
            Op::Status { h } => match self.handle(h) {
                None => log("nohandle"),
                Some(handle) => log(&format!("status {}", status(&handle))),
            },
            Op::Timeout { us, body } => {
                return sim::timeout(micros(*us), self.ops(task, body))
                    .await
                    .unwrap_or(Err(Exception::Timeout));
            }
            Op::Try { body, except, handler, reraise, finally } => {
                return self
                    .attempt(task, body, *except, handler, *reraise, finally.as_deref())
                    .await;
            }
            Op::Repeat { n, body } => {
                for _ in 0..*n {
                    if let Some(value) = self.ops(task, body).await? {
                        return Ok(Some(value));
                    }
                }
            }
            Op::Gather { .. }
            | Op::WaitFor { .. }
            | Op::Wait { .. }
            | Op::AsCompleted { .. }
            | Op::Group { .. } => return self.combine(task, op).await,
            _ => return self.share(task, op).await,
        }
        Ok(None)
    }

    /// Python's `try`: a request to cancel is caught where it has an `except` or `finally`.
    async fn attempt(
        self: &Rc<Self>,
        task: &str,
        body: &[Op],
        except: Option<Except>,
        handler: &[Op],
        reraise: bool,
        finally: Option<&[Op]>,
    ) -> Flow {
        let guarded = async {
            let raised = match catch_cancel(self.ops(task, body)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(exception)) => Raised::Exception(exception),
                Err(cancelled) => Raised::Cancelled(cancelled),
            };
            if !except.is_some_and(|except| raised.matches(except)) {
                return raised.again().await;
            }
            self.log(task, &format!("caught {}", raised.name()));
            if let Some(value) = self.ops(task, handler).await? {
                return Ok(Some(value));
            }
            if reraise { raised.again().await } else { Ok(None) }
        };
        let Some(finally) = finally else { return guarded.await };
        let left = catch_cancel(guarded).await;
        self.log(task, "finally");
        if let Some(value) = self.ops(task, finally).await? {
            return Ok(Some(value));
        }
        match left {
            Ok(flow) => flow,
            Err(cancelled) => resume(cancelled).await,
        }
    }

    /// The operations that start tasks and wait for them.
    async fn combine(self: &Rc<Self>, task: &str, op: &Op) -> Flow {
        let log = |words: &str| self.log(task, words);
        match op {
            Op::Gather { tasks, return_exceptions: false } => {
                let bodies: Vec<_> = tasks.iter().map(|task| self.body(task)).collect();
                match sim::gather(bodies).await {
                    Ok(values) => {
                        let items: Vec<String> =
                            values.iter().map(|value| format!("value:{value}")).collect();
                        log(&words("gathered", &items));
                    }
                    Err(failed) => return Err(failed.error.propagate().await),
                }
            }
            Op::Gather { tasks, return_exceptions: true } => {
                let bodies: Vec<_> = tasks.iter().map(|task| self.body(task)).collect();
                let results = sim::gather(bodies).return_exceptions().await;
                let items: Vec<String> = results
                    .into_iter()
                    .map(|result| match result {
                        Ok(value) => format!("value:{value}"),
                        Err(TaskError::Failed(exception)) => exception.to_string(),
                        Err(TaskError::Cancelled(_)) => "cancelled".to_owned(),
                        Err(error) => error.to_string(),
                    })
                    .collect();
                log(&words("gathered", &items));
            }
            Op::WaitFor { task: name, us } => {
                let handle = sim::try_spawn(self.body(name)).named(name);
                let value = match sim::wait_for(handle, micros(*us)).await {
                    Ok(outcome) => outcome?,
                    Err(WaitForError::Elapsed) => return Err(Exception::Timeout),
                    Err(WaitForError::Join(error)) => returned(Err(error)).await?,
                };
                log(&format!("wait_for {value}"));
            }
            Op::Wait { tasks, when, us } => {
                let handles = self.start(tasks);
                let until = match when {
                    When::FirstCompleted => WaitFor::FirstCompleted,
                    When::FirstException => WaitFor::FirstException,
                    When::AllCompleted => WaitFor::AllCompleted,
                };
                let wait = sim::wait(&handles, until);
                let waited = match us {
                    Some(us) => wait.timeout(micros(*us)).await,
                    None => wait.await,
                };
                let items: Vec<String> = tasks
                    .iter()
                    .enumerate()
                    .map(|(place, task)| {
                        let state = if waited.done.contains(&place) { "done" } else { "pending" };
                        format!("{state}:{task}")
                    })
                    .collect();
                log(&words("waited", &items));
            }
            Op::AsCompleted { tasks, us } => {
                let completed = sim::as_completed(self.start(tasks));
                return match us {
                    Some(us) => {
                        let completed = completed.timeout(micros(*us)).map(|next| match next {
                            Ok((_, result)) => Ok(result),
                            Err(_elapsed) => Err(Exception::Timeout),
                        });
                        self.completions(task, completed).await
                    }
                    None => self.completions(task, completed.map(|(_, result)| Ok(result))).await,
                };
            }
            Op::Group { tasks, body } => {
                let result = TaskGroup::scope(|group| async move {
                    for name in tasks {
                        drop(group.spawn(self.body(name)).named(name));
                    }
                    self.ops(task, body).await
                });
                match result.await {
                    Ok(Some(value)) => return Ok(Some(value)),
                    Ok(None) => log("grouped"),
                    Err(group) => {
                        let members = group.failed().cloned().collect();
                        return Err(Exception::Group(members));
                    }
                }
            }
            other => unreachable!("{other:?} starts nothing"),
        }
        Ok(None)
    }

    /// Logs results as they come, up to the first exception that is no `error`.
    async fn completions(
        &self,
        task: &str,
        completed: impl Stream<Item = Result<Result<Outcome, JoinError>, Exception>>,
    ) -> Flow {
        let mut completed = pin!(completed);
        while let Some(next) = completed.next().await {
            match returned(next?).await {
                Ok(value) => self.log(task, &format!("completed {value}")),
                Err(Exception::Error(text)) => self.log(task, &format!("completed error:{text}")),
                Err(exception) => return Err(exception),
            }
        }
        Ok(None)
    }

    fn start(self: &Rc<Self>, tasks: &[String]) -> Vec<Handle> {
        tasks.iter().map(|task| sim::try_spawn(self.body(task)).named(task)).collect()
    }

    /// The operations on shared objects.
    async fn share(self: &Rc<Self>, task: &str, op: &Op) -> Flow {
        let log = |words: &str| self.log(task, words);
        match op {
            Op::Lock { i, body } => {
                let guard = self.locks[*i].lock().await;
                log(&format!("locked {i}"));
                if let Some(value) = self.ops(task, body).await? {
                    return Ok(Some(value));
                }
                drop(guard);
                log(&format!("unlocked {i}"));
            }
            Op::Sem { i, body } => {
                let permit = self.semaphores[*i].acquire().await;
                log(&format!("acquired {i}"));
                if let Some(value) = self.ops(task, body).await? {
                    return Ok(Some(value));
                }
                drop(permit);
                log(&format!("released {i}"));
            }
            Op::EventWait { i } => {
                self.events[*i].wait().await;
                log(&format!("event {i}"));
            }
            Op::EventSet { i } => self.events[*i].set(),
            Op::EventClear { i } => self.events[*i].clear(),
            Op::CondWait { i } => {
                let guard = self.conditions[*i].lock().await;
                log(&format!("cond_locked {i}"));
                let guard = guard.wait().await;
                log(&format!("notified {i}"));
                drop(guard);
            }
            Op::CondNotify { i, n } => {
                let guard = self.conditions[*i].lock().await;
                match n {
                    Some(n) => guard.notify(*n),
                    None => guard.notify_all(),
                }
                log(&format!("notify {i}"));
                drop(guard);
            }
            Op::Put { i, v } => {
                // No program shuts a queue down.
                let _ = self.queues[*i].put(*v).await;
                log(&format!("put {v}"));
            }
            Op::PutNowait { i, v } => {
                self.queues[*i].put_nowait(*v).map_err(|_| Exception::QueueFull)?;
                log(&format!("put {v}"));
            }
            Op::Get { i } => {
                if let Ok(value) = self.queues[*i].get().await {
                    log(&format!("get {value}"));
                }
            }
            Op::GetNowait { i } => {
                let value = self.queues[*i].get_nowait().map_err(|_| Exception::QueueEmpty)?;
                log(&format!("get {value}"));
            }
            Op::TaskDone { i } => {
                // The format: nothing happens if no item is unfinished.
                let _ = self.queues[*i].task_done();
            }
            Op::Join { i } => {
                self.queues[*i].join().await;
                log("joined");
            }
            Op::Barrier { i } => {
                self.barriers[*i].wait().await.map_err(|_| Exception::BrokenBarrier)?;
                log(&format!("barrier {i}"));
            }
            other => unreachable!("{other:?} shares nothing"),
        }
        Ok(None)
    }

    fn handle(&self, name: &str) -> Option<Handle> {
        self.handles.borrow().get(name).cloned()
    }
}

/// What a `try` met.
enum Raised {
    Exception(Exception),
    Cancelled(Cancelled),
}

impl Raised {
    fn matches(&self, except: Except) -> bool {
        match (self, except) {
            (_, Except::Any) | (Raised::Cancelled(_), Except::Cancelled) => true,
            (Raised::Cancelled(_), _) | (Raised::Exception(_), Except::Cancelled) => false,
            (Raised::Exception(Exception::Timeout), Except::Timeout) => true,
            (Raised::Exception(Exception::Timeout), Except::Error) => false,
            (Raised::Exception(_), except) => matches!(except, Except::Error),
        }
    }

    fn name(&self) -> String {
        match self {
            Raised::Exception(exception) => exception.to_string(),
            Raised::Cancelled(_) => "cancelled".to_owned(),
        }
    }

    /// Python's bare `raise`.
    async fn again(self) -> Flow {
        match self {
            Raised::Exception(exception) => Err(exception),
            Raised::Cancelled(cancelled) => resume(cancelled).await,
        }
    }
}

async fn resume<T>(cancelled: Cancelled) -> T {
    match cancelled.resume().await {}
}

/// What awaiting a task gives: its cancellation becomes one's own, as in asyncio.
async fn returned(joined: Result<Outcome, JoinError>) -> Outcome {
    match joined {
        Ok(outcome) => outcome,
        Err(error) if error.is_cancelled() => match raise_cancelled().await {},
        Err(error) => Err(Exception::Error(error.to_string())),
    }
}

fn status(handle: &Handle) -> String {
    match handle.try_result() {
        None => "pending".to_owned(),
        Some(result) => result_words(&result),
    }
}

fn result_words(result: &Result<Outcome, JoinError>) -> String {
    match result {
        Ok(Ok(value)) => format!("value:{value}"),
        Ok(Err(exception)) => exception.to_string(),
        Err(error) if error.is_cancelled() => "cancelled".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn words(first: &str, items: &[String]) -> String {
    let mut text = first.to_owned();
    for item in items {
        text.push(' ');
        text.push_str(item);
    }
    text
}

fn micros(us: u64) -> Duration {
    Duration::from_micros(us)
}
