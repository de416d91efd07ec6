//! The arguments of a property: a tuple, told by names.

use core::fmt::Debug;

/// A tuple of one to twelve inputs.
pub trait Inputs: Clone + Debug + Send + Sync + 'static {
    /// Writes down each under its name.
    fn describe(&self, names: &[&str]) -> Vec<String>;
}

/// Longest value that stands on one line.
const LINE: usize = 70;

fn line(names: &[&str], nth: usize, value: &dyn Debug) -> Vec<String> {
    let name = names.get(nth).copied().unwrap_or("_");
    let text = format!("{value:?}");
    if text.len() <= LINE {
        return vec![format!("{name} = {text}")];
    }
    format!("{name} = {value:#?}").lines().map(str::to_owned).collect()
}

macro_rules! tuples {
    ($($input:ident $nth:tt),+) => {
        impl<$($input: Clone + Debug + Send + Sync + 'static),+> Inputs for ($($input,)+) {
            fn describe(&self, names: &[&str]) -> Vec<String> {
                [$(line(names, $nth, &self.$nth)),+].concat()
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
