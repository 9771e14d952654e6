//! Look-ups of bytes in a table of 256: what is left of an 8-bit activation function once it is folded.
//!
//! The fastest way that the processor knows is chosen once, at run time. The environment variable `QUANTSCOPE_CPU`
//! (`avx512`, `avxvnni`, `avx2`; `dotprod`, `neon`; `scalar`) forbids those that are faster than the one it names; every
//! way gives the same bytes, so that it changes nothing but the time.

mod columns;
pub mod conv;
#[cfg(target_arch = "x86_64")]
mod conv_avx512;
#[cfg(target_arch = "x86_64")]
mod conv_avxvnni;
#[cfg(target_arch = "aarch64")]
mod conv_dotprod;
#[cfg(miri)]
mod for_miri;
#[cfg(target_arch = "aarch64")]
mod neon;
mod rows;
mod vectors;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;
use vectors::Vectors;

/// Entries of a table.
pub const ENTRIES: usize = 256;

/// A function of a byte: the value for each byte, signed ones by the same bits without sign.
pub type Table = [u8; ENTRIES];

/// The environment variable that forbids faster ways.
pub const CPU_VARIABLE: &str = "QUANTSCOPE_CPU";

/// The names of all kernels, those of each family of processors from the fastest on.
pub const NAMES: [&str; 6] = ["avx512", "avxvnni", "avx2", "dotprod", "neon", "scalar"];

/// Instructions that this processor knows: how bytes are looked up, and how convolutions of them are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    name: &'static str,
    way: Way,
    /// None where plain Rust is all there is for convolutions.
    vectors: Option<Vectors>,
}

/// How bytes are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// 64 bytes at once: two permutations of 128 entries each and a blend.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 32 bytes at once: 16 shuffles of 16 entries each.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 16 bytes at once: four look-ups of 64 entries each.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// One byte after the other.
    Scalar,
}

impl Kernel {
    /// The fastest that the processor knows and [`CPU_VARIABLE`] allows.
    pub fn best() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| {
            let place = |name: &str| NAMES.iter().position(|known| *known == name).unwrap_or(0);
            let fastest_wanted = place(&std::env::var(CPU_VARIABLE).unwrap_or_default());
            Self::all().into_iter().find(|kernel| place(kernel.name) >= fastest_wanted).unwrap_or(Self::SCALAR)
        })
    }

    /// All that the processor knows, fastest first.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let known = |vectors: Vectors| Some(vectors).filter(|vectors| vectors.are_known());
            if x86::has_avx512() {
                all.push(Self { name: "avx512", way: Way::Avx512, vectors: known(Vectors::Avx512) });
            }
            if x86::has_avx2() {
                let vectors = known(Vectors::AvxVnni);
                all.extend(vectors.map(|_| Self { name: "avxvnni", way: Way::Avx2, vectors }));
                all.push(Self { name: "avx2", way: Way::Avx2, vectors: None });
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            let vectors = Some(Vectors::DotProducts).filter(|vectors| vectors.are_known());
            all.extend(vectors.map(|_| Self { name: "dotprod", way: Way::Neon, vectors }));
            // Every 64-bit ARM processor knows it.
            all.push(Self { name: "neon", way: Way::Neon, vectors: None });
        }
        all.push(Self::SCALAR);
        all
    }

    const SCALAR: Self = Self { name: "scalar", way: Way::Scalar, vectors: None };

    /// Whether there is a way for convolutions that is faster than those of ONNX Runtime, as a rule.
    pub fn convolves(self) -> bool {
        self.vectors.is_some()
    }

    /// Its name, one of [`NAMES`].
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Nanoseconds that a byte takes, about, of tensors that stay in a second-level cache.
    pub fn nanoseconds(self) -> f64 {
        match self.way {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512 => 0.03,
            #[cfg(target_arch = "x86_64")]
            Way::Avx2 => 0.13,
            #[cfg(target_arch = "aarch64")]
            Way::Neon => 0.13,
            Way::Scalar => 0.3,
        }
    }

    /// Writes to `to` what the table has for the bytes of `from`; where one is longer, its rest is left alone.
    pub fn apply(self, table: &Table, from: &[u8], to: &mut [u8]) {
        let count = from.len().min(to.len());
        let (from, to) = (&from[..count], &mut to[..count]);
        let done = match self.way {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512 => x86::by_avx512(table, from, to),
            #[cfg(target_arch = "x86_64")]
            Way::Avx2 => x86::by_avx2(table, from, to),
            #[cfg(target_arch = "aarch64")]
            Way::Neon => neon::by_neon(table, from, to),
            Way::Scalar => 0,
        };
        for (to, from) in to[done..].iter_mut().zip(&from[done..]) {
            *to = table[usize::from(*from)];
        }
    }

    /// The same with a table for each channel: `inner` bytes of the first channel, then of the second, and so on, again and
    /// again.
    pub fn apply_by_channel(self, tables: &[Table], inner: usize, from: &[u8], to: &mut [u8]) {
        if tables.is_empty() {
            return;
        }
        if inner == 1 {
            let done = columns::apply(self, tables, from, to);
            let rest = to[done..].iter_mut().zip(&from[done..]).zip(tables.iter().cycle());
            rest.for_each(|((to, from), table)| *to = table[usize::from(*from)]);
            return;
        }
        let planes = from.chunks(inner.max(1)).zip(to.chunks_mut(inner.max(1))).zip(tables.iter().cycle());
        planes.for_each(|((from, to), table)| self.apply(table, from, to));
    }

    /// The same in place.
    pub fn apply_by_channel_in_place(self, tables: &[Table], inner: usize, bytes: &mut [u8]) {
        if tables.is_empty() {
            return;
        }
        if inner == 1 {
            let done = columns::apply_in_place(self, tables, bytes);
            let rest = bytes[done..].iter_mut().zip(tables.iter().cycle());
            rest.for_each(|(byte, table)| *byte = table[usize::from(*byte)]);
            return;
        }
        let planes = bytes.chunks_mut(inner.max(1)).zip(tables.iter().cycle());
        planes.for_each(|(plane, table)| self.apply_in_place(table, plane));
    }

    /// Bytes of a tensor that are best done together, where `channels` have tables of their own and `inner` bytes of each
    /// lie beside each other: a multiple of these may be done by each thread.
    pub fn portion(channels: usize, inner: usize) -> usize {
        if inner == 1 { columns::portion(channels) } else { (channels * inner).max(1) }
    }

    /// Puts what the table has for each byte in its place.
    pub fn apply_in_place(self, table: &Table, bytes: &mut [u8]) {
        let done = match self.way {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512 => x86::by_avx512_in_place(table, bytes),
            #[cfg(target_arch = "x86_64")]
            Way::Avx2 => x86::by_avx2_in_place(table, bytes),
            #[cfg(target_arch = "aarch64")]
            Way::Neon => neon::by_neon_in_place(table, bytes),
            Way::Scalar => 0,
        };
        for byte in &mut bytes[done..] {
            *byte = table[usize::from(*byte)];
        }
    }
}

#[cfg(test)]
mod conv_tests;
#[cfg(test)]
mod tests;
