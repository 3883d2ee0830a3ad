//! A snapshot is taken, and taken away.

use crate::exec::process::{Bounds, ask};
use crate::history::{self, Taken};
use crate::managers::argv::Argv;
use crate::managers::message;
use crate::managers::snapshots::{Listed, Moment, SUBVOLUME, Snapshotter, listed};
use crate::request::ran::{Ended, Ran};
use crate::system::state;
use serde_json::json;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long each command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much it may print, in bytes: a list of some ten thousand snapshots.
const PRINTED: usize = 2 << 20;

/// Takes one for this request.
///
/// # Errors
/// Why there is none, in a few words.
pub fn take(by: &Snapshotter, moment: Moment<'_>, id: &str) -> Result<Taken, String> {
    let number = number_of(by, moment, id)?;
    Taken::of(by, number).ok_or_else(|| format!("there is no snapshot {number}"))
}

fn number_of(by: &Snapshotter, moment: Moment<'_>, id: &str) -> Result<u64, String> {
    if by.counts() {
        let printed = run(&by.take(moment, id, ""))?;
        let number = printed.trim().parse();
        return number.map_err(|_| "snapper printed no number".to_owned());
    }
    // Two that take one at the same moment would take the same number.
    let _lock = state::lock("snapshots").map_err(|error| error.to_string())?;
    folder(by)?;
    // Nor is the number of one that somebody has taken away given again, as long as it is known of.
    let known = history::all().into_iter().filter_map(|entry| entry.snapshots);
    let known = known.flat_map(|taken| [taken.before, taken.after]).flatten();
    let known = known.map(|taken| taken.number);
    let number = numbers(by).into_iter().chain(known).max().unwrap_or(0) + 1;
    run(&by.take(moment, id, &number.to_string()))?;
    describe(by, moment, id, number)?;
    Ok(number)
}

/// Takes one away, and what is written down of it.
///
/// # Errors
/// Why it is still there.
pub fn delete(by: &Snapshotter, number: u64) -> Result<(), String> {
    let text = number.to_string();
    if by.path(&text).exists() {
        run(&by.delete(&text))?;
    }
    if !by.counts() {
        let _ = fs::remove_file(by.description(number));
    }
    Ok(())
}

/// Those that are there, whoever has taken them.
pub fn list(by: &Snapshotter) -> Vec<Listed> {
    let Some(argv) = by.list() else { return Vec::new() };
    run(&argv).map(|printed| listed(&printed)).unwrap_or_default()
}

/// Makes sure that there is a folder that only root can look into, and that no snapshot has in it.
fn folder(by: &Snapshotter) -> Result<(), String> {
    let path = Path::new(by.folder());
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(make) = by.make_folder() {
                run(&make)?;
            }
            let only_root = fs::Permissions::from_mode(0o700);
            return fs::set_permissions(path, only_root).map_err(|error| error.to_string());
        }
        Err(error) => return Err(format!("{}: {error}", path.display())),
        Ok(found) => {
            if let Some(wrong) = wrong_folder(by) {
                return Err(wrong);
            }
            // One that this program was killed over as it made it.
            if found.mode() & 0o777 == 0o755 && numbers(by).is_empty() {
                let only_root = fs::Permissions::from_mode(0o700);
                return fs::set_permissions(path, only_root).map_err(|error| error.to_string());
            }
        }
    }
    Ok(())
}

/// What is wrong with the folder for snapshots of this program's own, if something is.
pub fn wrong_folder(by: &Snapshotter) -> Option<String> {
    if by.counts() {
        return None;
    }
    let found = fs::symlink_metadata(by.folder()).ok()?;
    let is_it = found.is_dir() && found.ino() == SUBVOLUME;
    let is_new = found.mode() & 0o777 == 0o755 && numbers(by).is_empty();
    let is_roots = found.uid() == 0 && (found.mode() & 0o077 == 0 || is_new);
    (!is_it || !is_roots)
        .then(|| format!("{} is no subvolume that only root can look into", by.folder()))
}

/// The numbers of those in the folder.
pub fn numbers(by: &Snapshotter) -> Vec<u64> {
    let names = fs::read_dir(by.folder()).into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What it is one of, for who looks into the folder: what snapper has for its own.
fn describe(by: &Snapshotter, moment: Moment<'_>, id: &str, number: u64) -> Result<(), String> {
    let (kind, before) = match moment {
        Moment::Before => ("pre", None),
        Moment::After(before) => ("post", Some(before)),
    };
    let text = json!({
        "number": number, "type": kind, "pre_number": before, "request_id": id,
        "date": format!("{:.0}", jiff::Timestamp::now()),
    });
    let path = by.description(number);
    state::make(&path, format!("{text}\n").as_bytes(), 0o600)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs a command line to the end. Gives what it printed.
///
/// # Errors
/// What it said.
pub fn run(argv: &Argv) -> Result<String, String> {
    let deadline = Instant::now() + PATIENCE;
    let ran = ask(argv, Bounds { deadline, output_bytes: PRINTED, mask_secrets: false });
    match ran.ended {
        Ended::Exited(0) => Ok(ran.stdout),
        _ => Err(said(argv, &ran)),
    }
}

fn said(argv: &Argv, ran: &Ran) -> String {
    let short = argv.short();
    match ran.ended {
        Ended::Exited(_) => format!("`{short}` failed: {}", message::of(ran)),
        Ended::Signalled(signal) => format!("`{short}` was killed by signal {signal}"),
        Ended::Late => format!("`{short}` was not done after {} s", PATIENCE.as_secs()),
        Ended::NotStarted(error) => format!("`{short}` cannot be run: {}", error.desc()),
    }
}
