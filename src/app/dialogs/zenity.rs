//! The dialogs of the program zenity, for desktops without a portal.

use super::{ALL_FILES, Wanted, ZENITY};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Shows a dialog and waits for the answer; none where a person thought better of it, or no dialog appeared.
pub fn ask(title: &str, wanted: &Wanted) -> Option<PathBuf> {
    let mut command = Command::new(ZENITY);
    command.args(arguments(title, wanted)).stdin(Stdio::null()).stderr(Stdio::null());
    // Else it would begin with files that other programs have opened, often none.
    if let Some(folder) = std::env::current_dir().ok().filter(|_| !matches!(wanted, Wanted::Save(..))) {
        command.arg(named(&folder.join("")));
    }
    match command.output() {
        Ok(answer) => answer.status.success().then(|| path_of(answer.stdout)).flatten(),
        Err(error) => {
            tracing::warn!("{ZENITY} does not start: {error}");
            None
        }
    }
}

fn arguments(title: &str, wanted: &Wanted) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec!["--file-selection".into(), format!("--title={title}").into()];
    let filter = |name: &str, endings: &[&str]| {
        let patterns: Vec<String> = endings.iter().flat_map(|ending| both_cases(ending)).collect();
        format!("--file-filter={name} | {}", patterns.join(" "))
    };
    let any = || format!("--file-filter={ALL_FILES} | *");
    match wanted {
        Wanted::File(name, endings) => all.extend([filter(name, endings).into(), any().into()]),
        Wanted::Folder => all.push("--directory".into()),
        Wanted::Save(name, ending, proposed) => {
            all.extend(["--save".into(), "--confirm-overwrite".into()]);
            all.extend([filter(name, &[ending]).into(), any().into()]);
            all.push(named(proposed));
        }
    }
    all
}

/// A file to begin with; a folder has a separator at its end.
fn named(path: &Path) -> OsString {
    let mut word = OsString::from("--filename=");
    word.push(path);
    word
}

/// Patterns know no case.
fn both_cases(ending: &str) -> [String; 2] {
    [format!("*.{ending}"), format!("*.{}", ending.to_ascii_uppercase())]
}

/// What is written is the path and the end of a line.
fn path_of(mut answer: Vec<u8>) -> Option<PathBuf> {
    if answer.last() == Some(&b'\n') {
        answer.pop();
    }
    (!answer.is_empty()).then(|| path(answer))
}

#[cfg(unix)]
fn path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialog_has_its_title_and_what_it_lets_choose() {
        let words = |wanted| arguments("Open model A", &wanted).into_iter().map(|word| word.into_string().unwrap());
        let file: Vec<String> = words(Wanted::File("Models", vec!["onnx"])).collect();
        assert_eq!(file[..2], ["--file-selection", "--title=Open model A"]);
        assert_eq!(file[2..], ["--file-filter=Models | *.onnx *.ONNX", "--file-filter=All files | *"]);
        assert!(words(Wanted::Folder).any(|word| word == "--directory"));
        let save: Vec<String> = words(Wanted::Save("Models", "onnx", "/m/a b.onnx".into())).collect();
        assert!(save.contains(&"--confirm-overwrite".to_owned()), "{save:?}");
        assert_eq!(save.last().unwrap(), "--filename=/m/a b.onnx");
    }

    #[test]
    fn an_answer_is_a_path_whatever_is_in_its_name() {
        assert_eq!(path_of(b"/m/a b .onnx\n".to_vec()), Some("/m/a b .onnx".into()));
        assert_eq!(path_of(b"\n".to_vec()), None);
        assert_eq!(path_of(Vec::new()), None);
    }
}
