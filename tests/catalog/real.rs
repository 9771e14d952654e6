//! The catalog that comes with the program, with the rest of the program and with real files.

use crate::common;
use crate::server::{Serve, Server};
use crate::support::{Place, file, sha256};
use quantscope::inference::{CardOverrides, twin};
use quantscope::runtime::catalog::{CardFate, Catalog};

#[test]
fn the_precisions_of_a_family_find_each_other_as_twins() {
    let catalog = Catalog::built_in().unwrap();
    for quantized in catalog.models().iter().filter(|model| !model.is_full_precision()) {
        let family = catalog.models().iter().filter(|model| model.family == quantized.family);
        let full = family.clone().find(|model| model.is_full_precision()).unwrap();
        let place = Place::new();
        for model in [full, quantized] {
            std::fs::write(place.at(&model.file), "x").unwrap();
        }
        let twin = twin::find(&place.at(&full.file)).unwrap();
        assert_eq!((twin.path, twin.role), (place.at(&quantized.file), twin::Role::Quantized));
        let twin = twin::find(&place.at(&quantized.file)).unwrap();
        assert_eq!((twin.path, twin.role), (place.at(&full.file), twin::Role::FullPrecision));
        // Of all that can be downloaded, the plain INT8 one is taken.
        for model in family {
            std::fs::write(place.at(&model.file), "x").unwrap();
        }
        let twin = twin::find(&place.at(&full.file)).unwrap().path;
        assert!(twin.to_string_lossy().ends_with(".int8.onnx"), "{}", twin.display());
    }
}

#[test]
fn every_card_of_the_catalog_is_a_card_that_the_program_reads() {
    let catalog = Catalog::built_in().unwrap();
    let mut cards = 0;
    for model in catalog.models() {
        // Bytes of no model, with the model's card.
        let bytes = file(100);
        let mut fake = model.clone();
        (fake.bytes, fake.sha256, fake.wheel) = (bytes.len() as u64, sha256(&bytes), None);
        let (server, mut place) = (Server::start(bytes, &[Serve::Right]), Place::new());
        let got = place.get(&server, &fake).unwrap();
        let card = CardOverrides::beside(&got.path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(card.is_some(), model.card.is_some(), "{}", model.name);
        assert_eq!(got.card == CardFate::Written, model.card.is_some(), "{}", model.name);
        let Some(card) = card else { continue };
        let about = card.about.clone().unwrap();
        assert_eq!(about["licence"].as_str(), Some(&*model.licence));
        assert!(card.color.is_some() && card.scale.is_some() && card.mean.is_some() && card.std.is_some());
        cards += 1;
    }
    assert!(cards > 10, "{cards}");
}

#[test]
fn real_models_come_through_as_they_are() {
    let catalog = Catalog::built_in().unwrap();
    for (name, path) in [("nanodet-plus-m", "zoo/nanodet_m.onnx"), ("yunet", "zoo/face_detection_yunet_2023mar.onnx")] {
        let Some(path) = common::shared(path) else { return };
        let bytes = std::fs::read(path).unwrap();
        let half = bytes.len() / 2;
        let server = Server::start(bytes.clone(), &[Serve::BreakAfter(half), Serve::Right]);
        let (model, mut place) = (catalog.find(name).unwrap(), Place::new());
        place.get(&server, model).unwrap_err();
        let got = place.get(&server, model).unwrap();
        assert_eq!(std::fs::read(&got.path).unwrap(), bytes);
        assert_eq!(got.card, CardFate::Written);
        let path = server.requests()[0].path().to_owned();
        assert!(path.starts_with("/opencv/opencv_zoo/raw/966be4cb6eefc2a4f586ed0581bf4bbaa2533070/models/"), "{path}");
        assert_eq!(server.requests()[1].header("range"), Some(format!("bytes={half}-").as_str()));
    }
}
