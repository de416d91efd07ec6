//! Virtual times as people say them.

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Writes a time or duration in nanoseconds: `0ms`, `250us`, `1.5s`, `2m 3s`, `30d`.
///
/// At most three decimals: what is finer is cut off, not rounded, so that a time never reads as
/// later than it is.
pub(super) fn human(ticks: u64) -> String {
    match ticks {
        0 => "0ms".to_owned(),
        u64::MAX => "forever".to_owned(),
        1..1_000 => format!("{ticks}ns"),
        1_000..1_000_000 => decimal(ticks, 1_000, "us"),
        1_000_000..SECOND => decimal(ticks, 1_000_000, "ms"),
        SECOND..MINUTE => decimal(ticks, SECOND, "s"),
        _ => clock(ticks),
    }
}

fn decimal(ticks: u64, unit: u64, suffix: &str) -> String {
    let thousandths = ticks % unit * 1_000 / unit;
    if thousandths == 0 {
        return format!("{}{suffix}", ticks / unit);
    }
    let digits = format!("{thousandths:03}");
    format!("{}.{}{suffix}", ticks / unit, digits.trim_end_matches('0'))
}

fn clock(ticks: u64) -> String {
    let mut parts = Vec::new();
    for (count, suffix) in
        [(ticks / DAY, "d"), (ticks % DAY / HOUR, "h"), (ticks % HOUR / MINUTE, "m")]
    {
        if count > 0 {
            parts.push(format!("{count}{suffix}"));
        }
    }
    let rest = ticks % MINUTE;
    // Beyond a day nobody counts milliseconds, and a column of them would be wide.
    let rest = if ticks < DAY { rest } else { rest / SECOND * SECOND };
    if rest >= 1_000_000 {
        parts.push(decimal(rest, SECOND, "s"));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let cases = [
            (0, "0ms"),
            (7, "7ns"),
            (2_500, "2.5us"),
            (5_000_000, "5ms"),
            (12_345_678, "12.345ms"),
            (1_500_000_000, "1.5s"),
            (59_999_999_999, "59.999s"),
            (MINUTE, "1m"),
            (123 * SECOND, "2m 3s"),
            (HOUR + 3 * SECOND + 40_000_000, "1h 3.04s"),
            (30 * DAY, "30d"),
            (DAY + SECOND + 5, "1d 1s"),
            (u64::MAX, "forever"),
        ];
        for (ticks, text) in cases {
            assert_eq!(human(ticks), text, "{ticks}ns");
        }
    }
}
