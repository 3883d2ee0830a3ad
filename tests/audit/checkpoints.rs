//! Checkpoints on a real host: what they prove, to another program too, and that nothing stops for
//! what is wrong with the key.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::chain::{FILE, audit, intact};
use crate::host::{Host, Sudo, log};

const KEY: &str = "/var/lib/sm/audit.key";

fn checkpoints(host: &Host) -> Vec<Value> {
    log(host).into_iter().filter(|record| record["event"] == "checkpoint").collect()
}

/// Looks at nginx, so that there is a record more.
fn look(host: &Host) {
    host.helper(&["service", "status", "nginx"]).expect("ok");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_signed_is_proven_elsewhere_and_to_another_program() {
    let host = Host::ready(Sudo::Classic);
    look(&host);
    host.root("sm audit key >/home/agent/key.pem").ok();
    host.root(&format!("stat -c %a:%U {KEY}"))
        .ok()
        .starts_with("600:root")
        .then_some(())
        .expect(KEY);
    let (exit, made) = audit(&host, "checkpoint");
    assert_eq!(exit, 0, "{made:#}");
    let record = checkpoints(&host).pop().expect("a checkpoint");
    assert_eq!((&record["seq"], &record["hash"]), (&made["seq"], &made["hash"]));
    assert_eq!(record["checkpoint"]["key"], made["key"]);
    assert_eq!(record["caller"]["user"], "root");
    look(&host);
    intact(&host);
    let journal = host
        .root("journalctl -t sm-helper _UID=0 _TRANSPORT=journal SM_EVENT=checkpoint -o cat")
        .ok();
    assert!(journal.contains("root: the audit log is signed"), "{journal}");

    // Without root, of a copy, in a folder, as a file and on standard input.
    host.root(&format!(
        "mkdir /home/agent/copy; cp {FILE} /home/agent/copy; chmod -R a+rX /home/agent"
    ))
    .ok();
    for how in ["--log copy", "--log copy/audit.jsonl", "--stdin <copy/audit.jsonl"] {
        let done = host.agent(&format!("cd; sm audit verify --json --key key.pem {how}"));
        let said: Value = serde_json::from_str(&done.ok()).expect("JSON");
        assert_eq!(said["signed"]["until"], made["seq"], "{how}: {said:#}");
        assert_eq!(said["signed"]["checkpoints"], 1, "{how}: {said:#}");
    }
    let (exit, said) = audit(&host, "verify --key /home/agent/key.pem");
    assert_eq!((exit, &said["signed"]["until"]), (0, &made["seq"]), "{said:#}");
    assert_eq!(said["journal_agrees"], true);

    // openssl, given the line as documented: nothing between the quotes of the signature.
    let line = made["line"].as_str().expect("a line");
    let (before, rest) = line.split_once("\"signature\":\"").expect("a signature");
    let (signature, rest) = rest.split_once('"').expect("its end");
    let (rest, _) = rest.split_once(",\"hash\":").expect("a hash");
    let bytes: Vec<u8> = (0..128)
        .step_by(2)
        .map(|at| u8::from_str_radix(&signature[at..at + 2], 16).expect("hexadecimal"))
        .collect();
    let folder = host.path("/root");
    fs::write(folder.join("text"), format!("{before}\"signature\":\"\"{rest}}}")).expect("written");
    fs::write(folder.join("signature"), bytes).expect("written");
    let openssl = |text: &str| {
        let done = Command::new("openssl")
            .args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"])
            .arg(host.path("/home/agent/key.pem"))
            .args(["-in", text, "-sigfile", "signature"])
            .current_dir(&folder)
            .output()
            .expect("openssl");
        done.status.success()
    };
    assert!(openssl("text"));
    fs::write(folder.join("other"), format!("{before}\"signature\":\"\"{rest} }}"))
        .expect("written");
    assert!(!openssl("other"));

    // It is in each view where it belongs.
    assert!(!host.root("sm audit tail; sm audit search; sm audit stats").ok().contains("signed"));
    let shown = host.root("sm audit search --event checkpoint").ok();
    assert!(shown.contains("checkpoint ok") && shown.contains("signed by"), "{shown}");
    for format in ["ecs", "ocsf", "cef", "rfc5424", "jsonl"] {
        let text = host.root(&format!("sm audit export --format {format}")).ok();
        assert!(text.contains(signature), "{format}: {text}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn root_that_writes_another_past_is_found_out_by_what_was_kept() {
    let host = Host::ready(Sudo::Classic);
    look(&host);
    host.root("sm audit key >/root/key.pem; sm audit checkpoint --json >/root/made").ok();
    let made: Value = serde_json::from_str(&host.read("/root/made")).expect("JSON");
    host.write("/root/kept", format!("{}\n", made["line"].as_str().expect("a line")));
    look(&host);
    let with = "verify --key /root/key.pem --checkpoints /root/kept";
    assert_eq!(audit(&host, with).0, 0);
    // Everything anew, with the same key and as many records: nothing on the host tells.
    host.root(&format!(
        "rm {FILE} /var/lib/sm/audit.head; journalctl --rotate; journalctl --vacuum-time=1s"
    ))
    .ok();
    for _ in 0..8 {
        look(&host);
    }
    host.root("sm audit checkpoint").ok();
    let (exit, said) = audit(&host, "verify --key /root/key.pem");
    assert_eq!(exit, 0, "{said:#}");
    let (exit, said) = audit(&host, with);
    let seq = made["seq"].as_u64().expect("a number");
    assert_eq!(exit, 1, "{said:#}");
    let error = said["error"].as_str().expect("a sentence");
    assert!(error.contains(&format!("record {seq} is not the one that /root/kept has")), "{error}");
    // And cut before it.
    host.root(&format!("rm {FILE} /var/lib/sm/audit.head")).ok();
    look(&host);
    host.root("sm audit checkpoint").ok();
    let (exit, said) = audit(&host, with);
    assert_eq!(exit, 1, "{said:#}");
    assert!(said["error"].as_str().expect("a sentence").contains("the end was cut"), "{said:#}");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_key_that_cannot_be_used_is_said_and_nothing_stops() {
    let host = Host::ready(Sudo::Classic);
    host.root("mkdir -p /etc/sm").ok();
    host.write(
        "/etc/sm/policy.toml",
        "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n[audit]\ncheckpoint_records = 3\n",
    );
    for _ in 0..4 {
        look(&host);
    }
    assert!(checkpoints(&host).len() >= 2, "{:#?}", log(&host));
    host.root(&format!(
        "cp -p {KEY} /root/key; cp -p /var/lib/sm/audit.pub /root/pub; sm audit key >/root/key.pem"
    ))
    .ok();
    let other = "openssl genpkey -algorithm ed25519";
    let other = Command::new("sh").args(["-c", other]).output().expect("openssl").stdout;
    host.write("/root/other", other);
    for (broken, says) in [
        ("rm KEY", "is missing"),
        ("ln -sf /root/key KEY", "audit.key: Too many levels of symbolic links"),
        ("chmod 0640 KEY", "can be read by others"),
        ("chown agent KEY", "can be read by others"),
        ("rm KEY; mkfifo KEY", "is not a file"),
        ("rm KEY; mkdir KEY", "is not a file"),
        ("cp /root/other KEY", "is the half of another key"),
        ("head -c 40 /root/key >KEY", "is not an Ed25519 key"),
        (": >KEY", "is not an Ed25519 key"),
        ("head -c 20000 /dev/zero >KEY", "is not a file of at most"),
        ("echo x >/var/lib/sm/audit.pub", "is not an Ed25519 key"),
    ] {
        host.root(&broken.replace("KEY", KEY)).ok();
        let before = checkpoints(&host).len();
        for _ in 0..3 {
            look(&host);
        }
        assert_eq!(checkpoints(&host).len(), before, "{broken}");
        let (exit, said) = audit(&host, "checkpoint");
        let error = said["error"].as_str().unwrap_or_default();
        assert!(exit == 1 && error.contains(says), "{broken}: {said:#}");
        let doctor = host.root("sm doctor --json").stdout_text();
        assert!(doctor.contains("the log is not signed"), "{broken}");
        host.root(&format!(
            "rm -rf {KEY}; cp -p /root/key {KEY}; cp -p /root/pub /var/lib/sm/audit.pub"
        ))
        .ok();
        look(&host);
        assert!(checkpoints(&host).len() > before, "{broken}: not again");
    }
    intact(&host);
    assert_eq!(audit(&host, "verify --key /root/key.pem").0, 0);

    // Rotated: the old one signs the new one. Lost: it cannot, and that is said.
    host.root("sm audit key --rotate >/root/second.pem").ok();
    look(&host);
    let (exit, said) = audit(&host, "verify --key /root/key.pem");
    assert_eq!(exit, 0, "{said:#}");
    host.root(&format!("rm {KEY}")).ok();
    let done = host.root("sm audit key --rotate --json").ok();
    assert!(done.contains("did not sign the new one"), "{done}");
    host.root("sm audit key >/root/third.pem; cat /root/key.pem /root/third.pem >/root/both.pem")
        .ok();
    let (exit, said) = audit(&host, "verify --key /root/key.pem");
    let error = said["error"].as_str().expect("a sentence");
    assert!(exit == 1 && error.contains("none of the given keys has signed"), "{error}");
    assert_eq!(audit(&host, "verify --key /root/both.pem").0, 0);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_new_file_begins_with_a_record_and_a_checkpoint() {
    let host = Host::ready(Sudo::Classic);
    look(&host);
    // The very first file has nothing to sign.
    assert!(checkpoints(&host).is_empty());
    host.root(&format!("mv {FILE} {FILE}.1")).ok();
    look(&host);
    look(&host);
    let events: Vec<Value> = log(&host).iter().map(|record| record["event"].clone()).collect();
    assert_eq!(events.iter().position(|event| event == "checkpoint"), Some(1), "{events:?}");
    assert_eq!(events.iter().filter(|event| *event == "checkpoint").count(), 1, "{events:?}");
    assert_eq!(audit(&host, "verify").0, 0);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_sealed_key_signs_on_demand_and_no_request_waits_for_it() {
    let host = Host::ready(Sudo::Classic);
    let policy = "schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n[audit]\ncheckpoint_records = 2\n";
    host.root("mkdir -p /etc/sm").ok();
    host.write("/etc/sm/policy.toml", policy);
    look(&host);
    host.root("sm audit checkpoint; sm audit key >/root/key.pem").ok();
    // There is no TPM, which is said, and the old key stays.
    let (exit, said) = audit(&host, "key --rotate --seal tpm2");
    let error = said["error"].as_str().expect("a sentence");
    assert!(exit == 1 && error.contains("systemd-creds encrypt failed"), "{error}");
    assert_eq!(audit(&host, "checkpoint").0, 0);
    let (exit, said) = audit(&host, "key --rotate --seal host");
    assert_eq!(exit, 0, "{said:#}");
    assert!(!host.exists(KEY));
    let sealed = host.read("/var/lib/sm/audit.key.sealed");
    assert!(!sealed.contains("PRIVATE KEY"), "{sealed}");
    assert_eq!(host.root("sm audit key").ok().trim(), said["pem"].as_str().expect("PEM").trim());
    let before = checkpoints(&host).len();
    let (_, execs) = host.execs_during(|| (0..3).for_each(|_| look(&host)));
    let tools: Vec<_> =
        execs.by_root().into_iter().filter(|argv| argv[0].contains("creds")).collect();
    assert!(tools.is_empty(), "{tools:?}");
    assert_eq!(checkpoints(&host).len(), before);
    assert_eq!(audit(&host, "checkpoint").0, 0);
    assert_eq!(checkpoints(&host).len(), before + 1);
    let (exit, said) = audit(&host, "verify --key /root/key.pem");
    assert_eq!((exit, &said["signed"]["until"]), (0, &said["last"]["seq"]), "{said:#}");
    // Sealed for another host: it cannot be opened.
    host.root("mv /var/lib/systemd/credential.secret /root; systemd-creds setup").ok();
    let (exit, said) = audit(&host, "checkpoint");
    let error = said["error"].as_str().expect("a sentence");
    assert!(exit == 1 && error.contains("systemd-creds decrypt failed"), "{error}");
    look(&host);
    host.root("mv /root/credential.secret /var/lib/systemd/credential.secret").ok();
    // And back into a file.
    assert_eq!(audit(&host, "key --rotate").0, 0);
    assert!(host.exists(KEY) && !host.exists("/var/lib/sm/audit.key.sealed"));
    assert_eq!(audit(&host, "verify --key /root/key.pem").0, 0);
}
