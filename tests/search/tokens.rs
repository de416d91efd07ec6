//! A token replays, or says that it drifted; whatever is no token is refused in one line.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use sim::explore;
use sim::explore::{Fit, Token, replay};

use crate::programs::{deadlock, lost_update_undeclared, reorder};

#[test]
fn a_token_replays_exactly() {
    let report = explore(|| reorder(4)).what("search/reorder").runs(2_000).run();
    let found = report.failure().unwrap();
    let line = found.token().to_string();
    assert!(line.starts_with("sim1:search/reorder:"), "{line}");
    let token: Token = line.parse().unwrap();
    let again = replay(|| reorder(4), &token);
    assert_eq!(again.fit(), Fit::Exact);
    let failure = again.failure().unwrap();
    assert_eq!(failure.digest(), found.failure().digest());
    assert!(failure.to_string().contains(&format!("SIM_REPLAY='{line}'")), "{failure}");
}

#[test]
fn a_token_survives_an_await_more_in_every_task() {
    let edited = || async {
        let a = Rc::new(sim::sync::Mutex::new(()).named("a"));
        let b = Rc::new(sim::sync::Mutex::new(()).named("b"));
        let take = |name, first: &Rc<sim::sync::Mutex<()>>, second: &Rc<sim::sync::Mutex<()>>| {
            let (first, second) = (Rc::clone(first), Rc::clone(second));
            sim::spawn(async move {
                sim::yield_now().await;
                let _first = first.lock().await;
                sim::schedule_point().locking(&*second).await;
                let _second = second.lock().await;
            })
            .named(name)
        };
        let (x, y) = (take("x", &a, &b), take("y", &b, &a));
        x.await.unwrap();
        y.await.unwrap();
    };
    let report = explore(deadlock).runs(500).run();
    let found = report.failure().unwrap();
    let again = replay(edited, found.token());
    assert!(again.failure().is_some(), "{again}");
    assert_eq!(again.fit(), Fit::Drifted { applied: 1, of: 1 });
}

#[test]
fn a_fixed_program_passes_and_is_said_to_have_changed() {
    let report = explore(lost_update_undeclared).runs(500).run();
    let again = replay(crate::programs::no_lost_update, report.failure().unwrap().token());
    again.assert_ok();
    assert!(matches!(again.fit(), Fit::Drifted { .. }));
    assert!(again.to_string().starts_with("sim: DIVERGED"), "{again}");
}

#[test]
fn hostile_names_stand_in_a_token() {
    let program = || async {
        let seen = Rc::new(Cell::new(0));
        let tasks: Vec<_> = ["a:b,c=d@e.1'", "\u{202e}Ω ", "", "a:b,c=d@e.1'"]
            .into_iter()
            .map(|name| {
                let seen = Rc::clone(&seen);
                sim::spawn(async move {
                    let before = seen.get();
                    sim::schedule_point().await;
                    seen.set(before + 1);
                })
                .named(name)
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(seen.get(), 4);
    };
    for seed in 0..30 {
        let report = explore(program).policy(sim::Policy::Random).seed(seed).runs(200).run();
        let found = report.failure().unwrap();
        let line = found.token().to_string();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._/@=,:%+-".contains(c);
        assert!(line.chars().all(allowed), "{line}");
        let again = replay(program, &line.parse().unwrap());
        assert_eq!(again.fit(), Fit::Exact, "{line}");
    }
}

#[test]
fn what_is_no_token_is_refused_with_the_reason() {
    for (text, reason) in [
        ("", "does not begin"),
        ("hello", "does not begin"),
        ("sim2:x:0::00000000", "version"),
        ("sim1:x", "seed is missing"),
        ("sim1:x:zz::00000000", "no hexadecimal"),
        ("sim1:x:+1::00000000", "no hexadecimal"),
        ("sim1:x:0::0000", "8 hexadecimal"),
        ("sim1:x:0::00000000:more", "too many"),
        ("sim1:x:0:a=b:00000000", "no choice"),
        ("sim1:x:0:a@b.0=c:00000000", "no choice"),
        ("sim1:x:0:a@b.1=:00000000", "no choice"),
        ("sim1:x%2:0::00000000", "two hexadecimal"),
        ("sim1:x%ff:0::00000000", "UTF-8"),
        ("sim1:x y:0::00000000", "stands in"),
    ] {
        let error = text.parse::<Token>().unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains('\n'), "{text:?}: {error}");
    }
    let line = "SIM_REPLAY='sim1:x:2a:a@b.c.1=d:00ff00ff'";
    assert_eq!(line.parse::<Token>().unwrap().seed(), 0x2a, "as it is printed");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = text.parse::<Token>();
    }

    #[test]
    fn damaged_tokens_are_read_or_refused(at in 0..60_usize, byte in 0x20..0x7f_u8) {
        let token = "sim1:bank/bad:2a:A@get.balance.1=B,@5000000.2=t%202@3:9f3c01ab";
        let mut damaged = token.as_bytes().to_vec();
        let at = at % damaged.len();
        damaged[at] = byte;
        let damaged = String::from_utf8(damaged).unwrap();
        if let Ok(token) = damaged.parse::<Token>() {
            // What is read is written as something that reads the same.
            let again: Token = token.to_string().parse().unwrap();
            prop_assert_eq!(again, token);
        }
    }

    #[test]
    fn tokens_of_random_failures_replay_exactly(seed in 0..1_000_000_u64) {
        let report =
            explore(|| reorder(2)).policy(sim::Policy::Random).seed(seed).runs(300).run();
        if let Some(found) = report.failure() {
            let again = replay(|| reorder(2), &found.token().to_string().parse().unwrap());
            prop_assert_eq!(again.fit(), Fit::Exact);
        }
    }
}
