//! A display of its own with a window manager on it, and the real program in a real window, driven by keys and read
//! by its log and its pixels.

#![expect(dead_code, reason = "each test program uses its own part of this")]

mod program;

pub use program::{Program, Setup};

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wait_timeout::ChildExt;

/// How long anything may take: these tests run beside others on small machines.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How often something is looked at that cannot be waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// No frames around windows, new windows get the keyboard, Alt+F4 asks a window to close.
const OPENBOX: &str = r#"<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><focusNew>yes</focusNew></focus>
  <keyboard><keybind key="A-F4"><action name="Close"/></keybind></keyboard>
  <applications><application class="*"><decor>no</decor><focus>yes</focus></application></applications>
</openbox_config>
"#;

/// Looks again and again until there is something; fails with `what` after [`PATIENCE`].
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A display that nobody sees.
pub struct Screen {
    folder: tempfile::TempDir,
    display: String,
    server: Child,
    manager: Option<Child>,
}

impl Screen {
    /// A display of this size with a window manager; None, said aloud, where a program for that is missing.
    pub fn start(width: u32, height: u32, also_needed: &[&str]) -> Option<Self> {
        let needed = ["Xvfb", "openbox", "xdotool", "xprop", "import"];
        if let Some(missing) = needed.iter().chain(also_needed).find(|name| !is_installed(name)) {
            println!("skipped: {missing} is not installed (`scripts/setup.sh --test` brings it)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let size = format!("{width}x{height}x24");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &size, "-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb names no display");
        let display = format!(":{}", number.trim());
        let mut screen = Self { folder, display, server, manager: None };
        screen.start_manager();
        Some(screen)
    }

    fn start_manager(&mut self) {
        let config = self.folder.path().join("openbox.xml");
        std::fs::write(&config, OPENBOX).unwrap();
        let mut command = self.command("openbox");
        command.args(["--sm-disable", "--config-file"]).arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        self.manager = Some(command.spawn().unwrap());
        until("openbox manages the display", || {
            let answer = self.tool("xprop", &["-root", "_NET_SUPPORTING_WM_CHECK"])?;
            answer.contains("window id").then_some(())
        });
    }

    /// A program on this display, with a home of its own and no way to the desktop of whoever runs the test.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).env("DISPLAY", &self.display).env("HOME", self.folder.path());
        command.env("XDG_RUNTIME_DIR", self.folder.path()).env("NO_AT_BRIDGE", "1").env("LIBGL_ALWAYS_SOFTWARE", "1");
        // Without this, libraries would start a bus that stays.
        command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
        for name in ["WAYLAND_DISPLAY", "XDG_CONFIG_HOME", "RUST_LOG", "GTK_USE_PORTAL"] {
            command.env_remove(name);
        }
        command
    }

    /// What a small program answers; None when it fails or takes too long.
    pub fn tool(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut child = self.command(program);
        let mut child = child.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let Some(status) = child.wait_timeout(Duration::from_secs(30)).unwrap() else {
            // It hangs; the next look starts another.
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        let output = child.wait_with_output().unwrap();
        status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The number of the visible window that `search` finds, as xdotool has it.
    pub fn window(&self, search: [&str; 2]) -> Option<String> {
        let found = self.tool("xdotool", &["search", "--onlyvisible", search[0], search[1]])?;
        found.lines().last().map(str::to_owned)
    }

    /// Whether a window has the keyboard.
    pub fn is_active(&self, window: &str) -> bool {
        self.tool("xdotool", &["getactivewindow"]).is_some_and(|active| active.trim() == window)
    }

    /// Gives a window the keyboard and presses keys, named as xdotool names them.
    pub fn press(&self, window: &str, keys: &[&str]) {
        until("the window gets the keyboard", || {
            if self.is_active(window) {
                return Some(());
            }
            self.tool("xdotool", &["windowactivate", window]);
            None
        });
        let arguments: Vec<&str> = ["key", "--clearmodifiers"].into_iter().chain(keys.iter().copied()).collect();
        until("the keys are pressed", || self.tool("xdotool", &arguments));
    }

    /// Types text into the window that has the keyboard.
    pub fn type_text(&self, text: &str) {
        until("the text is typed", || self.tool("xdotool", &["type", "--delay", "20", text]));
    }

    /// What a window shows.
    pub fn shot(&self, window: &str) -> Option<image::RgbImage> {
        let path = self.folder.path().join("shot.png");
        self.tool("import", &["-silent", "-window", window, path.to_str()?])?;
        Some(image::open(path).ok()?.to_rgb8())
    }

    /// The home folder of what runs here.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in self.manager.iter_mut().chain([&mut self.server]) {
            // Whatever has ended already needs no end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether a program is in the path.
pub fn is_installed(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
}
