//! JSON, as much of it as reports need: a value, its text, and its text read again.

use core::fmt;

/// A JSON value. Numbers are whole: reports have no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Json::Text(text.into())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Map(entries) => {
                entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(crate) fn as_number(&self) -> Option<u64> {
        match self {
            Json::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Json]> {
        match self {
            Json::List(list) => Some(list),
            _ => None,
        }
    }

    /// Reads a text; the error says at which byte it stops to be one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
        let value = reader.value(0)?;
        reader.blank();
        match reader.at == text.len() {
            true => Ok(value),
            false => Err(reader.wrong("something stands behind the value")),
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Number(number) => write!(f, "{number}"),
            Json::Text(text) => quoted(text, f),
            Json::List(list) => {
                f.write_str("[")?;
                for (index, value) in list.iter().enumerate() {
                    write!(f, "{}{value}", if index > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Json::Map(entries) => {
                f.write_str("{")?;
                for (index, (name, value)) in entries.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    quoted(name, f)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            // Line separators end a line for some readers of JSON lines.
            c if c < ' ' || matches!(c, '\u{7f}' | '\u{2028}' | '\u{2029}') => {
                write!(f, "\\u{:04x}", u32::from(c))?;
            }
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// Deepest nesting that is read: ours is four.
const DEEPEST: usize = 32;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> String {
        format!("{what}, at byte {}", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(text.as_bytes());
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth == DEEPEST {
            return Err(self.wrong("it is nested too deeply"));
        }
        self.blank();
        match self.peek() {
            Some(b'{') => {
                let mut entries = Vec::new();
                self.items(b'}', |reader| {
                    let name = reader.string()?;
                    reader.blank();
                    if !reader.take(":") {
                        return Err(reader.wrong("a colon is missing"));
                    }
                    let value = reader.value(depth + 1)?;
                    entries.push((name, value));
                    Ok(())
                })?;
                Ok(Json::Map(entries))
            }
            Some(b'[') => {
                let mut list = Vec::new();
                self.items(b']', |reader| {
                    list.push(reader.value(depth + 1)?);
                    Ok(())
                })?;
                Ok(Json::List(list))
            }
            Some(b'"') => self.string().map(Json::Text),
            Some(b'0'..=b'9') => {
                let start = self.at;
                while matches!(self.peek(), Some(b'0'..=b'9')) {
                    self.at += 1;
                }
                if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
                    return Err(self.wrong("the number is not whole"));
                }
                let digits = core::str::from_utf8(&self.bytes[start..self.at]).ok();
                digits
                    .and_then(|digits| digits.parse().ok())
                    .map(Json::Number)
                    .ok_or_else(|| self.wrong("the number is too large"))
            }
            _ if self.take("null") => Ok(Json::Null),
            _ if self.take("true") => Ok(Json::Bool(true)),
            _ if self.take("false") => Ok(Json::Bool(false)),
            _ => Err(self.wrong("a value is missing")),
        }
    }

    /// Reads what stands between brackets, the opening one being next.
    fn items(
        &mut self,
        end: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blank();
            item(self)?;
            self.blank();
            match self.peek() {
                Some(byte) if byte == end => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b',') => self.at += 1,
                _ => return Err(self.wrong("a comma or a closing bracket is missing")),
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.take("\"") {
            return Err(self.wrong("a quotation mark is missing"));
        }
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.wrong("a text does not end"));
            };
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    let c = self.escape()?;
                    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte => text.push(byte),
            }
        }
        // The input is a `str`, and cut only at ASCII.
        String::from_utf8(text).map_err(|_| self.wrong("a text is no UTF-8"))
    }

    fn escape(&mut self) -> Result<char, String> {
        let byte = self.peek();
        self.at += 1;
        Ok(match byte {
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                let first = self.four()?;
                let code = match first {
                    0xd800..=0xdbff if self.take("\\u") => {
                        let low = self.four()?.checked_sub(0xdc00).filter(|low| *low < 0x400);
                        let low = low.ok_or_else(|| self.wrong("half a pair is missing"))?;
                        0x1_0000 + ((first - 0xd800) << 10) + low
                    }
                    code => code,
                };
                char::from_u32(code).ok_or_else(|| self.wrong("an escape is no character"))?
            }
            _ => return Err(self.wrong("an escape is not known")),
        })
    }

    fn four(&mut self) -> Result<u32, String> {
        let digits = self.bytes.get(self.at..self.at + 4);
        let code = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.wrong("an escape is cut off"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_it_was_written() {
        let value = Json::Map(vec![
            ("a \"name\"\n".to_owned(), Json::text("ü\u{2028}\\\u{1}𝄞")),
            ("list".to_owned(), Json::List(vec![Json::Null, Json::Bool(true), Json::Number(7)])),
            ("empty".to_owned(), Json::Map(Vec::new())),
            ("most".to_owned(), Json::Number(u64::MAX)),
        ]);
        let text = value.to_string();
        assert!(!text.contains('\n'));
        assert_eq!(Json::parse(&text), Ok(value));
        let spaced = Json::parse(" { \"a\" : [ 1 , \"\\ud834\\udd1e\\/\" ] } ").unwrap();
        assert_eq!(spaced.to_string(), "{\"a\":[1,\"𝄞/\"]}");
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for text in [
            "",
            "{",
            "[1",
            "[1,",
            "\"",
            "\"\\",
            "\"\\u12",
            "\"\\ud834\\u0000\"",
            "{\"a\"}",
            "1 2",
            "1.5",
            "99999999999999999999",
            "nul",
            "{1:2}",
            "[1}",
            "\"\\x\"",
        ] {
            let error = Json::parse(text).unwrap_err();
            assert!(error.contains(", at byte "), "{text}: {error}");
        }
        assert!(Json::parse(&"[".repeat(100_000)).unwrap_err().contains("too deeply"));
    }
}
