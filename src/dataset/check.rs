//! What opening does not look at: the pictures themselves.

use super::Dataset;
use super::picture::picture_size;
use super::problem::{Problem, ProblemKind};

impl Dataset {
    /// Reads the head of every picture, and lists those that are none, or have another size than the labels say: their
    /// boxes are elsewhere then. A fraction of a millisecond a picture.
    pub fn picture_problems(&self) -> Vec<Problem> {
        let problem = |picture: &super::LabelledPicture| {
            let path = picture.path.display();
            let (kind, text) = match picture_size(&picture.path) {
                Ok(size) if size == picture.size => return None,
                Ok(size) => {
                    let said = picture.size;
                    (ProblemKind::WrongSize, format!("{path} is {size} when it stands upright; the labels say {said}"))
                }
                Err(reason) => {
                    (ProblemKind::MissingPicture, format!("{path} is no picture that can be read ({reason})"))
                }
            };
            Some(Problem { kind, text })
        };
        self.pictures.iter().filter_map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_files::{picture, write};
    use super::*;

    #[test]
    fn pictures_of_another_size_and_none_at_all_are_told() {
        let folder = tempfile::tempdir().unwrap();
        ["a.png", "b.png"].iter().for_each(|name| picture(folder.path(), name));
        write(folder.path(), "c.png", "no picture");
        let entry =
            |(id, name, width)| format!(r#"{{"id": {id}, "file_name": "{name}", "width": {width}, "height": 20}}"#);
        let images = [(1, "a.png", 40), (2, "b.png", 20), (3, "c.png", 40)].map(entry).join(",");
        write(folder.path(), "a.json", &format!(r#"{{"images": [{images}], "annotations": [], "categories": []}}"#));
        let dataset = Dataset::open(&folder.path().join("a.json"), None).unwrap();
        assert_eq!(dataset.problems, []);
        let problems = dataset.picture_problems();
        let kinds: Vec<_> = problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::WrongSize, ProblemKind::MissingPicture]);
        assert!(problems[0].text.contains("b.png is 40x20") && problems[0].text.contains("20x20"), "{problems:?}");
    }
}
