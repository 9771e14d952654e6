//! Acting on the catalog: listing, downloading, opening what came.

use super::App;
use super::catalog::{Download, GetWatch, NotGot, Shelf};
use super::messages::Severity;
use crate::inference::ModelOverrides;
use crate::runtime::catalog::{Cancel, Presence};
use std::path::PathBuf;
use std::sync::Arc;

impl App {
    /// Opens or closes the window; what is here may have changed since it was open last.
    pub(super) fn toggle_catalog(&mut self) {
        let catalog = &mut self.session.catalog;
        catalog.open = !catalog.open;
        if catalog.open {
            self.list_catalog();
        }
    }

    pub(super) fn list_catalog(&mut self) {
        // A list that is on view stays until the new one is there.
        if let Shelf::Failed(_) = self.session.catalog.shelf {
            self.session.catalog.shelf = Shelf::Searching;
        }
        self.background.list_catalog();
    }

    pub(super) fn get_model(&mut self, name: &str) {
        let Some(row) = self.session.catalog.row_mut(name) else { return };
        let (model, cancel, watch) = (row.model.clone(), Cancel::default(), Arc::<GetWatch>::default());
        if self.background.get_model(model, cancel.clone(), Arc::clone(&watch)) {
            let download = Download::Running { cancel, watch };
            self.session.catalog.downloads.insert(name.to_owned(), download);
        } else {
            self.tell(Severity::Warning, "Too many downloads wait already. Try again when one has ended.");
        }
    }

    /// What waits is gone at once; what runs is told to stop.
    pub(super) fn cancel_get(&mut self, name: &str) {
        let downloads = &mut self.session.catalog.downloads;
        let Some(Download::Running { cancel, watch }) = downloads.get(name) else { return };
        cancel.cancel();
        if watch.give_up() {
            downloads.remove(name);
        }
    }

    /// A download came to its end, one way or the other.
    pub(super) fn on_get_ended(&mut self, name: &str, result: Result<PathBuf, NotGot>) {
        let catalog = &mut self.session.catalog;
        let last = catalog.downloads.remove(name);
        match result {
            Ok(path) => {
                if let Some(row) = catalog.row_mut(name) {
                    row.presence = Presence::There;
                }
                self.tell(Severity::Info, format!("{name} is here: {}", path.display()));
            }
            Err(NotGot::Cancelled) => {
                let at = match &last {
                    Some(Download::Running { watch, .. }) => watch.progress(),
                    _ => None,
                };
                if let (Some(row), Some(at)) = (catalog.row_mut(name), at) {
                    row.presence = Presence::Begun(at.done);
                }
                // The true figure follows.
                self.list_catalog();
            }
            Err(NotGot::Failed(reason)) => {
                catalog.downloads.insert(name.to_owned(), Download::Failed(reason.clone()));
                let text = format!("{name} was not downloaded. {reason}");
                if catalog.open {
                    // Its row says it already.
                    self.session.messages.note(Severity::Error, text);
                } else {
                    self.tell(Severity::Error, text);
                }
            }
        }
    }

    /// Opens a full-precision model in A and its quantized twin in B.
    pub(super) fn open_pair(&mut self, paths: [PathBuf; 2]) {
        self.overrides = ModelOverrides::default();
        self.load_models(paths.map(Some));
    }
}
