//! Looks at a file before the system's loader does: that loader waits for ever on a pipe, and a library that was cut
//! off kills the process when a page beyond its end is touched.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Why a file is no library that can be loaded; ends a sentence after a comma.
pub(super) type Reason = String;

/// Checks that `path` is a regular file and, on Linux, a complete ELF shared library for this processor. Reads a few
/// hundred bytes at most.
pub(super) fn check(path: &Path) -> Result<(), Reason> {
    let metadata = path.metadata().map_err(|error| in_words(&error))?;
    if metadata.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is a pipe or a device, not a file".to_owned());
    }
    if metadata.len() == 0 {
        return Err("the file is empty".to_owned());
    }
    let mut file = File::open(path).map_err(|error| in_words(&error))?;
    if cfg!(target_os = "linux") { check_elf(&mut file, metadata.len()) } else { Ok(()) }
}

fn in_words(error: &std::io::Error) -> Reason {
    match error.kind() {
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => format!("it cannot be read ({error})"),
    }
}

// Offsets and values of the ELF-64 header and program header: System V ABI, chapter 4 and 5.
const HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: usize = 56;
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const TYPE_SHARED: u16 = 3;
const SEGMENT_LOADED: u32 = 1;
/// More program headers than any real library has.
const PROGRAM_HEADERS_MAX: u16 = 256;

/// Known processors: ELF number, name as in [`std::env::consts::ARCH`].
const MACHINES: [(u16, &str); 6] =
    [(3, "x86"), (40, "arm"), (62, "x86_64"), (183, "aarch64"), (243, "riscv64"), (258, "loongarch64")];

fn check_elf(file: &mut (impl Read + Seek), length: u64) -> Result<(), Reason> {
    let mut header = [0; HEADER_BYTES];
    let filled = read_up_to(file, &mut header)?;
    if !header.starts_with(b"\x7fELF") {
        return Err("it is no shared library".to_owned());
    }
    if filled < HEADER_BYTES {
        return Err(cut_off());
    }
    let [.., class, order] = field::<6>(&header, 0);
    let machine = u16::from_le_bytes(field(&header, 18));
    let this_machine = std::env::consts::ARCH;
    let built_for =
        MACHINES.iter().find(|(number, _)| *number == machine).map_or("another processor", |(_, name)| name);
    if class != CLASS_64 || order != LITTLE_ENDIAN || built_for != this_machine {
        return Err(format!("it is built for {built_for} and this program for {this_machine}"));
    }
    if u16::from_le_bytes(field(&header, 16)) != TYPE_SHARED {
        return Err("it is no shared library".to_owned());
    }
    let count = u16::from_le_bytes(field(&header, 56)).min(PROGRAM_HEADERS_MAX);
    file.seek(SeekFrom::Start(u64::from_le_bytes(field(&header, 32)))).map_err(|_| cut_off())?;
    check_segments(file, count, length)
}

/// Every segment that the loader maps must lie within the file.
fn check_segments(file: &mut impl Read, count: u16, length: u64) -> Result<(), Reason> {
    let mut any_loaded = false;
    for _ in 0..count {
        let mut header = [0; PROGRAM_HEADER_BYTES];
        if read_up_to(file, &mut header)? < PROGRAM_HEADER_BYTES {
            return Err(cut_off());
        }
        if u32::from_le_bytes(field(&header, 0)) != SEGMENT_LOADED {
            continue;
        }
        any_loaded = true;
        let offset = u64::from_le_bytes(field(&header, 8));
        let size = u64::from_le_bytes(field(&header, 32));
        if offset.checked_add(size).is_none_or(|end| end > length) {
            return Err(cut_off());
        }
    }
    if any_loaded { Ok(()) } else { Err("it is no shared library".to_owned()) }
}

fn cut_off() -> Reason {
    "the file is cut off (an interrupted download?)".to_owned()
}

/// `N` bytes of a header at `offset`; zeroes where the header has none.
fn field<const N: usize>(header: &[u8], offset: usize) -> [u8; N] {
    header.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// Fills `buffer` as far as the file goes; how many bytes there were.
fn read_up_to(file: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Reason> {
    let wanted = buffer.len() as u64;
    let mut bytes = Vec::with_capacity(buffer.len());
    file.by_ref().take(wanted).read_to_end(&mut bytes).map_err(|error| in_words(&error))?;
    for (target, byte) in buffer.iter_mut().zip(&bytes) {
        *target = *byte;
    }
    Ok(bytes.len())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn own_program() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut program = File::open(std::env::current_exe().unwrap()).unwrap();
        program.by_ref().take(4096).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn check_bytes(bytes: &[u8], length: u64) -> Result<(), Reason> {
        check_elf(&mut std::io::Cursor::new(bytes), length)
    }

    #[test]
    fn a_complete_file_passes_and_every_shorter_one_is_cut_off() {
        // A position-independent program has the same header as a shared library.
        let bytes = own_program();
        let length = std::env::current_exe().unwrap().metadata().unwrap().len();
        assert_eq!(check_bytes(&bytes, length), Ok(()));
        for shorter in [4096, 65_536] {
            assert_eq!(check_bytes(&bytes, shorter), Err(cut_off()));
        }
        for end in [10, 63, 64, 100] {
            assert_eq!(check_bytes(&bytes[..end], end as u64), Err(cut_off()), "{end} bytes");
        }
    }

    #[test]
    fn another_processor_is_named() {
        let mut bytes = own_program();
        let (number, name) = if cfg!(target_arch = "x86_64") { (183_u16, "aarch64") } else { (62, "x86_64") };
        bytes[18..20].copy_from_slice(&number.to_le_bytes());
        let reason = check_bytes(&bytes, 1 << 40).unwrap_err();
        assert!(reason.contains(&format!("built for {name}")), "{reason}");
    }

    #[test]
    fn absurd_headers_are_refused() {
        let mut no_shared_type = own_program();
        no_shared_type[16] = 2;
        assert!(check_bytes(&no_shared_type, 1 << 40).unwrap_err().contains("no shared library"));

        let mut far_away = own_program();
        far_away[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(check_bytes(&far_away, 1 << 40), Err(cut_off()));

        let mut no_segments = own_program();
        no_segments[56..58].copy_from_slice(&0_u16.to_le_bytes());
        assert!(check_bytes(&no_segments, 1 << 40).unwrap_err().contains("no shared library"));
    }
}
