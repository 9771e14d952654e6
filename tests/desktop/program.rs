//! The program in its window.

use super::{PATIENCE, Screen, until};
use image::RgbImage;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};
use wait_timeout::ChildExt;

/// Ticks a second of the times in `/proc`; the same on every Linux that the program runs on.
const TICKS: f64 = 100.0;

/// How the program is to start.
#[derive(Default)]
pub struct Setup<'a> {
    /// Arguments beside `-v`.
    pub arguments: &'a [&'a str],
    /// The settings file; none is the first start.
    pub settings: Option<&'a str>,
    /// A copy of the program, for a start away from the models that come with it.
    pub program: Option<&'a Path>,
    /// Whether nothing can be found in the path: no zenity, no ffmpeg.
    pub bare: bool,
    /// Variables of the environment.
    pub environment: &'a [(&'a str, &'a str)],
}

/// The running program.
pub struct Program<'a> {
    pub screen: &'a Screen,
    child: Child,
    log: PathBuf,
    window: String,
    started_at: Instant,
    _config: tempfile::TempDir,
}

impl<'a> Program<'a> {
    /// Starts the program and waits for its window.
    pub fn start(screen: &'a Screen, setup: &Setup<'_>) -> Self {
        let config = tempfile::tempdir().unwrap();
        if let Some(settings) = setup.settings {
            std::fs::write(config.path().join("settings.toml"), settings).unwrap();
        }
        let log = config.path().join("log.txt");
        let file = File::create(&log).unwrap();
        let mut command = screen.command(setup.program.map_or_else(crate::common::program, Path::to_owned));
        command.arg("-v").args(setup.arguments).env("QUANTSCOPE_CONFIG_DIR", config.path());
        command.stdout(file.try_clone().unwrap()).stderr(file);
        command.envs(setup.environment.iter().copied());
        if setup.bare {
            command.env("PATH", config.path());
        }
        if let Some(folder) = setup.program.and_then(Path::parent) {
            command.current_dir(folder);
        }
        // Away from the window, where the pointer calls up no tips; the display ends before that.
        until("the pointer goes", || screen.tool("xdotool", &["mousemove", "9999", "9999"]));
        // A group of its own: whatever it leaves behind can be found.
        let started_at = Instant::now();
        let child = command.process_group(0).spawn().unwrap();
        let mut program = Self { screen, child, log, window: String::new(), started_at, _config: config };
        program.window = program.until("the window opens", |_| screen.window(["--name", "^quantscope$"]));
        program
    }

