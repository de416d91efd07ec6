//! Random conformance programs, as a proptest strategy.
//!
//! Every program is one that CPython has a word for and that ends: a task starts, awaits and
//! shields only tasks of higher numbers (`main` has the lowest), so nobody awaits itself, and the
//! number of starts is bounded with repeats counted in. There are few distinct times, so that
//! deadlines often coincide, and few objects, so that tasks often meet. How often each operation
//! occurs is drawn anew for each program (some not at all, some a lot): programs that are about
//! one thing go deeper than an even mixture does.
//!
//! A program shrinks by taking operations out of it, or by putting the body of one in its place.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use proptest::prelude::RngExt;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::{TestRng, TestRunner};
use tests::conformance::{Except, Op, Program, QueueKind, QueueSpec, When};

/// Programs of every kind.
#[derive(Debug)]
pub(crate) struct Programs;

impl Strategy for Programs {
    type Tree = ProgramTree;
    type Value = Program;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(ProgramTree::new(Writer::new(runner.new_rng()).program()))
    }
}

/// How many tasks a program starts at most, `main` included.
const MAX_STARTS: usize = 48;
/// How many a body other than `main` leads to, itself included.
const MAX_STARTS_OF_ONE: usize = 12;
/// How often an operation within repeats is run by one run of its body.
const MAX_REPEATED: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Log,
    Sleep,
    Yield,
    Busy,
    Raise,
    Spawn,
    Await,
    Cancel,
    Status,
    Shield,
    Gather,
    WaitFor,
    Wait,
    AsCompleted,
    Timeout,
    Group,
    Try,
    Lock,
    Sem,
    EventWait,
    EventSet,
    EventClear,
    CondWait,
    CondNotify,
    Put,
    PutNowait,
    Get,
    GetNowait,
    TaskDone,
    Join,
    Barrier,
    Repeat,
}

/// Each operation, and how often it occurs among others before a program has its own mind.
const KINDS: [(Kind, u32); 32] = [
    (Kind::Log, 2),
    (Kind::Sleep, 6),
    (Kind::Yield, 6),
    (Kind::Busy, 2),
    (Kind::Raise, 1),
    (Kind::Spawn, 5),
    (Kind::Await, 4),
    (Kind::Cancel, 8),
    (Kind::Status, 2),
    (Kind::Shield, 2),
    (Kind::Gather, 2),
    (Kind::WaitFor, 2),
    (Kind::Wait, 2),
    (Kind::AsCompleted, 2),
    (Kind::Timeout, 4),
    (Kind::Group, 3),
    (Kind::Try, 6),
    (Kind::Lock, 3),
    (Kind::Sem, 3),
    (Kind::EventWait, 2),
    (Kind::EventSet, 2),
    (Kind::EventClear, 1),
    (Kind::CondWait, 3),
    (Kind::CondNotify, 3),
    (Kind::Put, 3),
    (Kind::PutNowait, 1),
    (Kind::Get, 3),
    (Kind::GetNowait, 1),
    (Kind::TaskDone, 2),
    (Kind::Join, 1),
    (Kind::Barrier, 2),
    (Kind::Repeat, 1),
];

/// What a program may be mostly about.
const THEMES: [&[Kind]; 8] = [
    &[],
    &[],
    &[Kind::Lock, Kind::Sem],
    &[Kind::CondWait, Kind::CondNotify, Kind::EventWait, Kind::EventSet],
    &[Kind::Put, Kind::Get, Kind::TaskDone, Kind::Join],
    &[Kind::Sem, Kind::Barrier],
    &[Kind::Gather, Kind::WaitFor, Kind::Wait, Kind::AsCompleted, Kind::Group],
    &[Kind::Spawn, Kind::Await, Kind::Shield, Kind::Cancel, Kind::Timeout],
];

/// Writes one program.
struct Writer {
    rng: TestRng,
    program: Program,
    /// Each operation with its weight in this program.
    kinds: Vec<(Kind, u32)>,
    /// The times it uses, 0 aside.
    times: Vec<u64>,
    /// How often what may fail or wait for ever is caught and limited in time.
    guarded: f64,
    /// What starting each task leads to, itself included; those not written yet have 0.
    starts: Vec<usize>,
}

