//! Where the loop asks which candidate it is to take, and what it tells whoever answers.

use super::State;
use super::task::TaskRef;
use crate::decision::{Asked, Candidate, DecisionPoint, Kind, Names, ObjectName, Operation};
use crate::id::{ObjectId, TaskId};
use crate::seed::mix;
use crate::trace::{Event, Op, Place};

/// What a task is about to do when it is run next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) op: Op,
    pub(crate) object: Option<ObjectId>,
    pub(crate) place: Place,
}

/// Whether a task at a schedule point goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It goes on.
    GoesOn,
    /// Another one was picked; the task is to suspend, ready.
    Left,
}

impl State {
    /// Makes a choice whose candidates are only counted.
    #[inline(always)]
    pub(crate) fn choose(&mut self, kind: Kind, candidates: u32) -> u32 {
        if self.decisions.pass_over(candidates) {
            return 0;
        }
        self.ask(kind, candidates, &[])
    }

    #[inline(never)]
    fn ask(&mut self, kind: Kind, candidates: u32, tasks: &[Candidate]) -> u32 {
        let asked = Asked { kind, candidates, step: self.step };
        let picked = match self.decisions.replayed(asked, self.digest) {
            Some(picked) => picked,
            None => {
                let mut chooser = self.decisions.lend();
                let picked = chooser.choose(&DecisionPoint {
                    kind,
                    candidates,
                    step: self.step,
                    now: self.now,
                    tasks,
                    names: &*self,
                });
                self.decisions.give_back(chooser);
                picked
            }
        };
        self.record(asked, picked)
    }

    fn record(&mut self, asked: Asked, picked: u32) -> u32 {
        let picked = self.decisions.record(asked, self.digest, picked);
        if picked != 0 {
            self.digest.mix(u64::from(picked));
        }
        picked
    }

    /// Records a choice that was made from outside.
    pub(crate) fn impose(&mut self, kind: Kind, candidates: u32, picked: u32) {
        if candidates > 1 {
            self.record(Asked { kind, candidates, step: self.step }, picked);
        }
    }

    /// Picks the place in the queue of the task that runs next; `from_outside` is the answer of
    /// whoever steps through the run.
    #[inline(always)]
    pub(super) fn pick(&mut self, from_outside: Option<usize>) -> usize {
        let candidates = self.ready.tasks();
        if self.decisions.wants_tasks() || self.forced.is_some() {
            return self.pick_knowingly(from_outside);
        }
        if candidates < 2 {
            return 0;
        }
        match from_outside {
            Some(nth) => {
                let nth = nth.min(candidates - 1);
                self.impose(Kind::Task, candidates as u32, nth as u32);
                nth
            }
            None => self.choose(Kind::Task, candidates as u32) as usize,
        }
    }

    #[cold]
    fn pick_knowingly(&mut self, from_outside: Option<usize>) -> usize {
        let forced = self.forced.take().and_then(|slot| self.ready.position_of_task(slot));
        if !self.decisions.wants_tasks() {
            return match forced {
                Some(nth) => nth,
                None => self.pick(from_outside),
            };
        }
        let mut candidates = core::mem::take(&mut self.candidates);
        let count = self.ready.tasks();
        if self.decisions.wants_candidates() {
            candidates.extend(self.ready.iter_tasks().map(|slot| self.candidate(slot)));
        }
        let nth = match (forced, from_outside) {
            (Some(nth), _) => nth,
            (None, Some(nth)) => {
                let nth = nth.min(count - 1);
                self.impose(Kind::Task, count as u32, nth as u32);
                nth
            }
            (None, None) if count < 2 => 0,
            (None, None) => self.ask(Kind::Task, count as u32, &candidates) as usize,
        };
        let picked = candidates.get(nth).copied().or_else(|| {
            let slot = self.ready.iter_tasks().nth(nth)?;
            Some(self.candidate(slot))
        });
        if let Some(candidate) = picked {
            self.tell_ran(&candidate);
        }
        candidates.clear();
        self.candidates = candidates;
        nth
    }

    fn candidate(&self, slot: u32) -> Candidate {
        let task = &self.tasks[slot as usize];
        Candidate {
            task: task.id,
            signature: task.signature,
            operation: self.operation(task.pending),
        }
    }

    fn operation(&self, pending: Pending) -> Operation {
        Operation {
            op: pending.op,
            object: pending.object,
            key: pending.object.map_or(0, |object| self.objects[object.index()].key),
            place: pending.place,
        }
    }

