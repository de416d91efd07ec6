//! `sim::select!`: every form of its grammar and every promise of its semantics.

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, Ready, pending, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::channel::{mpsc, oneshot};
use futures::stream::StreamExt;
use sim::Sim;

/// Completes after being polled `n` more times.
struct After(u32);

impl Future for After {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Writes its name when it is dropped.
struct Noted<F> {
    name: &'static str,
    log: Rc<RefCell<Vec<&'static str>>>,
    future: F,
}

impl<F: Future + Unpin> Future for Noted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        Pin::new(&mut self.future).poll(context)
    }
}

impl<F> Drop for Noted<F> {
    fn drop(&mut self) {
        self.log.borrow_mut().push(self.name);
    }
}

fn run<F, Fut>(program: F)
where
    F: FnOnce() -> Fut,
    Fut: Future + 'static,
    Fut::Output: 'static,
{
    Sim::new().run(program).unwrap();
}

fn pair<A, B>(a: A, b: B) -> (A, B) {
    (a, b)
}

#[test]
fn the_ready_branch_wins() {
    run(|| async {
        let value = sim::select! {
            value = ready(1) => value + 1,
            _ = pending::<()>() => 0,
        };
        assert_eq!(value, 2);
    });
}

#[test]
fn the_only_branch_needs_no_comma() {
    run(|| async {
        assert_eq!(sim::select! { value = ready(1) => value }, 1);
        assert_eq!(sim::select!(value = ready(2) => value), 2);
        assert_eq!(sim::select![value = ready(3) => { value }], 3);
    });
}

#[test]
fn blocks_need_no_comma() {
    run(|| async {
        let value = sim::select! {
            _ = pending::<()>() => { 0 }
            _ = pending::<()>() => { 1 },
            _ = pending::<()>() => 2,
            _ = pending::<()>(), if true => { 3 }
            _ = ready(()) => { 4 }
            else => { 5 }
        };
        assert_eq!(value, 4);
    });
}

#[test]
fn it_is_a_statement_and_a_tail() {
    async fn tail() -> u32 {
        sim::select! {
            value = ready(7) => value,
        }
    }
    run(|| async {
        let hits = Cell::new(0);
        sim::select! {
            () = ready(()) => hits.set(hits.get() + 1),
        }
        sim::select! {
            () = ready(()) => { hits.set(hits.get() + 1); }
        };
        assert_eq!(hits.get(), 2);
        assert_eq!(tail().await, 7);
    });
}

#[test]
fn biased_polls_as_written() {
    run(|| async {
        for _ in 0..20 {
            let value = sim::select! {
                biased;
                value = ready(0) => value,
                value = ready(1) => value,
                else => 2,
            };
            assert_eq!(value, 0);
        }
    });
}

#[test]
fn biased_is_also_a_name() {
    run(|| async {
        let value = sim::select! { biased = ready(1) => biased };
        assert_eq!(value, 1);
    });
}

#[test]
fn branches_wait_together() {
    run(|| async {
        let value = sim::select! {
            () = After(5) => 5,
            () = After(2) => 2,
            () = After(9) => 9,
        };
        assert_eq!(value, 2);
    });
}

#[test]
fn a_wake_from_another_branch_is_heard() {
    run(|| async {
        let (sender, receiver) = oneshot::channel::<u32>();
        let mut sender = Some(sender);
        let mut receiver = receiver;
        let value = loop {
            sim::select! {
                value = &mut receiver => break value.unwrap(),
                () = After(2), if sender.is_some() => sender.take().unwrap().send(3).unwrap(),
            }
        };
        assert_eq!(value, 3);
    });
}

#[test]
fn preconditions_come_first_and_expressions_are_always_evaluated() {
    run(|| async {
        let log = RefCell::new(Vec::new());
        let say = |text: &'static str| log.borrow_mut().push(text);
        sim::select! {
            () = { say("e0"); ready(()) }, if { say("c0"); false } => unreachable!(),
            () = { say("e1"); ready(()) } => say("h1"),
            () = { say("e2"); async { say("polled") } }, if { say("c2"); false } => unreachable!(),
        }
        assert_eq!(*log.borrow(), ["c0", "c2", "e0", "e1", "e2", "h1"]);
    });
}

