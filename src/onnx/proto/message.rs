//! Messages that keep what they do not know, so that a file which is read and written again loses nothing.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{
    DecodeContext, WireType, bytes, decode_varint, encode_key, encode_varint, fixed32, fixed64, skip_field,
};

/// What a message of a file holds beyond the fields that are known here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Fields that are not known, as they stand in the file, one after the other.
    unknown: Vec<u8>,
    /// Bit `n` is set where field `n` was written although it has its default, which to `protobuf` is not the same as
    /// a field that is not there.
    explicit: u32,
}

impl Kept {
    /// The fields that are not known, encoded.
    pub fn unknown(&self) -> &[u8] {
        &self.unknown
    }

    pub(super) fn note(&mut self, tag: u32) {
        self.explicit |= 1u32.checked_shl(tag).unwrap_or(0);
    }

    pub(super) fn has(&self, tag: u32) -> bool {
        1u32.checked_shl(tag).is_some_and(|bit| self.explicit & bit != 0)
    }

    pub(super) fn write(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.unknown);
    }

    /// Takes over a field as it is. Groups, which ONNX does not have, are skipped.
    pub(super) fn read(
        &mut self,
        tag: u32,
        wire: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match wire {
            WireType::Varint => {
                let value = decode_varint(buffer)?;
                encode_key(tag, wire, &mut self.unknown);
                encode_varint(value, &mut self.unknown);
            }
            WireType::SixtyFourBit => {
                let mut value = 0;
                fixed64::merge(wire, &mut value, buffer, context)?;
                fixed64::encode(tag, &value, &mut self.unknown);
            }
            WireType::ThirtyTwoBit => {
                let mut value = 0;
                fixed32::merge(wire, &mut value, buffer, context)?;
                fixed32::encode(tag, &value, &mut self.unknown);
            }
            WireType::LengthDelimited => {
                let mut value = Vec::new();
                bytes::merge(wire, &mut value, buffer, context)?;
                bytes::encode(tag, &value, &mut self.unknown);
            }
            WireType::StartGroup | WireType::EndGroup => skip_field(wire, tag, buffer, context)?,
        }
        Ok(())
    }
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Structures for the messages, each with a field `kept`, and their encoding.
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident {
        $($(#[$of_field:meta])* $field:ident: $type:ty = $how:ident $kind:ident $($tag:literal)+,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$of_field])* pub $field: $type,)*
            pub kept: Kept,
        }

        impl prost::Message for $name {
            fn encode_raw(&self, buffer: &mut impl prost::bytes::BufMut) {
                $(write_field!($how $kind $($tag)+, self.$field, self.kept, buffer);)*
                self.kept.write(buffer);
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire: prost::encoding::WireType,
                buffer: &mut impl prost::bytes::Buf,
                context: prost::encoding::DecodeContext,
            ) -> Result<(), prost::DecodeError> {
                let (read, field) = match tag {
                    $($($tag)|+ => {
                        let read = read_field!($how $kind tag, self.$field, self.kept, wire, buffer, context);
                        (read, stringify!($field))
                    })*
                    _ => (self.kept.read(tag, wire, buffer, context), "(unknown)"),
                };
                read.map_err(|mut error| {
                    error.push(stringify!($name), field);
                    error
                })
            }

            fn encoded_len(&self) -> usize {
                self.kept.unknown().len() $(+ field_length!($how $kind $($tag)+, self.$field, self.kept))*
            }

            fn clear(&mut self) {
                *self = Self::default();
            }
        }
    )*};
}

macro_rules! write_field {
    (plain $kind:ident $tag:literal, $field:expr, $kept:expr, $buffer:ident) => {
        if !crate::onnx::proto::message::is_default(&$field) || $kept.has($tag) {
            prost::encoding::$kind::encode($tag, &$field, $buffer);
        }
    };
    (optional $kind:ident $tag:literal, $field:expr, $kept:expr, $buffer:ident) => {
        if let Some(value) = &$field {
            prost::encoding::$kind::encode($tag, value, $buffer);
        }
    };
    (boxed $kind:ident $tag:literal, $field:expr, $kept:expr, $buffer:ident) => {
        if let Some(value) = &$field {
            prost::encoding::$kind::encode($tag, &**value, $buffer);
        }
    };
    (list $kind:ident $tag:literal, $field:expr, $kept:expr, $buffer:ident) => {
        prost::encoding::$kind::encode_repeated($tag, &$field, $buffer)
    };
    (packed $kind:ident $tag:literal, $field:expr, $kept:expr, $buffer:ident) => {
        prost::encoding::$kind::encode_packed($tag, &$field, $buffer)
    };
    (oneof $kind:ident $($tag:literal)+, $field:expr, $kept:expr, $buffer:ident) => {
        if let Some(value) = &$field {
            value.encode($buffer);
        }
    };
}

macro_rules! read_field {
    (plain $kind:ident $tag:expr, $field:expr, $kept:expr, $wire:ident, $buffer:ident, $context:ident) => {{
        let read = prost::encoding::$kind::merge($wire, &mut $field, $buffer, $context);
        if crate::onnx::proto::message::is_default(&$field) {
            $kept.note($tag);
        }
        read
    }};
    (optional $kind:ident $tag:expr, $field:expr, $kept:expr, $wire:ident, $buffer:ident, $context:ident) => {
        prost::encoding::$kind::merge($wire, $field.get_or_insert_with(Default::default), $buffer, $context)
    };
    (boxed $kind:ident $tag:expr, $field:expr, $kept:expr, $wire:ident, $buffer:ident, $context:ident) => {
        prost::encoding::$kind::merge($wire, &mut **$field.get_or_insert_with(Default::default), $buffer, $context)
    };
    (list $kind:ident $tag:expr, $field:expr, $kept:expr, $wire:ident, $buffer:ident, $context:ident) => {
        prost::encoding::$kind::merge_repeated($wire, &mut $field, $buffer, $context)
    };
    (packed $kind:ident $tag:expr, $field:expr, $kept:expr, $wire:ident, $buffer:ident, $context:ident) => {
        prost::encoding::$kind::merge_repeated($wire, &mut $field, $buffer, $context)
    };
    (oneof $kind:ident $tag:expr, $field:expr, $kept:expr, $wire:ident, $buffer:ident, $context:ident) => {
        $kind::merge(&mut $field, $tag, $wire, $buffer, $context)
    };
}

macro_rules! field_length {
    (plain $kind:ident $tag:literal, $field:expr, $kept:expr) => {
        if !crate::onnx::proto::message::is_default(&$field) || $kept.has($tag) {
            prost::encoding::$kind::encoded_len($tag, &$field)
        } else {
            0
        }
    };
    (optional $kind:ident $tag:literal, $field:expr, $kept:expr) => {
        $field.as_ref().map_or(0, |value| prost::encoding::$kind::encoded_len($tag, value))
    };
    (boxed $kind:ident $tag:literal, $field:expr, $kept:expr) => {
        $field.as_ref().map_or(0, |value| prost::encoding::$kind::encoded_len($tag, &**value))
    };
    (list $kind:ident $tag:literal, $field:expr, $kept:expr) => {
        prost::encoding::$kind::encoded_len_repeated($tag, &$field)
    };
    (packed $kind:ident $tag:literal, $field:expr, $kept:expr) => {
        prost::encoding::$kind::encoded_len_packed($tag, &$field)
    };
    (oneof $kind:ident $($tag:literal)+, $field:expr, $kept:expr) => {
        $field.as_ref().map_or(0, |value| value.encoded_len())
    };
}
