//! Schedules for an input that has lost an item: its tasks have other numbers.
//!
//! A task without a name is called after its parent and as which child it was spawned (`main/5`).
//! Where an item has gone, its task has too, and those spawned after it move up by one.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::explore::NamedDeviation;

/// The schedules that this one may have become: in each, the children from some number on have
/// moved up.
pub(super) fn renumbered(deviations: &[NamedDeviation]) -> Vec<Vec<NamedDeviation>> {
    let names =
        deviations.iter().flat_map(|deviation| [&deviation.key.task, &deviation.choice.name]);
    let numbers: BTreeSet<u32> = names.filter_map(|name| Some(split(name)?.1)).collect();
    let moved = |from: u32| {
        let moved = deviations.iter().map(|deviation| {
            let mut moved = deviation.clone();
            moved.key.task = up(&deviation.key.task, from);
            moved.choice.name = up(&deviation.choice.name, from);
            moved
        });
        moved.collect()
    };
    numbers.into_iter().filter(|number| *number > 1).map(moved).collect()
}

/// `main/5` as `main` and 5.
fn split(name: &str) -> Option<(&str, u32)> {
    let (parent, number) = name.rsplit_once('/')?;
    Some((parent, number.parse().ok()?))
}

fn up(name: &Rc<str>, from: u32) -> Rc<str> {
    match split(name) {
        Some((parent, number)) if number >= from => format!("{parent}/{}", number - 1).into(),
        _ => Rc::clone(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::Token;

    #[test]
    fn children_move_up_from_each_number_on() {
        let token =
            |choices: &str| format!("sim1::0:{choices}:00000000").parse::<Token>().unwrap().named();
        let before = token("main/2@get.cell.1=main/5,clerk@start.1=main/2");
        assert_eq!(
            renumbered(&before),
            [
                token("main/1@get.cell.1=main/4,clerk@start.1=main/1"),
                token("main/2@get.cell.1=main/4,clerk@start.1=main/2"),
            ]
        );
        assert!(renumbered(&token("clerk@start.1=main/1")).is_empty());
    }
}
