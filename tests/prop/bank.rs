//! The programs under test: banks that lose money, and one that does not.

use std::rc::Rc;

use sim::SimCell;

/// Makes every deposit in a task of its own; each reads, then writes. Gives the balance.
///
/// First-in-first-out nothing is lost: it takes one deviation, and two deposits.
pub(crate) async fn lossy(deposits: Vec<u32>) -> u32 {
    let balance = Rc::new(SimCell::new(0).named("balance"));
    let deposit = |amount: u32| {
        let balance = Rc::clone(&balance);
        sim::spawn(async move {
            let seen = balance.read().await;
            balance.write(seen + amount).await;
        })
    };
    for task in deposits.into_iter().map(deposit).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    balance.get()
}

/// The same as one access.
pub(crate) async fn sound(deposits: Vec<u32>) -> u32 {
    let balance = Rc::new(SimCell::new(0).named("balance"));
    let deposit = |amount: u32| {
        let balance = Rc::clone(&balance);
        sim::spawn(async move { balance.update(|held| *held += amount).await })
    };
    for task in deposits.into_iter().map(deposit).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    balance.get()
}

/// Fails where the balance is not the sum.
pub(crate) async fn loses_nothing(deposits: Vec<u32>) {
    let sum: u32 = deposits.iter().sum();
    assert_eq!(lossy(deposits).await, sum, "money was lost");
}

/// A transfer: from which account, to which, and how often it gives way in between.
pub(crate) type Transfer = (usize, usize, u8);

/// Locks both accounts of each transfer, in its own order: two opposite ones may lock each other
/// out.
pub(crate) async fn transfers(transfers: Vec<Transfer>) {
    let accounts: Rc<Vec<_>> = Rc::new((0..3).map(|_| sim::sync::Mutex::new(100)).collect());
    let transfer = |(from, to, pauses): Transfer| {
        let accounts = Rc::clone(&accounts);
        sim::spawn(async move {
            let mut from = accounts[from].lock().await;
            for _ in 0..pauses {
                sim::yield_now().await;
            }
            let mut to = accounts[to].lock().await;
            *from -= 1;
            *to += 1;
        })
    };
    let transfers = transfers.into_iter().filter(|(from, to, _)| from != to);
    for task in transfers.map(transfer).collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Fails where a task sees a number grow between three reads of it, twice.
pub(crate) async fn growing(steps: Vec<u32>) {
    let cell = Rc::new(sim::SimCell::new(0u32).named("cell"));
    let watched = Rc::clone(&cell);
    let watcher = sim::spawn(async move {
        let first = watched.read().await;
        let second = watched.read().await;
        let third = watched.read().await;
        assert!(!(first < second && second < third), "seen growing twice");
    });
    let write = |step| {
        let cell = Rc::clone(&cell);
        sim::spawn(async move { cell.update(|held| *held += step).await })
    };
    let writers: Vec<_> = steps.into_iter().map(write).collect();
    watcher.await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
}
