//! Figures, names and dates as people read them.

use std::collections::BTreeMap;
use std::path::Path;

/// What stands where there is no figure.
pub const NONE: &str = "–";

/// "0.332"; a dash where there is none.
pub fn figure(value: Option<f64>) -> String {
    number(value, 3)
}

/// A number with so many decimals; a dash where there is none.
pub fn number(value: Option<f64>, decimals: usize) -> String {
    let finite = value.filter(|value| value.is_finite());
    finite.map_or_else(|| NONE.to_owned(), |value| with_minus(format!("{value:.decimals$}")))
}

/// "+0.004", "−0.001", "0.000".
pub fn signed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = with_minus(format!("{value:+.decimals$}"));
    let is_zero = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    if is_zero { text.trim_start_matches(['+', '−']).to_owned() } else { text }
}

/// A proper minus: a hyphen is short and breaks lines.
fn with_minus(text: String) -> String {
    text.replacen('-', "−", 1)
}

/// "99.8 %".
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{} %", number(Some(share * 100.0), 1)) } else { NONE.to_owned() }
}

/// "[−0.006, +0.004]".
pub fn signed_interval([from, to]: [f64; 2]) -> String {
    format!("[{}, {}]", signed(from, 3), signed(to, 3))
}

/// "[0.951, 0.977]".
pub fn interval([from, to]: [f64; 2], decimals: usize) -> String {
    format!("[{}, {}]", number(Some(from), decimals), number(Some(to), decimals))
}

/// Milliseconds with as many digits as they are worth: "9.81", "104.2", "2310".
pub fn milliseconds(value: f32) -> String {
    let decimals = match value {
        value if value < 100.0 => 2,
        value if value < 1000.0 => 1,
        _ => 0,
    };
    number(Some(f64::from(value)), decimals)
}

/// "3.6 MB".
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        small if small < 1e6 => format!("{:.0} kB", small / 1e3),
        middle if middle < 1e9 => format!("{:.1} MB", middle / 1e6),
        large => format!("{:.2} GB", large / 1e9),
    }
}

/// A text whose figures stay on one line with their unit and their interval.
pub fn tied(text: &str) -> String {
    const TIE: char = '\u{a0}';
    let mut inside = false;
    let tied: String = text
        .chars()
        .map(|c| {
            inside = (inside || c == '[') && c != ']';
            if inside && c == ' ' { TIE } else { c }
        })
        .collect();
    tied.replace(" %", "\u{a0}%").replace(" ms", "\u{a0}ms")
}

/// "1 picture", "64 pictures".
pub fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// "2026-11-23 09:36 UTC" of seconds since 1970.
///
/// Days to years, months and days as in Howard Hinnant's "chrono-compatible low-level date algorithms" (`civil_from_days`).
pub fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months are counted from March, so that the leap day is the last of its year.
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (seconds % 86_400 / 3600, seconds % 3600 / 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned()
}

/// Names that tell files apart: the file's name, with its folder where two have the same, numbered where that does not
/// help either.
pub fn distinct_names<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<String> {
    let paths: Vec<&Path> = paths.collect();
    let short: Vec<String> = paths.iter().map(|path| file_name(path)).collect();
    let with_folder = paths.iter().zip(&short).map(|(path, name)| {
        let folder = path.parent().map(file_name).filter(|folder| !folder.is_empty());
        match folder {
            Some(folder) if count(&short, name) > 1 => format!("{folder}/{name}"),
            _ => name.clone(),
        }
    });
    numbered(with_folder.collect())
}

fn count(names: &[String], name: &str) -> usize {
    names.iter().filter(|other| *other == name).count()
}

fn numbered(names: Vec<String>) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let number = |name: &String| {
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        if *times > 1 { format!("{name} ({times})") } else { name.clone() }
    };
    names.iter().map(number).collect()
}

/// "A" for the first model, "B" for the second; numbers behind the alphabet.
pub fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => (index + 1).to_string(),
    }
}

/// A text without characters that cannot be seen but change what is read: controls and changes of the writing direction
/// become replacement characters. Line ends and tabs stay.
pub fn visible(text: &str) -> String {
    let replaced = |c: char| match c {
        '\n' | '\t' => c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(replaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(figure(Some(0.33249)), "0.332");
        assert_eq!(figure(None), NONE);
        assert_eq!(figure(Some(f64::NAN)), NONE);
        assert_eq!((signed(0.0041, 3).as_str(), signed(-0.0009, 3).as_str()), ("+0.004", "−0.001"));
        assert_eq!((signed(-0.0001, 3).as_str(), signed(0.0, 3).as_str()), ("0.000", "0.000"));
        assert_eq!(percent(0.9984), "99.8 %");
        assert_eq!(signed_interval([-0.006, 0.004]), "[−0.006, +0.004]");
        assert_eq!([milliseconds(9.813), milliseconds(104.24), milliseconds(2310.4)], ["9.81", "104.2", "2310"]);
        assert_eq!([bytes(3_600_000), bytes(900), bytes(2_140_000_000)], ["3.6 MB", "1 kB", "2.14 GB"]);
    }

    #[test]
    fn dates_of_known_seconds() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_340, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_164_800, "2024-02-29 00:00 UTC"),
            (1_795_426_560, "2026-11-23 09:36 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }

    #[test]
    fn names_tell_files_apart() {
        let paths = ["a/x.onnx", "b/x.onnx", "y.onnx", "c/z.onnx", "c/z.onnx"].map(Path::new);
        let names = distinct_names(paths.into_iter());
        assert_eq!(names, ["a/x.onnx", "b/x.onnx", "y.onnx", "c/z.onnx", "c/z.onnx (2)"]);
        assert_eq!([letter(0), letter(25), letter(26)], ["A", "Z", "27"]);
    }

    #[test]
    fn figures_stay_with_their_units() {
        assert_eq!(tied("keeps 99 % [0.1, 0.2] of 3 ms, or"), "keeps 99\u{a0}% [0.1,\u{a0}0.2] of 3\u{a0}ms, or");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(visible("a\u{0}b\nc\u{202e}d é"), "a\u{fffd}b\nc\u{fffd}d é");
    }
}