#[test]
fn a_disabled_branch_is_not_polled() {
    run(|| async {
        let polled = Cell::new(false);
        let value = sim::select! {
            _ = async { polled.set(true) }, if 1 > 2 => 0,
            _ = After(3) => 1,
        };
        assert_eq!((value, polled.get()), (1, false));
    });
}

#[test]
fn a_mismatch_disables_the_branch() {
    run(|| async {
        let value = sim::select! {
            Some(value) = ready(None::<u32>) => value,
            Ok(value) = async { After(1).await; Err::<u32, ()>(()) } => value,
            () = After(4) => 4,
        };
        assert_eq!(value, 4);
    });
}

#[test]
fn else_runs_when_no_branch_is_left() {
    run(|| async {
        let value = sim::select! {
            Some(value) = ready(None::<u32>) => value,
            Ok(value) = async { After(1).await; Err::<u32, ()>(()) } => value,
            value = ready(3), if false => value,
            else => 9,
        };
        assert_eq!(value, 9);
        let value = sim::select! { _ = ready(()), if false => 0, else => 1 };
        assert_eq!(value, 1);
        assert_eq!(sim::select! { else => 2, }, 2);
        assert_eq!(sim::select! { biased; else => { 3 } }, 3);
    });
}

#[test]
fn without_else_it_panics() {
    let future = async {
        sim::select! {
            Some(()) = ready(None) => {}
            _ = ready(()), if false => {}
        }
    };
    // Driven by hand: a branch that is alone is never a decision.
    let mut future = Box::pin(future);
    let poll = std::panic::AssertUnwindSafe(|| {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let _ = future.as_mut().poll(&mut context);
    });
    let panic = std::panic::catch_unwind(poll).unwrap_err();
    let text = panic.downcast_ref::<&str>().unwrap();
    assert!(text.contains("sim::select!"), "{text}");
}

#[test]
fn all_futures_are_dropped_before_the_handler() {
    run(|| async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let noted = |name, future| Noted { name, log: Rc::clone(&log), future };
        sim::select! {
            biased;
            () = noted("first", After(9)) => {}
            () = noted("second", After(0)) => log.borrow_mut().push("handler"),
            () = noted("third", After(9)) => {}
            () = noted("disabled", After(0)), if false => {}
        }
        assert_eq!(*log.borrow(), ["first", "second", "third", "disabled", "handler"]);
    });
}

#[test]
fn handlers_use_what_expressions_borrowed() {
    async fn add(target: &mut Vec<u32>, value: u32) -> u32 {
        target.push(value);
        value
    }
    run(|| async {
        let mut one = vec![];
        let mut two = vec![];
        sim::select! {
            biased;
            value = add(&mut one, 1) => {
                one.push(value + 1);
                two.push(value + 2);
            }
            value = add(&mut two, 7) => {
                one.push(value);
                two.push(value);
            }
        }
        assert_eq!((one, two), (vec![1, 2], vec![3]));
    });
}

#[test]
fn handlers_leave_loops() {
    run(|| async {
        let (mut sender, mut receiver) = mpsc::channel::<u32>(8);
        for n in 0..6 {
            sender.try_send(n).unwrap();
        }
        let mut seen = vec![];
        let last = 'outer: loop {
            #[allow(clippy::never_loop)]
            loop {
                sim::select! {
                    Some(n) = receiver.next() => match n {
                        0 | 2 => continue,
                        1 => continue 'outer,
                        3 => break,
                        5 => break 'outer n,
                        _ => seen.push(n),
                    },
                    else => unreachable!(),
                }
            }
            seen.push(100);
        };
        assert_eq!((last, seen), (5, vec![100, 4]));
    });
}

