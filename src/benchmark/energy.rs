//! Energy that the processor used, where the machine counts it: RAPL, "Running Average Power Limit".
//!
//! Source: Linux kernel, `Documentation/power/powercap/powercap.rst`. AMD's processors count under the same name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the kernel shows the counters.
const FOLDER: &str = "/sys/class/powercap";

/// Why energy is not told although the machine counts it.
#[derive(Debug, thiserror::Error)]
pub enum EnergyError {
    /// Reading is for others.
    #[error(
        "energy is not measured: only root may read {path}. `sudo chmod a+r {path}` lets everyone read it until the \
         next start"
    )]
    Denied {
        /// The counter.
        path: PathBuf,
    },
    /// It does not hold what it should.
    #[error("energy is not measured: {path} cannot be read: {reason}")]
    Unreadable {
        /// The counter.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl EnergyError {
    fn of(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            _ => Self::Unreadable { path, reason: error.to_string() },
        }
    }
}

/// The counters of all processor packages.
#[derive(Clone, Debug)]
pub struct Rapl {
    packages: Vec<Package>,
}

#[derive(Clone, Debug)]
struct Package {
    counter: PathBuf,
    /// Microjoules at which the counter starts again.
    range: u64,
}

/// What the counters stood at, in microjoules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading(Vec<u64>);

impl Rapl {
    /// Looks for the counters; None where the machine has none.
    ///
    /// # Errors
    ///
    /// When it has some that cannot be read.
    pub fn find() -> Result<Option<Self>, EnergyError> {
        Self::find_in(Path::new(FOLDER))
    }

    /// The same in another folder.
    ///
    /// # Errors
    ///
    /// As [`Rapl::find`].
    pub fn find_in(folder: &Path) -> Result<Option<Self>, EnergyError> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
        // `intel-rapl:0` is a package, `intel-rapl:0:1` a part of it; `intel-rapl-mmio:0` is the same package once more.
        let is_top = |name: &str| name.strip_prefix("intel-rapl:").is_some_and(|number| !number.contains(':'));
        let mut zones: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_str().is_some_and(is_top))
            .map(|entry| entry.path())
            // Others are the whole board (psys), in which the packages are counted once more.
            .filter(|zone| fs::read_to_string(zone.join("name")).is_ok_and(|name| name.starts_with("package")))
            .collect();
        zones.sort();
        let packages = zones.iter().map(|zone| {
            let range = number_in(&zone.join("max_energy_range_uj"))?;
            Ok(Package { counter: zone.join("energy_uj"), range })
        });
        let rapl = Self { packages: packages.collect::<Result<_, EnergyError>>()? };
        if rapl.packages.is_empty() {
            return Ok(None);
        }
        rapl.read().map(|_| Some(rapl))
    }

    /// What the counters stand at.
    ///
    /// # Errors
    ///
    /// When one cannot be read.
    pub fn read(&self) -> Result<Reading, EnergyError> {
        self.packages.iter().map(|package| number_in(&package.counter)).collect::<Result<_, _>>().map(Reading)
    }

    /// Microjoules between two readings, all packages together. A counter that has started again meanwhile has done so
    /// once: that takes many minutes.
    pub fn between(&self, before: &Reading, after: &Reading) -> u64 {
        let used = |((package, before), after): ((&Package, &u64), &u64)| match after.checked_sub(*before) {
            Some(used) => used,
            None => package.range.saturating_sub(*before).saturating_add(*after),
        };
        self.packages.iter().zip(&before.0).zip(&after.0).map(used).sum()
    }
}

fn number_in(path: &Path) -> Result<u64, EnergyError> {
    let text = fs::read_to_string(path).map_err(|error| EnergyError::of(path, &error))?;
    let unreadable = |_| EnergyError::Unreadable { path: path.to_owned(), reason: "it holds no number".to_owned() };
    text.trim().parse().map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(folder: &Path, zone: &str, name: &str, energy: &str, range: &str) -> PathBuf {
        let path = folder.join(zone);
        fs::create_dir_all(&path).unwrap();
        for (file, text) in [("name", name), ("energy_uj", energy), ("max_energy_range_uj", range)] {
            fs::write(path.join(file), format!("{text}\n")).unwrap();
        }
        path
    }

    #[test]
    fn only_whole_packages_count_and_a_counter_may_start_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = zone(folder.path(), "intel-rapl:0", "package-0", "900", "1000");
        let second = zone(folder.path(), "intel-rapl:1", "package-1", "50", "1000");
        zone(folder.path(), "intel-rapl:0:0", "core", "1", "1000");
        zone(folder.path(), "intel-rapl:2", "psys", "1", "1000");
        zone(folder.path(), "intel-rapl-mmio:0", "package-0", "1", "1000");
        fs::create_dir(folder.path().join("dtpm")).unwrap();
        let rapl = Rapl::find_in(folder.path()).unwrap().unwrap();
        let before = rapl.read().unwrap();
        assert_eq!(before, Reading(vec![900, 50]));
        fs::write(first.join("energy_uj"), "30").unwrap();
        fs::write(second.join("energy_uj"), "57").unwrap();
        // 100 up to the range, 30 after it, and 7 of the other package.
        assert_eq!(rapl.between(&before, &rapl.read().unwrap()), 137);
        assert_eq!(rapl.between(&before, &before), 0);
    }

    #[test]
    fn no_counters_are_no_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Rapl::find_in(folder.path()).unwrap().is_none());
        assert!(Rapl::find_in(&folder.path().join("absent")).unwrap().is_none());
        zone(folder.path(), "intel-rapl:2", "psys", "1", "1000");
        assert!(Rapl::find_in(folder.path()).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_read_is_said_plainly() {
        let folder = tempfile::tempdir().unwrap();
        let path = zone(folder.path(), "intel-rapl:0", "package-0", "soon", "1000").join("energy_uj");
        let error = Rapl::find_in(folder.path()).unwrap_err().to_string();
        assert!(error.contains("energy_uj cannot be read: it holds no number"), "{error}");
        let denied = EnergyError::of(&path, &io::Error::from(io::ErrorKind::PermissionDenied)).to_string();
        assert!(denied.contains("only root may read") && denied.contains("chmod a+r"), "{denied}");
    }
}
