//! The token: a failing schedule as one line that can be pasted into a shell.

use core::fmt;
use core::str::FromStr;
use std::rc::Rc;

use super::deviations::NamedDeviation;
use super::labels::{ChoiceKey, ChoiceName};
use crate::run::Origin;

/// A schedule as one line: `sim1:<what>:<seed>:<choices>:<fingerprint>`.
///
/// It holds the seed, the deviations from first-in-first-out, each named by what was done last
/// before it (`task@operation.n=choice`), and a fingerprint of the run. It contains no character
/// that a shell takes notice of.
///
/// Replayed on the same program, it gives the same run; on an edited one, its deviations are made
/// where they still have a place, and the replay says that it drifted.
///
/// # Examples
///
/// ```
/// use sim::explore::Token;
///
/// let token: Token = "sim1:bank/bad:2a:A@get.balance.1=B:9f3c01ab".parse()?;
/// assert_eq!((token.what(), token.seed(), token.deviations()), ("bank/bad", 0x2a, 1));
/// assert_eq!(token.to_string(), "sim1:bank/bad:2a:A@get.balance.1=B:9f3c01ab");
/// # Ok::<(), sim::explore::TokenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    what: String,
    seed: u64,
    // In the order of the run.
    choices: Vec<Choice>,
    fingerprint: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Choice {
    task: String,
    label: String,
    nth: u32,
    picked: String,
    twin: u32,
}

/// Longest token that is read.
const LONGEST: usize = 1 << 20;

impl Token {
    pub(crate) fn new(
        what: &str,
        seed: u64,
        deviations: &[NamedDeviation],
        fingerprint: u32,
    ) -> Self {
        let choices = deviations.iter().map(|NamedDeviation { key, choice }| Choice {
            task: key.task.to_string(),
            label: key.label.to_string(),
            nth: key.nth,
            picked: choice.name.to_string(),
            twin: choice.twin,
        });
        Self { what: what.to_owned(), seed, choices: choices.collect(), fingerprint }
    }

    /// The scenario and variant, or the test; empty where nobody said.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The seed of the run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How often the schedule departs from first-in-first-out.
    #[must_use]
    pub fn deviations(&self) -> usize {
        self.choices.len()
    }

    /// The low half of the run's digest.
    #[must_use]
    pub fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    /// Each choice in words a person can read.
    pub fn describe(&self) -> impl Iterator<Item = String> {
        self.choices.iter().map(|Choice { task, label, nth, picked, .. }| match task.as_str() {
            "" if label == "begin" => format!("{picked} runs first"),
            "" => format!("of the timers due at {label} ns, {picked}'s fires first"),
            task if label == "select" => {
                format!("the {} `select!` of {task} polls branch {picked} first", Ordinal(*nth))
            }
            task if *nth == 1 => format!("after {task}'s {label}, {picked} runs"),
            task => format!("after {task}'s {label} (the {} time), {picked} runs", Ordinal(*nth)),
        })
    }

    /// What the report of its run says of where it comes from; `run` in words.
    pub(crate) fn origin(&self, run: String) -> Origin {
        let schedule = match self.deviations() {
            0 => vec!["first-in-first-out".to_owned()],
            _ => core::iter::once("first-in-first-out, except:".to_owned())
                .chain(self.describe())
                .collect(),
        };
        let replay = vec![format!("SIM_REPLAY='{self}'")];
        Origin {
            what: self.what.clone(),
            run,
            input: Vec::new(),
            replay,
            pin: Vec::new(),
            schedule,
        }
    }

    pub(crate) fn named(&self) -> Vec<NamedDeviation> {
        let named = self.choices.iter().map(|choice| NamedDeviation {
            key: ChoiceKey {
                task: Rc::from(&*choice.task),
                label: Rc::from(&*choice.label),
                nth: choice.nth,
            },
            choice: ChoiceName { name: Rc::from(&*choice.picked), twin: choice.twin },
        });
        named.collect()
    }

    /// The same schedule of a program of another name.
    #[must_use]
    pub fn of(mut self, what: impl AsRef<str>) -> Self {
        what.as_ref().clone_into(&mut self.what);
        self
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sim1:{}:{:x}:", Encoded(&self.what), self.seed)?;
        for (index, choice) in self.choices.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let Choice { task, label, nth, picked, twin } = choice;
            write!(f, "{}@{}.{nth}={}", Encoded(task), Encoded(label), Encoded(picked))?;
            // Which of a task's timers.
            if *twin > 1 {
                write!(f, "@{twin}")?;
            }
        }
        write!(f, ":{:08x}", self.fingerprint)
    }
}

