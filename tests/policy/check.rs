//! `sm policy check`. Each file in `bad/` is named for what is wrong with it; its first lines
//! say of each mistake which line and column must be named, what must be said, and after `; ` what
//! the hint must say. Adding a case is adding a file.

use crate::{json, policies, repository, sm};

#[test]
fn whatever_is_wrong_is_named_with_its_line_and_column() {
    let files = policies("tests/policy/bad");
    assert!(files.len() >= 70, "only {} files", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(repository().join(file)).expect("the file");
        let expected: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix("# expect ")).collect();
        assert!(!expected.is_empty(), "{file} does not begin with `# expect LINE:COLUMN WORDS`");
        let (exit, answer) = json(&["policy", "check", file, "--json"]);
        let error = answer["error"].as_str().unwrap_or_default();
        let said = sm(&["policy", "check", file]);
        let people = String::from_utf8_lossy(&said.stderr).into_owned();
        let mistakes = answer["mistakes"].as_array().cloned().unwrap_or_default();
        let first = mistakes.first().cloned().unwrap_or_default();
        let more = match expected.len() {
            1 => String::new(),
            2 => ", and 1 more mistake".to_owned(),
            all => format!(", and {} more mistakes", all - 1),
        };
        let mut is_good = exit == 1
            && answer["code"] == "policy_invalid"
            && mistakes.len() == expected.len()
            && (&answer["line"], &answer["column"], &answer["hint"])
                == (&first["line"], &first["column"], &first["hint"])
            && error.ends_with(&more)
            && said.status.code() == Some(1)
            && said.stdout.is_empty()
            && people.contains(error);
        for (expected, mistake) in expected.iter().zip(&mistakes) {
            let (place, words) = expected.split_once(' ').expect("LINE:COLUMN WORDS");
            let (words, hint) = words.split_once("; ").unwrap_or((words, ""));
            let (error, hinted) = (&mistake["error"], mistake["hint"].as_str().unwrap_or_default());
            let error = error.as_str().unwrap_or_default();
            is_good &= format!("{}:{}", mistake["line"], mistake["column"]) == place
                && error.contains(words)
                && hinted.contains(hint)
                && people.contains(&format!("{file}:{place}: {error}"))
                && people.contains(hinted);
        }
        if !is_good {
            wrong.push(format!("{file}: expected {expected:#?}, got {answer:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_good_policy_is_good() {
    let good = ["tests/policy/good", "tests/policies", "policy/examples", "policy"];
    let files: Vec<String> = good.iter().flat_map(|folder| policies(folder)).collect();
    assert!(files.len() >= 11 && files.contains(&"policy/default.toml".to_owned()), "{files:?}");
    for file in &files {
        let (exit, answer) = json(&["policy", "check", file, "--json"]);
        assert_eq!(exit, 0, "{answer:#}");
        assert_eq!(answer["file"], *file);
        assert!(
            answer["operations"].is_number()
                && answer["sha256"].as_str().is_some_and(|hash| hash.len() == 64)
        );
        let people = sm(&["policy", "check", file]);
        assert_eq!(people.status.code(), Some(0));
        assert!(
            String::from_utf8_lossy(&people.stdout).starts_with(&format!("{file} is a policy: "))
        );
    }
}

#[test]
fn a_policy_that_permits_nothing_says_so() {
    let words = "it permits nothing: every request is denied";
    for (file, is_warned) in [("smallest", true), ("every_key", false)] {
        let file = format!("tests/policy/good/{file}.toml");
        let (exit, answer) = json(&["policy", "check", &file, "--json"]);
        assert_eq!((exit, answer["operations"] == 0), (0, is_warned), "{answer:#}");
        assert_eq!(answer["warnings"].to_string().contains(words), is_warned, "{answer:#}");
        let people = String::from_utf8(sm(&["policy", "check", &file]).stdout).expect("UTF-8");
        assert_eq!(people.contains(&format!("warning: {words}")), is_warned, "{people}");
    }
}

#[test]
fn the_example_for_arch_allows_what_the_contract_says() {
    let text = std::fs::read_to_string(repository().join("policy/examples/arch-agent.toml"))
        .expect("the example");
    let policy: toml::Table = text.parse().expect("TOML");
    let names = |section: &str, key: &str| {
        let mut names: Vec<&str> =
            policy[section][key].as_table().expect("a table").keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        names("services", "units"),
        ["auditd", "docker", "mysql", "nginx", "podman", "postgres", "redis", "ssh", "sshd"]
    );
    let packages = names("packages", "names");
    assert_eq!(
        packages,
        [
            "audit",
            "curl",
            "docker",
            "git",
            "jq",
            "nftables",
            "nodejs",
            "podman",
            "postgresql",
            "python3",
            "redis",
            "tmux",
            "wget"
        ]
    );
    for package in packages {
        assert_eq!(
            policy["packages"]["names"][package]["require_reason"].as_bool(),
            Some(true),
            "{package}"
        );
    }
}

#[test]
fn what_can_not_be_read_is_wrong_too() {
    let folder = std::env::temp_dir().join(format!("sm-policy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name).into_os_string().into_string().expect("UTF-8");
    std::fs::write(path("bytes.toml"), b"schema = 1\n# \xff\n").expect("a file");
    let big = "#".repeat((64 << 20) + 1);
    std::fs::write(path("big.toml"), big).expect("a file");
    for file in [
        path("not-there.toml"),
        path("bytes.toml"),
        path("big.toml"),
        path(""),
        "/dev/zero".to_owned(),
    ] {
        let (exit, answer) = json(&["policy", "check", &file, "--json"]);
        assert_eq!((exit, &answer["code"]), (1, &"policy_invalid".into()), "{answer:#}");
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(&file)), "{answer:#}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    let (exit, _) = json(&["policy", "check", "--json"]);
    assert_eq!(exit, 2);
}

// A policy from somebody else is checked before it is believed.
#[test]
fn nothing_that_a_terminal_obeys_comes_out_of_a_policy() {
    let file = std::env::temp_dir().join(format!("sm-hostile-{}.toml", std::process::id()));
    let called = file.to_str().expect("UTF-8");
    let long = "a".repeat(100_000);
    for text in [
        "schema = 1\n[unit]\n\"\\u001b[2J\" = {}\n",
        "schema = 1\n[services]\nactions = \u{1b}[2J\n",
        "schema = 1\n[callers.\"\\u001b[2J\"]\n",
        "schema = 1\n[callers.\"user:\\u001b[2J \"]\n",
        "schema = 1\n[callers]\n\"\\u001b[2J\" = [\"\\u001b[2J\"]\n",
        "[services.units.\u{1b}[2J]\n",
        "\u{1b}[2J: 1\n",
        "schema = 1\n[services]\nactions = []\n[services.units.a.\"\\u001b[2J\"]\n",
        "schema = 1\n[services]\n\"\\u001b[2J\" = [\"\\u202e\"]\n",
        &format!("schema = 1\nuser = \"{long}\"\n"),
        &format!("schema = 1\n[services]\nactions = {long}\n"),
        &format!("schema = 1\n[services.units.{long}@1]\n"),
        &format!("schema = 1\nunits = [\"{long}\"]\n"),
    ] {
        std::fs::write(&file, text).expect("a file");
        let output = sm(&["policy", "check", called]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        assert!(said.len() < 2000, "{} bytes: {said:.300}", said.len());
    }
    std::fs::remove_file(&file).expect("it is there");
}

// Whoever names the file may name a pipe.
#[test]
fn a_policy_is_read_from_a_pipe() {
    let policy = std::fs::File::open(repository().join("policy/default.toml")).expect("a file");
    let mut cat = std::process::Command::new("cat")
        .stdin(policy)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("cat");
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_sm"))
        .args(["policy", "check", "/dev/stdin"])
        .stdin(cat.stdout.take().expect("its output"))
        .output()
        .expect("sm");
    cat.wait().expect("cat ends");
    assert!(checked.status.success(), "{checked:?}");
}
