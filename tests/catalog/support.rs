//! A catalog of one model, a folder, and downloads with short time limits.

use crate::server::Server;
use quantscope::runtime::catalog::{
    Cancel, Catalog, CatalogError, CatalogModel, Got, ModelStore, Progress, TimeLimits,
};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::Duration;

/// Short, so that tests are; long for a machine that does other things too.
pub const LIMITS: TimeLimits = TimeLimits { connect: Duration::from_secs(5), stall: Duration::from_millis(700) };

/// Bytes that do not repeat in any simple way.
pub fn file(length: usize) -> Vec<u8> {
    let mut state = 12_345_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A model of the catalog with these bytes and two addresses.
pub fn model(bytes: &[u8], more: &str) -> CatalogModel {
    let list = format!(
        r#"
        version = 1
        [source.a]
        title = "A"
        page = "https://a.org"
        addresses = ["https://a.org/first/", "https://b.org/second/"]
        [[family]]
        title = "Net"
        finds = "things"
        licence = "MIT"
        source = "a"
        folder = "models/"
        [family.card]
        color = "rgb"
        [[family.model]]
        name = "net"
        precision = "FP32"
        path = "net_v1.onnx"
        file = "net.onnx"
        bytes = {}
        sha256 = "{}"
        {more}
        "#,
        bytes.len(),
        sha256(bytes)
    );
    Catalog::read(&list).unwrap().models()[0].clone()
}

/// A folder for models.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub told: Vec<Progress>,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), told: Vec::new() }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store(&self, server: &Server) -> ModelStore {
        ModelStore::new(self.folder.path()).with_limits(LIMITS).with_mirror(&server.address()).unwrap()
    }

    pub fn get(&mut self, server: &Server, model: &CatalogModel) -> Result<Got, CatalogError> {
        self.told.clear();
        let told = &mut self.told;
        let store = ModelStore::new(self.folder.path()).with_limits(LIMITS).with_mirror(&server.address()).unwrap();
        store.get(model, &Cancel::default(), &mut |progress| told.push(progress))
    }

    /// The names in the folder, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
