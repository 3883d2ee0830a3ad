//! Making a host and ending it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use super::net::Place;
use super::run::Tracing;

/// Which sudo a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sudo {
    /// Debian's sudo 1.9.
    Classic,
    /// sudo-rs.
    Rs,
    /// Debian's sudo 1.9 with no rule for `agent`: the way in is the broker's socket.
    Unused,
}

impl Sudo {
    /// The one that a test of this name has, if it has only one: always the same, and each about as often.
    pub fn of_test(name: &str) -> Self {
        match name.bytes().map(u32::from).sum::<u32>() % 2 {
            0 => Self::Classic,
            _ => Self::Rs,
        }
    }
}

/// What the host is to have; see [`Host::wanted`].
#[derive(Debug)]
pub struct Wanted {
    sudo: Sudo,
    arguments: Vec<OsString>,
    program: Option<PathBuf>,
}

/// A running host. Dropping it ends it, at once and without a trace.
#[derive(Debug)]
pub struct Host {
    /// Which sudo it has.
    pub sudo: Sudo,
    /// What it calls itself; no two of a process have the same.
    pub name: String,
    leader: AtomicU32,
    child: Child,
    // What tests/host/host prints: a line for each boot.
    boots: Mutex<BufReader<ChildStdout>>,
    // The host lives until the other end of this is closed.
    stdin: Option<ChildStdin>,
    pub(super) tracing: Mutex<Option<Tracing>>,
    pub(super) rate_limited: AtomicBool,
    pub(super) place: OnceLock<Place>,
    _slot: Slot,
}

impl Host {
    /// A host with the program installed as `packaging/install` does it, nothing set up.
    pub fn boot(sudo: Sudo) -> Self {
        Self::wanted(sudo).boot()
    }

    /// A host without the program.
    pub fn bare(sudo: Sudo) -> Self {
        Self::wanted(sudo).bare().boot()
    }

    /// An Arch host without the program.
    pub fn bare_arch(sudo: Sudo) -> Self {
        Self::wanted(sudo).arch().bare().boot()
    }

    /// A host whose root is btrfs, without the program.
    pub fn bare_btrfs(sudo: Sudo) -> Self {
        Self::wanted(sudo).btrfs().bare().boot()
    }

    /// [`boot`](Self::boot), and `sm setup-sudo --user agent` has been run.
    pub fn ready(sudo: Sudo) -> Self {
        Self::boot(sudo).set_up()
    }

    /// A host whose os-release is Arch's, with pacman and a repository for it.
    pub fn boot_arch(sudo: Sudo) -> Self {
        Self::wanted(sudo).arch().boot()
    }

    /// [`boot_arch`](Self::boot_arch), set up.
    pub fn ready_arch(sudo: Sudo) -> Self {
        Self::boot_arch(sudo).set_up()
    }

    /// A host with the program that has `tests/policies/host.toml` compiled in.
    pub fn boot_with_test_policy(sudo: Sudo) -> Self {
        Self::wanted(sudo).test_policy().boot()
    }

    /// [`boot_with_test_policy`](Self::boot_with_test_policy), set up.
    pub fn ready_test_policy(sudo: Sudo) -> Self {
        Self::boot_with_test_policy(sudo).set_up()
    }

    /// For what the constructors do not offer.
    pub fn wanted(sudo: Sudo) -> Wanted {
        // Relative to the package's folder when it comes from Cargo's own variable.
        let program = env::var_os("SM_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_sm").into());
        let arguments = match sudo {
            Sudo::Classic | Sudo::Unused => vec![],
            Sudo::Rs => vec!["--sudo-rs".into()],
        };
        Wanted { sudo, arguments, program: Some(program.into()) }
    }

    /// [`let_in`](Self::let_in) `agent`.
    pub fn set_up(self) -> Self {
        self.let_in("agent");
        self
    }

    /// Run, as root, what lets an account ask: `sm setup-sudo`, or `sm setup-broker`.
    pub fn let_in(&self, user: &str) {
        let setup = if self.sudo == Sudo::Unused { "setup-broker" } else { "setup-sudo" };
        self.root(&format!("sm {setup} --user {user}")).ok();
    }

    /// The pid of the host's systemd, as this machine sees it.
    pub fn pid(&self) -> u32 {
        self.leader.load(Ordering::Relaxed)
    }

    /// Reboots it as `systemctl reboot` does, and waits until it is up again: files stay, what was
    /// mounted and in memory is gone.
    pub fn reboot(&self) {
        let before = self.pid();
        // Not waited for: nsenter stops itself with a command that is stopped, as all are then.
        self.root("(sleep 0.2; systemctl reboot) </dev/null >/dev/null 2>&1 &").ok();
        let mut line = String::new();
        let mut boots = self.boots.lock().unwrap_or_else(PoisonError::into_inner);
        boots.read_line(&mut line).expect("a line from tests/host/host");
        let pid =
            ready(&line).unwrap_or_else(|| panic!("the host did not come up again: {line:?}"));
        assert_ne!(pid, before);
        self.leader.store(pid, Ordering::Relaxed);
    }

    /// The pid of the process that keeps the host.
    pub fn keeper(&self) -> u32 {
        self.child.id()
    }

    /// Where a file of the host is for us, who are root: `host.path("/etc/passwd")`.
    /// An absolute link on the way leads out of the host; Debian has none in /etc or /usr.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        let inside = path.strip_prefix("/").unwrap_or_else(|_| panic!("{path:?} is not absolute"));
        Path::new("/proc").join(self.pid().to_string()).join("root").join(inside)
    }

    /// The content of a file, which must be there.
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.path(path);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Write a file, root's, 0644 if it is new.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::write(&path, content).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    }

    /// Whether there is something of this name, be it a link to nowhere.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// The main PID that systemd has for a unit; 0 when it does not run.
    pub fn main_pid(&self, unit: &str) -> u32 {
        let text = self.root(&format!("systemctl show -P MainPID -- {unit}")).ok();
        text.trim().parse().unwrap_or_else(|_| panic!("MainPID of {unit} is {text:?}"))
    }

    /// Whether Debian's package of this name is installed.
    pub fn has_package(&self, name: &str) -> bool {
        let script = format!("dpkg-query -W -f '${{Status}}' -- {name}");
        self.root(&script).stdout_text().ends_with(" installed")
    }

    /// End it, and wait until it is gone; dropping does the same.
    pub fn end(self) {}
}

