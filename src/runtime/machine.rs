//! The machine that figures came from, and how many threads suit it.

use serde::Serialize;
use std::sync::OnceLock;
use std::time::Duration;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// Most threads that a lane gets by itself: small detectors gain little from more.
const THREADS_MAX: usize = 4;

/// What a report says of the machine. Read once; takes some milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineInfo {
    /// The board, where it has a name ("Raspberry Pi 5 Model B Rev 1.0").
    pub board: Option<String>,
    /// Name of the processor.
    pub cpu: String,
    /// Processor family of this program: `x86_64`, `aarch64`.
    pub architecture: String,
    /// Cores, where they can be told from threads.
    pub physical_cores: Option<usize>,
    /// Hardware threads that this process may use.
    pub logical_cores: usize,
    /// Main memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Operating system and version.
    pub os: String,
    /// Those instruction sets of the processor that matter for quantized models, such as `avx512vnni` or `dotprod`.
    pub cpu_features: Vec<String>,
}

impl MachineInfo {
    /// Asks the system.
    pub fn read() -> Self {
        let wanted = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(wanted).ok();
        let brand = system.as_ref().and_then(|system| Some(system.cpus().first()?.brand().trim().to_owned()));
        Self {
            board: board(),
            cpu: brand.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown processor".to_owned()),
            architecture: std::env::consts::ARCH.to_owned(),
            physical_cores: System::physical_core_count().ok(),
            logical_cores: logical_cores(),
            memory_bytes: system.map(|system| system.total_memory()),
            os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
            cpu_features: cpu_features().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl std::fmt::Display for MachineInfo {
    /// One line: board, processor, cores, memory, system, instruction sets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(board) = &self.board {
            write!(f, "{board}, ")?;
        }
        write!(f, "{} ({}), ", self.cpu, self.architecture)?;
        match self.physical_cores {
            Some(cores) => write!(f, "{cores} cores, {} threads, ", self.logical_cores)?,
            None => write!(f, "{} threads, ", self.logical_cores)?,
        }
        if let Some(bytes) = self.memory_bytes {
            write!(f, "{:.1} GiB, ", bytes as f64 / f64::from(1 << 30))?;
        }
        write!(f, "{}", self.os)?;
        if self.cpu_features.is_empty() { Ok(()) } else { write!(f, ", {}", self.cpu_features.join(" ")) }
    }
}

/// Main memory in bytes, where the system tells it.
pub fn memory_bytes() -> Option<u64> {
    let wanted = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let bytes = System::new_with_specifics(wanted).ok()?.total_memory();
    (bytes > 0).then_some(bytes)
}

/// Processor time that a process has used up, all its threads together; None where it is gone or cannot be looked at.
pub fn processor_time_of(process: u32) -> Option<Duration> {
    let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
    let process = Pid::from_u32(process);
    let wanted = ProcessRefreshKind::nothing().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), false, wanted);
    system.process(process).map(|process| Duration::from_millis(process.accumulated_cpu_time()))
}

/// Processor time that this process has used up, all its threads together, ended ones too; to the nanosecond on Linux.
#[cfg(target_os = "linux")]
pub fn own_processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Processor time that the calling thread has used up; None where the system does not tell.
#[cfg(target_os = "linux")]
pub fn own_thread_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Processor time that the calling thread has used up; None where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn own_thread_time() -> Option<Duration> {
    None
}

/// Processor time that this process has used up, all its threads together.
#[cfg(not(target_os = "linux"))]
pub fn own_processor_time() -> Option<Duration> {
    processor_time_of(std::process::id())
}

/// Threads inside one operator that a lane gets when nothing else is asked for: half of the hardware threads, since
/// both lanes may run at once; at least 1, at most 4.
pub fn default_threads() -> usize {
    threads_for(logical_cores())
}

