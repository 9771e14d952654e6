//! One xml file of Pascal VOC.

use crate::dataset::picture::usable;
use crate::imaging::ImageSize;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Elements inside each other; VOC has five.
const DEPTH_MAX: usize = 32;
/// A longer text is no name and no number.
const TEXT_MAX: usize = 4096;
/// Objects of one picture.
const OBJECTS_MAX: usize = 100_000;

/// What an xml file says of its picture.
#[derive(Debug, Default, PartialEq)]
pub struct Annotation {
    pub file_name: Option<String>,
    pub path: Option<String>,
    pub size: Option<ImageSize>,
    pub objects: Vec<Object>,
    /// Where and why it breaks off.
    pub broken: Option<String>,
}

/// An object.
#[derive(Debug, PartialEq)]
pub struct Object {
    pub name: String,
    /// Left, top, width and height in pixels, edges counted from 0; NaN where they are no numbers.
    pub rect: [f64; 4],
    pub difficult: bool,
    /// Of its outline; no part of VOC, but of what we write where it is known.
    pub area: Option<f64>,
}

impl Annotation {
    /// Understands an xml file as far as it goes. A phrase where it is none of VOC.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut walk = Walk::default();
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let broken = loop {
            match reader.read_event() {
                Ok(Event::Eof) if walk.open.is_empty() => break None,
                Ok(Event::Eof) => break Some("the xml breaks off".to_owned()),
                Ok(event) => {
                    if let Err(reason) = walk.take(&event) {
                        break Some(reason.to_owned());
                    }
                }
                Err(error) => break Some(format!("no valid xml at byte {}: {error}", reader.error_position())),
            }
        };
        if !walk.is_voc {
            return Err(broken.unwrap_or_else(|| "it has no element <annotation> as Pascal VOC has".to_owned()));
        }
        walk.found.broken = broken;
        Ok(walk.found)
    }
}

/// Where the reader is, and what it has seen.
#[derive(Default)]
struct Walk {
    open: Vec<String>,
    text: String,
    is_voc: bool,
    found: Annotation,
    size: [f64; 2],
    object: Texts,
}

/// What an object says, as written.
#[derive(Default)]
struct Texts {
    name: String,
    edges: [String; 4],
    difficult: bool,
    area: Option<f64>,
}

impl Walk {
    fn take(&mut self, event: &Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::Start(element) => {
                if self.open.len() == DEPTH_MAX {
                    return Err("elements are nested too deep for Pascal VOC");
                }
                let name = element.local_name();
                self.open.push(name.as_ref().chars().take(TEXT_MAX).collect());
                self.is_voc |= self.at(&["annotation"]);
                self.text.clear();
                if self.at(&["annotation", "object"]) {
                    self.object = Texts::default();
                }
            }
            Event::End(_) => {
                self.close()?;
                self.open.pop();
                self.text.clear();
            }
            Event::Text(text) => self.add(text.xml10_content().as_ref()),
            Event::CData(text) => self.add(text.as_ref()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => self.add(character.encode_utf8(&mut [0; 4])),
                _ => self.add(resolve_predefined_entity(reference.as_ref()).unwrap_or("\u{fffd}")),
            },
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, text: &str) {
        if self.text.len() + text.len() <= TEXT_MAX {
            self.text.push_str(text);
        }
    }

    fn at(&self, names: &[&str]) -> bool {
        self.open.iter().map(String::as_str).eq(names.iter().copied())
    }

    /// An element ends whose text is known.
    fn close(&mut self) -> Result<(), &'static str> {
        let text = self.text.trim();
        let path: Vec<&str> = self.open.iter().map(String::as_str).collect();
        let number = || text.parse().unwrap_or(f64::NAN);
        match path.as_slice() {
            ["annotation", "filename"] => self.found.file_name = Some(text.to_owned()).filter(|name| !name.is_empty()),
            ["annotation", "path"] => self.found.path = Some(text.to_owned()).filter(|path| !path.is_empty()),
            ["annotation", "size", "width"] => self.size[0] = number(),
            ["annotation", "size", "height"] => self.size[1] = number(),
            ["annotation", "size"] => self.found.size = size(self.size),
            ["annotation", "object", "name"] => self.object.name = text.to_owned(),
            ["annotation", "object", "difficult"] => {
                self.object.difficult = !matches!(text, "" | "0" | "false" | "False")
            }
            ["annotation", "object", "area"] => self.object.area = Some(number()),
            ["annotation", "object", "bndbox", edge] => {
                let place = ["xmin", "ymin", "xmax", "ymax"].iter().position(|name| name == edge);
                if let Some(place) = place {
                    self.object.edges[place] = text.to_owned();
                }
            }
            ["annotation", "object"] => {
                if self.found.objects.len() == OBJECTS_MAX {
                    return Err("more objects than a picture can have");
                }
                self.found.objects.push(std::mem::take(&mut self.object).understood());
            }
            _ => {}
        }
        Ok(())
    }
}

