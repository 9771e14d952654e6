//! Every wrong file gives its sentence within a second, and the right one is found.

use super::*;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the user may have to wait for an answer, whatever the file is.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

fn with_variable(path: &Path) -> Result<RuntimeLibrary, RuntimeError> {
    let places = Places { variable: Some(path.into()), ..Places::default() };
    answer(&places)
}

fn in_folders(folders: &[&Path]) -> Result<RuntimeLibrary, RuntimeError> {
    let places = Places { folders: folders.iter().map(|folder| folder.to_path_buf()).collect(), ..Places::default() };
    answer(&places)
}

fn answer(places: &Places) -> Result<RuntimeLibrary, RuntimeError> {
    let start = Instant::now();
    let answer = places.search();
    assert!(start.elapsed() < ANSWER_WITHIN, "{answer:?} took {:?}", start.elapsed());
    if let Err(error) = &answer {
        let sentence = error.to_string();
        assert!(sentence.contains("make setup") && sentence.contains("ORT_DYLIB_PATH"), "no remedy: {sentence}");
        assert!(!sentence.contains('\n'), "more than one line: {sentence}");
    }
    answer
}

fn reason(path: &Path) -> String {
    match with_variable(path) {
        Err(RuntimeError::NotALibrary { path: named, reason }) => {
            assert_eq!(named.file_name(), path.file_name());
            reason
        }
        other => panic!("{}: expected NotALibrary, got {other:?}", path.display()),
    }
}

/// Compiles a shared library; None (and a line) where there is no C compiler.
fn compile(folder: &Path, name: &str, source: &str) -> Option<PathBuf> {
    let source_file = folder.join(format!("{name}.c"));
    fs::write(&source_file, source).unwrap();
    let library = folder.join(name);
    match Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source_file).status() {
        Ok(status) => {
            assert!(status.success(), "cc failed");
            Some(library)
        }
        Err(error) => {
            println!("skipped: no C compiler ({error})");
            None
        }
    }
}

/// A library that says it is ONNX Runtime of this version.
fn compile_stub(folder: &Path, name: &str, version: &str) -> Option<PathBuf> {
    let source = format!(
        "static const void *api(unsigned v) {{ return 0; }}\n\
         static const char *version(void) {{ return {version}; }}\n\
         static const struct {{ const void *(*a)(unsigned); const char *(*v)(void); }} base = {{ api, version }};\n\
         const void *OrtGetApiBase(void) {{ return &base; }}\n"
    );
    compile(folder, name, &source)
}

/// The library that `make setup` installed, or that the environment names.
fn real_library() -> Option<PathBuf> {
    let found = Places::of_this_machine().search();
    match found {
        Ok(library) => Some(library.path),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

#[test]
fn a_file_that_is_not_there() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("libonnxruntime.so");
    assert_eq!(with_variable(&path), Err(RuntimeError::Missing { path }));
    assert_eq!(in_folders(&[folder.path(), Path::new("/nonexistent")]), Err(RuntimeError::NotFound));
    let bare = Path::new("libno-such-onnxruntime.so");
    assert_eq!(with_variable(bare), Err(RuntimeError::Missing { path: bare.to_owned() }));
}

#[test]
fn files_that_are_no_library() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert!(reason(folder.path()).contains("folder"));
    assert!(reason(&file("empty.so", b"")).contains("empty"));
    assert!(reason(&file("short.so", b"ab")).contains("no shared library"));
    assert!(reason(&file("text.so", b"INPUT(libonnxruntime.so.1)\n")).contains("no shared library"));
    if cfg!(target_os = "linux") {
        assert!(reason(&file("cut.so", b"\x7fELF\x02\x01\x01")).contains("cut off"));
        assert!(reason(Path::new("/dev/zero")).contains("device"));
    }
    let huge = file("huge.so", b"");
    fs::OpenOptions::new().write(true).open(&huge).unwrap().set_len(1 << 40).unwrap();
    assert!(reason(&huge).contains("no shared library"));
}

#[test]
#[cfg(unix)]
fn a_pipe_does_not_hang() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("libonnxruntime.so");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(reason(&pipe).contains("pipe"));
    assert!(matches!(in_folders(&[folder.path()]), Err(RuntimeError::NotALibrary { .. })));
}

#[test]
fn a_library_that_is_not_onnx_runtime() {
    let folder = TempDir::new().unwrap();
    let Some(path) = compile(folder.path(), "libother.so", "int answer(void) { return 42; }\n") else { return };
    assert_eq!(with_variable(&path), Err(RuntimeError::MissingApi { path }));
    let Some(path) = compile(folder.path(), "libnull.so", "void *OrtGetApiBase(void) { return 0; }\n") else { return };
    assert_eq!(with_variable(&path), Err(RuntimeError::MissingApi { path }));
    for version in ["0", "\"\"", "\"nonsense\"", "\"1\""] {
        // A new name each time: the loader keeps a library of the same file open.
        let name = format!("libversion{}.so", version.len());
        let Some(path) = compile_stub(folder.path(), &name, version) else { return };
        assert_eq!(with_variable(&path), Err(RuntimeError::MissingApi { path }), "{version}");
    }
}

