//! Keeps the rules of `src/lib.rs`: who may import whom, which file alone names a library, where threads start, and
//! how long a file may be. Test code (`#[cfg(test)]`, `*_tests.rs`) is free.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};

/// Every module of the crate and what it may import, in the order of the flow.
const MAY_IMPORT: [(&str, &[&str]); 17] = [
    ("files", &[]),
    ("imaging", &[]),
    ("onnx", &[]),
    ("runtime", &[]),
    ("scene", &["imaging"]),
    ("dataset", &["imaging"]),
    ("capture", &["imaging", "scene"]),
    ("pictures", &["imaging", "dataset", "capture"]),
    ("inference", &["files", "imaging", "dataset", "onnx", "runtime"]),
    ("metrics", &["imaging", "inference", "dataset"]),
    ("quantize", &["imaging", "dataset", "onnx", "runtime", "inference", "metrics"]),
    ("pipeline", &["imaging", "scene", "dataset", "capture", "onnx", "runtime", "inference", "metrics"]),
    (
        "evaluate",
        &["files", "imaging", "scene", "capture", "dataset", "onnx", "runtime", "inference", "metrics", "pipeline"],
    ),
    ("benchmark", &["imaging", "capture", "runtime", "inference", "metrics", "pipeline", "evaluate"]),
    (
        "report",
        &[
            "files",
            "imaging",
            "capture",
            "dataset",
            "runtime",
            "inference",
            "metrics",
            "quantize",
            "evaluate",
            "benchmark",
        ],
    ),
    ("app", EVERYTHING_BELOW),
    ("cli", EVERYTHING_BELOW),
];
/// What the two views, window and command line, may import.
const EVERYTHING_BELOW: &[&str] = &[
    "files",
    "imaging",
    "scene",
    "dataset",
    "capture",
    "pictures",
    "onnx",
    "runtime",
    "inference",
    "metrics",
    "quantize",
    "pipeline",
    "evaluate",
    "benchmark",
    "report",
    "app",
];
/// Of the command line only the files that open the window, or stand in for it, know the window.
const APP_KNOWN_IN_CLI: &[&str] = &["src/cli/window.rs", "src/cli/headless.rs"];

/// Libraries that only some files may name: a change of the library then stays there.
const NAMED_ONLY_IN: [(&str, &[&str]); 8] = [
    ("egui", &["src/app/"]),
    ("eframe", &["src/app/"]),
    ("egui_plot", &["src/app/"]),
    ("ort", &["src/inference/session.rs", "src/inference/session/"]),
    ("nokhwa", &["src/capture/camera/portable.rs"]),
    ("v4l", &["src/capture/camera/linux/"]),
    ("libloading", &["src/runtime/dylib.rs"]),
    ("ureq", &["src/runtime/catalog/http.rs"]),
];

/// Where threads are started: the pipeline, and the sources that cannot be read without waiting (a camera's driver
/// and a child process's pipe), each of which joins its reader.
const THREADS_START_IN: &[&str] =
    &["src/pipeline/", "src/evaluate/", "src/capture/camera/driver.rs", "src/capture/video"];

/// Where `unsafe` code is allowed: calls into C libraries, memory shared with a camera's driver, and vector instructions.
const UNSAFE_IN: &[&str] = &[
    "src/capture/camera/linux/control_calls.rs",
    "src/capture/camera/linux/mapped.rs",
    "src/capture/camera/packed_yuv.rs",
    "src/inference/bytes/conv_avx512.rs",
    "src/inference/bytes/conv_avxvnni.rs",
    "src/inference/bytes/conv_dotprod.rs",
    "src/inference/bytes/neon.rs",
    "src/inference/bytes/x86.rs",
    "src/inference/session/convolve.rs",
    "src/inference/session/lookup.rs",
    "src/runtime/allocator.rs",
    "src/runtime/dylib.rs",
];

const LINES_MAX: usize = 450;

