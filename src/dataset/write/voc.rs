//! Pascal VOC: an xml file a picture. Which pixels its edges are: see the reader (`voc.rs`).

use super::loss::{LossKind, Losses};
use super::stage::Stage;
use super::{Entry, ids, names, outline_area};
use crate::dataset::entries::checked_box;
use crate::dataset::problem::Problems;
use crate::dataset::voc::{ANNOTATIONS, CLASS_LIST, PICTURES, SETS, rect_of};
use crate::dataset::{Dataset, DatasetError, DatasetForm, LabelledBox};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;

/// The set that is read when none is named.
const SET: &str = "val.txt";
/// Whole numbers up to here have no rounding.
const WHOLE_MAX: f64 = 2_147_483_648.0;

/// Writes the xml files and the lists; returns an empty name, for the folder is what is opened, and the number of boxes.
pub(super) fn write(
    dataset: &Dataset,
    entries: &[Entry<'_>],
    stage: &Stage,
    losses: &mut Losses,
) -> Result<(&'static str, usize), DatasetError> {
    let folder = stage.make_folder(ANNOTATIONS)?;
    let sets = stage.make_folder(SETS)?;
    let names = names::class_names(&dataset.classes);
    let changed = dataset.classes.iter().zip(&names).filter(|(class, name)| class.name != **name).count();
    losses.add(LossKind::ClassNames, changed);
    ids(dataset.classes.iter().map(|class| class.id), DatasetForm::Voc, LossKind::ClassNumbers, losses);
    let mut set = String::new();
    let mut boxes = 0;
    for entry in entries {
        let objects = objects(entry, &names, losses);
        let file = folder.join(format!("{}.xml", entry.stem));
        let text = xml(entry, &objects).map_err(|source| DatasetError::Unwritable { path: file.clone(), source })?;
        stage.write(&file, text)?;
        set.push_str(&format!("{}\n", entry.stem));
        boxes += objects.len();
    }
    stage.write(sets.join(SET), set)?;
    stage.write(CLASS_LIST, names.iter().map(|name| format!("{name}\n")).collect::<String>())?;
    Ok(("", boxes))
}

/// An object as it is written.
struct Object<'a> {
    name: &'a str,
    edges: [String; 4],
    difficult: bool,
    area: Option<f64>,
}

fn objects<'a>(entry: &Entry<'_>, names: &'a [String], losses: &mut Losses) -> Vec<Object<'a>> {
    let mut objects = Vec::with_capacity(entry.boxes.len());
    let mut read_again: Vec<LabelledBox> = Vec::with_capacity(entry.boxes.len());
    for found in &entry.boxes {
        let edges = edges(found);
        let [x, y, width, height] = rect_of(&edges);
        let area = outline_area(found);
        let again = LabelledBox { x, y, width, height, area: area.unwrap_or(f64::NAN), ..*found };
        match checked_box(again, entry.picture.size, &mut Problems::default(), String::new) {
            None => losses.add(LossKind::UnusableBoxes, 1),
            Some(again) if read_again.contains(&again) => losses.add(LossKind::SameBoxes, 1),
            Some(again) => {
                read_again.push(again);
                objects.push(Object { name: &names[found.class], edges, difficult: found.ignored, area });
            }
        }
    }
    objects
}

/// Left, top, right and bottom. Whole numbers are pixels counted from 1 with the last one included, as VOC has them;
/// others are edges counted from 0 and all have a decimal point, by which the reader knows them.
fn edges(found: &LabelledBox) -> [String; 4] {
    let LabelledBox { x, y, width, height, .. } = *found;
    let (right, bottom) = (x + width, y + height);
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() < WHOLE_MAX;
    if [x, y, width, height].iter().all(whole) {
        [x + 1.0, y + 1.0, right, bottom].map(|edge| format!("{edge:.0}"))
    } else {
        [x, y, right, bottom].map(|edge| if edge.fract() == 0.0 { format!("{edge:.1}") } else { edge.to_string() })
    }
}

fn xml(entry: &Entry<'_>, objects: &[Object<'_>]) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let size = entry.picture.size;
    writer.create_element("annotation").write_inner_content(|writer| {
        text(writer, "folder", PICTURES)?;
        // A whole path in place of a name leads to a picture that stays where it is.
        text(writer, "filename", entry.stays_at.as_ref().unwrap_or(&entry.file))?;
        writer.create_element("size").write_inner_content(|writer| {
            text(writer, "width", &size.width.to_string())?;
            text(writer, "height", &size.height.to_string())?;
            text(writer, "depth", "3")
        })?;
        text(writer, "segmented", "0")?;
        objects.iter().try_for_each(|object| write_object(writer, object))
    })?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn write_object(writer: &mut Writer<Vec<u8>>, object: &Object<'_>) -> io::Result<()> {
    writer.create_element("object").write_inner_content(|writer| {
        text(writer, "name", object.name)?;
        text(writer, "pose", "Unspecified")?;
        text(writer, "truncated", "0")?;
        text(writer, "difficult", if object.difficult { "1" } else { "0" })?;
        writer.create_element("bndbox").write_inner_content(|writer| {
            let edges = ["xmin", "ymin", "xmax", "ymax"].into_iter().zip(&object.edges);
            edges.into_iter().try_for_each(|(name, edge)| text(writer, name, edge))
        })?;
        match object.area {
            Some(area) => text(writer, "area", &area.to_string()),
            None => Ok(()),
        }
    })?;
    Ok(())
}

fn text(writer: &mut Writer<Vec<u8>>, name: &str, content: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(content)).map(drop)
}