/// `1st`, `2nd`, …
struct Ordinal(u32);

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match (self.0 % 10, self.0 % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        write!(f, "{}{suffix}", self.0)
    }
}

/// A name in the token's alphabet.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"._/+-".contains(&byte) {
                write!(f, "{}", byte as char)?;
            } else {
                write!(f, "%{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Says why a token cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    message: String,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not a token: {}; a token is `sim1:<what>:<seed>:<choices>:<fingerprint>`, as a \
             failure prints it",
            self.message
        )
    }
}

impl core::error::Error for TokenError {}

fn wrong(message: impl Into<String>) -> TokenError {
    TokenError { message: message.into() }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        // As it is printed, so that the whole line may be pasted.
        let text = text.trim();
        let text = text.strip_prefix("SIM_REPLAY=").unwrap_or(text);
        let text = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
        if text.len() > LONGEST {
            return Err(wrong(format!("it is longer than {LONGEST} bytes")));
        }
        let mut parts = text.split(':');
        let mut part = |name: &str| parts.next().ok_or_else(|| wrong(format!("{name} is missing")));
        match part("the version")? {
            "sim1" => {}
            other if other.starts_with("sim") && other.len() < 8 => {
                return Err(wrong(format!(
                    "its version is {other:?}, this program reads \"sim1\""
                )));
            }
            _ => return Err(wrong("it does not begin with \"sim1:\"")),
        }
        let what = decoded(part("what it is of")?)?;
        let seed = part("the seed")?;
        let choices = part("the list of choices")?;
        let fingerprint = part("the fingerprint")?;
        if parts.next().is_some() {
            return Err(wrong("it has too many parts"));
        }
        let seed = (!seed.is_empty() && seed.len() <= 16)
            .then(|| u64::from_str_radix(seed, 16).ok())
            .flatten()
            .filter(|_| !seed.starts_with('+'))
            .ok_or_else(|| wrong(format!("the seed {seed:?} is no hexadecimal number")))?;
        let fingerprint = (fingerprint.len() == 8 && !fingerprint.starts_with('+'))
            .then(|| u32::from_str_radix(fingerprint, 16).ok())
            .flatten()
            .ok_or_else(|| {
                wrong(format!("the fingerprint {fingerprint:?} is not 8 hexadecimal digits"))
            })?;
        let choices = match choices {
            "" => Vec::new(),
            choices => choices.split(',').map(choice).collect::<Result<_, _>>()?,
        };
        Ok(Self { what, seed, choices, fingerprint })
    }
}

fn choice(text: &str) -> Result<Choice, TokenError> {
    let wrong_choice =
        || wrong(format!("{text:?} is no choice of the form `task@operation.n=choice`"));
    let (key, picked) = text.split_once('=').ok_or_else(wrong_choice)?;
    let (task, place) = key.split_once('@').ok_or_else(wrong_choice)?;
    let (label, nth) = place.rsplit_once('.').ok_or_else(wrong_choice)?;
    let number = |digits: &str| {
        digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let nth = number(nth).filter(|nth| *nth > 0).ok_or_else(wrong_choice)?;
    let (picked, twin) = match picked.split_once('@') {
        Some((picked, twin)) => {
            (picked, number(twin).filter(|twin| *twin > 1).ok_or_else(wrong_choice)?)
        }
        None => (picked, 1),
    };
    if label.is_empty() || picked.is_empty() {
        return Err(wrong_choice());
    }
    let (task, label, picked) = (decoded(task)?, decoded(label)?, decoded(picked)?);
    Ok(Choice { task, label, nth, picked, twin })
}

fn decoded(text: &str) -> Result<String, TokenError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| (digit as char).to_digit(16));
                let (high, low) = (digit(), digit());
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(wrong(format!(
                        "{text:?} has a `%` without two hexadecimal digits"
                    )));
                };
                bytes.push((high * 16 + low) as u8);
            }
            byte if byte.is_ascii_alphanumeric() || b"._/+-".contains(&byte) => bytes.push(byte),
            byte => {
                return Err(wrong(format!("{:?} stands in {text:?}", byte as char)));
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong(format!("{text:?} is no UTF-8")))
}
