//! What a command that sudo lets an account run as root amounts to.

use super::finding::Status;
use crate::policy::names::quoted;
use crate::policy::never;
use crate::trust::trusted;
use std::fs;
use std::path::Path;

/// Programs that start others, or write or read whatever file they are told to at their own prompt:
/// whatever the rule's arguments are, they are all of root (gtfobins.github.io). Shells and
/// interpreters are on the never-list of the policy.
const ESCAPES: &str = "\
    crontab ed editor emacs ex ftp gdb git joe journalctl less man mc mcedit more most mysql \
    nano nvim pager pico psql rvim script sensible-editor sftp sm sqlite3 top vi view vigr \
    vim vim.basic vim.tiny vipw visudo watch";

/// Programs that are all of root where the account chooses the arguments.
const WITH_ARGUMENTS: &str = "\
    7z aa-exec ansible ansible-playbook apt apt-get apt-key ar arp base64 bpftrace bridge \
    busctl bzip2 capsh cargo cat chattr chgrp chmod chown chpasswd chsh cp cpio csplit ctr \
    curl cut date dd debugfs dmesg dmsetup dnf docker dpkg easy_install eject fdisk firejail \
    flock gcc gpasswd grep groupadd groupmod gzip head helm incus insmod install ionice ip \
    iptables join k3s kubectl ld.so ldconfig ln logrotate losetup lxc make mkfs mknod \
    modprobe mount mv nerdctl newusers nft nice nmap npm openssl pacman passwd paste patch \
    pip pip3 pkill podman psql rm rpm rsync run-parts scp sed service setcap setfacl shred \
    snap socat sort split ssh ssh-keygen stdbuf strace sysctl systemctl tac tail tar taskset \
    tcpdump tee time timeout touch umount unzip useradd userdel usermod wget xxd yum zip \
    zypper";

/// systemctl's other names (systemd's `halt(8)`, `shutdown(8)`).
const SYSTEMCTL: &str = "halt poweroff reboot runlevel shutdown telinit";

/// How bad it is that an account may run this as root, and why; none where it is the helper.
pub fn judged(command: &str, helper: &str) -> Option<(Status, String)> {
    let is_helper =
        command.strip_prefix(helper).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    // What is taken away gives nothing; `list` is `sudo -l` alone (sudoers(5)).
    if is_helper || command.starts_with('!') || command == "list" || command.starts_with("list ") {
        return None;
    }
    let problem = |why: &str| Some((Status::Problem, why.to_owned()));
    if command == "ALL" {
        return problem("that is every command");
    }
    if command == "sudoedit" || command.starts_with("sudoedit ") {
        return problem("that writes a file of root's");
    }
    if command.contains(['*', '?', '[']) || command.contains(" ^") || command.starts_with('^') {
        return problem("that is a pattern, and more fits it than was meant");
    }
    if !command.starts_with('/') {
        return Some((Status::Warning, "it can not be told what that is".to_owned()));
    }
    if command.ends_with('/') {
        return problem("that is every program in the folder");
    }
    let (path, arguments) = command.split_once(' ').unwrap_or((command, ""));
    for path in [Some(path.into()), behind(path)].iter().flatten() {
        let name = path.rsplit('/').next().unwrap_or(path);
        if is_in(ESCAPES, name) || never::program(path) {
            return problem("that starts other programs, or is sm itself: all of root");
        }
        // Without arguments in the rule the account chooses them; `""` means that there may be none.
        if arguments.is_empty() && is_in(WITH_ARGUMENTS, name) {
            return problem("with arguments of one's own choice that is all of root");
        }
    }
    match trusted(Path::new(path)) {
        Err(_) if fs::symlink_metadata(path).is_err() => {
            Some((Status::Warning, format!("{} is not there", quoted(path.as_bytes()))))
        }
        Err(refusal) => Some((Status::Problem, refusal.error)),
        Ok(_) => Some((Status::Warning, "neither the policy nor the record holds it".to_owned())),
    }
}

/// What a link leads to; none for systemctl, which by its other names does what they say alone.
fn behind(path: &str) -> Option<String> {
    let real = fs::canonicalize(path).ok()?.to_string_lossy().into_owned();
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_other_name = real.ends_with("/systemctl") && is_in(SYSTEMCTL, name);
    (!is_other_name).then_some(real)
}

fn is_in(words: &str, name: &str) -> bool {
    words.split(' ').any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_all_of_root_is_a_problem() {
        let helper = "/usr/local/bin/sm-helper";
        for (command, status) in [
            ("/usr/local/bin/sm-helper", None),
            ("/usr/local/bin/sm-helper service restart nginx", None),
            ("!/usr/bin/su", None),
            ("list", None),
            ("/usr/local/bin/sm-helper2", Some(Status::Warning)),
            ("/usr/local/bin/sm", Some(Status::Problem)),
            ("ALL", Some(Status::Problem)),
            ("sudoedit /etc/motd", Some(Status::Problem)),
            ("/usr/bin/systemctl restart *", Some(Status::Problem)),
            ("/usr/bin/systemctl", Some(Status::Problem)),
            ("/usr/bin/cat \"\"", Some(Status::Warning)),
            ("/usr/bin/cat", Some(Status::Problem)),
            ("/usr/sbin/", Some(Status::Problem)),
            ("/bin/sh", Some(Status::Problem)),
            ("/usr/bin/python3.11 /srv/x.py", Some(Status::Problem)),
            ("/usr/bin/vim /etc/motd", Some(Status::Problem)),
            ("/usr/bin/id", Some(Status::Warning)),
            ("/nowhere/tool x", Some(Status::Warning)),
            ("^/usr/bin/id$", Some(Status::Problem)),
            ("otherwise", Some(Status::Warning)),
        ] {
            assert_eq!(judged(command, helper).map(|(status, _)| status), status, "{command}");
        }
    }
}