/// Physical cores that this process may use; where they cannot be told from threads, the threads. Asked once.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| {
        let logical = logical_cores();
        System::physical_core_count().map_or(logical, |physical| physical.clamp(1, logical))
    })
}

fn threads_for(logical_cores: usize) -> usize {
    (logical_cores / 2).clamp(1, THREADS_MAX)
}

fn logical_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Small computers name themselves in the device tree; the text ends with a zero byte.
fn board() -> Option<String> {
    let text = std::fs::read_to_string("/sys/firmware/devicetree/base/model").ok()?;
    let name = text.trim_end_matches('\0').trim();
    if name.is_empty() { None } else { Some(name.to_owned()) }
}

/// Those instruction sets of the processor that matter for quantized models.
#[cfg(target_arch = "x86_64")]
pub fn cpu_features() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected as has;
    [
        ("sse4.1", has!("sse4.1")),
        ("avx", has!("avx")),
        ("avx2", has!("avx2")),
        ("fma", has!("fma")),
        ("f16c", has!("f16c")),
        ("avxvnni", has!("avxvnni")),
        ("avx512f", has!("avx512f")),
        ("avx512bw", has!("avx512bw")),
        ("avx512vnni", has!("avx512vnni")),
        ("avx512bf16", has!("avx512bf16")),
    ]
    .into_iter()
    .filter_map(|(name, present)| present.then_some(name))
    .collect()
}

/// Those instruction sets of the processor that matter for quantized models.
#[cfg(target_arch = "aarch64")]
pub fn cpu_features() -> Vec<&'static str> {
    use std::arch::is_aarch64_feature_detected as has;
    [
        ("neon", has!("neon")),
        ("fp16", has!("fp16")),
        ("dotprod", has!("dotprod")),
        ("i8mm", has!("i8mm")),
        ("bf16", has!("bf16")),
        ("sve", has!("sve")),
    ]
    .into_iter()
    .filter_map(|(name, present)| present.then_some(name))
    .collect()
}

/// Those instruction sets of the processor that matter for quantized models: none are known.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_leave_room_for_the_other_lane() {
        for (cores, threads) in [(1, 1), (2, 1), (3, 1), (4, 2), (6, 3), (8, 4), (64, 4)] {
            assert_eq!(threads_for(cores), threads, "{cores} cores");
        }
        assert!((1..=THREADS_MAX).contains(&default_threads()));
    }

    #[test]
    fn the_processor_time_of_a_process_grows_as_it_works() {
        let own = std::process::id();
        let before = processor_time_of(own).unwrap();
        let begin = std::time::Instant::now();
        let mut sum = 0u64;
        while processor_time_of(own).unwrap() < before + Duration::from_millis(50) {
            sum = (0..100_000).fold(sum, |sum, value| std::hint::black_box(sum ^ value));
            assert!(begin.elapsed() < Duration::from_secs(20), "{sum}");
        }
        assert_eq!(processor_time_of(u32::MAX), None);
        assert!(memory_bytes().is_some_and(|bytes| bytes > 64 << 20));
    }

    #[test]
    fn the_machine_is_described() {
        let machine = MachineInfo::read();
        println!("{machine}");
        assert!(machine.memory_bytes.is_some_and(|bytes| bytes > 64 << 20), "{machine:?}");
        assert!(machine.logical_cores >= 1 && !machine.cpu.is_empty() && !machine.os.is_empty());
        assert!(!machine.to_string().contains('\n'));
        if cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
            // What the kernel reports is a second opinion on every name but those that it spells differently.
            let reported = std::fs::read_to_string("/proc/cpuinfo").unwrap();
            for (name, kernel_name) in [("avx2", "avx2"), ("fma", "fma"), ("neon", "asimd"), ("dotprod", "asimddp")] {
                let in_kernel = reported.split_whitespace().any(|word| word == kernel_name);
                assert_eq!(machine.cpu_features.iter().any(|feature| feature == name), in_kernel, "{name}");
            }
        }
    }
}
