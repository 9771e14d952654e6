use super::*;
use std::path::Path;

#[test]
fn the_list_of_the_program_keeps_its_rules() {
    let catalog = Catalog::built_in().unwrap();
    assert!(catalog.models().len() >= 27, "{}", catalog.models().len());
    for model in catalog.models() {
        assert_eq!(catalog.find(&model.name).unwrap(), model);
        assert!(model.file.ends_with(".onnx") && !model.finds.is_empty());
        assert!(model.addresses.iter().all(|address| address.starts_with("https://")), "{:?}", model.addresses);
    }
}

#[test]
fn the_precisions_of_a_family_share_a_card_and_one_is_full_precision() {
    let catalog = Catalog::built_in().unwrap();
    for model in catalog.models() {
        let family: Vec<_> = catalog.models().iter().filter(|other| other.family == model.family).collect();
        assert_eq!(family.iter().filter(|other| other.is_full_precision()).count(), 1, "{}", model.family);
        assert!(family.iter().all(|other| other.card_file() == model.card_file() && other.card == model.card));
        assert_eq!(model.is_full_precision(), model.precision == "FP32", "{}", model.name);
    }
    assert_eq!(catalog.find("yunet-int8").unwrap().card_file(), "yunet.toml");
    assert!(Path::new(&catalog.find("yunet").unwrap().file).extension().is_some_and(|ending| ending == "onnx"));
}

#[test]
fn an_address_is_the_sources_and_the_path() {
    let catalog = Catalog::built_in().unwrap();
    let yunet = catalog.find("yunet").unwrap();
    assert_eq!(
        yunet.addresses,
        [concat!(
            "https://github.com/opencv/opencv_zoo/raw/966be4cb6eefc2a4f586ed0581bf4bbaa2533070/",
            "models/face_detection_yunet/face_detection_yunet_2023mar.onnx"
        )]
    );
    assert_eq!(catalog.find("yolov3").unwrap().addresses.len(), 2);
    let centerface = catalog.find("centerface").unwrap();
    assert_eq!(centerface.transfer().0, 6_852_504);
    assert_eq!(centerface.bytes, 7_304_518);
}

#[test]
fn an_unknown_name_suggests_the_nearest() {
    let catalog = Catalog::built_in().unwrap();
    let nearest = |name: &str| match catalog.find(name) {
        Err(CatalogError::Unknown { nearest, .. }) => nearest,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(nearest("yolox_s")[0], "yolox-s");
    assert_eq!(nearest("yolo-xs")[0], "yolox-s");
    assert_eq!(nearest("yunet-int9")[0], "yunet-int8");
    assert!(nearest("nanodet").iter().all(|name| name.starts_with("nanodet-plus-m")));
    assert_eq!(nearest("bicycle"), Vec::<String>::new());
    assert_eq!(catalog.find("YuNet").unwrap().name, "yunet");
    let said = catalog.find("yolox_s").unwrap_err().to_string();
    assert!(said.starts_with("the catalog has no model `yolox_s`. Did you mean yolox-s? "), "{said}");
}

/// A list of two models with one thing changed.
fn changed(from: &str, to: &str) -> String {
    let list = format!(
        "version = 1\n[source.s]\ntitle = \"S\"\npage = \"https://a.org\"\naddresses = [\"https://a.org/\"]\n{}{}",
        family("a", &"0".repeat(64)),
        family("b", &"1".repeat(64)),
    );
    assert!(from.is_empty() || list.contains(from), "{from}");
    list.replacen(from, to, 1)
}

fn family(name: &str, sum: &str) -> String {
    format!(
        "[[family]]\ntitle = \"{name}\"\nfinds = \"x\"\nlicence = \"MIT\"\nsource = \"s\"\n[[family.model]]\nname = \
         \"{name}\"\nprecision = \"FP32\"\npath = \"{name}\"\nfile = \"{name}.onnx\"\nbytes = 7\nsha256 = \"{sum}\"\n"
    )
}

#[test]
fn a_list_that_breaks_a_rule_is_refused() {
    Catalog::read(&changed("", "")).unwrap();
    for (from, to, said) in [
        ("version = 1", "version = 2", "version 2"),
        ("name = \"b\"", "name = \"a\"", "is there twice"),
        ("file = \"b.onnx\"", "file = \"a.onnx\"", "is there twice"),
        ("file = \"b.onnx\"", "file = \"a.int8.onnx\"", "look like those of a"),
        ("file = \"b.onnx\"", "file = \"../b.onnx\"", "names and files"),
        ("file = \"b.onnx\"", "file = \".b.onnx\"", "names and files"),
        ("file = \"b.onnx\"", "file = \"b.txt\"", "names and files"),
        ("name = \"b\"", "name = \"B\"", "names and files"),
        ("https://a.org/\"]", "http://a.org/\"]", "no https address"),
        ("https://a.org/\"]", "http://localhost/\"]", "no https address"),
        ("[\"https://a.org/\"]", "[]", "no address"),
        ("000\"", "00\"", "no SHA-256"),
        ("111\"", "11G\"", "no SHA-256"),
        ("licence = \"MIT\"", "licence = \"\"", "licence"),
        ("licence = \"MIT\"\n", "", "licence"),
        ("bytes = 7", "bytes = 0", "size"),
        ("source = \"s\"", "source = \"t\"", "no source t"),
        ("bytes = 7", "bytes = 7\ncolour = 3", "colour"),
    ] {
        match Catalog::read(&changed(from, to)) {
            Err(error) => assert!(error.to_string().contains(said), "{to}: {error}"),
            Ok(_) => unreachable!("{to} was taken"),
        }
    }
}
