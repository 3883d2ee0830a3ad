//! Kernels and containers that lack a measure: below a filter of system calls by which they do.

use crate::host::{Host, Reply, events, host_once, host_test};
use crate::{ask, put_program};

/// Runs what follows the number and the error of a call as if the kernel did not have that call.
const WITHOUT: &str = r#"#!/usr/bin/python3
import ctypes, os, platform, struct, sys
call, errno = sys.argv[1:3]
numbers = {
    "x86_64": {"landlock": 444, "seccomp": 317, "mounts": 272, "capabilities": 126},
    "aarch64": {"landlock": 444, "seccomp": 277, "mounts": 97, "capabilities": 91},
}[platform.machine()]
code = [(0x20, 0, 0, 0), (0x15, 0, 1, numbers[call]), (6, 0, 0, 0x50000 | int(errno)), (6, 0, 0, 0x7fff0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
filter = struct.pack("HP", len(code), ctypes.addressof(program))
if ctypes.CDLL(None).prctl(22, 2, filter) != 0:
    sys.exit("no filter")
os.execv(sys.argv[3], sys.argv[3:])
"#;

/// Each measure by that name, an error of a kernel without it, and what it is called.
const MEASURES: [(&str, i32, &str); 4] = [
    ("landlock", 38, "Landlock"),
    ("landlock", 95, "Landlock"),
    ("seccomp", 38, "seccomp"),
    ("mounts", 1, "a mount namespace"),
];

const PROGRAM: &str = "/usr/local/lib/without";

/// `sm-helper LINE` as `agent`, over sudo, where root lacks it. (Of `seccomp` only the call: with `prctl` the
/// filter here is set.)
#[track_caller]
fn ask_without(host: &Host, call: &str, errno: i32, line: &str) -> Reply {
    let mut argv = vec![PROGRAM.to_owned(), call.to_owned(), errno.to_string()];
    argv.push("/usr/local/bin/sm-helper".to_owned());
    argv.extend(line.split(' ').map(str::to_owned));
    Reply::of(&host.command("root", &argv).run())
}

host_once!(what_there_is_holds_and_the_reply_says_what_there_is_not, |host| {
    put_program(host, PROGRAM, WITHOUT);
    for (call, errno, name) in MEASURES {
        // A look needs no mounts of its own, and a simulation all of it.
        for line in ["service status nginx", "package install git", "package remove git"] {
            let reply = ask_without(host, call, errno, line).expect("ok");
            let warnings = reply.json["warnings"].to_string();
            let lacks = call != "mounts" || line.starts_with("package");
            assert_eq!(warnings.contains(name), lacks, "{call} {line}: {reply:?}");
            if lacks {
                assert!(warnings.contains("sm doctor"), "{warnings}");
            }
        }
        let doctor = host.command(
            "root",
            &[PROGRAM, call, &errno.to_string(), "/usr/local/bin/sm", "doctor", "--json"],
        );
        let doctor = doctor.run().stdout_text();
        assert!(doctor.contains("\"confinement\"") && doctor.contains(name), "{call}: {doctor}");
    }
    let reply = ask(host, "service status nginx").expect("ok");
    assert!(reply.json["warnings"].is_null(), "here it is all there: {reply:?}");
});

host_test!(nothing_is_run_without_what_the_policy_requires, |host| {
    put_program(host, PROGRAM, WITHOUT);
    host.root("mkdir -p /etc/sm").ok();
    let policy = "schema = 1\nexec.confine = \"required\"\n[services]\nactions = [\"restart\", \"status\"]\n\
        [services.units.nginx]\n[packages]\nactions = [\"install\"]\n[packages.names.git]\n";
    host.write("/etc/sm/policy.toml", policy);
    let before = host.main_pid("nginx");
    for (call, errno, name) in MEASURES {
        for line in ["service restart nginx", "service status nginx", "package install git"] {
            let reply = ask_without(host, call, errno, line).expect("unsupported");
            let error = reply.json["error"].as_str().unwrap_or_default();
            assert!(error.contains(name), "{call} {line}: {error}");
            assert!(reply.json["hint"].to_string().contains("sm doctor"), "{reply:?}");
            let events = events(host, &reply.json["request_id"]);
            assert_eq!(events, "refused unsupported", "{call} {line}");
        }
        let doctor = [PROGRAM, call, &errno.to_string(), "/usr/local/bin/sm", "doctor", "--json"];
        let doctor = host.command("root", &doctor).run().stdout_text();
        assert!(doctor.contains("every request is refused"), "{call}: {doctor}");
    }
    assert!(host.main_pid("nginx") == before && !host.has_package("git"));
    // Where all of it is to be had, it is as ever.
    ask(host, "service restart nginx").expect("ok");
    ask(host, "package install git").expect("ok");
});
