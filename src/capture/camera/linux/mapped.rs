//! The buffers that a V4L2 driver and this program share: mapped once, handed back and forth.
//!
//! The `v4l` crate has such a stream too, but it ends the process when the driver refuses to stop (a panic in `drop`,
//! then another one while unwinding), and with that every fault of a camera would be one of the program. This one lets
//! go of everything whatever the driver says; closing the device file then frees the rest.
//!
//! Source of the sequence of calls: Linux media documentation, "Streaming I/O (Memory Mapping)".
#![expect(unsafe_code, reason = "memory that is shared with a driver is mapped, and asked for by ioctl")]

use std::ffi::c_void;
use std::io;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::time::Duration;
use v4l::buffer::{Flags, Type};
use v4l::device::Handle;
use v4l::v4l_sys::{v4l2_buffer, v4l2_requestbuffers};
use v4l::v4l2::{self, vidioc};
use v4l::{Device, Memory};

/// A frame that the driver has filled and that is ours until it is given back.
#[derive(Debug)]
pub struct Filled {
    index: u32,
    /// Bytes of the frame.
    pub bytes_used: u32,
    /// What the driver says of it.
    pub flags: Flags,
    /// When it was taken, by the clock that `flags` names.
    pub timestamp: Duration,
    /// The driver's number for it.
    pub sequence: u32,
}

struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

/// The buffers of one running stream. Dropping it stops the stream.
pub struct Mapped {
    handle: Arc<Handle>,
    mappings: Vec<Mapping>,
}

// SAFETY: the mappings belong to this value alone and are valid on every thread of the process.
unsafe impl Send for Mapped {}

impl Mapped {
    /// Asks for `count` buffers (the driver may give more or fewer), hands all of them to the driver, and starts it.
    ///
    /// # Errors
    ///
    /// The driver's, such as EBUSY when another program streams and ENOSPC when the bus has no room.
    pub fn start(device: &Device, count: u32) -> io::Result<Self> {
        let mut mapped = Self { handle: device.handle(), mappings: Vec::new() };
        let given = mapped.request(count)?;
        if given == 0 {
            return Err(io::Error::other("the driver gives no buffers"));
        }
        for index in 0..given {
            mapped.map(index)?;
            mapped.queue_index(index)?;
        }
        mapped.control(vidioc::VIDIOC_STREAMON, &mut (Type::VideoCapture as u32))?;
        Ok(mapped)
    }

    /// Number of buffers.
    pub fn len(&self) -> usize {
        self.mappings.len()
    }

    /// Whether a frame, or an error, is there within `limit`.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn poll(&self, limit: Duration) -> io::Result<bool> {
        let limit_ms = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        self.handle.poll(libc::POLLIN, limit_ms).map(|ready| ready > 0)
    }

    /// The oldest frame that is filled; none when none is.
    ///
    /// # Errors
    ///
    /// The driver's: ENODEV when the camera is gone; after any other one the stream has to be started anew.
    pub fn dequeue(&mut self) -> io::Result<Option<Filled>> {
        let mut buffer = self.description(0);
        match self.control(vidioc::VIDIOC_DQBUF, &mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            other => other?,
        }
        if buffer.index as usize >= self.mappings.len() {
            return Err(io::Error::other("the driver names a buffer that there is not"));
        }
        let (seconds, micros) = (buffer.timestamp.tv_sec, buffer.timestamp.tv_usec);
        let timestamp = Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
            + Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        Ok(Some(Filled {
            index: buffer.index,
            bytes_used: buffer.bytesused,
            flags: Flags::from(buffer.flags),
            timestamp,
            sequence: buffer.sequence,
        }))
    }

    /// The bytes of a frame, in the driver's memory; no more than the buffer has.
    pub fn bytes<'a>(&'a self, filled: &'a Filled) -> &'a [u8] {
        let Some(mapping) = self.mappings.get(filled.index as usize) else { return &[] };
        let length = mapping.length.min(filled.bytes_used as usize);
        // SAFETY: the mapping is `length` bytes at least and lives as long as `self`. A `Filled` exists only between
        // dequeueing and queueing, when the driver leaves the buffer alone.
        unsafe { std::slice::from_raw_parts(mapping.start.as_ptr(), length) }
    }

    /// Gives a frame back to be filled again.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn queue(&mut self, filled: Filled) -> io::Result<()> {
        self.queue_index(filled.index)
    }

    fn queue_index(&mut self, index: u32) -> io::Result<()> {
        self.control(vidioc::VIDIOC_QBUF, &mut self.description(index))
    }

    fn request(&mut self, count: u32) -> io::Result<u32> {
        // SAFETY: a plain C structure, for which all zeros is a value.
        let mut request: v4l2_requestbuffers = unsafe { std::mem::zeroed() };
        (request.count, request.type_, request.memory) = (count, Type::VideoCapture as u32, Memory::Mmap as u32);
        self.control(vidioc::VIDIOC_REQBUFS, &mut request)?;
        Ok(request.count)
    }

    fn map(&mut self, index: u32) -> io::Result<()> {
        let mut buffer = self.description(index);
        self.control(vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
        let length = buffer.length as usize;
        // SAFETY: a new mapping at an address that the kernel chooses. The union's `offset` is the member that
        // belongs to mapped buffers.
        let start = unsafe {
            let (access, offset) = (libc::PROT_READ | libc::PROT_WRITE, buffer.m.offset);
            v4l2::mmap(null_mut(), length, access, libc::MAP_SHARED, self.handle.fd(), offset.into())?
        };
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("a buffer at address 0"))?;
        self.mappings.push(Mapping { start, length });
        Ok(())
    }

    fn description(&self, index: u32) -> v4l2_buffer {
        // SAFETY: a plain C structure, for which all zeros is a value.
        let mut buffer: v4l2_buffer = unsafe { std::mem::zeroed() };
        (buffer.index, buffer.type_, buffer.memory) = (index, Type::VideoCapture as u32, Memory::Mmap as u32);
        buffer
    }

    /// One call of the driver; a signal in between makes it be called again.
    fn control<T>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        loop {
            // SAFETY: every caller passes the structure that belongs to `request`.
            match unsafe { v4l2::ioctl(self.handle.fd(), request, std::ptr::from_mut(argument).cast::<c_void>()) } {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // Whatever the driver answers: closing the device file, which follows, frees what is left.
        let _refused = self.control(vidioc::VIDIOC_STREAMOFF, &mut (Type::VideoCapture as u32));
        for mapping in self.mappings.drain(..) {
            // SAFETY: mapped by `map` with this length, and nobody holds a slice of it any more.
            let _refused = unsafe { v4l2::munmap(mapping.start.as_ptr().cast(), mapping.length) };
        }
        let _refused = self.request(0);
    }
}

/// The time of the clock that drivers stamp frames with (CLOCK_MONOTONIC).
pub fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure of ours; this clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
