//! What systemd's words and numbers for the end of a unit's run mean, and what to do about it.

use crate::managers::systemd::manager_log::ManagerLog;
use crate::managers::systemd::unit::UnitState;

/// What a word of systemd means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cause {
    /// In plain words; ends a sentence such as "nginx.service died: result …: …".
    words: &'static str,
    /// What to do, if there is more to say than to read the log.
    hint: Option<&'static str>,
}

const fn cause(words: &'static str) -> Cause {
    Cause { words, hint: None }
}

const fn with_hint(words: &'static str, hint: &'static str) -> Cause {
    Cause { words, hint: Some(hint) }
}

/// `Result=` of services, and of sockets, mounts, swaps, automounts, paths, timers and scopes
/// (`$SERVICE_RESULT` of `systemd.exec(5)`; `src/core/*.h` of systemd for the others).
const RESULTS: [(&str, Cause); 16] = [
    ("success", cause("it exited successfully")),
    (
        "protocol",
        with_hint(
            "it exited before it was ready, or without the announced process",
            "compare Type=, PIDFile= and NotifyAccess= in its unit file with what the program does",
        ),
    ),
    (
        "timeout",
        with_hint(
            "it took longer than its unit file allows",
            "look at what it waits for, or at TimeoutStartSec= and TimeoutStopSec= in its unit file",
        ),
    ),
    ("exit-code", cause("it ended with a failure")),
    ("signal", cause("it was killed by a signal")),
    ("core-dump", cause("it crashed and left a core dump")),
    (
        "watchdog",
        with_hint(
            "it did not tell its watchdog in time that it is alive",
            "look at what it hangs in, or at WatchdogSec= in its unit file",
        ),
    ),
    ("start-limit-hit", cause("it was started too often in a short time")),
    (
        "resources",
        with_hint(
            "the service manager could not run it for lack of a file, a folder, memory, processes, or a trusted pid file",
            "look at the paths in its unit file, at the disk and at the memory",
        ),
    ),
    ("exec-condition", cause("its ExecCondition= said that it should not run")),
    (
        "oom-kill",
        with_hint(
            "it was killed, because there was no memory left",
            "give it or the host more memory (MemoryMax=), or make it need less",
        ),
    ),
    (
        "trigger-limit-hit",
        with_hint(
            "it had to start its service too often in a short time",
            "find out why the service exits at once",
        ),
    ),
    (
        "service-start-limit-hit",
        with_hint("its service was started too often", "find out why the service exits at once"),
    ),
    (
        "unit-start-limit-hit",
        with_hint(
            "the unit that it starts was started too often",
            "find out why that one exits at once",
        ),
    ),
    (
        "mount-start-limit-hit",
        with_hint("its mount was tried too often", "find out why it cannot be mounted"),
    ),
    ("unmounted", cause("somebody else unmounted it")),
];

/// What systemd itself exits with if it cannot execute the program (`systemd.exec(5)`,
/// "Process Exit Codes"), and what shells say of a command (`sh(1)`, "Exit status").
const STATUSES: [(i32, &str, &str); 45] = [
    (126, "a command in it may not be executed", "look at the permissions of what it calls"),
    (127, "a command in it does not exist", "look at the spelling and the path of what it calls"),
    (
        200,
        "its WorkingDirectory= does not exist or cannot be entered",
        "create the folder, or look at WorkingDirectory=",
    ),
    (201, "its Nice= could not be set", "look at Nice="),
    (202, "its descriptors could not be set up", "look at the sockets that it is given"),
    (
        203,
        "the program of its ExecStart= does not exist or cannot be executed",
        "install the program, or look at its path, its permissions and its first line",
    ),
    (204, "there was not enough memory to start it", "look at the memory of the host"),
    (205, "its Limit…= could not be set", "look at the Limit…= lines"),
    (206, "its OOMScoreAdjust= could not be set", "look at OOMScoreAdjust="),
    (207, "its signal mask could not be set", "ask an administrator"),
    (208, "its standard input could not be set up", "look at StandardInput="),
    (209, "its standard output could not be set up", "look at StandardOutput="),
    (210, "its RootDirectory= could not be entered", "look at RootDirectory="),
    (211, "its IOSchedulingClass= could not be set", "look at IOSchedulingClass="),
    (212, "its TimerSlackNSec= could not be set", "look at TimerSlackNSec="),
    (213, "its SecureBits= could not be set", "look at SecureBits="),
    (214, "its CPUSchedulingPolicy= could not be set", "look at CPUSchedulingPolicy="),
    (215, "its CPUAffinity= could not be set", "look at CPUAffinity="),
    (
        216,
        "its Group= does not exist or could not be set",
        "create the group, or look at Group= and SupplementaryGroups=",
    ),
    (217, "its User= does not exist or could not be set", "create the account, or look at User="),
    (
        218,
        "its capabilities could not be set",
        "look at CapabilityBoundingSet= and AmbientCapabilities=",
    ),
    (219, "its control group could not be set up", "ask an administrator"),
    (220, "no session could be created for it", "ask an administrator"),
    (221, "somebody at the console prevented the start", "ask whoever is at the console"),
    (222, "its standard error could not be set up", "look at StandardError="),
    (224, "its PAM session could not be opened", "look at PAMName="),
    (
        225,
        "its network namespace could not be set up",
        "look at PrivateNetwork= and NetworkNamespacePath=",
    ),
    (
        226,
        "its mount namespace could not be set up, usually because a path in its unit file does not exist",
        "look at ReadWritePaths=, BindPaths=, PrivateTmp= and the like",
    ),
    (227, "its NoNewPrivileges= could not be set", "look at NoNewPrivileges="),
    (228, "its system call filter could not be set", "look at SystemCallFilter="),
    (229, "its SELinuxContext= could not be set", "look at SELinuxContext="),
    (230, "its Personality= could not be set", "look at Personality="),
    (231, "its AppArmorProfile= could not be set", "load the profile, or look at AppArmorProfile="),
    (232, "its RestrictAddressFamilies= could not be set", "look at RestrictAddressFamilies="),
    (233, "its RuntimeDirectory= could not be created", "look at RuntimeDirectory= and at /run"),
    (
        235,
        "the owner of one of its folders could not be changed",
        "look at User= and its …Directory= lines",
    ),
    (236, "its SmackProcessLabel= could not be set", "look at SmackProcessLabel="),
    (237, "its kernel keyring could not be set up", "look at KeyringMode="),
    (238, "its StateDirectory= could not be created", "look at StateDirectory= and at /var/lib"),
    (239, "its CacheDirectory= could not be created", "look at CacheDirectory= and at /var/cache"),
    (240, "its LogsDirectory= could not be created", "look at LogsDirectory= and at /var/log"),
    (
        241,
        "its ConfigurationDirectory= could not be created",
        "look at ConfigurationDirectory= and at /etc",
    ),
    (242, "its NUMAPolicy= could not be set", "look at NUMAPolicy="),
    (243, "its credentials could not be set up", "look at LoadCredential= and SetCredential="),
    (
        245,
        "its BPF programs could not be loaded",
        "look at RestrictFileSystems= and IPAddressAllow=",
    ),
];

