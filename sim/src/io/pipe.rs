//! One direction of a byte stream.

use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;

use crate::clock::TimerId;
use crate::kernel::State;
use crate::kernel::context;
use crate::kernel::object::Tag;
use crate::kernel::parking::{Reason, lock, wait_on, wake};
use crate::kernel::wait::{Left, Parked, TimerAction, TimerThen, WaitRef};

#[derive(Debug)]
pub(super) struct Pipe {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    bytes: VecDeque<u8>,
    /// What of `bytes` becomes readable when: (how many, the instant), in order.
    arrivals: VecDeque<(usize, u64)>,
    capacity: usize,
    latency: u64,
    /// Nothing more will be written; what was written can be read.
    ended: bool,
    /// When the reader can see that.
    ends_at: u64,
    /// Nobody will read.
    abandoned: bool,
    reader: Option<WaitRef>,
    writer: Option<WaitRef>,
    /// Wakes the reader when bytes arrive.
    timer: Option<TimerId>,
    /// The run that the instants and the timer belong to.
    run: u64,
    tag: Tag,
}

/// To be dropped once no lock is held.
#[derive(Default)]
struct After {
    _left: Option<Left>,
    _timer: Option<TimerAction>,
}

impl Inner {
    /// How many bytes can be read now.
    fn readable(&self, now: u64) -> usize {
        self.arrivals.iter().take_while(|(_, at)| *at <= now).map(|(count, _)| count).sum()
    }

    /// When there will be something to read that is not there yet.
    fn next_arrival(&self) -> Option<u64> {
        match self.arrivals.front() {
            Some((_, at)) => Some(*at),
            None => self.ended.then_some(self.ends_at),
        }
    }

    /// Instants of another run mean nothing in this one: what was written has arrived.
    fn enter_run(&mut self, state: &State) {
        if self.run != state.run {
            self.run = state.run;
            self.timer = None;
            self.ends_at = 0;
            for (_, at) in &mut self.arrivals {
                *at = 0;
            }
        }
    }

    fn set_timer(&mut self, state: &mut State) {
        if self.timer.is_none()
            && let Some(reader) = self.reader
            && let Some(at) = self.next_arrival()
        {
            self.timer = Some(state.set_timer(at, TimerThen::Complete(reader)));
        }
    }

    fn stop_timer(&mut self, state: &mut State) -> Option<TimerAction> {
        state.drop_timer(self.timer.take()?)
    }

