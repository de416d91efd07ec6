//! How rows are read from records.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::{Act, Thrown, Why};
use super::place::Spot;
use super::row::{Remark, Row, RowKind};
use crate::decision::{DecisionLog, Deviation, Kind};
use crate::id::{ObjectId, TaskId};
use crate::trace::{Cause, End, Event, Op, Record, Trace, Waker};

/// Reads the rows of a trace.
pub(super) fn rows<'a>(trace: &'a Trace, decisions: Option<&DecisionLog>) -> Vec<Row<'a>> {
    let deviations = decisions.map(DecisionLog::deviations).unwrap_or_default();
    let cells = trace.objects().iter().filter(|object| object.kind == "SimCell");
    let cells = cells.map(|object| object.id).collect();
    let mut reader = Reader { deviations, cells, ..Reader::default() };
    for (at, record) in trace.records().enumerate() {
        if trace.gap() == Some(at) {
            reader.lose(at, trace.omitted(), record.now);
        }
        reader.read(at, record);
    }
    reader.finish(trace.records().count());
    reader.rows
}

#[derive(Default)]
struct Reader<'a, 'd> {
    rows: Vec<Row<'a>>,
    deviations: &'d [Deviation],
    // The step that is being read.
    step: Option<Row<'a>>,
    // Its task has ended in it, or is ready again at once; else it waits.
    ended: bool,
    requeued: bool,
    // What the loop did since the last step.
    between: Vec<(TaskId, Vec<Act<'a>>)>,
    between_at: Option<(usize, u64)>,
    asked: Vec<TaskId>,
    // Timers that have fired and whose task has not run since.
    fired: BTreeMap<TaskId, u64>,
    // How late a row has said that they were.
    told: BTreeMap<TaskId, u64>,
    timed_out: BTreeSet<TaskId>,
    aborted: BTreeSet<TaskId>,
    began: BTreeSet<TaskId>,
    // Objects that a task waits to get.
    wanted: BTreeSet<(TaskId, u32)>,
    // The tracked cells: of other objects, a touch goes without saying.
    cells: BTreeSet<ObjectId>,
    lost: bool,
}

impl<'a> Reader<'a, '_> {
    fn read(&mut self, at: usize, record: &'a Record) {
        let by_loop = match &record.event {
            Event::TimerFired { .. } => true,
            Event::Wake { by }
            | Event::CancelRequested { by, .. }
            | Event::AbortRequested { by } => *by == Waker::Loop,
            _ => false,
        };
        if by_loop {
            self.close_step();
            self.between_at.get_or_insert((at, record.now));
        }
        match &record.event {
            Event::Step => self.open_step(at, record),
            Event::TimerFired { deadline } => {
                self.fired.entry(record.task).or_insert(*deadline);
                let late = record.now.saturating_sub(*deadline);
                if late > 0 {
                    self.act(record, Act::FiredLate(late));
                }
            }
            Event::Wake { by } => {
                self.requeued |= self.is_stepping(record.task);
                if *by != Waker::Loop && !self.ended {
                    self.act_on(record.task, Act::Wake);
                }
            }
            Event::CancelRequested { by, cause } => {
                // Of two requests the later one says why.
                if *cause == Cause::Deadline {
                    self.timed_out.insert(record.task);
                } else {
                    self.timed_out.remove(&record.task);
                }
                match (by, cause) {
                    (_, Cause::Shutdown) => self.asked.push(record.task),
                    (Waker::Task(_), _) => self.act_on(record.task, Act::Cancel),
                    (Waker::Loop, _) => {}
                }
            }
            Event::AbortRequested { by: Waker::Loop } => {
                self.aborted.insert(record.task);
            }
            Event::AbortRequested { by: Waker::Task(_) } => {
                self.aborted.insert(record.task);
                self.act_on(record.task, Act::Abort);
            }
            Event::TooLate { by: Waker::Task(_), abort } => {
                let abort = *abort;
                self.act_on(record.task, |tasks| Act::TooLate { abort, tasks });
            }
            Event::Spawn { child } => match self.acts(record).last_mut() {
                Some(Act::Spawn(children)) => children.push(*child),
                _ => self.act(record, Act::Spawn(vec![*child])),
            },
            Event::Block { op, object, on, place } => {
                self.act(record, Act::Block { op: *op, object: *object, on: *on, sleep: None });
                self.requeued |= *op == Op::Yield;
                if let Some(object) = object {
                    self.wanted.insert((record.task, object.0));
                }
                if let Some((step, place)) = self.step.as_mut().zip(*place) {
                    step.place = Some(Spot::of(place));
                }
            }
            Event::Left { op, object, place } => {
                self.act(record, Act::Left { op: *op, object: *object });
                self.requeued = true;
                if let Some(step) = &mut self.step {
                    step.place = Some(Spot::of(place));
                }
            }
            Event::Touch { object, write } if self.cells.contains(object) => {
                self.act(record, Act::Touch { object: *object, write: *write });
            }
            Event::TimerSet { deadline } => {
                let duration = match *deadline {
                    u64::MAX => u64::MAX,
                    deadline => deadline.saturating_sub(record.now),
                };
                match self.acts(record).last_mut() {
                    Some(Act::Block { op: Op::Sleep, sleep: sleep @ None, .. }) => {
                        *sleep = Some(duration)
                    }
                    _ => self.act(record, Act::Timeout(duration)),
                }
            }
            Event::Busy { duration } => self.act(record, Act::Busy(*duration)),
            Event::CancelDelivered => {
                let why = if self.aborted.remove(&record.task) {
                    Why::Aborted
                } else if self.timed_out.remove(&record.task) {
                    Why::TimedOut
                } else {
                    Why::Asked
                };
                self.act(record, Act::Thrown { why, outcome: Thrown::Open });
            }
            Event::CancelCaught => self.resolve(record, Thrown::Caught),
            Event::Acquire { object } => {
                let waited = self.wanted.remove(&(record.task, object.0));
                self.act(record, Act::Acquire { object: *object, waited });
            }
            Event::Release { object } => self.act(record, Act::Release(*object)),
            Event::Note(text) => self.act(record, Act::Note(text)),
            Event::Finish(end) => {
                self.ended = true;
                if *end == End::Cancelled {
                    self.resolve(record, Thrown::Ended);
                } else {
                    self.act(record, Act::End(*end));
                }
                if let Some(step) = &mut self.step {
                    step.place = None;
                }
            }
            _ => {}
        }
    }

