//! What a request's unit may still do does not grow.

use crate::{ask, broker_test};

/// What `systemd-analyze security` of systemd 252 gives it. Less is better.
const EXPOSURE: f32 = 6.9;

broker_test!(the_unit_is_not_more_exposed_than_it_was, |host| {
    let text = host
        .root("systemd-analyze security --no-pager --offline=true /usr/local/lib/systemd/system/sm-broker.service")
        .ok();
    let words = text.lines().find(|line| line.contains("Overall exposure level"));
    let words = words.unwrap_or_else(|| panic!("no figure: {text}"));
    let figure = words.split_whitespace().find_map(|word| word.parse::<f32>().ok());
    let figure = figure.unwrap_or_else(|| panic!("no figure: {words}"));
    assert!(figure <= EXPOSURE, "{figure}:\n{text}");
});

// What the unit says is what a request gets: seen from the process itself.
broker_test!(a_request_runs_in_the_sandbox, |host| {
    let script = "s = connect()\ntime.sleep(1)\nos.system('grep -hE \"^(NoNewPrivs|Seccomp|CapBnd|Uid|Gid):\" /proc/$(pgrep -x sm --parent $(systemctl show -P MainPID sm-broker))/status')\nsend(s, STATUS + b'\\n'); reply(s)";
    let status = crate::speak(host, "agent", script).stdout_text();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_else(|| panic!("no {name}: {status}")).trim().to_owned()
    };
    assert_eq!((field("NoNewPrivs").as_str(), field("Seccomp").as_str()), ("1", "2"), "{status}");
    let has = u64::from_str_radix(&field("CapBnd"), 16).expect("a number");
    // capabilities(7): CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_BPF.
    for dropped in [16, 17, 22, 25, 39] {
        assert_eq!(has & (1 << dropped), 0, "capability {dropped}: {has:x}");
    }
    ask(host, "service status nginx").expect("ok");
});