#[test]
fn handlers_and_expressions_return_and_use_the_question_mark() {
    async fn handler(input: Result<u32, String>) -> Result<u32, String> {
        let value = sim::select! {
            value = ready(input) => value?,
            _ = pending::<()>() => return Ok(0),
        };
        Ok(value + 1)
    }
    async fn expression(input: Result<Ready<u32>, String>) -> Result<u32, String> {
        sim::select! {
            value = input? => Ok(value),
            else => Err("else".to_owned()),
        }
    }
    async fn precondition(input: Option<bool>) -> Option<u32> {
        sim::select! {
            value = ready(1), if input? => Some(value),
            else => Some(2),
        }
    }
    run(|| async {
        assert_eq!(handler(Ok(1)).await, Ok(2));
        assert_eq!(handler(Err("no".into())).await, Err("no".into()));
        assert_eq!(expression(Ok(ready(4))).await, Ok(4));
        assert_eq!(expression(Err("no".into())).await, Err("no".into()));
        assert_eq!(precondition(Some(true)).await, Some(1));
        assert_eq!(precondition(Some(false)).await, Some(2));
        assert_eq!(precondition(None).await, None);
    });
}

#[test]
fn handlers_and_expressions_await() {
    run(|| async {
        let value = sim::select! {
            value = ready(ready(1).await + 1), if ready(true).await => value + async { After(2).await; 1 }.await,
            _ = pending::<()>() => 0,
        };
        assert_eq!(value, 3);
    });
}

#[test]
fn selects_nest() {
    run(|| async {
        let value = sim::select! {
            value = async { sim::select! { inner = ready(1) => inner + 1, _ = pending::<()>() => 0 } } => {
                sim::select! {
                    Some(other) = ready(Some(10)) => other + value,
                    else => sim::select! { other = ready(3) => other },
                }
            }
            _ = pending::<()>() => 0,
        };
        assert_eq!(value, 12);
    });
}

enum Shape {
    Dot(u32),
    Line { from: u32, to: u32 },
    Nothing,
}

#[test]
fn patterns_of_every_kind() {
    const THREE: u32 = 3;
    let moved = || ready(Some(String::from("moved")));
    run(move || async move {
        sim::select! { Some(text) = moved() => assert_eq!(text, "moved"), else => unreachable!() }
        sim::select! { Some(mut text) = moved() => { text.push('!'); assert_eq!(text, "moved!"); } }
        sim::select! { Some(ref text) = moved() => assert_eq!(text, "moved") }
        sim::select! { Some(ref mut text) = moved() => { text.clear(); assert_eq!(*text, ""); } }
        sim::select! { mut text = ready(String::new()) => { text.push('a'); assert_eq!(text, "a"); } }
        sim::select! { Ok(mut n) = ready(Ok::<u32, ()>(1)) => { n += 1; assert_eq!(n, 2); } }
        sim::select! { whole @ Some(_) = moved() => assert!(whole.is_some()) }
        sim::select! { Plain(text) | Wrapped(Some(text)) = ready(Some(1)).into_result() => assert_eq!(text, 1), else => unreachable!() }
        sim::select! { Ok(n) | Err(n) = ready(Err::<u32, u32>(4)) => assert_eq!(n, 4) }
        sim::select! { | 1 | 2 = ready(2) => {} }
        sim::select! { 1..=5 = ready(5) => {} else => unreachable!() }
        sim::select! { ..=5=ready(6) => unreachable!(), else => {} }
        sim::select! { -1=ready(-1) => {} }
        sim::select! { _=ready(()) => {} }
        sim::select! { THREE = ready(4) => unreachable!(), n @ THREE = ready(3) => assert_eq!(n, 3) }
        sim::select! { Some(&n) = ready(Some(&5)) => assert_eq!(n, 5) }
        let owned = (1, String::new());
        sim::select! { &(a, ref b) = ready(&owned) => assert_eq!((a, b.len()), (1, 0)) }
        sim::select! { [first, .., last] = ready([1, 2, 3]) => assert_eq!((first, last), (1, 3)) }
        sim::select! { (a, _) = ready((String::from("a"), 1)) => assert_eq!(a, "a") }
        sim::select! { "yes" = ready("yes") => {} }
        sim::select! { Shape::Line { from, to: mut end } = ready(Shape::Line { from: 1, to: 2 }) => {
            end += from;
            assert_eq!(end, 3);
        } }
        sim::select! { Shape::Dot(n) = ready(Shape::Nothing) => assert_eq!(n, 0), else => {} }
        sim::select! { Shape::Dot(n) = ready(Shape::Dot(1)) => assert_eq!(n, 1), else => unreachable!() }
        sim::select! { Option::<Result<u32, ()>>::Some(Ok(n)) = ready(Some(Ok::<u32, ()>(1))) => assert_eq!(n, 1) }
        let mut number = 1;
        sim::select! { &mut ref mut n = ready(&mut number) => *n += 1 }
        sim::select! { Some(&mut n) = ready(Some(&mut number)) => assert_eq!(n, 2) }
    });
}