#[test]
fn the_source_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect_rust_files(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20, "only {} files found", files.len());
    let mut violations = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        violations.extend(violations_in(&name, &fs::read_to_string(file).unwrap()));
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn the_checker_sees_what_is_forbidden() {
    let table = [
        ("src/imaging/draw.rs", "use crate::capture::CapturedFrame;", "imaging may not import capture"),
        ("src/metrics/ap.rs", "fn f() { crate::pipeline::go() }", "metrics may not import pipeline"),
        ("src/scene/mod.rs", "use super::inference::Detection;", "scene may not import inference"),
        ("src/scene/a.rs", "use super::super::inference;", "scene may not import inference"),
        ("src/runtime/a.rs", "use crate::{\n  imaging::{A},\n  runtime,\n};", "runtime may not import imaging"),
        ("src/onnx/a.rs", "vec![crate::imaging::A]", "onnx may not import imaging"),
        ("src/onnx/a.rs", "use crate::*;", "glob"),
        ("src/newcomer/mod.rs", "", "newcomer is not in MAY_IMPORT"),
        ("src/imaging/a.rs", "use crate::newcomer;", "imaging may not import newcomer"),
        ("src/app/panel.rs", "use crate::cli::Arguments;", "app may not import cli"),
        ("src/cli/detect.rs", "use crate::app::Settings;", "may import app"),
        ("src/cli/detect.rs", "use crate::app;", "may import app"),
        ("src/main.rs", "fn main() { quantscope::pipeline::go() }", "main may not import pipeline"),
        ("src/pipeline/view.rs", "use egui::Color32;", "egui may be named only in"),
        ("src/cli/a.rs", "fn f() { eframe::run_native() }", "eframe may be named only in"),
        ("src/inference/nms.rs", "use ort::session::Session;", "ort may be named only in"),
        ("src/inference/nms.rs", "use ::ort::{session};", "ort may be named only in"),
        ("src/inference/nms.rs", "use ort as o;", "ort may be named only in"),
        ("src/runtime/catalog/store.rs", "use ureq::Agent;", "ureq may be named only in"),
        ("src/capture/list.rs", "use {nokhwa::Camera};", "nokhwa may be named only in"),
        ("src/app/load.rs", "fn f() { std::thread::Builder::new(); }", "threads are started only in"),
        ("src/app/load.rs", "use std::{fs, thread::{self, scope}};", "threads are started only in"),
        ("src/app/load.rs", "fn f() { thread::spawn(g) }", "threads are started only in"),
        ("src/imaging/a.rs", "#![allow(unsafe_code)]", "unsafe code is allowed only in"),
        ("src/imaging/a.rs", "fn broken( {", "cannot be read"),
    ];
    for (file, source, expected) in table {
        let found = violations_in(file, source);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{file}: {source}: expected {expected}, got {found:?}"
        );
    }
    let long = "// line\n".repeat(LINES_MAX + 1);
    assert!(violations_in("src/imaging/a.rs", &long)[0].contains("451 lines"));
}

#[test]
fn the_checker_lets_pass_what_is_allowed() {
    let table = [
        ("src/capture/demo.rs", "use crate::imaging::RgbImage; use crate::scene::Scene; use super::source::Next;"),
        (
            "src/capture/demo.rs",
            "//! egui, ort::Session and crate::app in words\nconst A: &str = \"crate::app ort::\";",
        ),
        ("src/cli/window.rs", "use crate::{app::run, pipeline}; fn f() { crate::app::run() }"),
        ("src/app/mod.rs", "use eframe::egui; use super::pipeline::Link;"),
        ("src/inference/session.rs", "use ort::session::Session;"),
        ("src/pipeline/lane.rs", "fn f() { std::thread::Builder::new(); }"),
        ("src/runtime/a.rs", "fn f() { std::thread::available_parallelism(); let ort = 1; g(ort, self::ort::x) }"),
        (
            "src/imaging/a.rs",
            "pub(crate) fn f() {}\n#[cfg(test)]\nmod tests { use crate::scene::Scene; thread::scope(f); }",
        ),
        ("src/imaging/a.rs", "#[cfg(all(test, unix))] use crate::scene::Scene; use super::geometry::BoxInImage;"),
        ("src/imaging/a_tests.rs", "use crate::scene::Scene;"),
        ("tests/window.rs", "use quantscope::app; use egui_kittest::Harness; use eframe::egui;"),
    ];
    for (file, source) in table {
        assert_eq!(violations_in(file, source), Vec::<String>::new(), "{file}: {source}");
    }
    let forbidden_after_tests = "#[cfg(test)] mod tests {}\nuse crate::scene::Scene;";
    assert_eq!(violations_in("src/imaging/a.rs", forbidden_after_tests).len(), 1);
}