/// Where in a program an operation is written.
struct Place {
    /// The number of the task whose body it is.
    task: usize,
    /// How much deeper operations may nest here.
    depth: usize,
    /// How often this is run by one run of the body.
    times: usize,
}

impl Place {
    fn inside(&self) -> Self {
        Self { task: self.task, depth: self.depth - 1, times: self.times }
    }
}

/// What is left for a body to spend.
struct Budget {
    ops: usize,
    starts: usize,
}

impl Writer {
    fn new(mut rng: TestRng) -> Self {
        let theme = THEMES[rng.random_range(0..THEMES.len())];
        let other = THEMES[rng.random_range(0..THEMES.len())];
        // Time stands still in some, so that everything meets, pass by pass.
        let still = rng.random_bool(0.35);
        let kinds = KINDS
            .iter()
            .map(|&(kind, weight)| {
                let weight = match kind {
                    Kind::Sleep | Kind::Busy if still => 0,
                    Kind::Yield | Kind::Cancel | Kind::Raise if still => weight * 3,
                    _ => weight,
                };
                let factor = [0, 1, 1, 1, 2, 4][rng.random_range(0..6)];
                let factor = if theme.contains(&kind) || other.contains(&kind) {
                    factor.max(1) * 6
                } else {
                    factor
                };
                (kind, weight * factor)
            })
            .filter(|(_, weight)| *weight > 0)
            .collect();
        let most = if rng.random_bool(0.5) { 1 } else { 2 };
        let mut times = Vec::new();
        for _ in 0..rng.random_range(1..=3) {
            times.push([1, 1000, 1000, 2000, 2000, 3000, 4000, 10_000][rng.random_range(0..8)]);
        }
        let program = Program {
            locks: rng.random_range(1..=most),
            events: rng.random_range(1..=most),
            conditions: rng.random_range(1..=most),
            semaphores: (0..rng.random_range(1..=most))
                .map(|_| [0, 1, 1, 1, 2, 2, 3][rng.random_range(0..7)])
                .collect(),
            barriers: (0..rng.random_range(1..=most)).map(|_| rng.random_range(1..=3)).collect(),
            queues: (0..rng.random_range(1..=most))
                .map(|_| QueueSpec {
                    kind: [QueueKind::Fifo, QueueKind::Lifo, QueueKind::Priority]
                        [rng.random_range(0..3)],
                    max: [0, 1, 1, 2][rng.random_range(0..4)],
                })
                .collect(),
            ..Program::default()
        };
        let tasks = rng.random_range(2..=6);
        let guarded = [0.0, 0.3, 0.6, 0.9][rng.random_range(0..4)];
        Self { rng, program, kinds, times, guarded, starts: vec![0; tasks] }
    }

