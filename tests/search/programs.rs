//! Small programs with known bugs.

use std::cell::Cell;
use std::rc::Rc;

use sim::SimCell;

/// Two tasks read, let others run, and write: an update is lost, through state nobody declared.
pub(crate) async fn lost_update_undeclared() {
    let count = Rc::new(Cell::new(0));
    let add = |name| {
        let count = Rc::clone(&count);
        let add = async move {
            let seen = count.get();
            sim::schedule_point().await;
            count.set(seen + 1);
        };
        sim::spawn(add).named(name)
    };
    let (a, b) = (add("a"), add("b"));
    a.await.unwrap();
    b.await.unwrap();
    assert_eq!(count.get(), 2, "an update was lost");
}

/// The same in one step each: no schedule loses anything.
pub(crate) async fn no_lost_update() {
    let count = Rc::new(Cell::new(0));
    let add = |name| {
        let count = Rc::clone(&count);
        let add = async move {
            sim::schedule_point().await;
            count.set(count.get() + 1);
        };
        sim::spawn(add).named(name)
    };
    let (a, b) = (add("a"), add("b"));
    a.await.unwrap();
    b.await.unwrap();
    assert_eq!(count.get(), 2);
}

/// `setters` write `a = 1; b = -1`, a checker wants to see both or neither; it fails where one has
/// written `a` and none has written `b` (SCTBench's reorder).
pub(crate) async fn reorder(setters: usize) {
    let a = Rc::new(SimCell::new(0).named("a"));
    let b = Rc::new(SimCell::new(0).named("b"));
    let mut tasks = Vec::new();
    for nth in 0..setters {
        let (a, b) = (Rc::clone(&a), Rc::clone(&b));
        let set = async move {
            a.write(1).await;
            b.write(-1).await;
        };
        tasks.push(sim::spawn(set).named(format!("setter{nth}")));
    }
    let check = async move {
        let neither = a.read().await == 0 && b.read().await == 0;
        let both = neither || (a.read().await == 1 && b.read().await == -1);
        assert!(both, "half of it was seen");
    };
    tasks.push(sim::spawn(check).named("checker"));
    for task in tasks {
        task.await.unwrap();
    }
}

/// Two locks, taken in two orders.
pub(crate) async fn deadlock() {
    let a = Rc::new(sim::sync::Mutex::new(()).named("a"));
    let b = Rc::new(sim::sync::Mutex::new(()).named("b"));
    let take = |name, first: &Rc<sim::sync::Mutex<()>>, second: &Rc<sim::sync::Mutex<()>>| {
        let (first, second) = (Rc::clone(first), Rc::clone(second));
        let take = async move {
            let _first = first.lock().await;
            sim::schedule_point().locking(&*second).await;
            let _second = second.lock().await;
        };
        sim::spawn(take).named(name)
    };
    let (x, y) = (take("x", &a, &b), take("y", &b, &a));
    x.await.unwrap();
    y.await.unwrap();
}

/// `tasks` tasks with one step each, and no bug.
pub(crate) async fn independent(tasks: usize) {
    let tasks: Vec<_> = (0..tasks).map(|_| sim::spawn(async {})).collect();
    for task in tasks {
        task.await.unwrap();
    }
}