impl Wanted {
    /// An Arch host.
    pub fn arch(mut self) -> Self {
        self.arguments.push("--arch".into());
        self
    }

    /// The program with `tests/policies/host.toml` compiled in.
    pub fn test_policy(mut self) -> Self {
        let program = env::var_os("SM_TEST_BIN").expect(
            "SM_TEST_BIN is not set: it names the program built with tests/policies/host.toml; \
             tests/run builds it",
        );
        self.program = Some(program.into());
        self
    }

    /// Without the program.
    pub fn bare(mut self) -> Self {
        self.program = None;
        self
    }

    /// The files below `folder` lie over those of the image.
    pub fn layer(mut self, folder: impl AsRef<Path>) -> Self {
        self.arguments.extend(["--layer".into(), folder.as_ref().into()]);
        self
    }

    /// `source` of this machine appears as `target` in the host, read-only.
    pub fn bind_read_only(mut self, source: impl AsRef<Path>, target: &str) -> Self {
        let mut both = source.as_ref().as_os_str().to_owned();
        both.push(":");
        both.push(target);
        self.arguments.extend(["--bind-ro".into(), both]);
        self
    }

    /// The root is a subvolume of a btrfs file system of the host's own, 4 GiB large. Such a host
    /// takes twice as long to boot as others.
    pub fn btrfs(mut self) -> Self {
        self.arguments.push("--btrfs".into());
        self
    }

    /// `path`, as `/var`, is a subvolume of its own, mounted there. Only of a [`btrfs`](Self::btrfs)
    /// host.
    pub fn subvolume(mut self, path: &str) -> Self {
        self.arguments.extend(["--subvolume".into(), path.into()]);
        self
    }

    /// `path`, as `/boot`, is another file system, mounted there, and empty at first. It stays over
    /// a reboot.
    pub fn tmpfs(mut self, path: &str) -> Self {
        self.arguments.extend(["--tmpfs".into(), path.into()]);
        self
    }

    /// Boot it. Panics with what to do about it where no host can be made.
    pub fn boot(self) -> Host {
        self.boot_in(SINGLE.take())
    }

    pub(super) fn boot_in(self, slot: Slot) -> Host {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("host{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut child = Command::new(repository().join("tests/host/host"))
            .arg("run")
            .args(&self.arguments)
            .arg(&name)
            .env("SM_HOST_IMAGE", image())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tests/host/host must be an executable file");
        let stdin = child.stdin.take();
        let mut line = String::new();
        let mut boots = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        boots.read_line(&mut line).expect("a line from tests/host/host");
        let Some(leader) = ready(&line) else {
            drop(stdin);
            let mut why = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                // What it says is for people; half of it is better than nothing.
                let _ = stderr.read_to_string(&mut why);
            }
            let _ = child.wait();
            panic!(
                "no throwaway host could be made; `tests/host/host needs`, as root on Debian, \
                 installs what is missing:\n{why}"
            );
        };
        let host = Host {
            sudo: self.sudo,
            name,
            leader: leader.into(),
            child,
            boots: boots.into(),
            stdin,
            tracing: Mutex::new(None),
            rate_limited: AtomicBool::new(false),
            place: OnceLock::new(),
            _slot: slot,
        };
        if let Some(program) = self.program {
            host.install(&program);
        }
        host
    }
}

