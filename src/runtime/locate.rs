//! Where ONNX Runtime may lie, and which of the files found there is used.

use super::dylib::{self, DylibError};
use super::{MINIMUM_VERSION, RuntimeError, library_file};
use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A shared library of ONNX Runtime that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeLibrary {
    /// The file; or its bare name, where only the system's loader knows where it lies.
    pub path: PathBuf,
    /// The version that it reports, such as `1.32.0`.
    pub version: String,
}

/// Finds ONNX Runtime and checks it. The first of these that will do:
///
/// 1. `ORT_DYLIB_PATH`, a file. When it is set, nothing else is tried, with one exception: a file in a `.runtime`
///    folder that is not there. That is the checkout's own setting for cargo before `make setup` has run.
/// 2. The program's folder, and `lib` in it or beside it.
/// 3. `.runtime/onnxruntime-*/lib` in a folder above the program, or in the checkout that it was built from.
/// 4. The system's library folders.
///
/// The folder that the user happens to be in is not searched: code must not be loaded from there.
///
/// # Errors
///
/// When nothing was found, or the first thing found will not do and there is no better one.
pub fn locate() -> Result<RuntimeLibrary, RuntimeError> {
    Places::of_this_machine().search()
}

/// [`locate`] once for the whole program; only a success is kept, so that it can be tried again after a repair.
///
/// # Errors
///
/// Those of [`locate`].
pub fn initialize() -> Result<&'static RuntimeLibrary, RuntimeError> {
    static FOUND: OnceLock<RuntimeLibrary> = OnceLock::new();
    match FOUND.get() {
        Some(library) => Ok(library),
        None => locate().map(|library| FOUND.get_or_init(|| library)),
    }
}

/// What is searched. Empty parts are left out, which the tests use.
#[derive(Debug, Default)]
struct Places {
    /// The value of `ORT_DYLIB_PATH`.
    variable: Option<OsString>,
    /// Folders, in order.
    folders: Vec<PathBuf>,
    /// Names for the system's loader, which knows more folders.
    names: &'static [&'static str],
}

/// Names that a file may begin with; what follows must be a version or nothing.
const STEMS: [(&str, &str); 2] = if cfg!(target_os = "windows") {
    [("onnxruntime", ".dll"), ("onnxruntime", ".dll")]
} else if cfg!(target_os = "macos") {
    [("libonnxruntime", ".dylib"), ("libonnxruntime", ".dylib")]
} else {
    [("libonnxruntime.so", ""), ("libonnxruntime", ".so")]
};

const LOADER_NAMES: &[&str] = if cfg!(target_os = "windows") {
    &["onnxruntime.dll"]
} else if cfg!(target_os = "macos") {
    &["libonnxruntime.dylib"]
} else {
    &["libonnxruntime.so.1", "libonnxruntime.so"]
};

impl Places {
    fn of_this_machine() -> Self {
        let mut folders = Vec::new();
        let program = std::env::current_exe().and_then(|path| path.canonicalize()).ok();
        let above: Vec<&Path> = program.iter().flat_map(|path| path.ancestors().skip(1)).collect();
        if let Some(folder) = above.first() {
            folders.extend([folder.to_path_buf(), folder.join("lib"), folder.join("../lib")]);
        }
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in above.into_iter().chain([checkout]) {
            folders.extend(installed_by_setup(folder));
        }
        folders.extend(system_folders());
        let variable = std::env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty());
        Self { variable, folders, names: LOADER_NAMES }
    }

    fn search(&self) -> Result<RuntimeLibrary, RuntimeError> {
        if let Some(value) = &self.variable {
            let path = Path::new(value);
            if path.exists() {
                return check(path);
            }
            let is_bare_name = path.components().count() == 1;
            if is_bare_name {
                return ask_loader(value);
            }
            if !path.components().any(|component| component.as_os_str() == ".runtime") {
                return Err(RuntimeError::Missing { path: path.to_owned() });
            }
        }
        let mut first_error = None;
        for path in self.folders.iter().filter_map(|folder| library_in(folder)) {
            match check(&path) {
                Ok(library) => return Ok(library),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        // The loader looks into the same folders and would open the very file that was just found wanting.
        if let Some(error) = first_error {
            return Err(error);
        }
        let by_name = self.names.iter().find_map(|name| match ask_loader(OsStr::new(name)) {
            Err(RuntimeError::Missing { .. }) => None,
            found => Some(found),
        });
        by_name.unwrap_or(Err(RuntimeError::NotFound))
    }
}

/// Checks one file.
fn check(path: &Path) -> Result<RuntimeLibrary, RuntimeError> {
    let not_a_library = |reason| RuntimeError::NotALibrary { path: path.to_owned(), reason };
    library_file::check(path).map_err(not_a_library)?;
    // Made absolute because the loader takes a name without a slash for one to look for elsewhere.
    let path = std::path::absolute(path).map_err(|error| not_a_library(format!("it cannot be read ({error})")))?;
    match dylib::version_of(path.as_os_str()) {
        Ok(version) => check_version(path, version),
        Err(DylibError::Refused(message)) => {
            let reason = format!("the system does not load it ({message})");
            Err(RuntimeError::NotALibrary { path, reason })
        }
        Err(DylibError::MissingApi) => Err(RuntimeError::MissingApi { path }),
    }
}

/// Lets the system's loader look for a library by its bare name.
fn ask_loader(name: &OsStr) -> Result<RuntimeLibrary, RuntimeError> {
    let path = PathBuf::from(name);
    match dylib::version_of(name) {
        Ok(version) => check_version(path, version),
        Err(DylibError::Refused(_)) => Err(RuntimeError::Missing { path }),
        Err(DylibError::MissingApi) => Err(RuntimeError::MissingApi { path }),
    }
}

fn check_version(path: PathBuf, version: String) -> Result<RuntimeLibrary, RuntimeError> {
    match major_and_minor(&version) {
        None => Err(RuntimeError::MissingApi { path }),
        Some(found) if found < MINIMUM_VERSION => Err(RuntimeError::TooOld { path, found: version }),
        Some(_) => Ok(RuntimeLibrary { path, version }),
    }
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// The folders that `make setup` fills in a checkout, newest version first.
fn installed_by_setup(checkout: &Path) -> Vec<PathBuf> {
    let Ok(entries) = checkout.join(".runtime").read_dir() else { return Vec::new() };
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = numbers(name.to_str()?.strip_prefix("onnxruntime-")?);
            Some((version, entry.path().join("lib")))
        })
        .collect();
    found.sort_by_key(|(version, _)| Reverse(version.clone()));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The library in `folder` with the highest version in its name. A link without a version comes last: it points to
/// one of the others, and a path with a version tells more in a message.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let names = folder.read_dir().ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let best = names.filter(|name| is_library_name(name)).max_by_key(|name| (numbers(name), name.clone()))?;
    Some(folder.join(best))
}

fn is_library_name(name: &str) -> bool {
    STEMS.iter().any(|(start, end)| {
        let version = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        version.is_some_and(|text| text.is_empty() || text.starts_with('.') && !numbers(text).is_empty())
    })
}

fn numbers(text: &str) -> Vec<u32> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

fn system_folders() -> Vec<PathBuf> {
    if cfg!(target_os = "windows") {
        return Vec::new();
    }
    let variable = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    let value = std::env::var_os(variable).unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&value).filter(|folder| folder.is_absolute()).collect();
    folders.extend(["/usr/local/lib", "/usr/lib64", "/usr/lib", "/opt/homebrew/lib"].map(PathBuf::from));
    folders.push(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH).into());
    folders
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
