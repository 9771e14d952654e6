//! Opens a shared library and asks it which ONNX Runtime it is. The only `unsafe` code of this program's own.
#![expect(unsafe_code, reason = "a C library is opened and two of its functions are called")]

use libloading::Library;
use std::ffi::{CStr, OsStr, c_char, c_void};

/// Why a library did not say its version.
#[derive(Debug)]
pub(super) enum DylibError {
    /// The system's loader refuses it; its message.
    Refused(String),
    /// It loads, but has no usable `OrtGetApiBase`.
    MissingApi,
}

/// The beginning of ONNX Runtime's C interface, which is the same in every version (`OrtApiBase` in
/// `onnxruntime_c_api.h`).
#[repr(C)]
struct ApiBase {
    get_api: Option<unsafe extern "system" fn(version: u32) -> *const c_void>,
    get_version_string: Option<unsafe extern "system" fn() -> *const c_char>,
}

type GetApiBase = unsafe extern "system" fn() -> *const ApiBase;

/// Opens `name` (a path, or a bare file name that the system's loader looks for) and returns the version that it
/// reports, such as `1.32.0`.
///
/// The library stays open until the program ends: unloading would run its destructors and gain nothing.
pub(super) fn version_of(name: &OsStr) -> Result<String, DylibError> {
    // SAFETY: opening runs the library's initializers. The caller has seen that the file is a complete library for
    // this processor, and it is one that the user named or installed; there is no more that can be asked beforehand.
    let library = unsafe { Library::new(name) }.map_err(|error| DylibError::Refused(innermost(&error)))?;
    let library = std::mem::ManuallyDrop::new(library);

    // SAFETY: `OrtGetApiBase` has had this signature since ONNX Runtime 1.0.
    let get_api_base = unsafe { library.get::<GetApiBase>(c"OrtGetApiBase") }.map_err(|_| DylibError::MissingApi)?;
    // SAFETY: as above; it takes nothing, and returns null or a pointer to a static table.
    let base = unsafe { get_api_base().as_ref() }.ok_or(DylibError::MissingApi)?;
    let get_version_string = base.get_version_string.ok_or(DylibError::MissingApi)?;
    // SAFETY: the entry belongs to the open library and takes nothing.
    let version = unsafe { get_version_string() };
    if version.is_null() {
        return Err(DylibError::MissingApi);
    }
    // SAFETY: not null, and by its documentation a static string that ends with a zero.
    let version = unsafe { CStr::from_ptr(version) };
    Ok(version.to_string_lossy().into_owned())
}

/// The loader's own words, which say which file or symbol is missing.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