    fn program(mut self) -> Program {
        for task in (1..self.starts.len()).rev() {
            let mut budget =
                Budget { ops: self.rng.random_range(2..=20), starts: MAX_STARTS_OF_ONE - 1 };
            let place = Place { task, depth: 5, times: 1 };
            let mut body = self.ops(&place, 2..=10, &mut budget);
            if self.rng.random_bool(0.2) {
                body.push(Op::Return { v: self.rng.random_range(0..5) });
            }
            self.starts[task] = MAX_STARTS_OF_ONE - budget.starts;
            self.program.tasks.insert(name(task), body);
        }
        let mut budget = Budget { ops: self.rng.random_range(4..=40), starts: MAX_STARTS - 1 };
        let mut body = Vec::new();
        if self.rng.random_bool(0.9) {
            let twice = if self.rng.random_bool(0.3) { 2 } else { 1 };
            let tasks = self.starts.len();
            for task in (0..twice).flat_map(|_| 1..tasks) {
                if self.rng.random_bool(0.8) && budget.starts >= self.starts[task] {
                    budget.starts -= self.starts[task];
                    body.push(Op::Spawn { task: name(task), r#as: self.handle(task) });
                }
            }
        }
        body.extend(self.ops(&Place { task: 0, depth: 5, times: 1 }, 2..=16, &mut budget));
        if self.rng.random_bool(0.7) {
            // Whatever became of it, let the others get somewhere.
            body.push(Op::Try {
                body: vec![Op::Sleep { us: 50_000, result: None }],
                except: Some(Except::Any),
                handler: Vec::new(),
                reraise: false,
                finally: None,
            });
        }
        self.program.tasks.insert(name(0), body);
        self.program
    }

    fn ops(&mut self, place: &Place, count: RangeInclusive<usize>, budget: &mut Budget) -> Vec<Op> {
        let mut ops = Vec::new();
        for _ in 0..self.rng.random_range(count) {
            if budget.ops == 0 {
                break;
            }
            budget.ops -= 1;
            let op = self.op(place, budget);
            let wakes = matches!(
                op,
                Op::Lock { .. }
                    | Op::Sem { .. }
                    | Op::EventSet { .. }
                    | Op::CondNotify { .. }
                    | Op::Put { .. }
                    | Op::Get { .. }
                    | Op::GetNowait { .. }
                    | Op::PutNowait { .. }
            );
            ops.push(if self.rng.random_bool(self.guarded) { self.guard(op) } else { op });
            // Woken and cancelled in one step: what was granted must not be lost.
            if wakes
                && self.rng.random_bool(0.25)
                && let Some(h) = self.any_handle()
            {
                ops.push(Op::Cancel { h });
            }
        }
        ops
    }

    fn block(&mut self, place: &Place, budget: &mut Budget) -> Vec<Op> {
        self.ops(&place.inside(), 0..=5, budget)
    }

    fn kind(&mut self) -> Kind {
        let total: u32 = self.kinds.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return Kind::Yield;
        }
        let mut at = self.rng.random_range(0..total);
        for &(kind, weight) in &self.kinds {
            if at < weight {
                return kind;
            }
            at -= weight;
        }
        Kind::Yield
    }

    fn op(&mut self, place: &Place, budget: &mut Budget) -> Op {
        let kind = self.kind();
        match kind {
            Kind::Log => Op::Log { v: format!("m{}", self.rng.random_range(0..10)) },
            Kind::Sleep => {
                let result = self.rng.random_bool(0.3).then(|| self.rng.random_range(0..5));
                Op::Sleep { us: self.time(), result }
            }
            Kind::Yield => Op::Yield,
            Kind::Busy => Op::Busy { us: self.time() },
            Kind::Raise => Op::Raise { v: format!("e{}", self.rng.random_range(0..4)) },
            Kind::Status => self.any_handle().map_or(Op::Yield, |h| Op::Status { h }),
            Kind::Cancel => self.any_handle().map_or(Op::Yield, |h| Op::Cancel { h }),
            Kind::Await => self.later_handle(place).map_or(Op::Yield, |h| Op::Await { h }),
            Kind::Shield => self.later_handle(place).map_or(Op::Yield, |h| Op::Shield { h }),
            Kind::Spawn => match self.start(place, budget) {
                Some(task) => Op::Spawn { task: name(task), r#as: self.handle(task) },
                None => Op::Yield,
            },
            Kind::WaitFor => match self.start(place, budget) {
                Some(task) => Op::WaitFor { task: name(task), us: self.time() },
                None => Op::Yield,
            },
            Kind::Gather => Op::Gather {
                tasks: self.start_some(place, budget),
                return_exceptions: self.rng.random_bool(0.5),
            },
            Kind::Wait => {
                let tasks = self.start_some(place, budget);
                if tasks.is_empty() {
                    // CPython's ValueError has no word.
                    return Op::Yield;
                }
                let when = [When::FirstCompleted, When::FirstException, When::AllCompleted];
                Op::Wait { tasks, when: when[self.rng.random_range(0..3)], us: self.limit() }
            }
            Kind::AsCompleted => {
                Op::AsCompleted { tasks: self.start_some(place, budget), us: self.limit() }
            }
            Kind::Timeout | Kind::Group | Kind::Try | Kind::Lock | Kind::Sem | Kind::Repeat => {
                if place.depth == 0 {
                    return Op::Yield;
                }
                self.nest(kind, place, budget)
            }
            _ => self.share(kind),
        }
    }

    /// An operation with operations inside.
    fn nest(&mut self, kind: Kind, place: &Place, budget: &mut Budget) -> Op {
        match kind {
            Kind::Timeout => Op::Timeout { us: self.time(), body: self.block(place, budget) },
            Kind::Group => {
                Op::Group { tasks: self.start_some(place, budget), body: self.block(place, budget) }
            }
            Kind::Lock => {
                Op::Lock { i: self.below(self.program.locks), body: self.block(place, budget) }
            }
            Kind::Sem => Op::Sem {
                i: self.below(self.program.semaphores.len()),
                body: self.block(place, budget),
            },
            Kind::Repeat => {
                let n = self.rng.random_range(0..=3);
                if place.times * n > MAX_REPEATED {
                    return Op::Yield;
                }
                let inside = Place { times: place.times * n.max(1), ..place.inside() };
                Op::Repeat { n, body: self.ops(&inside, 0..=4, budget) }
            }
            _ => {
                let body = self.block(place, budget);
                let kinds = [Except::Cancelled, Except::Timeout, Except::Error, Except::Any];
                let except = self.rng.random_bool(0.8).then(|| kinds[self.rng.random_range(0..4)]);
                let handled = except.is_some();
                let handler = if handled { self.block(place, budget) } else { Vec::new() };
                let reraise = handled && self.rng.random_bool(0.3);
                let finally =
                    (!handled || self.rng.random_bool(0.3)).then(|| self.block(place, budget));
                Op::Try { body, except, handler, reraise, finally }
            }
        }
    }

    /// An operation on a shared object.
    fn share(&mut self, kind: Kind) -> Op {
        let queue = self.below(self.program.queues.len());
        let event = self.below(self.program.events);
        let condition = self.below(self.program.conditions);
        let v = self.rng.random_range(0..5);
        match kind {
            Kind::EventWait => Op::EventWait { i: event },
            Kind::EventSet => Op::EventSet { i: event },
            Kind::EventClear => Op::EventClear { i: event },
            Kind::CondWait => Op::CondWait { i: condition },
            Kind::CondNotify => {
                let n = self.rng.random_bool(0.7).then(|| self.rng.random_range(0..3));
                Op::CondNotify { i: condition, n }
            }
            Kind::Put => Op::Put { i: queue, v },
            Kind::PutNowait => Op::PutNowait { i: queue, v },
            Kind::Get => Op::Get { i: queue },
            Kind::GetNowait => Op::GetNowait { i: queue },
            Kind::TaskDone => Op::TaskDone { i: queue },
            Kind::Join => Op::Join { i: queue },
            Kind::Barrier => Op::Barrier { i: self.below(self.program.barriers.len()) },
            _ => Op::Yield,
        }
    }

    /// Limits an operation in time if it may wait for ever, and catches what comes of it.
    fn guard(&mut self, op: Op) -> Op {
        let waits = match op {
            Op::Log { .. }
            | Op::Sleep { .. }
            | Op::Yield
            | Op::Busy { .. }
            | Op::Spawn { .. }
            | Op::Cancel { .. }
            | Op::Status { .. }
            | Op::EventSet { .. }
            | Op::EventClear { .. }
            | Op::TaskDone { .. } => return op,
            Op::Raise { .. }
            | Op::PutNowait { .. }
            | Op::GetNowait { .. }
            | Op::Timeout { .. }
            | Op::WaitFor { .. } => false,
            _ => self.rng.random_bool(0.8),
        };
        let op = if waits { Op::Timeout { us: self.time(), body: vec![op] } } else { op };
        let kinds = [Except::Any, Except::Any, Except::Error, Except::Timeout, Except::Cancelled];
        let except = Some(kinds[self.below(5)]);
        let finally = self.rng.random_bool(0.1).then(|| vec![Op::Yield]);
        Op::Try { body: vec![op], except, handler: Vec::new(), reraise: false, finally }
    }

    fn below(&mut self, count: usize) -> usize {
        self.rng.random_range(0..count)
    }

    fn time(&mut self) -> u64 {
        if self.rng.random_bool(0.12) {
            return 0;
        }
        let at = self.below(self.times.len());
        self.times[at]
    }

    fn limit(&mut self) -> Option<u64> {
        self.rng.random_bool(0.5).then(|| self.time())
    }

    /// A later task that there is money left to start.
    fn start(&mut self, place: &Place, budget: &mut Budget) -> Option<usize> {
        if place.task + 1 >= self.starts.len() {
            return None;
        }
        let task = self.rng.random_range(place.task + 1..self.starts.len());
        budget.starts = budget.starts.checked_sub(self.starts[task] * place.times)?;
        Some(task)
    }

    fn start_some(&mut self, place: &Place, budget: &mut Budget) -> Vec<String> {
        let count = [0, 1, 1, 2, 2, 2, 3, 3, 4][self.below(9)];
        (0..count).filter_map(|_| self.start(place, budget)).map(name).collect()
    }

    /// Every task has two handles.
    fn handle(&mut self, task: usize) -> String {
        if self.rng.random_bool(0.9) { name(task) } else { format!("h{}", task - 1) }
    }

    /// The handle of any task: cancelling and looking at oneself is fine.
    fn any_handle(&mut self) -> Option<String> {
        let task = self.below(self.starts.len());
        (task > 0).then(|| self.handle(task))
    }

    fn later_handle(&mut self, place: &Place) -> Option<String> {
        if place.task + 1 >= self.starts.len() {
            return None;
        }
        let task = self.rng.random_range(place.task + 1..self.starts.len());
        Some(self.handle(task))
    }
}

fn name(task: usize) -> String {
    if task == 0 { "main".to_owned() } else { format!("t{}", task - 1) }
}

/// A program, and what smaller ones may be made of it.
#[derive(Clone, Debug)]
pub(crate) struct ProgramTree {
    current: Program,
    /// What `current` was before it was last made smaller.
    larger: Option<Program>,
    /// The number of the edit that is tried.
    edit: usize,
    /// Whether an edit held since the first was last tried.
    smaller: bool,
}

impl ProgramTree {
    fn new(current: Program) -> Self {
        Self { current, larger: None, edit: 0, smaller: false }
    }

    fn next(&mut self) -> bool {
        loop {
            let mut candidate = self.current.clone();
            if apply(&mut candidate, self.edit) {
                prune(&mut candidate);
                self.larger = Some(std::mem::replace(&mut self.current, candidate));
                return true;
            }
            if !std::mem::take(&mut self.smaller) {
                return false;
            }
            self.edit = 0;
        }
    }
}

impl ValueTree for ProgramTree {
    type Value = Program;

    fn current(&self) -> Program {
        self.current.clone()
    }

    fn simplify(&mut self) -> bool {
        // The last edit held; the one of this number is another one now.
        self.smaller |= self.larger.take().is_some();
        self.next()
    }

    fn complicate(&mut self) -> bool {
        let Some(larger) = self.larger.take() else { return false };
        self.current = larger;
        self.edit += 1;
        self.next()
    }
}

/// Makes the edit of this number; says whether there is one. Every edit makes a program smaller.
fn apply(program: &mut Program, edit: usize) -> bool {
    let mut left = Countdown(edit);
    for ops in program.tasks.values_mut() {
        if !ops.is_empty() && left.hit() {
            ops.clear();
            return true;
        }
    }
    program.tasks.values_mut().any(|ops| edit_ops(ops, &mut left))
}

struct Countdown(usize);

impl Countdown {
    fn hit(&mut self) -> bool {
        let hit = self.0 == 0;
        self.0 = self.0.wrapping_sub(1);
        hit
    }
}

fn edit_ops(ops: &mut Vec<Op>, left: &mut Countdown) -> bool {
    let half = ops.len() / 2;
    if half > 1 {
        if left.hit() {
            ops.truncate(half);
            return true;
        }
        if left.hit() {
            ops.drain(..half);
            return true;
        }
    }
    for at in (0..ops.len()).rev() {
        if left.hit() {
            ops.remove(at);
            return true;
        }
        if bodies(&mut ops[at]).next().is_some() && left.hit() {
            let inside: Vec<Op> =
                bodies(&mut ops[at]).next().map(std::mem::take).unwrap_or_default();
            ops.splice(at..=at, inside);
            return true;
        }
    }
    ops.iter_mut().any(|op| edit_op(op, left))
}

/// The operations inside one, that which is its body first.
fn bodies(op: &mut Op) -> impl Iterator<Item = &mut Vec<Op>> {
    let (body, handler, finally) = match op {
        Op::Timeout { body, .. }
        | Op::Group { body, .. }
        | Op::Lock { body, .. }
        | Op::Sem { body, .. }
        | Op::Repeat { body, .. } => (Some(body), None, None),
        Op::Try { body, handler, finally, .. } => (Some(body), Some(handler), finally.as_mut()),
        _ => (None, None, None),
    };
    body.into_iter().chain(handler).chain(finally)
}

fn edit_op(op: &mut Op, left: &mut Countdown) -> bool {
    match op {
        Op::Sleep { us, .. }
        | Op::Busy { us }
        | Op::Timeout { us, .. }
        | Op::WaitFor { us, .. }
            if *us > 0 && left.hit() =>
        {
            *us = 0;
            return true;
        }
        Op::Sleep { result, .. } if result.is_some() && left.hit() => {
            *result = None;
            return true;
        }
        Op::Wait { us, .. } | Op::AsCompleted { us, .. } if us.is_some() && left.hit() => {
            *us = None;
            return true;
        }
        Op::Repeat { n, .. } if *n > 1 && left.hit() => {
            *n -= 1;
            return true;
        }
        Op::Try { reraise, .. } if *reraise && left.hit() => {
            *reraise = false;
            return true;
        }
        _ => {}
    }
    if let Op::Try { except, handler, reraise, finally, .. } = op {
        if except.is_some() && finally.is_some() && left.hit() {
            *except = None;
            *reraise = false;
            handler.clear();
            return true;
        }
        if finally.is_some() && left.hit() {
            *finally = None;
            return true;
        }
    }
    // CPython's `wait` takes no empty list.
    let least = usize::from(matches!(op, Op::Wait { .. }));
    if let Op::Gather { tasks, .. }
    | Op::Wait { tasks, .. }
    | Op::AsCompleted { tasks, .. }
    | Op::Group { tasks, .. } = op
        && tasks.len() > least
    {
        for at in (0..tasks.len()).rev() {
            if left.hit() {
                tasks.remove(at);
                return true;
            }
        }
    }
    bodies(op).any(|ops| edit_ops(ops, left))
}

/// Takes out what nothing refers to any more: tasks, and objects after the last that is used.
fn prune(program: &mut Program) {
    let mut tasks = BTreeSet::from([name(0)]);
    let mut reached = vec![name(0)];
    let mut left = Program::default();
    while let Some(task) = reached.pop() {
        let mut body = program.tasks.get(&task).cloned().unwrap_or_default();
        let mut found = Vec::new();
        for op in &mut body {
            refer(op, &mut left, &mut found);
        }
        for task in found {
            if tasks.insert(task.clone()) {
                reached.push(task);
            }
        }
    }
    program.tasks.retain(|task, _| tasks.contains(task));
    program.locks = left.locks;
    program.events = left.events;
    program.conditions = left.conditions;
    program.semaphores.truncate(left.semaphores.len());
    program.barriers.truncate(left.barriers.len());
    program.queues.truncate(left.queues.len());
}

/// Notes in `needs` which objects an operation needs, and the tasks it starts.
fn refer(op: &mut Op, needs: &mut Program, started: &mut Vec<String>) {
    match op {
        Op::Spawn { task, .. } | Op::WaitFor { task, .. } => started.push(task.clone()),
        Op::Gather { tasks, .. }
        | Op::Wait { tasks, .. }
        | Op::AsCompleted { tasks, .. }
        | Op::Group { tasks, .. } => started.extend(tasks.iter().cloned()),
        Op::Lock { i, .. } => needs.locks = needs.locks.max(*i + 1),
        Op::EventWait { i } | Op::EventSet { i } | Op::EventClear { i } => {
            needs.events = needs.events.max(*i + 1);
        }
        Op::CondWait { i } | Op::CondNotify { i, .. } => {
            needs.conditions = needs.conditions.max(*i + 1);
        }
        Op::Sem { i, .. } if needs.semaphores.len() <= *i => needs.semaphores.resize(*i + 1, 0),
        Op::Barrier { i } if needs.barriers.len() <= *i => needs.barriers.resize(*i + 1, 0),
        Op::Put { i, .. }
        | Op::PutNowait { i, .. }
        | Op::Get { i }
        | Op::GetNowait { i }
        | Op::TaskDone { i }
        | Op::Join { i }
            if needs.queues.len() <= *i =>
        {
            needs.queues.resize(*i + 1, QueueSpec { kind: QueueKind::Fifo, max: 0 });
        }
        _ => {}
    }
    for inside in bodies(op).flatten() {
        refer(inside, needs, started);
    }
}
