//! Why a model of the catalog could not be got.

use std::path::PathBuf;

/// Why a model of the catalog could not be got: one sentence that says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The catalog itself breaks its rules.
    #[error("the catalog cannot be used: {0}")]
    Listing(String),
    /// There is no model of this name.
    #[error("the catalog has no model `{name}`{}", nearest_words(.nearest))]
    Unknown {
        /// As it was asked for.
        name: String,
        /// Names that look like it, best first.
        nearest: Vec<String>,
    },
    /// The system does not say where a user's files belong.
    #[error("there is no home folder to keep models in. Set QUANTSCOPE_MODELS to a folder")]
    NoFolder,
    /// A file cannot be made, written or read.
    #[error("{path}: {source}. Make room or name another folder (--out or QUANTSCOPE_MODELS)")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk is full.
    #[error("{path}: the disk is full with {missing} bytes still to come. Make room and run it again to resume")]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What is missing.
        missing: u64,
    },
    /// Another download writes the same file.
    #[error("{path}: another download of this model is under way. Wait for it, or stop it")]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// There is another file of that name.
    #[error(
        "{path} is there already, but it is not this model (its checksum differs). Rename or delete it, then run it again"
    )]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// The server cannot be reached.
    #[error("{host} cannot be reached ({reason}){}. Check the network; behind a firewall set HTTPS_PROXY, or \
             QUANTSCOPE_CATALOG_MIRROR to a server that has the files", through(.proxy))]
    Offline {
        /// The server.
        host: String,
        /// What the system said.
        reason: String,
        /// The proxy on the way.
        proxy: Option<String>,
    },
    /// A proxy setting cannot be understood.
    #[error("the proxy that {variable} names cannot be used: {reason}. Write it as http://HOST:PORT")]
    Proxy {
        /// The variable of the environment.
        variable: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("{host} sent nothing for {seconds} s ({done} of {total} bytes are here). Run it again to resume")]
    Stalled {
        /// The server.
        host: String,
        /// The limit that passed.
        seconds: f32,
        /// What is here.
        done: u64,
        /// What was to come.
        total: u64,
    },
    /// The connection ended early.
    #[error("{host} broke off after {done} of {total} bytes. Run it again to resume")]
    BrokeOff {
        /// The server.
        host: String,
        /// What is here.
        done: u64,
        /// What was to come.
        total: u64,
    },
    /// The server answered with something else than the file.
    #[error("the server answered {status} ({}) for {address}. {}", meaning(*.status).0, meaning(*.status).1)]
    Status {
        /// What was asked for.
        address: String,
        /// The HTTP status.
        status: u16,
    },
    /// The file there has another size.
    #[error(
        "{address}: the file there has {found} bytes, the catalog's has {expected}: it is another file, nothing was kept"
    )]
    Size {
        /// What was asked for.
        address: String,
        /// In words or figures: how many bytes there are.
        found: String,
        /// How many there should be.
        expected: u64,
    },
    /// The file there has the right size and other bytes.
    #[error(
        "{address}: the bytes are not those of the catalog (SHA-256 {found}); they were deleted. Run it again; \
             if that does not help, something between here and there changes them"
    )]
    WrongBytes {
        /// What was asked for.
        address: String,
        /// SHA-256 of what came.
        found: String,
    },
    /// An address without encryption, or no web address at all.
    #[error("{address} is refused: models are got over https only (http from this machine itself)")]
    Insecure {
        /// The address.
        address: String,
    },
    /// The server sends from one address to the next without end.
    #[error("{address}: the server redirects in a circle. Try again later")]
    Redirects {
        /// What was asked for.
        address: String,
    },
    /// Something else between here and the server.
    #[error("{host}: {reason}")]
    Http {
        /// The server.
        host: String,
        /// What it is.
        reason: String,
    },
    /// The archive does not hold the model.
    #[error("{path}: the model cannot be taken out of this archive: {reason}")]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// It was asked to stop; what came is kept.
    #[error("stopped; what has come is kept. Run it again to resume")]
    Cancelled,
}

impl CatalogError {
    /// Whether another address may do better: the trouble is with this one, not on this machine.
    pub(super) fn is_of_the_address(&self) -> bool {
        matches!(
            self,
            Self::Offline { .. }
                | Self::Status { .. }
                | Self::Size { .. }
                | Self::WrongBytes { .. }
                | Self::Insecure { .. }
                | Self::Redirects { .. }
                | Self::Http { .. }
        )
    }
}

fn nearest_words(nearest: &[String]) -> String {
    match nearest {
        [] => ". `quantscope models list` lists them".to_owned(),
        names => format!(". Did you mean {}? `quantscope models list` lists them", names.join(" or ")),
    }
}

fn through(proxy: &Option<String>) -> String {
    proxy.as_ref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
}

/// What a status means, and what to do.
fn meaning(status: u16) -> (&'static str, &'static str) {
    match status {
        401 | 403 => ("not allowed", "Use a mirror that lets you (QUANTSCOPE_CATALOG_MIRROR)"),
        404 | 410 => ("the file is no longer there", "Use a mirror that has it (QUANTSCOPE_CATALOG_MIRROR)"),
        429 => ("too many requests", "Try again in some minutes"),
        500..=599 => ("it has trouble of its own", "Try again later"),
        _ => ("which is no file", "Try again later"),
    }
}
