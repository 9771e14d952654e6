//! Figures as people read them.

use std::path::Path;
use std::time::Duration;

/// What stands where there is no figure.
pub const NONE: &str = "–";

/// A time in milliseconds: two decimals below ten, one below a hundred, none above.
pub fn milliseconds(ms: f32) -> String {
    match ms {
        ms if !ms.is_finite() => NONE.to_owned(),
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.0} ms"),
    }
}

/// A number of bytes in decimal units (1 MB = 1 000 000 bytes), as file managers say it.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (size, unit) in UNITS {
        if bytes >= size {
            let value = bytes as f64 / size as f64;
            return if value < 100.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") };
        }
    }
    format!("{bytes} B")
}

/// A rate a second.
pub fn rate(per_second: Option<f32>) -> String {
    per_second.filter(|rate| rate.is_finite()).map_or_else(|| NONE.to_owned(), |rate| format!("{rate:.1}"))
}

/// A share 0…1 with three decimals, as papers print AP.
pub fn share(value: f32) -> String {
    if value.is_finite() { format!("{value:.3}") } else { NONE.to_owned() }
}

/// A whole number in groups of three.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A position as minutes and seconds, with hours where there are some.
pub fn position(position: Duration) -> String {
    let seconds = position.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// The last part of a path, or all of it where it has no name.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A name of at most `longest` characters; the middle gives way to an ellipsis, because both the start and the
/// ending of a file name tell something.
pub fn shortened(name: &str, longest: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= longest || longest < 3 {
        return name.to_owned();
    }
    let tail = (longest - 1) / 2;
    let head = longest - 1 - tail;
    let (start, end) = (&characters[..head], &characters[characters.len() - tail..]);
    start.iter().chain(['…'].iter()).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(milliseconds(1.234), "1.23 ms");
        assert_eq!(milliseconds(12.34), "12.3 ms");
        assert_eq!(milliseconds(123.4), "123 ms");
        assert_eq!(milliseconds(f32::NAN), NONE);
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_650_000), "3.6 MB");
        assert_eq!(bytes(250_000_000), "250 MB");
        assert_eq!(rate(Some(29.96)), "30.0");
        assert_eq!(rate(None), NONE);
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(position(Duration::from_secs(75)), "1:15");
        assert_eq!(position(Duration::from_secs(3_675)), "1:01:15");
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened("short.onnx", 20), "short.onnx");
        let name = shortened("a_very_long_model_name_of_a_detector.int8.onnx", 21);
        assert_eq!(name, "a_very_lon….int8.onnx");
        assert_eq!(name.chars().count(), 21);
        assert_eq!(shortened("äöüäöüäöü", 5).chars().count(), 5);
    }
}
