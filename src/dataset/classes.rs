//! Classes of a dataset joined with those of a model, by name.

use super::{COCO80, DatasetClass, class_of_category};
use std::collections::HashMap;

/// Names that mean the same in well-known datasets (COCO, Pascal VOC, Open Images, Objects365), spaces left out.
const SYNONYMS: [&[&str]; 20] = [
    &["airplane", "aeroplane", "plane"],
    &["bicycle", "bike"],
    &["cellphone", "mobilephone"],
    &["couch", "sofa"],
    &["cow", "cattle"],
    &["cup", "mug"],
    &["diningtable", "kitchendiningroomtable"],
    &["donut", "doughnut"],
    &["firehydrant", "hydrant"],
    &["hairdrier", "hairdryer", "hairdryerblower"],
    &["microwave", "microwaveoven"],
    &["motorcycle", "motorbike"],
    &["pottedplant", "houseplant"],
    &["refrigerator", "fridge"],
    &["remote", "remotecontrol"],
    &["skis", "ski"],
    &["sportsball", "ball"],
    &["tennisracket", "tennisracquet"],
    &["trafficlight", "trafficsignal"],
    &["tv", "tvmonitor", "television", "televisionset"],
];

/// Which class of a model is which of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassMatch {
    /// For each class of the model the index of the dataset's class, where there is one.
    pub dataset_from_model: Vec<Option<usize>>,
    /// Classes of the model that the dataset does not have.
    pub unmatched_model: Vec<usize>,
    /// Indices of the dataset's classes that the model does not have.
    pub unmatched_dataset: Vec<usize>,
}

impl ClassMatch {
    /// Number of the dataset's classes that the model has.
    pub fn matched(&self, dataset_classes: usize) -> usize {
        dataset_classes - self.unmatched_dataset.len()
    }
}

/// Joins by name: case, spaces, underscores and hyphens count for nothing, and a synonym stands in where the name itself
/// is not known. Where one side has numbers in place of names, they are COCO's (80 classes from 0 or from 1, or ids
/// 1…90) if the other side names COCO's classes, and else are compared as numbers.
pub fn match_classes(dataset_classes: &[DatasetClass], model_labels: &[String]) -> ClassMatch {
    let dataset: Vec<(&str, u64)> = dataset_classes.iter().map(|class| (class.name.as_str(), class.id)).collect();
    matched(&dataset, model_labels)
}

/// As [`match_classes`], for classes numbered by their place.
pub fn match_class_names(dataset_names: &[String], model_labels: &[String]) -> ClassMatch {
    let dataset: Vec<(&str, u64)> = dataset_names.iter().map(String::as_str).zip(0..).collect();
    matched(&dataset, model_labels)
}

fn matched(dataset: &[(&str, u64)], model_labels: &[String]) -> ClassMatch {
    let model: Vec<(&str, u64)> = model_labels.iter().map(String::as_str).zip(0..).collect();
    let mut sides = [dataset, &model].map(Side::new);
    for (side, other) in [(0, 1), (1, 0)] {
        if sides[other].names_coco() {
            sides[side].name_as_coco();
        }
    }
    let [dataset, model] = sides.map(|side| side.keys);
    let exact = first_places(dataset.iter().map(String::as_str));
    let meaning = first_places(dataset.iter().map(|key| synonym(key)));
    let own: HashMap<&str, usize> = first_places(model.iter().map(String::as_str));
    let dataset_from_model: Vec<Option<usize>> = model
        .iter()
        .map(|key| {
            let by_synonym = || {
                // Not what another class of the model is called by name.
                let index = *meaning.get(synonym(key))?;
                (!own.contains_key(dataset[index].as_str())).then_some(index)
            };
            exact.get(key.as_str()).copied().or_else(by_synonym)
        })
        .collect();
    let has = |index: &usize| dataset_from_model.contains(&Some(*index));
    ClassMatch {
        unmatched_model: (0..model.len()).filter(|index| dataset_from_model[*index].is_none()).collect(),
        unmatched_dataset: (0..dataset.len()).filter(|index| !has(index)).collect(),
        dataset_from_model,
    }
}

/// Where each name stands first.
fn first_places<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut places = HashMap::new();
    for (index, name) in names.enumerate() {
        places.entry(name).or_insert(index);
    }
    places
}

/// One of the two, with what is compared.
struct Side {
    keys: Vec<String>,
    /// The number of each class, where all have numbers in place of names.
    numbers: Option<Vec<u64>>,
}

impl Side {
    fn new(classes: &[(&str, u64)]) -> Self {
        let numbers: Option<Vec<u64>> = classes.iter().map(|(name, id)| number(name, *id)).collect();
        let keys = match &numbers {
            Some(numbers) => numbers.iter().map(u64::to_string).collect(),
            None => classes.iter().map(|(name, _)| key(name)).collect(),
        };
        Self { keys, numbers }
    }

    /// Whether most names are COCO's.
    fn names_coco(&self) -> bool {
        let known: Vec<String> = COCO80.iter().map(|name| key(name)).collect();
        let is_known = |name: &&String| known.iter().any(|coco| coco == synonym(name));
        self.numbers.is_none() && self.keys.iter().filter(is_known).count() * 2 > self.keys.len()
    }

