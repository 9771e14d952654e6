//! Well-known detectors that can be downloaded: the list (`models/catalog.toml`), the folder they are kept in, and
//! downloads that can be stopped, resumed and trusted.
//!
//! A download goes into `<file>.part`, is resumed by an HTTP range, cut off at the size that the catalog promises,
//! hashed on the way, and moved into its place only when its SHA-256 is the catalog's. [`ModelStore::get`] blocks and
//! starts no thread: call it from a worker.

mod card;
mod error;
mod http;
mod list;
mod part;
mod proxy;
mod store;
mod transfer;
mod wheel;

pub use card::CardFate;
pub use error::CatalogError;
pub use http::{Cancel, TimeLimits};
pub use list::{Catalog, CatalogModel, Wheel};
pub use part::sha256_of;
pub use store::{Got, MIRROR_VARIABLE, MODELS_VARIABLE, ModelStore, Presence};
pub use transfer::Progress;