#[test]
fn a_library_that_lacks_another_one() {
    let folder = TempDir::new().unwrap();
    let source = "int missing_function(void);\nint answer(void) { return missing_function(); }\n";
    let Some(dependency) = compile(folder.path(), "libdep.so", "int missing_function(void) { return 1; }\n") else {
        return;
    };
    let source_file = folder.path().join("main.c");
    fs::write(&source_file, source).unwrap();
    let library = folder.path().join("libneedy.so");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source_file, &dependency]).status();
    assert!(built.unwrap().success());
    fs::remove_file(&dependency).unwrap();
    let reason = reason(&library);
    assert!(reason.contains("libdep.so"), "{reason}");
}

#[test]
fn versions_are_compared_with_the_oldest_that_will_do() {
    let folder = TempDir::new().unwrap();
    let table = [("1.16.0", false), ("1.21.9", false), ("0.99.0", false), ("1.22.0", true), ("2.0.0-dev", true)];
    for (version, will_do) in table {
        let name = format!("libstub.so.{version}");
        let Some(path) = compile_stub(folder.path(), &name, &format!("{version:?}")) else { return };
        let found = version.to_owned();
        let expected = match will_do {
            true => Ok(RuntimeLibrary { path: path.clone(), version: found }),
            false => Err(RuntimeError::TooOld { path: path.clone(), found }),
        };
        assert_eq!(with_variable(&path), expected);
    }
}

#[test]
fn a_good_library_is_found_behind_a_bad_one() {
    let (bad, good) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let name = if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so" };
    fs::write(bad.path().join(name), "not a library").unwrap();
    assert!(matches!(in_folders(&[bad.path()]), Err(RuntimeError::NotALibrary { .. })));
    let Some(path) = compile_stub(good.path(), name, "\"1.30.0\"") else { return };
    let expected = RuntimeLibrary { path, version: "1.30.0".to_owned() };
    assert_eq!(in_folders(&[bad.path(), good.path()]), Ok(expected.clone()));

    // A file that the user named is not passed over in silence ...
    let wrong = Some(bad.path().join("nothing.so").into_os_string());
    let places = Places { variable: wrong, folders: vec![good.path().to_owned()], names: &[] };
    assert!(matches!(answer(&places), Err(RuntimeError::Missing { .. })));
    // ... but cargo's setting before `make setup` is.
    let not_yet = Some(bad.path().join(".runtime/onnxruntime-9.9.9/lib").join(name).into_os_string());
    let places = Places { variable: not_yet, folders: vec![good.path().to_owned()], names: &[] };
    assert_eq!(answer(&places), Ok(expected));
}

#[test]
#[cfg(target_os = "linux")]
fn the_newest_of_several_is_taken() {
    let checkout = TempDir::new().unwrap();
    for version in ["1.9.0", "1.32.0", "1.30.2"] {
        fs::create_dir_all(checkout.path().join(format!(".runtime/onnxruntime-{version}/lib"))).unwrap();
    }
    let folders = installed_by_setup(checkout.path());
    assert_eq!(folders.len(), 3);
    assert!(folders[0].ends_with("onnxruntime-1.32.0/lib") && folders[2].ends_with("onnxruntime-1.9.0/lib"));

    for name in ["libonnxruntime.so", "libonnxruntime.so.1.9.0", "libonnxruntime.so.1.32.0", "libonnxruntime.so.txt"] {
        fs::write(folders[0].join(name), "").unwrap();
    }
    fs::write(folders[0].join("libonnxruntime_providers_shared.so"), "").unwrap();
    assert_eq!(library_in(&folders[0]), Some(folders[0].join("libonnxruntime.so.1.32.0")));
    assert_eq!(library_in(&folders[1]), None);
}

#[test]
fn the_real_library_is_found_and_a_cut_off_copy_is_not_opened() {
    let Some(path) = real_library() else { return };
    let library = with_variable(&path).unwrap();
    assert!(major_and_minor(&library.version).unwrap() >= MINIMUM_VERSION);
    assert_eq!(initialize().unwrap().version, library.version);
    assert!(std::ptr::eq(initialize().unwrap(), initialize().unwrap()));

    if path.is_absolute() && cfg!(target_os = "linux") {
        let folder = TempDir::new().unwrap();
        let copy = folder.path().join("libonnxruntime.so");
        let bytes = fs::read(&path).unwrap();
        fs::write(&copy, &bytes[..bytes.len() / 2]).unwrap();
        assert!(reason(&copy).contains("cut off"));
    }
}

#[test]
fn the_checkout_s_own_library_is_found_from_any_folder_without_the_variable() {
    let installed = installed_by_setup(Path::new(env!("CARGO_MANIFEST_DIR")));
    let Some(path) = installed.iter().find_map(|folder| library_in(folder)) else {
        println!("skipped: `make setup` has not run in this checkout");
        return;
    };
    let places = Places { variable: None, ..Places::of_this_machine() };
    assert!(places.folders.iter().all(|folder| folder.is_absolute()), "{places:?}");
    assert_eq!(answer(&places).map(|library| library.path), Ok(path));
}

#[test]
fn the_oldest_version_is_the_one_that_the_program_is_built_against() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let features: Vec<&str> = manifest.split('"').filter(|text| text.starts_with("api-")).collect();
    assert_eq!(features, [format!("api-{}", MINIMUM_VERSION.1)]);
}
