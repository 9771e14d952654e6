//! Where the names of the classes come from.

use super::{Evidence, Item, RecognizeError};
use crate::inference::heads::{Classes, Found};
use crate::inference::{COCO80, CardLabels, CardOverrides, ClassNumbers, LabelSource, labels};
use crate::onnx::Summary;
use std::path::Path;

/// Names with their source.
pub(super) struct Named {
    pub labels: Vec<String>,
    pub source: LabelSource,
    pub evidence: Evidence,
    pub warning: Option<String>,
}

/// Names from the label file, else the card, else the file's metadata, else those that models with that head have.
pub(super) fn find(
    summary: &Summary,
    overrides: Option<&CardOverrides>,
    label_file: Option<&Path>,
    found: &Found,
    numbers: ClassNumbers,
) -> Result<Named, RecognizeError> {
    let classes = match found.classes {
        // With COCO's ids there are places that no class has.
        Classes::Known(_) if numbers.is_coco() => Some(COCO80.len()),
        Classes::Known(count) if numbers == ClassNumbers::FromOne => Some(count.saturating_sub(1)),
        Classes::Known(count) => Some(count),
        Classes::Open => None,
    };
    let fitted = |names: Vec<String>, source: LabelSource, origin: &str| {
        let (labels, warning) = labels::fit(names.clone(), classes.unwrap_or(names.len()), origin);
        let text = format!("{} class names from {origin}", labels.len());
        Ok(Named { labels, source, evidence: Evidence::sure(Item::Labels, text), warning })
    };
    let from_card = overrides.and_then(CardOverrides::label_file);
    if let Some(file) = label_file.map(Path::to_owned).or(from_card) {
        let names = labels::read(&file)?;
        let origin = file.display().to_string();
        return fitted(names, LabelSource::File(file), &origin);
    }
    if let Some(card) = overrides
        && let Some(CardLabels::Names(names)) = &card.labels
    {
        return fitted(names.clone(), LabelSource::File(card.path.clone()), &card.origin());
    }
    if let Some(names) = summary.metadata.get("names").and_then(|text| labels::literal_names(text)) {
        return fitted(names, LabelSource::Metadata, "the model's metadata");
    }
    Ok(usual(classes, found, numbers))
}

/// The names that models with that head and so many classes have.
fn usual(classes: Option<usize>, found: &Found, numbers: ClassNumbers) -> Named {
    let named = |labels, source, evidence| Named { labels, source, evidence, warning: None };
    let coco = || COCO80.iter().map(ToString::to_string).collect();
    match (classes, found.only_class) {
        (Some(1) | None, Some(name)) => {
            let evidence = Evidence::sure(
                Item::Labels,
                format!("the one class is \"{name}\": models with this head find nothing else"),
            );
            named(vec![name.to_owned()], LabelSource::Builtin(name), evidence)
        }
        _ if numbers.is_coco() => {
            let evidence = Evidence::guess(Item::Labels, "classes numbered as COCO's categories: the names of COCO");
            named(coco(), LabelSource::BuiltinCoco80, evidence)
        }
        (Some(count), _) if count == COCO80.len() => {
            let evidence = Evidence::guess(Item::Labels, "80 classes: the names of COCO (guess)");
            named(coco(), LabelSource::BuiltinCoco80, evidence)
        }
        (None, _) => {
            let text = "the outputs do not tell how many classes there are: the names of COCO (guess)";
            named(coco(), LabelSource::BuiltinCoco80, Evidence::guess(Item::Labels, text))
        }
        (Some(count), _) => {
            let text = format!("no names for the {count} classes were found: they are numbered");
            named(labels::fit(Vec::new(), count, "").0, LabelSource::Numbered, Evidence::sure(Item::Labels, text))
        }
    }
}
