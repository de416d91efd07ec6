//! What a step did, and how a cell says it in few words.

use super::names::Names;
use super::text_width::{clean, count, cut_end, head, width, wrap};
use super::time::human;
use crate::id::{ObjectId, TaskId};
use crate::trace::{End, Op};

/// Something a step did that a table tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act<'a> {
    /// It could run only this long (in nanoseconds) after the timer that woke it was due.
    Late(u64),
    /// A timer fired this long after it was due.
    FiredLate(u64),
    Note(&'a str),
    Spawn(Vec<TaskId>),
    Wake(Vec<TaskId>),
    Cancel(Vec<TaskId>),
    Abort(Vec<TaskId>),
    /// It told tasks to cancel themselves, or to end, that had ended.
    TooLate {
        abort: bool,
        tasks: Vec<TaskId>,
    },
    /// It began to wait; for a sleep, how long.
    Block {
        op: Op,
        object: Option<ObjectId>,
        on: Option<TaskId>,
        sleep: Option<u64>,
    },
    /// It read or wrote a tracked cell.
    Touch {
        object: ObjectId,
        write: bool,
    },
    /// It was left at a schedule point, ready.
    Left {
        op: Op,
        object: Option<ObjectId>,
    },
    /// It waits still, for something it began to wait for in an earlier step.
    StillBlocked,
    /// A `timeout` began.
    Timeout(u64),
    Busy(u64),
    Acquire {
        object: ObjectId,
        waited: bool,
    },
    Release(ObjectId),
    /// A request to cancel reached its await.
    Thrown {
        why: Why,
        outcome: Thrown,
    },
    /// A branch of a `select!` other than the first was polled first.
    Branch(u32),
    End(End),
}

/// Why a request to cancel was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Asked,
    Aborted,
    TimedOut,
    /// Asked before it had taken a step.
    NeverBegan,
}

/// What became of a request to cancel that was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thrown {
    Open,
    Caught,
    Ended,
}

/// A step that does more is told in part.
const MOST_ACTS: usize = 64;

/// No cell has room for more of a note.
const LONGEST_NOTE: usize = 400;

/// How much a phrase is missed where there is no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Aside,
    Useful,
    Needed,
    /// Not even shortened before the rest is.
    Vital,
}

/// A few words, with fewer words for where those do not fit.
#[derive(Debug)]
struct Phrase {
    full: String,
    short: Option<String>,
    weight: Weight,
}

impl Phrase {
    fn new(full: String, weight: Weight) -> Self {
        Self { full, short: None, weight }
    }

    fn or(mut self, short: impl Into<String>) -> Self {
        self.short = Some(short.into());
        self
    }
}

/// What a step did, in words.
#[derive(Debug)]
pub(super) struct Cell {
    phrases: Vec<Phrase>,
    prefix: String,
}

