//! The one source of chance of the scene: SplitMix64, the same on every machine.
//!
//! Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

/// A small generator. Equal seeds give equal sequences.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// A generator for item `index` of the stream `seed`; neighbouring indices give unrelated sequences.
    pub fn new(seed: u64, index: u64) -> Self {
        let mut outer = Self(seed ^ 0x5851_F42D_4C95_7F2D);
        let mixed = outer.next().wrapping_add(index.wrapping_mul(0xD134_2543_DE82_EF95));
        let mut inner = Self(mixed);
        Self(inner.next())
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in 0…1 (1 excluded).
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Uniform in `low`…`high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Between -1 and 1, mostly near 0.
    pub fn around(&mut self) -> f32 {
        (self.unit() + self.unit() + self.unit()) * (2.0 / 3.0) - 1.0
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Uniform in 0…`count`-1; 0 when `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { (self.next() % count as u64) as usize }
    }

    /// A colour with each channel between `low` and `high`.
    pub fn colour(&mut self, low: f32, high: f32) -> [f32; 3] {
        [self.range(low, high), self.range(low, high), self.range(low, high)]
    }
}
