//! `quantscope models` as a program: what goes where, exit codes, proxies.

use crate::common;
use crate::server::{Serve, Server};
use quantscope::runtime::catalog::Catalog;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder for models and settings.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    fn quantscope(&self, mirror: &str, arguments: &[&str]) -> Command {
        let mut command = common::quantscope(&self.folder.path().join("config"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("QUANTSCOPE_MODELS", self.models()).env("QUANTSCOPE_CATALOG_MIRROR", mirror);
        for name in ["all_proxy", "http_proxy", "https_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command
    }
}

fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A real file of the catalog, where the folder of real models is there.
fn yunet() -> Option<Vec<u8>> {
    Some(std::fs::read(common::shared("zoo/face_detection_yunet_2023mar.onnx")?).unwrap())
}

#[test]
fn the_list_names_every_model_with_size_and_licence() {
    let home = Home::new();
    std::fs::create_dir(home.models()).unwrap();
    let catalog = Catalog::built_in().unwrap();
    let yunet = catalog.find("yunet").unwrap();
    std::fs::write(home.models().join("yunet.onnx"), vec![0; yunet.bytes as usize]).unwrap();
    std::fs::write(home.models().join("yolox-s.onnx.part"), vec![0; 1000]).unwrap();
    let (code, text, said) = run(home.quantscope("", &["models", "list"]));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    for model in catalog.models() {
        assert!(text.contains(&format!("  {} ", model.name)), "{} is not in\n{text}", model.name);
    }
    assert!(text.contains("YOLOX-S 640: 80 everyday objects (COCO) · Apache-2.0 · OpenCV Model Zoo"), "{text}");
    let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(&format!("{name} "))).unwrap();
    assert!(line("yunet").ends_with("downloaded"), "{text}");
    assert!(line("yolox-s").ends_with("1.00 kB are here"), "{text}");
    assert!(line("yunet-int8").ends_with("INT8"), "{text}");

    let (code, json, said) = run(home.quantscope("", &["models", "list", "--format", "json"]));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let listing: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(listing["folder"].as_str(), home.models().to_str());
    let models = listing["models"].as_array().unwrap();
    assert_eq!(models.len(), catalog.models().len());
    let of = |name: &str| models.iter().find(|model| model["name"] == name).unwrap();
    assert_eq!(of("yunet")["downloaded"], true);
    assert_eq!(of("yunet")["path"].as_str(), home.models().join("yunet.onnx").to_str());
    assert_eq!(of("yolox-s")["partial_bytes"], 1000);
    for key in ["family", "precision", "licence", "sha256", "page"] {
        assert!(of("centerface")[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
}

#[test]
fn get_prints_where_the_model_is_and_tells_size_and_licence_first() {
    let Some(bytes) = yunet() else { return };
    let home = Home::new();
    let server = Server::start(bytes.clone(), &[Serve::Right]);
    let (code, out, said) = run(home.quantscope(&server.address(), &["models", "get", "yunet"]));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(out, format!("{}\n", home.models().join("yunet.onnx").display()));
    assert_eq!(std::fs::read(home.models().join("yunet.onnx")).unwrap(), bytes);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "yunet: YuNet faces FP32, 232.59 kB, licence MIT, from https://github.com/opencv/opencv_zoo");
    assert!(lines[1].contains("yunet.toml") && lines.len() == 2, "{said}");

    let (code, out, said) =
        run(home.quantscope(&server.address(), &["models", "get", "YuNet", "--format", "json", "--out", "models"]));
    assert_eq!(code, Some(0), "{said}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["name"], &report["was_there"]), (&Value::from("yunet"), &Value::from(true)));
    assert_eq!(report["path"].as_str(), home.models().join("yunet.onnx").to_str());
    assert!(said.contains("it is here already"), "{said}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_name_that_is_not_in_the_catalog_is_wrong_usage_before_anything_is_downloaded() {
    let home = Home::new();
    let server = Server::start(vec![0; 10], &[Serve::Right]);
    let (code, out, said) = run(home.quantscope(&server.address(), &["models", "get", "yunet", "yolox_s"]));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(said.starts_with("error: the catalog has no model `yolox_s`. Did you mean yolox-s"), "{said}");
    assert!(server.requests().is_empty());
    for arguments in [&["models"][..], &["models", "get"], &["models", "paint"]] {
        assert_eq!(run(home.quantscope("", arguments)).0, Some(2), "{arguments:?}");
    }
}

#[test]
fn what_goes_wrong_is_one_line_with_the_model_and_what_to_do() {
    let home = Home::new();
    let yunet = Catalog::built_in().unwrap().find("yunet").unwrap().bytes as usize;
    let last = |said: &str| said.lines().last().unwrap_or_default().to_owned();
    let server = Server::start(vec![1; yunet], &[Serve::BreakAfter(1000), Serve::Right, Serve::Status(404)]);
    let get = || run(home.quantscope(&server.address(), &["models", "get", "yunet"]));
    let (code, out, said) = get();
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(last(&said), "error: yunet: 127.0.0.1 broke off after 1000 of 232589 bytes. Run it again to resume");
    let (code, _, said) = get();
    assert_eq!(code, Some(1));
    // The rest comes, is of another file, and the whole is asked for once more.
    assert!(last(&said).contains("the server answered 404"), "{said}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, _, said) = run(home.quantscope(&format!("http://{closed}"), &["models", "get", "yunet"]));
    assert_eq!(code, Some(1));
    assert!(last(&said).starts_with("error: yunet: 127.0.0.1 cannot be reached"), "{said}");
    let (code, _, said) = run(home.quantscope("http://example.org", &["models", "list"]));
    assert_eq!(code, Some(1));
    assert!(said.contains("https only") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_download_that_is_interrupted_keeps_what_has_come() {
    let home = Home::new();
    let yunet = Catalog::built_in().unwrap().find("yunet").unwrap().bytes as usize;
    let server = Server::start(vec![1; yunet], &[Serve::StallAfter(5_000)]);
    let mut command = home.quantscope(&server.address(), &["models", "get", "yunet"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let part = home.models().join("yunet.onnx.part");
    let start = Instant::now();
    while part.metadata().map_or(0, |data| data.len()) < 5_000 {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing comes");
        std::thread::sleep(Duration::from_millis(20));
    }
    // What Ctrl-C sends.
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(!child.wait().unwrap().success());
    assert_eq!(part.metadata().unwrap().len(), 5_000);
    assert!(!home.models().join("yunet.onnx").exists());
}

#[test]
fn proxies_of_the_environment_are_used_and_no_proxy_is_honoured() {
    let Some(bytes) = yunet() else { return };
    let server = Server::start(bytes, &[Serve::Right]);
    // A proxy that leads where it is asked to.
    let proxy = Server::answering(|request, _, stream| {
        let Some(target) = request.line.strip_prefix("CONNECT ") else { return };
        let mut onward = TcpStream::connect(target.split(' ').next().unwrap()).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut asked, mut onward_write) = (stream.try_clone().unwrap(), onward.try_clone().unwrap());
        std::thread::Builder::new().spawn(move || std::io::copy(&mut asked, &mut onward_write).map(drop)).unwrap();
        let mut answer = Vec::new();
        let mut head = [0; 65_536];
        while let Ok(count @ 1..) = onward.read(&mut head) {
            answer.extend_from_slice(&head[..count]);
            if stream.write_all(&head[..count]).is_err() {
                return;
            }
        }
    });
    let get = |home: &Home, variables: &[(&str, String)]| {
        let mut command = home.quantscope(&server.address(), &["models", "get", "yunet"]);
        command.envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        run(command)
    };
    let home = Home::new();
    let (code, _, said) = get(&home, &[("HTTP_PROXY", proxy.address())]);
    assert_eq!(code, Some(0), "{said}");
    let asked = server.address().replace("http://", "CONNECT ");
    assert_eq!(proxy.requests().len(), 1);
    assert!(proxy.requests()[0].line.starts_with(&asked), "{:?}", proxy.requests());

    let set = [("HTTP_PROXY", proxy.address()), ("NO_PROXY", "example.org, 127.0.0.1".to_owned())];
    let (code, _, said) = get(&Home::new(), &set);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(proxy.requests().len(), 1, "the proxy was asked although NO_PROXY names the server");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, _, said) = get(&Home::new(), &[("HTTP_PROXY", format!("http://{closed}"))]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("cannot be reached (it takes no connection) through the proxy {closed}")), "{said}");
    let (code, _, said) = get(&Home::new(), &[("HTTP_PROXY", "gopher://x".to_owned())]);
    assert_eq!(code, Some(1));
    assert!(said.contains("the proxy that HTTP_PROXY names cannot be used"), "{said}");
}