#[test]
fn setup_and_cargo_agree_on_the_version_of_onnx_runtime() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let setup = fs::read_to_string(root.join("scripts/setup.sh")).unwrap();
    let version = setup.lines().find_map(|line| line.strip_prefix("ORT_VERSION=")).unwrap();
    let config = fs::read_to_string(root.join(".cargo/config.toml")).unwrap();
    let path = format!("\".runtime/onnxruntime-{version}/lib/libonnxruntime.so.{version}\"");
    assert!(config.contains(&path), "{path} is not in .cargo/config.toml");
}

fn collect_rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect_rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// One sentence a broken rule; `file` is relative to the checkout.
fn violations_in(file: &str, source: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let lines = source.lines().count();
    if lines > LINES_MAX {
        violations.push(format!("{file}: {lines} lines, at most {LINES_MAX}: split it"));
    }
    let Some(inner) = file.strip_prefix("src/") else { return violations };
    if inner.ends_with("tests.rs") {
        return violations;
    }
    let tokens: TokenStream = match source.parse() {
        Ok(tokens) => tokens,
        Err(error) => return vec![format!("{file}: cannot be read: {error}")],
    };
    let module = Module::of_file(inner);
    if module.depth > 0 && allowed_imports(&module.name).is_none() {
        return vec![format!("{file}: {} is not in MAY_IMPORT of this test", module.name)];
    }
    let mut paths = Vec::new();
    collect_paths(tokens, &mut paths);
    for path in paths {
        let broken = module.broken_import(file, &path).or_else(|| broken_library(file, &path));
        violations.extend(broken.map(|rule| format!("{file}: `{}`: {rule}", path.segments.join("::"))));
    }
    violations.dedup();
    violations
}

fn allowed_imports(module: &str) -> Option<&'static [&'static str]> {
    if module == "main" {
        return Some(&["cli"]);
    }
    MAY_IMPORT.iter().find_map(|(name, allowed)| (*name == module).then_some(*allowed))
}

/// A file's place in the crate.
struct Module {
    /// Module below the crate's root, or `main`.
    name: String,
    /// How many `super` lead to the root; 0 for `lib.rs`.
    depth: usize,
}

impl Module {
    /// `inner` is relative to `src/`.
    fn of_file(inner: &str) -> Self {
        let parts: Vec<&str> = inner.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
        match parts[..] {
            ["lib"] => Self { name: String::new(), depth: 0 },
            _ => Self { name: parts[0].to_owned(), depth: parts.len() },
        }
    }

    /// What the path names below the crate's root; None when it does not begin there.
    fn below_root<'a>(&self, path: &'a PathInCode) -> Option<&'a [String]> {
        let root_name = if self.name == "main" { "quantscope" } else { "crate" };
        if path.segments[0] == root_name {
            return Some(&path.segments[1..]);
        }
        let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
        (self.depth > 0 && supers >= self.depth).then(|| &path.segments[supers..])
    }

    fn broken_import(&self, file: &str, path: &PathInCode) -> Option<String> {
        let imported = self.below_root(path)?.first()?;
        let name = &self.name;
        if imported == "*" {
            return Some(format!("{name} takes everything from the root by a glob; name what is needed"));
        }
        if imported == name || self.depth == 0 {
            return None;
        }
        if !allowed_imports(name)?.contains(&imported.as_str()) {
            return Some(format!("{name} may not import {imported} (dependency rule in src/lib.rs)"));
        }
        let knows_too_much = name == "cli" && imported == "app" && !APP_KNOWN_IN_CLI.contains(&file);
        knows_too_much.then(|| format!("of cli only {APP_KNOWN_IN_CLI:?} may import app"))
    }
}