    /// Picks one of the timers that are due.
    pub(super) fn pick_timer(&mut self, due: &[u32]) -> usize {
        if !self.decisions.wants_tasks() || due.len() < 2 {
            return self.choose(Kind::Timer, due.len() as u32) as usize;
        }
        let mut candidates = core::mem::take(&mut self.candidates);
        candidates.extend(due.iter().map(|timer| {
            let task = self.timers.due_action(*timer).map_or(TaskId::ROOT, |action| action.task);
            let slot = self.tasks.iter().find(|slot| slot.id == task && slot.is_occupied());
            let place = slot.map_or(self.root_place(), |task| task.spawned_at);
            Candidate {
                task,
                signature: slot.map_or(0, |task| task.signature),
                operation: Operation { op: Op::Sleep, object: None, key: 0, place },
            }
        }));
        let nth = self.ask(Kind::Timer, candidates.len() as u32, &candidates) as usize;
        candidates.clear();
        self.candidates = candidates;
        nth
    }

    fn root_place(&self) -> Place {
        self.tasks[0].spawned_at
    }

    /// Offers a switch to another task before the running one does `pending`.
    ///
    /// First-in-first-out never notices it: candidate 0 is to go on.
    pub(crate) fn offer_switch(&mut self, pending: Pending) -> Offered {
        let Some(task) = self.current else { return Offered::GoesOn };
        let others = self.ready.tasks();
        let knows = self.decisions.wants_tasks();
        if others == 0 && !knows {
            return Offered::GoesOn;
        }
        let mut candidates = core::mem::take(&mut self.candidates);
        let own = Candidate {
            task: task.id,
            signature: self.tasks[task.slot as usize].signature,
            operation: self.operation(pending),
        };
        let picked = if knows {
            if self.decisions.wants_candidates() {
                candidates.push(own);
                candidates.extend(self.ready.iter_tasks().map(|slot| self.candidate(slot)));
            }
            self.offered = Some(own);
            let picked =
                if others == 0 { 0 } else { self.ask(Kind::Point, others as u32 + 1, &candidates) };
            self.offered = None;
            picked
        } else {
            self.choose(Kind::Point, others as u32 + 1)
        };
        candidates.clear();
        self.candidates = candidates;
        if picked == 0 {
            if knows {
                self.tell_ran(&own);
            }
            return Offered::GoesOn;
        }
        self.forced = self.ready.iter_tasks().nth(picked as usize - 1);
        self.tasks[task.slot as usize].pending = pending;
        let Pending { op, object, place } = pending;
        self.emit(task.id, Event::Left { op, object, place });
        Offered::Left
    }

    fn tell_ran(&mut self, candidate: &Candidate) {
        let mut chooser = self.decisions.lend();
        chooser.ran(candidate, &*self);
        self.decisions.give_back(chooser);
    }

    /// Tells the chooser of an event.
    pub(super) fn tell(&mut self, task: TaskId, event: &Event) {
        let mut chooser = self.decisions.lend();
        chooser.observe(task, event, &*self);
        self.decisions.give_back(chooser);
    }

    /// Settles what the running task is about to do when it is run next, where somebody wants to
    /// know.
    #[inline]
    pub(crate) fn set_pending(&mut self, op: Op, object: Option<ObjectId>, place: Place) {
        if self.decisions.wants_tasks()
            && let Some(task) = self.current
        {
            self.tasks[task.slot as usize].pending = Pending { op, object, place };
        }
    }

    /// Gives a task its signature, and tells the chooser of it.
    #[cold]
    pub(super) fn sign(&mut self, child: TaskRef) {
        let parent = self.current.filter(|parent| *parent != child);
        let signature = match parent {
            Some(parent) => {
                let parent = &mut self.tasks[parent.slot as usize];
                parent.children += 1;
                mix(parent.signature, u64::from(parent.children))
            }
            // Never 0, which stands for no task.
            None => mix(1, u64::from(child.id.0)),
        };
        self.tasks[child.slot as usize].signature = signature;
        let parent = parent.map_or(0, |parent| self.tasks[parent.slot as usize].signature);
        let mut chooser = self.decisions.lend();
        chooser.spawned(parent, child.id, signature);
        self.decisions.give_back(chooser);
    }
}

impl Names for State {
    fn candidates(&self) -> Vec<Candidate> {
        let ready = self.ready.iter_tasks().map(|slot| self.candidate(slot));
        self.offered.into_iter().chain(ready).collect()
    }

    fn given_name(&self, task: TaskId) -> Option<String> {
        let found = self.tasks.iter().find(|slot| slot.id == task && slot.is_occupied())?;
        found.name.as_deref().map(str::to_owned)
    }

    fn object(&self, object: ObjectId) -> ObjectName {
        let object = &self.objects[object.index()];
        ObjectName {
            given: object.name.as_deref().map(str::to_owned),
            creator: object.creator,
            kind: object.kind,
            nth: object.nth,
        }
    }

    fn object_key(&self, object: ObjectId) -> u64 {
        self.objects[object.index()].key
    }
}