/// How the last run ended: `result exit-code, exit status 203: the program of …`, and what to do
/// if there is more to do than to read the log.
pub fn of(state: &UnitState, log: &ManagerLog) -> (String, Option<&'static str>) {
    let word = state.result.as_deref().unwrap_or("unknown");
    // Of what is run before, after or beside the main process the unit's state has no number.
    let (status, signal) = match (state.exit_status, state.exit_signal) {
        (None, None) => log.last_exit(),
        of_main => of_main,
    };
    let end = match (status, signal) {
        (Some(status), _) => format!("result {word}, exit status {status}"),
        (_, Some(signal)) => format!("result {word}, signal {signal}"),
        _ => format!("result {word}"),
    };
    let row = STATUSES.iter().find(|row| word == "exit-code" && status == Some(row.0));
    if let Some((_, words, hint)) = row {
        return (format!("{end}: {words}"), Some(*hint));
    }
    // The number says it all.
    let says_all = matches!(word, "exit-code" | "signal") && end.contains(',');
    match RESULTS.iter().find(|row| row.0 == word).filter(|_| !says_all) {
        Some((_, cause)) => (format!("{end}: {}", cause.words), cause.hint),
        None => (end, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(result: &str, exit_status: Option<i32>) -> UnitState {
        UnitState { result: Some(result.to_owned()), exit_status, ..UnitState::default() }
    }

    #[test]
    fn every_result_of_every_kind_of_unit_has_a_sentence() {
        for result in [
            // systemd.exec(5), $SERVICE_RESULT.
            "success",
            "protocol",
            "timeout",
            "exit-code",
            "signal",
            "core-dump",
            "watchdog",
            "exec-condition",
            "oom-kill",
            "start-limit-hit",
            "resources",
            // Sockets, paths, automounts.
            "trigger-limit-hit",
            "service-start-limit-hit",
            "unit-start-limit-hit",
            "mount-start-limit-hit",
            "unmounted",
        ] {
            let row = RESULTS.iter().find(|row| row.0 == result).expect(result);
            assert!(row.1.words.contains(' '), "{result}");
            let (sentence, _) = of(&state(result, None), &ManagerLog::default());
            assert_eq!(sentence, format!("result {result}: {}", row.1.words));
        }
        assert_eq!(
            of(&state("new-in-systemd-300", None), &ManagerLog::default()).0,
            "result new-in-systemd-300"
        );
    }

    #[test]
    fn every_exit_status_of_systemd_says_what_is_wrong() {
        // systemd.exec(5) of 252 to 257 has none for these three.
        for status in (200..=245).filter(|status| ![223, 234, 244].contains(status)) {
            let (sentence, hint) = of(&state("exit-code", Some(status)), &ManagerLog::default());
            assert!(sentence.contains(&format!("exit status {status}: ")), "{sentence}");
            assert!(hint.is_some(), "{status}");
        }
        let mut numbers = STATUSES.map(|row| row.0);
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "a number twice");
        // A program's own status is its own.
        for status in [1, 2, 125, 128, 199, 246, 255] {
            let end = format!("result exit-code, exit status {status}");
            assert_eq!(of(&state("exit-code", Some(status)), &ManagerLog::default()), (end, None));
        }
        // It ended so on purpose.
        assert!(
            !of(&state("success", Some(127)), &ManagerLog::default()).0.contains("does not exist")
        );
    }
}