    /// Gives numbers the names that they have in COCO.
    fn name_as_coco(&mut self) {
        let Some(numbers) = &self.numbers else { return };
        let lowest = numbers.iter().min().copied().unwrap_or(0);
        let highest = numbers.iter().max().copied().unwrap_or(0);
        let count = COCO80.len() as u64;
        // 1 to 80 without a gap are classes; ids leave out ten of their first ninety.
        let from_one = numbers.len() as u64 == count && lowest == 1 && highest == count;
        let class = |number: u64| match (lowest, from_one) {
            (_, true) => Some(number - 1),
            (0, _) if highest < count => Some(number),
            _ => class_of_category(u32::try_from(number).ok()?).map(u64::from),
        };
        for (name, number) in self.keys.iter_mut().zip(numbers) {
            let coco = class(*number).and_then(|class| COCO80.get(class as usize));
            *name = coco.map_or_else(|| number.to_string(), |coco| key(coco));
        }
    }
}

/// The number that a class has in place of a name: `17`, `class 17`, `class_17`, or nothing, and then its own.
fn number(name: &str, id: u64) -> Option<u64> {
    let key = key(name);
    if key.is_empty() {
        return Some(id);
    }
    key.strip_prefix("class").unwrap_or(&key).parse().ok()
}

/// What of a name is compared.
fn key(name: &str) -> String {
    name.chars().filter(|c| !(c.is_whitespace() || "_-/&".contains(*c))).flat_map(char::to_lowercase).collect()
}

/// The first of the names that mean the same.
fn synonym(key: &str) -> &str {
    SYNONYMS.iter().find(|names| names.contains(&key)).map_or(key, |names| names[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn from_model(dataset: &[&str], model: &[&str]) -> Vec<Option<usize>> {
        match_class_names(&strings(dataset), &strings(model)).dataset_from_model
    }

    #[test]
    fn names_match_however_they_are_written() {
        let dataset = ["Traffic Light", "tvmonitor", "diningtable", "dog", "salad"];
        let model = ["person", "traffic_light", "tv", "dining-table", " DOG"];
        let got = match_class_names(&strings(&dataset), &strings(&model));
        assert_eq!(got.dataset_from_model, [None, Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!((got.unmatched_model.clone(), got.unmatched_dataset.clone()), (vec![0], vec![4]));
        assert_eq!(got.matched(5), 4);
        assert_eq!(from_model(&["motorbike", "sofa", "aeroplane"], &["motorcycle", "couch", "airplane"]).len(), 3);
        assert!(
            from_model(&["motorbike", "sofa", "aeroplane"], &["motorcycle", "couch", "airplane"])
                .iter()
                .all(Option::is_some)
        );
    }

    #[test]
    fn a_synonym_takes_no_class_that_the_model_names_itself() {
        assert_eq!(from_model(&["sofa", "couch"], &["couch", "sofa"]), [Some(1), Some(0)]);
        assert_eq!(from_model(&["couch"], &["sofa", "couch"]), [None, Some(0)]);
        assert_eq!(from_model(&["dog", "dog"], &["dog"]), [Some(0)]);
        assert_eq!(from_model(&[], &["dog"]), [None]);
        assert_eq!(from_model(&["dog"], &[]), []);
    }

    #[test]
    fn numbers_are_coco_s_where_the_other_side_names_them() {
        let coco = strings(&COCO80);
        let class = |id: u64| DatasetClass { name: id.to_string(), id };
        let place = |classes: &[DatasetClass], name: &str| {
            let model = COCO80.iter().position(|coco| *coco == name).unwrap();
            match_classes(classes, &coco).dataset_from_model[model]
        };
        // Ids with their gaps, 80 from 0, 80 from 1.
        let ids: Vec<_> = (1..=90).filter(|id| class_of_category(*id as u32).is_some()).map(class).collect();
        assert_eq!(
            (place(&ids, "person"), place(&ids, "stop sign"), place(&ids, "toothbrush")),
            (Some(0), Some(11), Some(79))
        );
        assert!(match_classes(&ids, &coco).unmatched_dataset.is_empty());
        let from_zero: Vec<_> = (0..80).map(class).collect();
        assert_eq!((place(&from_zero, "stop sign"), place(&from_zero, "toothbrush")), (Some(11), Some(79)));
        let from_one: Vec<_> = (1..=80).map(class).collect();
        assert_eq!((place(&from_one, "stop sign"), place(&from_one, "toothbrush")), (Some(11), Some(79)));
        let few = [class(1), class(13), class(90)];
        assert_eq!(
            (place(&few, "person"), place(&few, "stop sign"), place(&few, "toothbrush")),
            (Some(0), Some(1), Some(2))
        );
        let absent = [DatasetClass { name: String::new(), id: 17 }];
        assert_eq!(place(&absent, "cat"), Some(0));
    }

    #[test]
    fn a_model_with_numbers_matches_coco_s_names_and_other_numbers() {
        let numbered: Vec<String> = (0..80).map(|id| format!("class {id}")).collect();
        let got = match_class_names(&strings(&["person", "toothbrush"]), &numbered);
        assert_eq!((got.dataset_from_model[0], got.dataset_from_model[79]), (Some(0), Some(1)));
        assert_eq!(from_model(&["0", "1", "2"], &["class 2", "class_0"]), [Some(2), Some(0)]);
        assert_eq!(from_model(&["stop", "yield"], &["class 0", "class 1"]), [None, None]);
    }
}
