//! `sm setup-broker`: lets accounts reach the helper over a socket, where sudo cannot work.

pub mod call;
pub mod group;
pub mod units;

use crate::admin::answer::{Answer, Failure};
use crate::admin::root::without_root;
use crate::admin::setup_broker::call::{call, failed, output};
use crate::admin::setup_sudo::{install, rights};
use crate::broker::protocol;
use crate::broker::socket::{GROUP, SOCKET};
use crate::broker::unit::{self, SOCKET_UNIT};
use crate::cli::SetupBroker;
use crate::exec::sanitize;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::sudo::account;
use crate::system::accounts::{Group, User};
use crate::system::state;
use crate::system::step::step;
use crate::system::trust::trusted;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Does it. `program` is the file that runs, `arguments` are those of the command line.
///
/// # Errors
/// What is wrong.
pub fn run(
    command: &SetupBroker,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    if !nix::unistd::geteuid().is_root() {
        let what = match command.check {
            true => "only root can see all of the host's units, so this needs root",
            false => "this changes the host's units and groups and needs root",
        };
        return Err(without_root(what, program, arguments));
    }
    sanitize::inherited()?;
    let _lock = state::lock("broker").map_err(|error| failed("the lock", &error))?;
    if command.remove {
        return remove(&command.user);
    }
    let users =
        command.user.iter().map(|name| account::of_name(name)).collect::<Result<Vec<_>, _>>()?;
    if !Path::new("/run/systemd/system").exists() {
        return Err(Failure::of(
            Refusal::new(Code::Unsupported, "this host's service manager is not systemd")
                .hint("allow accounts to use the helper through sudo: sm setup-sudo"),
        ));
    }
    let program = match command.install {
        true => step("install the program", install::install)?.0,
        false => program.to_owned(),
    };
    let (program, _) = trusted(&program)?;
    rights::gives_no_rights(&program)?;
    let wanted = units::of(&units::FILES, &program)?;
    if command.check {
        return check(&wanted, &users);
    }
    units::no_others(&wanted)?;
    let mut done = Vec::new();
    let was_here = unit::is_set_up();
    if find_group().is_none() {
        call("groupadd", &["--system", GROUP])?;
        if let Some(group) = find_group() {
            group::note_made(&group)?;
        }
        done.push(format!("created the group {GROUP}"));
    }
    // Whoever is in it already may connect, too.
    let strangers = if was_here { None } else { group::strangers(&users) };
    for user in users.iter().filter(|user| !group::is_member(user)) {
        call("usermod", &["--append", "--groups", GROUP, &user.name])?;
        if let Some(group) = find_group() {
            group::note_let_in(&group, &user.name)?;
        }
        done.push(format!("{} may connect, from its next session on", user.name));
    }
    let is_new = step("write the units", || units::place(&wanted))? || !units::is_read();
    if is_new {
        call("systemctl", &["daemon-reload"])?;
    }
    // A group that was made again has another number than the socket.
    if is_new || (is_listening() && !is_the_groups()) {
        // Anew, for it may be enabled as the unit that lay elsewhere.
        call("systemctl", &["reenable", SOCKET_UNIT])?;
        // Requests that are under way have processes of their own and are finished.
        call("systemctl", &["restart", SOCKET_UNIT])?;
        done.push(format!("{SOCKET_UNIT} is in place and listens at {SOCKET}"));
    } else if !is_listening() || !is_enabled() {
        call("systemctl", &["enable", "--now", SOCKET_UNIT])?;
        done.push(format!("{SOCKET_UNIT} listens at {SOCKET}"));
    }
    // It may be an administrator's on purpose, so it stays.
    let additions = units::additions(&wanted);
    let added = additions.iter().map(|folder| {
        let (what, removal) = units::added(folder);
        format!("{what}; to remove it: {removal}")
    });
    let added: Vec<String> = added.collect();
    let version = step("ask the broker", answers).map_err(|refusal| match added.first() {
        Some(added) => refusal.hint(added),
        None => refusal,
    })?;
    let changed = !done.is_empty();
    if !changed && added.is_empty() && strangers.is_none() {
        done.push("nothing to do: already in place".to_owned());
    }
    done.extend(added);
    done.extend(strangers);
    let additions: Vec<_> = additions.iter().map(|folder| folder.to_string_lossy()).collect();
    Ok(Answer::text(done.join("\n"))
        .line(&format!("the broker answers: sm {version}"))
        .with("changed", changed)
        .with("socket", SOCKET)
        .with("additions", additions)
        .with("users", users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>()))
}

fn find_group() -> Option<Group> {
    Group::from_name(GROUP).ok().flatten()
}

fn check(wanted: &[(&str, String)], users: &[User]) -> Result<Answer, Failure> {
    let setup = "to put it in place: sm setup-broker";
    let wrong = |what: String, hint: &str| {
        Err(Failure::found(Refusal::new(Code::CommandFailed, what).hint(hint)))
    };
    if let Some(what) = units::changed(wanted) {
        return wrong(what, setup);
    }
    // What somebody has added setup leaves alone.
    if let Some(folder) = units::additions(wanted).first() {
        let (what, removal) = units::added(folder);
        return wrong(what, &format!("to remove it: {removal}"));
    }
    if find_group().is_none() {
        return wrong(format!("there is no group {GROUP}"), setup);
    }
    if let Some(user) = users.iter().find(|user| !group::is_member(user)) {
        return wrong(format!("{} is not in the group {GROUP}", user.name), setup);
    }
    let version = reached().map_err(|refusal| {
        let refusal = if refusal.hint.is_none() { refusal.hint(setup) } else { refusal };
        Failure::found(refusal)
    })?;
    Ok(Answer::text(format!("the broker is in place and answers: sm {version}")))
}