/// The path of the base image, asked for once; nothing where none can be made, of which the boot tells.
fn image() -> &'static OsStr {
    static IMAGE: OnceLock<OsString> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let output = Command::new(repository().join("tests/host/host")).arg("image").output();
        let output = output.expect("tests/host/host must be an executable file");
        OsString::from_vec(output.stdout.trim_ascii_end().to_vec())
    })
}

/// The pid in the line that a boot prints.
fn ready(line: &str) -> Option<u32> {
    line.strip_prefix("ready ").and_then(|pid| pid.trim().parse().ok())
}

impl Host {
    /// Install `program` as `packaging/install --binary` does it where nothing of it is yet.
    pub fn install(&self, program: &Path) {
        let root = format!("/proc/{}/root", self.pid());
        let mut tar = Command::new("tar")
            .args([
                "--extract",
                "--preserve-permissions",
                "--no-overwrite-dir",
                "--directory",
                &root,
            ])
            .stdin(Stdio::piped())
            .spawn()
            .expect("tar is there");
        let mut stdin = tar.stdin.take().expect("a pipe was asked for");
        stdin.write_all(&installed(program)).expect("tar reads");
        drop(stdin);
        assert!(tar.wait().expect("tar ends").success(), "{} is installed", program.display());
    }
}

/// A program as it was at a time.
type Build = (PathBuf, SystemTime);

/// What `packaging/install` installs of this program, as an archive. Made once for each, since the
/// script takes as long as half a boot; once for all processes of a run that names a folder of its own.
fn installed(program: &Path) -> Arc<[u8]> {
    static MADE: Mutex<BTreeMap<Build, Arc<[u8]>>> = Mutex::new(BTreeMap::new());
    let metadata = fs::metadata(program).unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let key = (program.to_owned(), metadata.modified().expect("a time"));
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(archive) = made.get(&key) {
        return archive.clone();
    }
    let folder = env::var_os("SM_TEST_RUN").map(PathBuf::from);
    let shared = folder.map(|folder| {
        let seconds = key.1.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos();
        let name = program.to_string_lossy().replace('/', "_");
        folder.join(format!("installed{name}-{seconds}"))
    });
    let archive: Arc<[u8]> = match shared {
        None => archive(program).into(),
        Some(file) => {
            let _alone = alone("installed");
            fs::read(&file).map_or_else(
                |_| {
                    let archive = archive(program);
                    fs::write(&file, &archive).expect("the folder that SM_TEST_RUN names");
                    archive.into()
                },
                Into::into,
            )
        }
    };
    made.insert(key, archive.clone());
    archive
}

/// That archive, made now.
fn archive(program: &Path) -> Vec<u8> {
    let scratch =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("installed-{}", std::process::id()));
    let output = Command::new(repository().join("packaging/install"))
        .arg("--binary")
        .arg(program)
        .env("DESTDIR", &scratch)
        .env_remove("PREFIX")
        .output()
        .expect("packaging/install must be an executable file");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new("tar")
        .args(["--create", "--directory"])
        .arg(&scratch)
        .arg(".")
        .output()
        .expect("tar is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let _ = fs::remove_dir_all(&scratch);
    output.stdout
}

/// Waits until nobody else has the lock of this name, no other process either: tests/run starts one for
/// each test. Given back when the value is dropped.
pub fn alone(name: &str) -> fs::File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.lock"));
    let file = fs::File::create(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    file.lock().unwrap_or_else(|error| panic!("{path:?}: {error}"));
    file
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// The folder that this repository is checked out in.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The right to have so many hosts at a time in a process.
#[derive(Debug)]
pub(super) struct Pool {
    most: u32,
    taken: Mutex<u32>,
    given_back: Condvar,
}

/// Hosts that are on no network.
static SINGLE: Pool = Pool::new(6);
/// Hosts of networks. A test takes all of its network's in one step, before it boots the
/// first: two that took one after the other would wait for each other for ever. They are not
/// of the same pool as the others, so a large network waits only for other networks. With more
/// of them root has no inotify instances left: a host takes about five, Linux gives 128.
pub(super) static NETWORKED: Pool = Pool::new(14);

/// The right to have a host, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot(&'static Pool);

impl Pool {
    const fn new(most: u32) -> Self {
        Self { most, taken: Mutex::new(0), given_back: Condvar::new() }
    }

    fn take(&'static self) -> Slot {
        self.take_many(1).pop().expect("one was asked for")
    }

    /// Wait until there are so many, and take them.
    pub(super) fn take_many(&'static self, count: u32) -> Vec<Slot> {
        assert!(count <= self.most, "{count} hosts at once; there may be {}", self.most);
        // A test that panicked elsewhere does not make the number wrong.
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self
            .given_back
            .wait_while(taken, |taken| *taken + count > self.most)
            .unwrap_or_else(PoisonError::into_inner);
        *taken += count;
        (0..count).map(|_| Slot(self)).collect()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        // All: they may wait for different numbers.
        self.0.given_back.notify_all();
    }
}
