//! Uncompressed pictures with their times, in the form in which they are piped to ffmpeg: Matroska (RFC 9559), a cluster a
//! picture. A plain stream of pixels has no times.

use crate::imaging::ImageSize;
use std::time::Duration;

const EBML: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
const DOC_TYPE_VERSION: u32 = 0x4287;
const DOC_TYPE_READ_VERSION: u32 = 0x4285;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TIMESTAMP_SCALE: u32 = 0x002A_D7B1;
const MUXING_APP: u32 = 0x4D80;
const WRITING_APP: u32 = 0x5741;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK_ENTRY: u32 = 0xAE;
const TRACK_NUMBER: u32 = 0xD7;
const TRACK_UID: u32 = 0x73C5;
const TRACK_TYPE: u32 = 0x83;
const FLAG_LACING: u32 = 0x9C;
const DEFAULT_DURATION: u32 = 0x0023_E383;
const CODEC_ID: u32 = 0x86;
const VIDEO: u32 = 0xE0;
const PIXEL_WIDTH: u32 = 0xB0;
const PIXEL_HEIGHT: u32 = 0xBA;
/// "ColourSpace" in older texts: the fourcc of the pixels.
const UNCOMPRESSED_FOURCC: u32 = 0x002E_B524;
const CLUSTER: u32 = 0x1F43_B675;
const TIMESTAMP: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;

/// Size of an element that goes on to the end.
const UNKNOWN_SIZE: [u8; 8] = [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
/// Nanoseconds in a unit of time: a millisecond.
const SCALE: u64 = 1_000_000;
const VIDEO_TRACK: u64 = 1;
/// Three bytes a pixel: red, green, blue.
const RGB24: [u8; 4] = *b"RGB\x18";

/// What the stream begins with: pictures of `size`, RGB, about `rate` of them a second.
pub fn beginning(size: ImageSize, rate: f64) -> Vec<u8> {
    let name = b"quantscope";
    let info = [number(TIMESTAMP_SCALE, SCALE), element(MUXING_APP, name), element(WRITING_APP, name)].concat();
    let picture = [
        number(PIXEL_WIDTH, size.width.into()),
        number(PIXEL_HEIGHT, size.height.into()),
        element(UNCOMPRESSED_FOURCC, &RGB24),
    ];
    let track = [
        number(TRACK_NUMBER, VIDEO_TRACK),
        number(TRACK_UID, 1),
        number(TRACK_TYPE, 1),
        number(FLAG_LACING, 0),
        number(DEFAULT_DURATION, (1e9 / rate).round() as u64),
        element(CODEC_ID, b"V_UNCOMPRESSED"),
        element(VIDEO, &picture.concat()),
    ];
    let head = [element(DOC_TYPE, b"matroska"), number(DOC_TYPE_VERSION, 4), number(DOC_TYPE_READ_VERSION, 2)];
    [
        element(EBML, &head.concat()),
        id(SEGMENT),
        UNKNOWN_SIZE.to_vec(),
        element(INFO, &info),
        element(TRACKS, &element(TRACK_ENTRY, &track.concat())),
    ]
    .concat()
}

/// What stands before the `bytes` bytes of a picture that shows at `at`.
pub fn before_picture(at: Duration, bytes: usize) -> Vec<u8> {
    /// Track, time within the cluster, flags: a key picture.
    const BLOCK_HEAD: [u8; 4] = [0x80 | VIDEO_TRACK as u8, 0, 0, 0x80];
    let at = number(TIMESTAMP, u64::try_from(at.as_millis()).unwrap_or(u64::MAX));
    let block = [id(SIMPLE_BLOCK), size((BLOCK_HEAD.len() + bytes) as u64).to_vec(), BLOCK_HEAD.to_vec()].concat();
    [id(CLUSTER), size((at.len() + block.len() + bytes) as u64).to_vec(), at, block].concat()
}

/// The bytes of an element's number; its length is marked in its first bits.
fn id(id: u32) -> Vec<u8> {
    id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// A length in eight bytes, of which the first says that there are eight.
fn size(length: u64) -> [u8; 8] {
    ((1 << 56) | length).to_be_bytes()
}

fn element(number: u32, content: &[u8]) -> Vec<u8> {
    [&id(number)[..], &size(content.len() as u64), content].concat()
}

fn number(element_id: u32, value: u64) -> Vec<u8> {
    element(element_id, &value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_cover_what_follows() {
        let start = beginning(ImageSize::new(640, 480), 30.0);
        // The head's own number and length, and then what it says.
        assert_eq!(start[..4], [0x1A, 0x45, 0xDF, 0xA3]);
        let length = u64::from_be_bytes(start[4..12].try_into().unwrap()) & ((1 << 56) - 1);
        let after = 12 + length as usize;
        assert_eq!(start[after..after + 4], [0x18, 0x53, 0x80, 0x67], "the segment follows the head");
        let cluster = before_picture(Duration::from_millis(1234), 100);
        let length = u64::from_be_bytes(cluster[4..12].try_into().unwrap()) & ((1 << 56) - 1);
        assert_eq!(length as usize, cluster.len() - 12 + 100);
        // Timestamp: its number, its length, its value.
        assert_eq!(cluster[12], 0xE7);
        assert_eq!(u64::from_be_bytes(cluster[21..29].try_into().unwrap()), 1234);
    }
}