/// Whether who should reach it can, and nobody else. Gives the version that answers.
///
/// # Errors
/// What is wrong with the socket.
pub fn reached() -> Result<String, Refusal> {
    let wrong = |what: String| Err(Refusal::new(Code::CommandFailed, what));
    if !is_listening() {
        return wrong(format!("{SOCKET_UNIT} is not active"));
    }
    if !is_enabled() {
        return wrong(format!("{SOCKET_UNIT} is not enabled: it will not start at boot"));
    }
    if !is_the_groups() {
        return wrong(format!("{SOCKET} is not only for root and the group {GROUP}"));
    }
    answers()
}

/// Removes what was put in place, or the membership of these accounts alone.
fn remove(users: &[OsString]) -> Result<Answer, Failure> {
    let mut done = Vec::new();
    let mut stays = Vec::new();
    if !users.is_empty() {
        for user in
            users.iter().map(|name| account::of_name(name)).collect::<Result<Vec<_>, _>>()?
        {
            if group::is_member(&user) {
                call("gpasswd", &["--delete", &user.name, GROUP])?;
                if let Some(group) = find_group() {
                    group::forget(&group, &user.name)?;
                }
                done.push(format!("{} may no longer use the socket", user.name));
            }
        }
    } else {
        let files = units::copies();
        let other = units::other_socket();
        if other.is_none() && (!files.is_empty() || is_here()?) {
            // Requests that are under way come to their end.
            call("systemctl", &["disable", "--now", SOCKET_UNIT])?;
            done.push(format!("{SOCKET_UNIT} no longer listens"));
            // The unit does not do it if its file was gone before.
            let _ = fs::remove_file(SOCKET);
        }
        for path in &files {
            state::remove(path).map_err(|error| failed(&path.display().to_string(), &error))?;
            done.push(format!("{} is gone", path.display()));
        }
        if !done.is_empty() && Path::new("/run/systemd/system").exists() {
            call("systemctl", &["daemon-reload"])?;
        }
        stays.extend(other.map(|path| {
            format!("{} stays as it is: it is another program's unit", path.display())
        }));
        if let Some(group) = find_group() {
            if group::is_ours(&group) {
                call("groupdel", &[GROUP])?;
                done.push(format!("removed the group {GROUP}"));
            } else {
                for user in group::guests(&group) {
                    call("gpasswd", &["--delete", &user, GROUP])?;
                    done.push(format!("removed {user} from the group {GROUP}"));
                }
                stays.push(format!(
                    "the group {GROUP} stays: sm did not create it; to remove it: groupdel {GROUP}"
                ));
            }
        }
        state::remove(Path::new(group::NOTED)).map_err(|error| failed(group::NOTED, &error))?;
    }
    let changed = !done.is_empty();
    if !changed {
        done.push("nothing to do: there was nothing to remove".to_owned());
    }
    done.extend(stays);
    Ok(Answer::text(done.join("\n")).with("changed", changed))
}

/// Whether there is a broker on this host, or should be: also one that is not enabled, and listens
/// until the next boot.
///
/// # Errors
/// Why systemd could not be asked.
pub fn is_here() -> Result<bool, Refusal> {
    if unit::is_set_up() {
        return Ok(true);
    }
    if units::other_socket().is_some() {
        return Ok(false);
    }
    if !Path::new("/run/systemd/system").exists() {
        return Ok(false);
    }
    is_active()
}

fn is_listening() -> bool {
    is_active().is_ok_and(|is| is)
}

fn is_active() -> Result<bool, Refusal> {
    output("systemctl", &["--quiet", "is-active", SOCKET_UNIT])
        .map(|message| message.status.success())
}

fn is_enabled() -> bool {
    call("systemctl", &["--quiet", "is-enabled", SOCKET_UNIT]).is_ok()
}

/// Whether root and who is in the group may connect, and nobody else.
fn is_the_groups() -> bool {
    let group = find_group();
    fs::symlink_metadata(SOCKET).is_ok_and(|data| {
        let is_its = group.is_some_and(|group| group.gid.as_raw() == data.gid());
        is_its && data.uid() == 0 && data.mode() & 0o777 == 0o660
    })
}

/// Asks the broker who it is. Gives its version.
fn answers() -> Result<String, Refusal> {
    let silent = |reason: String| {
        Refusal::new(Code::CommandFailed, format!("the broker does not answer: {reason}"))
            .hint("look at: systemctl status sm.socket sm-broker; journalctl --unit sm-broker")
    };
    let mut stream = protocol::connect(&mut || {}).map_err(|error| silent(error.to_string()))?;
    let mut reply = String::new();
    protocol::send(&mut stream, &["version".into()])
        .and_then(|()| stream.read_to_string(&mut reply))
        .map_err(|error| silent(error.to_string()))?;
    let reply: serde_json::Value =
        serde_json::from_str(&reply).map_err(|error| silent(format!("its reply: {error}")))?;
    match reply["version"].as_str() {
        Some(version) => Ok(version.to_owned()),
        None => Err(silent(one_line(&reply.to_string(), 300))),
    }
}