    fn open_step(&mut self, at: usize, record: &'a Record) {
        self.close_step();
        let task = record.task;
        let deviates = self.deviate_before(record.step, at, record.now);
        self.close_between(Some(task));
        let told = self.told.remove(&task).unwrap_or(0);
        let mut acts = Vec::new();
        if let Some(deadline) = self.fired.remove(&task) {
            let late = record.now.saturating_sub(deadline);
            if late > told {
                acts.push(Act::Late(late));
            }
        }
        (self.ended, self.requeued) = (false, false);
        self.step = Some(Row {
            kind: RowKind::Step(record.step),
            now: record.now,
            cells: vec![(task, acts)],
            place: None,
            deviates,
            at,
        });
        self.select_branches(record.step);
    }

    /// Uses up the deviations taken before a step; says whether its pick was one.
    fn deviate_before(&mut self, step: u64, at: usize, now: u64) -> bool {
        let mut deviates = false;
        while let Some((next, rest)) = self.deviations.split_first() {
            // A pick and the order of timers are decided when the step before is over.
            if next.step >= step {
                break;
            }
            self.deviations = rest;
            match next.kind {
                Kind::Task | Kind::Point => deviates |= next.step + 1 == step,
                Kind::Timer if next.step + 1 == step && !self.lost => self.rows.push(Row {
                    kind: RowKind::Remark(Remark::TimerOrder {
                        nth: next.picked + 1,
                        of: next.candidates,
                    }),
                    now,
                    cells: Vec::new(),
                    place: None,
                    deviates: true,
                    at,
                }),
                _ => {}
            }
        }
        self.lost = false;
        deviates
    }

    /// What a step's `select!`s polled first, where that was not the first branch.
    fn select_branches(&mut self, step: u64) {
        let branches = self
            .deviations
            .iter()
            .take_while(|next| next.step == step)
            .filter(|next| next.kind == Kind::Select)
            .map(|next| Act::Branch(next.picked));
        if let Some((_, acts)) = self.step.as_mut().and_then(|row| row.cells.first_mut()) {
            acts.extend(branches);
        }
    }

    fn close_step(&mut self) {
        let Some(mut row) = self.step.take() else { return };
        let (task, acts) = &mut row.cells[0];
        let first = self.began.insert(*task);
        if first && let Some(Act::Thrown { why: why @ Why::Asked, .. }) = acts.first_mut() {
            *why = Why::NeverBegan;
        }
        let told = acts.iter().any(|act| matches!(act, Act::Block { op, .. } if *op != Op::Yield));
        if !self.ended && !self.requeued && !told {
            acts.push(Act::StillBlocked);
        }
        self.rows.push(row);
    }

    /// Ends the gap between two steps, the second of which is the `next` task's.
    fn close_between(&mut self, next: Option<TaskId>) {
        let (at, now) = self.between_at.take().unwrap_or_default();
        let row = |kind, cells| Row { kind, now, cells, place: None, deviates: false, at };
        let asked = core::mem::take(&mut self.asked);
        if !asked.is_empty() {
            self.rows.push(row(RowKind::Remark(Remark::RootEnded(asked)), Vec::new()));
        }
        let cells = core::mem::take(&mut self.between);
        match &cells[..] {
            [] => return,
            // The step that follows says so itself.
            [(task, acts)] if Some(*task) == next && matches!(acts[..], [Act::FiredLate(_)]) => {
                return;
            }
            _ => {}
        }
        for (task, acts) in &cells {
            let late = acts.iter().filter_map(|act| match act {
                Act::FiredLate(late) => Some(*late),
                _ => None,
            });
            self.told.extend(late.max().map(|late| (*task, late)));
        }
        self.rows.push(row(RowKind::Loop, cells));
    }

