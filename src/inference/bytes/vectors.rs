//! By which vector instructions convolutions of bytes are computed, and what these are given.

use super::conv::{GROUP, LANES, SQUARES, Sums, WINDOW_MAX};
use std::marker::PhantomData;

/// Instructions that sum products of unsigned with signed bytes up in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vectors {
    /// AVX-512 VNNI: 16 sums at once.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-VNNI: eight sums at once.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// The dot products of 64-bit ARM: four sums at once.
    #[cfg(target_arch = "aarch64")]
    DotProducts,
}

impl Vectors {
    /// Whether the processor knows them.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub fn are_known(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::conv_avx512::is_known(),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => super::conv_avxvnni::is_known(),
            #[cfg(target_arch = "aarch64")]
            Self::DotProducts => super::conv_dotprod::is_known(),
        }
    }

    /// All channels with all.
    pub fn products(self, job: &Job<'_>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::conv_avx512::products(job),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => super::conv_avxvnni::products(job),
            #[cfg(target_arch = "aarch64")]
            Self::DotProducts => super::conv_dotprod::products(job),
        }
    }

    /// Each channel by itself.
    pub fn of_each(self, job: &Job<'_>) {
        assert!(job.is_of_each);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::conv_avx512::of_each(job),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => super::conv_avxvnni::of_each(job),
            #[cfg(target_arch = "aarch64")]
            Self::DotProducts => super::conv_dotprod::of_each(job),
        }
    }
}

/// Pixels of a result that follow each other in a row, and what they are made of. It is only made by [`Job::of_all`] and
/// [`Job::of_each`], which see to it that all is there that vectors read and write without looking.
pub(super) struct Job<'a> {
    pub sums: &'a Sums,
    /// The rows of the first pixel's window; beyond `height` they are null.
    pub lines: [*const u8; WINDOW_MAX],
    pub height: usize,
    /// Bytes from the window of a pixel to that of the next one.
    pub step: usize,
    /// The result, `pixels` times the outputs.
    pub to: *mut u8,
    pub pixels: usize,
    is_of_each: bool,
    borrowed: PhantomData<(&'a [u8], &'a mut [u8])>,
}

impl<'a> Job<'a> {
    /// All channels with all: the lines hold whole groups of inputs for each pixel.
    pub fn of_all(sums: &'a Sums, lines: &[&'a [u8]], step: usize, to: &'a mut [u8]) -> Self {
        Self::new(sums, lines, [step, sums.groups * GROUP], to)
    }

    /// Each channel by itself, in a window that is one of [`SQUARES`], with `stride` (1 or 2) pixels from one to the next. The
    /// lines hold 16 channels wherever one begins that is a multiple of 16.
    pub fn of_each(sums: &'a Sums, lines: &[&'a [u8]], stride: usize, to: &'a mut [u8]) -> Self {
        let side = lines.len();
        assert!(SQUARES.contains(&[side; 2]) && sums.groups == side.div_ceil(GROUP) && (1..=2).contains(&stride));
        let reach = (side - 1) * sums.outputs + sums.outputs.next_multiple_of(LANES);
        Self { is_of_each: true, ..Self::new(sums, lines, [stride * sums.outputs, reach], to) }
    }

    fn new(sums: &'a Sums, lines: &[&'a [u8]], [step, reach]: [usize; 2], to: &'a mut [u8]) -> Self {
        let (height, pixels, blocks) = (lines.len(), to.len() / sums.outputs, sums.outputs.div_ceil(LANES));
        let last = pixels.saturating_sub(1) * step + reach;
        assert!(height <= WINDOW_MAX && lines.iter().all(|line| pixels == 0 || line.len() >= last));
        assert!(sums.weights.len() >= blocks * height * sums.groups * GROUP * LANES);
        assert!([sums.start.len(), sums.scales.len()].iter().all(|length| *length >= blocks * LANES));
        let mut starts = [std::ptr::null(); WINDOW_MAX];
        starts.iter_mut().zip(lines).for_each(|(start, line)| *start = line.as_ptr());
        let (to, borrowed) = (to.as_mut_ptr(), PhantomData);
        Self { sums, lines: starts, height, step, to, pixels, is_of_each: false, borrowed }
    }

    /// Sixteens of outputs.
    pub fn blocks(&self) -> usize {
        self.sums.outputs.div_ceil(LANES)
    }

    /// Pixels from one window to the next, where each channel is by itself.
    pub fn stride(&self) -> usize {
        self.step / self.sums.outputs
    }
}