trait IntoOutcome<T> {
    fn into_result(self) -> Ready<OptionOrError<T>>;
}

use OptionOrError::{Err as Wrapped, Some as Plain};

enum OptionOrError<T> {
    Some(T),
    #[allow(dead_code)]
    Err(Option<T>),
}

impl<T> IntoOutcome<T> for Ready<Option<T>> {
    fn into_result(self) -> Ready<OptionOrError<T>> {
        ready(match self.into_inner() {
            Some(value) => Plain(value),
            None => Wrapped(None),
        })
    }
}

#[test]
fn commas_and_arrows_that_end_nothing() {
    struct Own<T>(T);
    trait Make<A, B> {
        fn make() -> u32;
    }
    impl Make<u32, (u8, u8)> for Own<u32> {
        fn make() -> u32 {
            6
        }
    }
    fn apply(f: impl Fn(u32, u32) -> u32) -> u32 {
        f(1, 2)
    }
    run(|| async {
        let pending = pending::<()>;
        let value = sim::select! {
            _ = pending() => pair::<u32, u32>(0, 0),
            value = ready(pair::<u32, u32>(1, 2)) => value,
        };
        assert_eq!(value, (1, 2));
        let value = sim::select! {
            (a, b) = ready::<(u32, Vec<Vec<u8>>)>((1, vec![])), if pair::<bool, u8>(true, 1).0 => pair::<u32, usize>(a, b.len()),
            _ = pending() => (0, 0),
        };
        assert_eq!(value, (1, 0));
        let value = sim::select! {
            _ = ready(()) => <Own<u32> as Make<u32, (u8, u8)>>::make(),
            _ = pending() => <Own::<u32> as Make<u32, (u8, u8)>>::make() + Own(1_u32).0,
        };
        assert_eq!(value, 6);
        let value = sim::select! {
            f = ready(|a: u32, b: u32| a + b) => apply(f),
            _ = pending() => 0,
        };
        assert_eq!(value, 3);
        let f: fn(u32, u32) -> (u32, u32) = sim::select! {
            _ = pending() => |a, b| -> (u32, u32) { (a, b) },
            _ = ready(()) => |a, b| (b, a),
            _ = pending() => pair::<u32, u32> as fn(u32, u32) -> (u32, u32),
        };
        assert_eq!(f(1, 2), (2, 1));
        let small = sim::select! {
            n = ready(1_u64) => n < 2 && n as u32 + 1 > 0 || n == 4,
            _ = pending() => 1 < 2,
            _ = pending() => true,
        };
        assert!(small);
        let mut total = 0;
        sim::select! {
            n = ready(2) => total += n,
            _ = pending() => total = 0,
        }
        let value = sim::select! {
            n = ready(1) => if n == 2 { 1 } else { 2 } + total,
            _ = pending() => match total { 0 => 1, _ => 2 },
            _ = pending() => 'a: { if total == 0 { break 'a 1 } 2 },
            _ = pending() => unsafe_free(|| total),
        };
        assert_eq!(value, 4);
    });
}

fn unsafe_free(f: impl FnOnce() -> u32) -> u32 {
    f()
}

#[test]
fn into_future_is_called() {
    struct Request(u32);
    impl IntoFuture for Request {
        type Output = u32;
        type IntoFuture = Ready<u32>;

        fn into_future(self) -> Ready<u32> {
            ready(self.0)
        }
    }
    run(|| async {
        assert_eq!(sim::select! { n = Request(3) => n, _ = pending::<()>() => 0 }, 3);
    });
}

#[test]
fn temporaries_of_expressions() {
    run(|| async {
        // One that is borrowed by the future lives on, …
        assert_eq!(sim::select! { n = &mut ready(3) => n }, 3);
        // … one that is not is gone before anything is polled.
        let cell = RefCell::new(1);
        let value = sim::select! {
            n = ready(*cell.borrow_mut()) => { *cell.borrow_mut() += n; *cell.borrow() }
            () = async { drop(cell.borrow_mut()); pending().await }, if *cell.borrow_mut() == 1 => 0,
        };
        assert_eq!(value, 2);
    });
}

