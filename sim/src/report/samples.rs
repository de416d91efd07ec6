//! Failures and traces made by hand, for what the programs of other tests do not show.

use core::panic::Location;

use crate::decision::{DecisionLog, Deviation, Kind};
use crate::id::{ObjectId, TaskId};
use crate::policy::Policy;
use crate::run::{Failure, FailureKind, Inner};
use crate::trace::{
    BlockedTask, Event, Holder, ObjectInfo, Op, Place, Record, TaskInfo, Trace, Waker,
};

const MAIN: TaskId = TaskId(0);
const A: TaskId = TaskId(1);
const B: TaskId = TaskId(2);

#[track_caller]
fn here() -> Place {
    Location::caller()
}

/// The line of the places below.
pub(super) const LINE: u32 = 29;

/// Two accounts locked in two orders.
pub(super) fn swap_both_ways() -> Failure {
    // One line, so that the places in a report differ in the column alone.
    #[rustfmt::skip]
    let (spawned, first, second, join) = (here(), here(), here(), here());
    let info =
        |id, name: &str, parent| TaskInfo { id, name: name.into(), parent, spawned_at: spawned };
    let tasks = vec![info(MAIN, "main", None), info(A, "A", Some(MAIN)), info(B, "B", Some(MAIN))];
    let object = |id, name: &str| ObjectInfo { id: ObjectId(id), kind: "Mutex", name: name.into() };
    let objects = vec![object(0, "acct-1"), object(1, "acct-2")];
    let block = |op, object: Option<u32>, on, place| Event::Block {
        op,
        object: object.map(ObjectId),
        on,
        place: Some(place),
    };
    let mut trace = Trace::default();
    trace.tasks = tasks.clone();
    trace.objects = objects.clone();
    let mut push = |step, now: u64, task, event| {
        trace.push(Record { step, now: now * 1_000_000, task, event })
    };
    push(1, 0, MAIN, Event::Step);
    push(1, 0, MAIN, Event::Spawn { child: A });
    push(1, 0, MAIN, Event::Spawn { child: B });
    push(1, 0, MAIN, block(Op::Join, None, Some(A), join));
    for (step, task, mine) in [(2, A, 0), (3, B, 1)] {
        push(step, 0, task, Event::Step);
        push(step, 0, task, Event::Acquire { object: ObjectId(mine) });
        push(step, 0, task, block(Op::Sleep, None, None, first));
        push(step, 0, task, Event::TimerSet { deadline: 5_000_000 });
    }
    for task in [A, B] {
        push(3, 5, task, Event::TimerFired { deadline: 5_000_000 });
        push(3, 5, task, Event::Wake { by: Waker::Loop });
    }
    for (step, task, theirs) in [(4, B, 0), (5, A, 1)] {
        push(step, 5, task, Event::Step);
        push(step, 5, task, block(Op::Lock, Some(theirs), None, second));
    }
    let held = |task, step| vec![Holder { task, step, place: first }];
    let wait = |task, op, object: Option<u32>, holders, on, place| BlockedTask {
        task,
        op,
        object: object.map(ObjectId),
        holders,
        on,
        place: Some(place),
        since_step: 4,
        since: 5_000_000,
    };
    let blocked = vec![
        wait(MAIN, Op::Join, None, Vec::new(), vec![A], join),
        wait(A, Op::Lock, Some(1), held(B, 3), Vec::new(), second),
        wait(B, Op::Lock, Some(0), held(A, 2), Vec::new(), second),
    ];
    let deviation =
        Deviation { decision: 1, step: 3, kind: Kind::Task, candidates: 2, picked: 1, digest: 0 };
    Failure(Box::new(Inner {
        kind: FailureKind::Deadlock { cycle: vec![A, B] },
        seed: 0x2a,
        policy: Policy::Random,
        step: 5,
        now: 5_000_000,
        shutting_down: false,
        digest: 0,
        decisions: DecisionLog {
            deviations: vec![deviation],
            decisions: 3,
            ..DecisionLog::default()
        },
        divergence: None,
        trace,
        tasks,
        objects,
        blocked,
        leaked: Vec::new(),
        timers: 0,
        others: Vec::new(),
        origin: None,
    }))
}
