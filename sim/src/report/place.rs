//! Places in the source, as short as they stay clear.

use crate::trace::Place;

/// A place: of an await, or of a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot<'a> {
    pub(super) file: &'a str,
    line: u32,
    column: u32,
}

impl Spot<'static> {
    pub(super) fn of(place: Place) -> Self {
        Self { file: place.file(), line: place.line(), column: place.column() }
    }
}

impl<'a> Spot<'a> {
    /// Reads `file:line:column`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (rest, column) = text.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some(Self { file, line: line.parse().ok()?, column: column.parse().ok()? })
    }

    /// `:line:column`.
    pub(super) fn in_file(&self) -> String {
        format!(":{}:{}", self.line, self.column)
    }

    /// `file.rs:line:column`; with its folder where the file's name alone says nothing.
    pub(super) fn short(&self) -> String {
        format!("{}{}", short_file(self.file), self.in_file())
    }

    /// The whole path.
    pub(super) fn full(&self) -> String {
        format!("{}{}", self.file, self.in_file())
    }

    /// As short as it can be for a reader who has just read a place in `file`.
    pub(super) fn after(&self, file: Option<&str>) -> String {
        if file == Some(self.file) { self.in_file() } else { self.full() }
    }
}

fn short_file(file: &str) -> &str {
    let mut parts = file.rmatch_indices(['/', '\\']).map(|(at, _)| at + 1);
    let name = parts.next().unwrap_or(0);
    match &file[name..] {
        "mod.rs" | "lib.rs" | "main.rs" => &file[parts.next().unwrap_or(0)..],
        _ => &file[name..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shortened_from_the_left() {
        let spot = Spot::parse("scenarios/src/bank.rs:24:5").unwrap();
        assert_eq!((spot.in_file(), spot.short()), (":24:5".into(), "bank.rs:24:5".into()));
        assert_eq!(spot.after(Some("scenarios/src/bank.rs")), ":24:5");
        assert_eq!(spot.after(None), "scenarios/src/bank.rs:24:5");
        let module = Spot::parse("src/bank/mod.rs:1:2").unwrap();
        assert_eq!(module.short(), "bank/mod.rs:1:2");
        assert_eq!(Spot::parse("lib.rs:1:2").unwrap().short(), "lib.rs:1:2");
        assert_eq!(Spot::parse("nowhere"), None);
    }
}