    fn lose(&mut self, at: usize, records: u64, now: u64) {
        self.close_step();
        self.close_between(None);
        let lost = Reader {
            deviations: self.deviations,
            cells: core::mem::take(&mut self.cells),
            ..Reader::default()
        };
        let rows = core::mem::replace(self, lost).rows;
        self.rows = rows;
        self.lost = true;
        self.rows.push(Row {
            kind: RowKind::Remark(Remark::Lost(records)),
            now,
            cells: Vec::new(),
            place: None,
            deviates: false,
            at,
        });
    }

    fn finish(&mut self, at: usize) {
        self.close_step();
        if self.between_at.is_some() {
            self.between_at = self.between_at.map(|(_, now)| (at, now));
        }
        self.close_between(None);
    }

    fn is_stepping(&self, task: TaskId) -> bool {
        self.step.as_ref().is_some_and(|row| row.cells[0].0 == task)
    }

    /// Where the acts of a record's task go: its step, else the gap between steps.
    fn acts(&mut self, record: &Record) -> &mut Vec<Act<'a>> {
        if self.is_stepping(record.task)
            && let Some(row) = &mut self.step
        {
            return &mut row.cells[0].1;
        }
        let found = self.between.iter().position(|(task, _)| *task == record.task);
        let found = found.unwrap_or_else(|| {
            self.between.push((record.task, Vec::new()));
            self.between.len() - 1
        });
        &mut self.between[found].1
    }

    fn act(&mut self, record: &Record, act: Act<'a>) {
        self.acts(record).push(act);
    }

    /// Adds what the running task did to another one to its last act, if that is of the same kind.
    fn act_on(&mut self, task: TaskId, act: impl Fn(Vec<TaskId>) -> Act<'a>) {
        let Some(row) = &mut self.step else { return };
        let (running, acts) = &mut row.cells[0];
        if task == *running && matches!(act(Vec::new()), Act::Wake(_)) {
            return;
        }
        match (acts.last_mut(), act(vec![task])) {
            // Whoever is cancelled is woken: that goes without saying.
            (Some(Act::Cancel(tasks) | Act::Abort(tasks)), Act::Wake(_))
                if tasks.contains(&task) => {}
            (Some(Act::Cancel(tasks)), Act::Cancel(more))
            | (Some(Act::Abort(tasks)), Act::Abort(more))
            | (Some(Act::Wake(tasks)), Act::Wake(more)) => tasks.extend(more),
            (Some(Act::TooLate { abort: a, tasks }), Act::TooLate { abort: b, tasks: more })
                if *a == b =>
            {
                tasks.extend(more);
            }
            (_, act) => acts.push(act),
        }
    }

    /// Says what became of the request that was raised last.
    fn resolve(&mut self, record: &Record, resolved: Thrown) {
        let open = self.acts(record).iter_mut().rev().find_map(|act| match act {
            Act::Thrown { outcome: outcome @ Thrown::Open, .. } => Some(outcome),
            _ => None,
        });
        match (open, resolved) {
            (Some(outcome), resolved) => *outcome = resolved,
            (None, Thrown::Ended) => self.act(record, Act::End(End::Cancelled)),
            // It came through a task that was awaited here.
            (None, _) => {
                let timed_out = self.timed_out.remove(&record.task);
                let why = if timed_out { Why::TimedOut } else { Why::Asked };
                self.act(record, Act::Thrown { why, outcome: resolved });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_stand_where_they_were_taken() {
        let mut trace = Trace::default();
        for (step, task) in [(1, 0), (2, 1), (3, 0)] {
            trace.push(Record { step, now: 0, task: TaskId(task), event: Event::Step });
        }
        let deviation = |step, kind| Deviation {
            decision: step,
            step,
            kind,
            candidates: 3,
            picked: 1,
            digest: 0,
        };
        let deviations =
            vec![deviation(1, Kind::Timer), deviation(1, Kind::Task), deviation(3, Kind::Select)];
        let log = DecisionLog { deviations, ..DecisionLog::default() };
        let rows = rows(&trace, Some(&log));
        let kinds: Vec<_> = rows.iter().map(|row| (row.kind.clone(), row.deviates)).collect();
        let order = RowKind::Remark(Remark::TimerOrder { nth: 2, of: 3 });
        let step = RowKind::Step;
        assert_eq!(kinds, [(step(1), false), (order, true), (step(2), true), (step(3), false)]);
        assert_eq!(rows[3].cells, [(TaskId::ROOT, vec![Act::Branch(1), Act::StillBlocked])]);
    }
}