#[test]
fn a_future_outlives_the_select_by_reference() {
    run(|| async {
        let mut slow = std::pin::pin!(async {
            After(6).await;
            7
        });
        let mut turns = 0;
        let value = loop {
            sim::select! {
                biased;
                value = &mut slow => break value,
                () = After(1) => turns += 1,
            }
        };
        assert_eq!(value, 7);
        assert!(turns > 0);
    });
}

#[test]
fn outputs_that_never_come() {
    run(|| async {
        let value = sim::select! {
            never = pending::<std::convert::Infallible>() => match never {},
            Ok(n) = ready(Ok::<u32, std::convert::Infallible>(1)) => n,
            _ = async { loop { pending::<()>().await } } => 2,
        };
        assert_eq!(value, 1);
    });
}

#[test]
fn names_do_not_clash() {
    #[derive(Debug, PartialEq)]
    enum Output {
        Branch0,
    }
    run(|| async {
        let enabled = 1;
        let (future_0, condition, context, value, matched) = (2, true, 3, 4, 5);
        let (output, rounds, round, branch) = (10, 20, 30, 40);
        let result = sim::select! {
            output = ready(output + enabled + future_0), if condition => {
                (output + context + value + matched + rounds + round + branch, Output::Branch0)
            }
            matched = pending::<u32>() => (matched, Output::Branch0),
        };
        assert_eq!(result, (115, Output::Branch0));
    });
}

#[test]
fn it_is_send_when_the_futures_are() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let cell = std::sync::Mutex::new(1);
    let future = is_send(async move {
        sim::select! {
            n = ready(*cell.lock().unwrap()) => { After(1).await; n }
            () = After(8), if *cell.lock().unwrap() == 1 => 0,
            else => ready(5).await,
        }
    });
    run(|| async move { assert_eq!(future.await, 1) });
}

macro_rules! wrapped {
    ($pattern:pat = $future:expr, if $condition:expr => $handler:expr; $block:block) => {
        sim::select! {
            $pattern = $future, if $condition => $handler,
            _ = pending::<()>() => $block
            _ = pending::<()>() => $block,
            else => $handler,
        }
    };
}

#[test]
fn parts_come_through_other_macros() {
    run(|| async {
        let value = wrapped!(Some(_) = ready(Some(1)), if true => 1 + 1; { 0 });
        assert_eq!(value, 2);
    });
}

struct Counter(u32);

impl Counter {
    async fn next<T: From<u32>>(&mut self) -> T {
        self.0 += 1;
        T::from(self.0)
    }

    async fn both<T: From<u32> + PartialEq>(&mut self) -> T {
        sim::select! {
            n = self.next::<T>() => { self.0 += 10; n }
            _ = pending::<T>() => T::from(self.0),
        }
    }
}

#[test]
fn self_and_generics() {
    run(|| async {
        let mut counter = Counter(0);
        assert_eq!(counter.both::<u64>().await, 1);
        assert_eq!(counter.0, 11);
    });
}

#[test]
fn sixty_four_branches() {
    run(|| async {
        let p = pending::<u32>;
        let value = sim::select! {
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n,
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n,
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n,
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n,
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n,
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n,
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n,
            n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = p() => n, n = ready(64) => n,
        };
        assert_eq!(value, 64);
    });
}

#[test]
fn the_future_is_about_as_large_as_its_branches() {
    async fn big() {
        let bytes = [0_u8; 1000];
        After(1).await;
        std::hint::black_box(&bytes);
    }
    let future = async {
        sim::select! { () = big() => {} () = big() => {} }
    };
    let size = size_of_val(&future);
    assert!(size < 2_500, "{size}");
}

#[test]
fn shifts_comparisons_and_disjunctions_end_where_they_end() {
    let outcome = Sim::new().run(|| async {
        let (a, b) = (true, false);
        sim::select! {
            biased;
            n = async { 1 }, if 1 << 2 == 4 && 3_u8 as u32 <= 2 => n,
            n = async { 2 }, if a || b => n | 8,
            n = async { 3 } => n,
        }
    });
    assert_eq!(outcome.unwrap().into_value(), 10);
}