fn broken_library(file: &str, path: &PathInCode) -> Option<String> {
    let is_in = |places: &[&str]| places.iter().any(|place| file.starts_with(place));
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    let library = NAMED_ONLY_IN.iter().find(|(name, _)| path.names_a_crate && segments[0] == *name);
    if let Some((name, places)) = library.filter(|(_, places)| !is_in(places)) {
        return Some(format!("{name} may be named only in {places:?}"));
    }
    let starts_thread =
        segments.windows(2).any(|pair| pair[0] == "thread" && ["spawn", "Builder", "scope", "*"].contains(&pair[1]));
    if starts_thread && !is_in(THREADS_START_IN) {
        return Some(format!("threads are started only in {THREADS_START_IN:?}"));
    }
    let frees_unsafe = segments == ["unsafe_code"] && !is_in(UNSAFE_IN);
    frees_unsafe.then(|| format!("unsafe code is allowed only in {UNSAFE_IN:?}"))
}

/// A path such as `crate::imaging::RgbImage`, with the groups of a `use` spelled out.
struct PathInCode {
    segments: Vec<String>,
    /// It can begin with the name of a library: it has several segments or stands behind `use`.
    names_a_crate: bool,
}

/// Keywords that may stand before a path with leading colons, which they are no part of.
const BEFORE_PATHS: [&str; 14] =
    ["use", "return", "in", "as", "dyn", "impl", "else", "match", "if", "while", "mut", "for", "where", "break"];

/// All paths in the code, macros included, test items left out.
fn collect_paths(tokens: TokenStream, paths: &mut Vec<PathInCode>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at += tokens[at..].iter().position(ends_item).map_or(tokens.len(), |end| end + 1);
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(word) if BEFORE_PATHS.iter().any(|keyword| word == keyword) => at += 1,
            TokenTree::Ident(_) => {
                let before = tokens[..at].iter().rfind(|token| !is_punct(Some(token), ':'));
                let after_use = matches!(before, Some(TokenTree::Ident(word)) if word == "use");
                at += read_path(&tokens[at..], &[], after_use, paths);
            }
            TokenTree::Group(group) => {
                collect_paths(group.stream(), paths);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Reads the path that begins with the first token and returns how many tokens it took.
fn read_path(tokens: &[TokenTree], before: &[String], after_use: bool, paths: &mut Vec<PathInCode>) -> usize {
    let mut segments = before.to_vec();
    let mut at = 0;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => segments.push(name.to_string()),
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => segments.push("*".to_owned()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in inner.split(|token| is_punct(Some(token), ',')).filter(|part| !part.is_empty()) {
                    read_path(part, &segments, after_use, paths);
                }
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        if !(is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
            break;
        }
        at += 2;
    }
    let names_a_crate = after_use || segments.len() > 1;
    if !segments.is_empty() {
        paths.push(PathInCode { segments, names_a_crate });
    }
    at.max(1)
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Whether an attribute such as `#[cfg(test)]` or `#[cfg(all(test, unix))]` stands here.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = tokens else { return false };
    let text = attribute.stream().to_string().replace(' ', "");
    hash.as_char() == '#' && (text.starts_with("cfg(test") || text.starts_with("cfg(all(test"))
}

/// The end of the item behind an attribute: its body, or its semicolon.
fn ends_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(Some(token), ';'),
    }
}