fn size([width, height]: [f64; 2]) -> Option<ImageSize> {
    let side = |side: f64| (side.fract() == 0.0 && (1.0..=1e6).contains(&side)).then_some(side as u32);
    usable(ImageSize::new(side(width)?, side(height)?))
}

impl Texts {
    fn understood(self) -> Object {
        Object { rect: rect_of(&self.edges), name: self.name, difficult: self.difficult, area: self.area }
    }
}

/// Left, top, width and height, edges counted from 0, of `xmin`, `ymin`, `xmax` and `ymax` as written; NaN where one is
/// no number.
pub fn rect_of(edges: &[String; 4]) -> [f64; 4] {
    let whole = !edges.iter().any(|edge| edge.contains(['.', 'e', 'E']));
    let number = |edge: &String| edge.parse().unwrap_or(f64::NAN);
    let [left, top, right, bottom] = edges.each_ref().map(number);
    // Pixels counted from 1, the last one included: see the head of the module.
    let first = if whole { 1.0 } else { 0.0 };
    [left - first, top - first, right - left + first, bottom - top + first]
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOG: &str = "<?xml version='1.0'?><annotation verified='yes'>
        <filename>2007_1.jpg</filename><path>C:\\a\\2007_1.jpg</path><source><filename>no</filename></source>
        <size><width>353</width><height>500</height><depth>3</depth></size>
        <object><name>salt &amp; <![CDATA[pepper]]> &#233;</name><difficult>1</difficult>
            <bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195</xmax><ymax>371</ymax></bndbox>
            <part><name>head</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></part></object>
        <object><bndbox><ymax>9.5</ymax><xmin>8.25</xmin><ymin>2</ymin><xmax>10</xmax></bndbox><name>dog</name></object>";

    #[test]
    fn objects_without_their_parts_in_edges_from_zero() {
        let got = Annotation::parse(&format!("\u{feff}{DOG}</annotation>")).unwrap();
        assert_eq!((got.file_name.as_deref(), got.path.as_deref()), (Some("2007_1.jpg"), Some("C:\\a\\2007_1.jpg")));
        assert_eq!((got.size, got.broken), (Some(ImageSize::new(353, 500)), None));
        let salt = "salt & pepper é".to_owned();
        let want = [
            Object { name: salt, rect: [47.0, 239.0, 148.0, 132.0], difficult: true, area: None },
            Object { name: "dog".to_owned(), rect: [8.25, 2.0, 1.75, 7.5], difficult: false, area: None },
        ];
        assert_eq!(got.objects, want);
    }

    #[test]
    fn a_file_that_breaks_off_keeps_its_whole_objects() {
        for (end, reason) in [
            ("", "breaks off"),
            ("<object><name>cat</name>", "breaks off"),
            ("<object><na", "no valid xml at byte"),
            ("</wrong></annotation>", "no valid xml"),
            (&"<a>".repeat(100), "too deep"),
        ] {
            let got = Annotation::parse(&format!("{DOG}{end}")).unwrap();
            assert_eq!(got.objects.len(), 2, "{end:.20}");
            assert!(got.broken.as_ref().is_some_and(|broken| broken.contains(reason)), "{end:.20}: {:?}", got.broken);
        }
        for text in ["", "no xml", "<html></html>", "{\"images\": []}", "<annotation"] {
            assert!(Annotation::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn edges_that_are_no_numbers_and_sizes_that_are_none() {
        let text = "<annotation><size><width>0</width><height>5</height></size><object><name>a</name>\
            <bndbox><xmin>x</xmin><ymin>1</ymin><xmax>5</xmax></bndbox></object></annotation>";
        let got = Annotation::parse(text).unwrap();
        assert_eq!(got.size, None);
        assert!(got.objects[0].rect[0].is_nan() && got.objects[0].rect[3].is_nan());
    }
}