    /// Notes when what was just written (or the end) arrives; says whether it is there already.
    fn depart(&mut self, count: usize) -> Option<WaitRef> {
        let latency = self.latency;
        let arrived = context::with(|state| {
            self.enter_run(state);
            // Never before what was written earlier, should the latency have become less.
            let at = state.now.saturating_add(latency).max(self.ends_at);
            self.ends_at = at;
            if count > 0 {
                match self.arrivals.back_mut() {
                    Some((last, same)) if *same == at => *last += count,
                    _ => self.arrivals.push_back((count, at)),
                }
            }
            if at > state.now {
                self.set_timer(state);
            }
            at <= state.now
        });
        match arrived {
            Some(false) => None,
            Some(true) => self.reader,
            None => {
                // Outside a simulation there is no clock.
                if count > 0 {
                    self.arrivals.push_back((count, 0));
                }
                self.reader
            }
        }
    }
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                bytes: VecDeque::new(),
                arrivals: VecDeque::new(),
                capacity,
                latency: 0,
                ended: false,
                ends_at: 0,
                abandoned: false,
                reader: None,
                writer: None,
                timer: None,
                run: 0,
                tag: Tag::new("duplex"),
            }),
        }
    }

    pub(super) fn set_latency(&self, latency: u64) {
        lock(&self.inner).latency = latency;
    }

    pub(super) fn set_name(&self, name: &str) {
        lock(&self.inner).tag.set_name(name);
    }

    #[track_caller]
    pub(super) fn poll_read(
        &self,
        parked: &mut Parked,
        cx: &Context<'_>,
        buffer: &mut [u8],
        reason: Reason<'_>,
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut after = After::default();
        let (polled, writer) = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            let readable = context::with(|state| {
                inner.enter_run(state);
                let count = inner.readable(state.now);
                let ended = inner.ended && inner.bytes.is_empty() && inner.ends_at <= state.now;
                (count > 0 || ended).then_some(count)
            })
            .unwrap_or_else(|| {
                let ended = inner.ended && inner.bytes.is_empty();
                (ended || !inner.bytes.is_empty()).then_some(inner.bytes.len())
            });
            match readable {
                Some(readable) => {
                    let count = readable.min(buffer.len());
                    inner.read(&mut buffer[..count]);
                    inner.reader = None;
                    after._left = parked.leave_on_drop();
                    after._timer = context::with(|state| inner.stop_timer(state)).flatten();
                    (Poll::Ready(Ok(count)), inner.writer.filter(|_| count > 0))
                }
                None => {
                    after = context::expect(reason.what, |state| {
                        let object = inner.tag.id(state);
                        let parking = wait_on(parked, state, cx, Some(object), reason);
                        let timer = if parking.fresh { inner.stop_timer(state) } else { None };
                        inner.reader = Some(parking.wait);
                        inner.set_timer(state);
                        After { _left: parking.left, _timer: timer }
                    });
                    (Poll::Pending, None)
                }
            }
        };
        drop(after);
        wake(writer);
        polled
    }

    /// Ends the reader's wait.
    pub(super) fn leave_read(&self, parked: &mut Parked) {
        let Some(wait) = parked.wait() else { return };
        let after = {
            let mut inner = lock(&self.inner);
            let left = parked.leave_on_drop();
            let mut timer = None;
            if inner.reader == Some(wait) {
                inner.reader = None;
                timer = context::with(|state| {
                    (inner.run == state.run).then(|| inner.stop_timer(state)).flatten()
                })
                .flatten();
            }
            After { _left: left, _timer: timer }
        };
        drop(after);
    }

    #[track_caller]
    pub(super) fn poll_write(
        &self,
        parked: &mut Parked,
        cx: &Context<'_>,
        bytes: &[u8],
        reason: Reason<'_>,
    ) -> Poll<io::Result<usize>> {
        let (polled, left, reader) = {
            let mut inner = lock(&self.inner);
            let inner = &mut *inner;
            let count = bytes.len().min(inner.capacity - inner.bytes.len());
            if inner.ended || inner.abandoned {
                inner.writer = None;
                (Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())), parked.leave_on_drop(), None)
            } else if count > 0 || bytes.is_empty() {
                inner.writer = None;
                inner.bytes.extend(&bytes[..count]);
                let reader = if count > 0 { inner.depart(count) } else { None };
                (Poll::Ready(Ok(count)), parked.leave_on_drop(), reader)
            } else {
                let parking = context::expect(reason.what, |state| {
                    let object = inner.tag.id(state);
                    wait_on(parked, state, cx, Some(object), reason)
                });
                inner.writer = Some(parking.wait);
                (Poll::Pending, parking.left, None)
            }
        };
        drop(left);
        wake(reader);
        polled
    }

    /// Ends the writer's wait.
    pub(super) fn leave_write(&self, parked: &mut Parked) {
        let Some(wait) = parked.wait() else { return };
        let left = parked.leave_on_drop();
        let mut inner = lock(&self.inner);
        if inner.writer == Some(wait) {
            inner.writer = None;
        }
        drop(inner);
        drop(left);
    }

    /// Says that nothing more will be written.
    pub(super) fn end(&self) {
        let (reader, writer) = {
            let mut inner = lock(&self.inner);
            if core::mem::replace(&mut inner.ended, true) {
                return;
            }
            (inner.depart(0), inner.writer)
        };
        wake(reader);
        wake(writer);
    }

    /// Says that nobody will read.
    pub(super) fn abandon(&self) {
        let writer = {
            let mut inner = lock(&self.inner);
            inner.abandoned = true;
            inner.writer
        };
        wake(writer);
    }
}

impl Inner {
    /// Takes bytes that have arrived.
    fn read(&mut self, buffer: &mut [u8]) {
        let mut left = buffer.len();
        for (to, from) in buffer.iter_mut().zip(self.bytes.drain(..left)) {
            *to = from;
        }
        while left > 0
            && let Some((count, _)) = self.arrivals.front_mut()
        {
            let taken = left.min(*count);
            *count -= taken;
            left -= taken;
            if *count == 0 {
                self.arrivals.pop_front();
            }
        }
    }
}