    /// Everything that was logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// As [`until`], but tells the log when it fails, and fails at once when the program ends.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{what}: the program ended with {ended:?}\n{}", self.log());
            assert!(Instant::now() < end, "{what}: not within {} s\n{}", PATIENCE.as_secs(), self.log());
            std::thread::sleep(super::LOOK_EVERY);
        }
    }

    /// Does something and waits for a line in the log from then on that has all of `parts` and none of `without`.
    pub fn does(&mut self, act: impl FnOnce(&Self), parts: &[&str], without: &[&str]) -> String {
        let before = self.log().len();
        act(self);
        self.wait_from(before, parts, without)
    }

    /// Waits for a line anywhere in the log.
    pub fn waits(&mut self, parts: &[&str]) -> String {
        self.wait_from(0, parts, &[])
    }

    fn wait_from(&mut self, start: usize, parts: &[&str], without: &[&str]) -> String {
        self.until(&format!("a line with {parts:?} without {without:?}"), |program| {
            let log = program.log();
            // The last line may not be complete yet.
            let (complete, _) = log.get(start..)?.rsplit_once('\n')?;
            let fits = |line: &&str| {
                parts.iter().all(|part| line.contains(part)) && !without.iter().any(|part| line.contains(part))
            };
            complete.lines().find(fits).map(str::to_owned)
        })
    }

    /// Presses one key in the window.
    pub fn key(&self, key: &str) {
        self.screen.press(&self.window, &[key]);
    }

    /// Presses a key and waits for what it brings.
    pub fn key_brings(&mut self, key: &str, parts: &[&str], without: &[&str]) -> String {
        self.does(|program| program.key(key), parts, without)
    }

    /// Clicks at a place in the window; negative numbers count from the right and from below.
    pub fn click(&self, x: i32, y: i32) {
        let shot = self.shot();
        let place = |at: i32, length: u32| if at < 0 { length as i32 + at } else { at }.to_string();
        let (x, y) = (place(x, shot.width()), place(y, shot.height()));
        let window = self.window.as_str();
        until("the click", || self.screen.tool("xdotool", &["mousemove", "--window", window, &x, &y, "click", "1"]));
    }

    /// Changes the size of the window.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = (width, height);
        self.until("the window takes the size", |program| {
            if program.shot().dimensions() == size {
                return Some(());
            }
            program.screen.tool("xdotool", &["windowsize", &program.window, &width.to_string(), &height.to_string()]);
            None
        });
    }

    /// What the window shows.
    pub fn shot(&self) -> RgbImage {
        until("a picture of the window", || self.screen.shot(&self.window))
    }

    /// Waits until the window shows what `fits` wants.
    pub fn shows(&mut self, what: &str, fits: impl Fn(&RgbImage) -> bool) -> RgbImage {
        self.until(what, |program| Some(program.shot()).filter(|shot| fits(shot)))
    }

    /// Answers the file dialog that is opening with `path`, typed as a person would.
    pub fn answer_dialog(&mut self, path: &Path) {
        let search = ["--class", "zenity"];
        let dialog = self.until("the file dialog opens", |program| program.screen.window(search));
        // It takes keys once it is drawn and rests; before that they would be lost.
        let drawn = self.at_rest(&dialog);
        self.screen.press(&dialog, &["slash"]);
        self.until("the dialog's path field opens", |program| {
            program.screen.shot(&dialog).filter(|shot| *shot != drawn)
        });
        self.screen.type_text(path.to_str().unwrap().strip_prefix('/').unwrap());
        self.until("the file dialog closes", |program| {
            if program.screen.window(search).is_none() {
                return Some(());
            }
            program.screen.tool("xdotool", &["key", "Return"]);
            // A slow dialog may take its time: a second key would go to the window behind it.
            let end = Instant::now() + Duration::from_secs(10);
            while Instant::now() < end && program.screen.window(search).is_some() {
                std::thread::sleep(super::LOOK_EVERY);
            }
            None
        });
    }

    /// Waits until a window shows the same for a while.
    fn at_rest(&mut self, window: &str) -> RgbImage {
        const REST: Duration = Duration::from_millis(1200);
        let mut last: Option<(RgbImage, Instant)> = None;
        self.until("the window comes to rest", |program| {
            let shot = program.screen.shot(window)?;
            match &last {
                Some((old, since)) if *old == shot => {
                    if since.elapsed() >= REST && shot.pixels().any(|pixel| pixel != shot.get_pixel(0, 0)) {
                        return Some(shot);
                    }
                }
                _ => last = Some((shot, Instant::now())),
            }
            None
        })
    }

    /// Waits until this window shows the same for a while.
    pub fn rests(&mut self) -> RgbImage {
        let window = self.window.clone();
        self.at_rest(&window)
    }

    /// Time since the program was started.
    pub fn age(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// Share of one core that the program uses over `time`.
    pub fn cpu_share(&self, time: Duration) -> f64 {
        let ticks = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
            let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
        };
        let (before, start) = (ticks(), Instant::now());
        std::thread::sleep(time);
        (ticks() - before) / TICKS / start.elapsed().as_secs_f64()
    }

    /// Closes the window as a window manager does; how the program ended, and after what time.
    pub fn close(&mut self) -> (ExitStatus, Duration) {
        self.key("alt+F4");
        let asked_at = Instant::now();
        let status = self.child.wait_timeout(PATIENCE).unwrap();
        (status.unwrap_or_else(|| panic!("the program does not end\n{}", self.log())), asked_at.elapsed())
    }

    /// Processes that the program started and that still run, some time after its end.
    pub fn left_behind(&self) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let left = self.still_running();
            if left.is_empty() || Instant::now() > end {
                return left;
            }
            std::thread::sleep(super::LOOK_EVERY);
        }
    }

    fn still_running(&self) -> Vec<String> {
        let group = self.child.id().to_string();
        let stats = std::fs::read_dir("/proc").unwrap().flatten();
        let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        stats
            .filter(|stat| {
                let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
                // A process that has ended but was not asked about is none any more.
                fields.get(2) == Some(&group.as_str()) && fields.first() != Some(&"Z")
            })
            .collect()
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // Only after a test that failed is there anything to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