impl Cell {
    /// Says what was done; `deviates` where first-in-first-out would have picked another task.
    pub(super) fn new(acts: &[Act<'_>], deviates: bool, names: &Names<'_>) -> Self {
        let prefix = if deviates { "* " } else { "" }.to_owned();
        // The beginning and the end of a step that did more than anybody reads.
        let omitted = acts.len().saturating_sub(MOST_ACTS);
        let (head, tail) = if omitted > 0 {
            (&acts[..MOST_ACTS / 2], &acts[acts.len() - MOST_ACTS / 2..])
        } else {
            (acts, &[][..])
        };
        let more = (omitted > 0)
            .then(|| Phrase::new(format!("… {} …", count(omitted as u64, "act")), Weight::Useful));
        let say = |act| phrase(act, names);
        let phrases = head.iter().map(say).chain(more).chain(tail.iter().map(say)).collect();
        Self { phrases, prefix }
    }

    /// Says first who did it.
    pub(super) fn by(mut self, name: &str) -> Self {
        self.prefix = format!("{name}: {}", self.prefix);
        self
    }

    /// All the words.
    pub(super) fn full(&self) -> String {
        self.join(&self.phrases.iter().map(|phrase| phrase.full.as_str()).collect::<Vec<_>>())
    }

    /// The words on lines of at most `columns`, `most` of them; where that is too little, asides are
    /// left out first, then phrases are shortened, then those left out that can be, then cut.
    pub(super) fn fit(&self, columns: usize, most: usize) -> Vec<String> {
        let full = self.full();
        if width(&full) <= columns {
            return vec![full];
        }
        let mut said: Vec<&Phrase> =
            self.phrases.iter().filter(|phrase| phrase.weight > Weight::Aside).collect();
        if said.is_empty() {
            said = self.phrases.iter().collect();
        }
        let mut lines = self.broken(&said, &[], columns);
        // What is needed less is shortened before the rest, and what stands first before the last.
        let mut order: Vec<usize> = (0..said.len()).collect();
        order.sort_by_key(|nth| said[*nth].weight);
        for shortened in 1..=order.len() {
            if lines.len() <= most {
                return lines;
            }
            lines = self.broken(&said, &order[..shortened], columns);
        }
        if lines.len() > most && said.iter().any(|phrase| phrase.weight >= Weight::Needed) {
            said.retain(|phrase| phrase.weight >= Weight::Needed);
            let all: Vec<usize> = (0..said.len()).collect();
            lines = self.broken(&said, &all, columns);
        }
        if lines.len() <= most {
            return lines;
        }
        let waits = lines.last().is_some_and(|line| line.ends_with('~'));
        lines.truncate(most.max(1));
        if let Some(last) = lines.last_mut() {
            // That a task waits is the one thing a reader must not lose.
            let mark = if waits { "…~" } else { "…" };
            let rest = head(last.trim_end_matches(';'), columns.saturating_sub(width(mark)));
            *last = cut_end(&format!("{rest}{mark}"), columns);
        }
        lines
    }

    /// Breaks phrases, some of them shortened, into lines: between them where that does, else at
    /// spaces.
    fn broken(&self, phrases: &[&Phrase], shortened: &[usize], columns: usize) -> Vec<String> {
        let words: Vec<&str> = phrases
            .iter()
            .enumerate()
            .map(|(nth, phrase)| {
                phrase.short.as_deref().filter(|_| shortened.contains(&nth)).unwrap_or(&phrase.full)
            })
            .collect();
        let mut lines: Vec<String> = Vec::new();
        for phrase in self.join(&words).split_inclusive("; ") {
            let phrase = phrase.trim_end();
            match lines.last_mut() {
                Some(line) if width(line) + 1 + width(phrase) <= columns => {
                    line.push(' ');
                    line.push_str(phrase);
                }
                _ => lines.extend(wrap(phrase, columns)),
            }
        }
        lines
    }

    fn join(&self, phrases: &[&str]) -> String {
        let mut text = self.prefix.clone();
        for (nth, phrase) in phrases.iter().enumerate() {
            // A wait that goes on is the mark alone, behind whatever else there is.
            let gap = match (nth, *phrase) {
                (0, _) => "",
                (_, "~") => " ",
                _ => "; ",
            };
            text.push_str(gap);
            text.push_str(phrase);
        }
        text
    }
}

fn phrase(act: &Act<'_>, names: &Names<'_>) -> Phrase {
    use Weight::{Aside, Needed, Useful, Vital};
    match act {
        Act::Late(by) => Phrase::new(format!("LATE by {}", human(*by)), Vital).or("LATE"),
        Act::FiredLate(by) => {
            Phrase::new(format!("timer LATE by {}", human(*by)), Vital).or("LATE")
        }
        Act::Note(text) => Phrase::new(clean(&cut_end(text, LONGEST_NOTE)), Vital),
        Act::Spawn(tasks) => several("spawn", tasks, Useful, names),
        Act::Wake(tasks) => several("wake", tasks, Aside, names),
        Act::Cancel(tasks) => several("cancel", tasks, Vital, names),
        Act::Abort(tasks) => several("abort", tasks, Vital, names),
        Act::TooLate { abort, tasks } => {
            let verb = if *abort { "abort" } else { "cancel" };
            Phrase::new(format!("{verb} {} -> too late", names.list(tasks, 3)), Vital)
                .or("too late")
        }
        Act::Block { op, object, on, sleep } => blocked(*op, *object, *on, *sleep, names),
        Act::Touch { object, write } => {
            let verb = if *write { "set" } else { "get" };
            Phrase::new(format!("{verb} {:?}", names.object(*object)), Useful).or(verb)
        }
        Act::Left { op, object } => {
            let what =
                object.map_or_else(String::new, |object| format!(" {:?}", names.object(object)));
            Phrase::new(format!("left before {}{what}", op.name()), Needed).or("left")
        }
        Act::StillBlocked => Phrase::new("~".to_owned(), Needed),
        Act::Timeout(after) => Phrase::new(format!("timeout {}", human(*after)), Useful),
        Act::Busy(duration) => Phrase::new(format!("busy {}", human(*duration)), Needed),
        Act::Acquire { object, waited } => {
            let verb = match (waited, &*names.kind(*object)) {
                (true, _) => "got",
                (false, "Mutex" | "RwLock") => "lock",
                (false, _) => "take",
            };
            Phrase::new(format!("{verb} {:?}", names.object(*object)), Useful).or(verb)
        }
        Act::Release(object) => {
            let verb = match &*names.kind(*object) {
                "Mutex" | "RwLock" => "unlock",
                _ => "give back",
            };
            Phrase::new(format!("{verb} {:?}", names.object(*object)), Useful).or(verb)
        }
        Act::Thrown { why, outcome } => thrown(*why, *outcome),
        Act::Branch(nth) => {
            Phrase::new(format!("* select! tries branch {} first", nth + 1), Needed)
                .or(format!("* branch {}", nth + 1))
        }
        Act::End(End::Returned) => Phrase::new("done".to_owned(), Needed),
        Act::End(End::Cancelled) => Phrase::new("x cancelled".to_owned(), Needed).or("x"),
        Act::End(End::Panicked) => Phrase::new("! panicked".to_owned(), Needed).or("!"),
    }
}

/// What was done to some tasks; in short, to how many.
fn several(verb: &str, tasks: &[TaskId], weight: Weight, names: &Names<'_>) -> Phrase {
    let short = if tasks.len() == 1 { verb.to_owned() } else { format!("{verb} {}", tasks.len()) };
    Phrase::new(format!("{verb} {}", names.list(tasks, 3)), weight).or(short)
}

fn blocked(
    op: Op,
    object: Option<ObjectId>,
    on: Option<TaskId>,
    sleep: Option<u64>,
    names: &Names<'_>,
) -> Phrase {
    let verb = op.name();
    let phrase = |full: String| Phrase::new(full, Weight::Needed).or(format!("{verb}~"));
    match (op, object, on, sleep) {
        // It does not wait for anything but its turn.
        (Op::Yield, ..) => Phrase::new(verb.to_owned(), Weight::Needed),
        (Op::Unknown, ..) => phrase("await ?~".to_owned()).or("?~"),
        (_, Some(object), ..) => phrase(format!("{verb} {:?}~", names.object(object))),
        (_, _, Some(on), _) => phrase(format!("{verb} {}~", names.task(on))),
        (_, _, _, Some(sleep)) => phrase(format!("{verb} {}~", human(sleep))),
        _ => phrase(format!("{verb}~")),
    }
}

fn thrown(why: Why, outcome: Thrown) -> Phrase {
    let full = match (why, outcome) {
        (Why::TimedOut, Thrown::Ended) => "x timed out, cancelled",
        (Why::TimedOut, _) => "x timed out",
        (Why::Aborted, _) => "x aborted",
        (Why::NeverBegan, Thrown::Ended) => "x cancelled before it began",
        (_, Thrown::Ended) => "x cancelled",
        (_, Thrown::Caught) => "x cancel caught",
        (_, Thrown::Open) => "x cancel",
    };
    let short = match outcome {
        _ if why == Why::TimedOut => "x timeout",
        Thrown::Caught => "x caught",
        _ => "x",
    };
    Phrase::new(full.to_owned(), Weight::Needed).or(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_does_very_much_is_told_in_part() {
        let names = Names::new(&[], &[]);
        let acts: Vec<Act<'_>> = (0..100_000).map(|_| Act::Busy(1_000)).collect();
        let cell = Cell::new(&acts, false, &names);
        assert!(cell.full().contains("busy 1us; … 99,936 acts …; busy 1us"), "{}", cell.full());
        assert!(cell.fit(40, 5).len() <= 5);
    }

    #[test]
    fn words_go_before_marks_do() {
        let names = Names::new(&[], &[]);
        let wait = Act::Block { op: Op::Join, object: None, on: Some(TaskId(7)), sleep: None };
        let acts =
            [Act::Wake(vec![TaskId(3)]), Act::Spawn(vec![TaskId(7)]), Act::Note("read 100"), wait];
        let cell = Cell::new(&acts, true, &names);
        let fits = |columns| cell.fit(columns, 1).join("|");
        assert_eq!(fits(60), "* wake task-3; spawn task-7; read 100; join task-7~");
        assert_eq!(fits(50), "* spawn task-7; read 100; join task-7~");
        assert_eq!(fits(32), "* spawn; read 100; join task-7~");
        assert_eq!(fits(30), "* spawn; read 100; join~");
        assert_eq!(fits(20), "* read 100; join~");
        assert_eq!(fits(10), "* read…~");
        assert_eq!(cell.fit(16, 3), ["* spawn task-7;", "read 100;", "join task-7~"]);
        for (columns, most) in
            (2..60).flat_map(|columns| [(columns, 1), (columns, 2), (columns, 3)])
        {
            let lines = cell.fit(columns, most);
            assert!(
                lines.len() <= most && lines.iter().all(|line| width(line) <= columns),
                "{lines:?}"
            );
        }
    }
}
