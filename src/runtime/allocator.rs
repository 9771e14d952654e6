//! Keeps glibc's allocator from holding on to memory that nobody uses.
#![expect(unsafe_code, reason = "glibc is told how to allocate, which the standard library has no way to do")]

/// Heaps that the allocator keeps, instead of eight a core. The pipeline allocates little while it runs; what it does
/// allocate (models, pictures) is large, comes from many threads, and each heap would keep its share after they end.
/// Over two hundred model loads, with both default models, 120 MiB instead of 180 stay resident.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: i32 = 2;

/// To be called once, before threads are started; elsewhere than with glibc it does nothing.
pub fn keep_few_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// From glibc's `malloc.h`.
        const M_ARENA_MAX: i32 = -8;
        unsafe extern "C" {
            // Takes two numbers and returns one, sets a limit under the allocator's own lock, and has no way to fail
            // but to change nothing.
            safe fn mallopt(parameter: i32, value: i32) -> i32;
        }
        if mallopt(M_ARENA_MAX, HEAPS) == 0 {
            tracing::debug!("the allocator does not take a number of heaps");
        }
    }
}
