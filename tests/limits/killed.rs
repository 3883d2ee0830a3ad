//! A process that is killed while it spends shuts nobody out, and gives nobody more.

use crate::host::{Host, Sudo, host_once};
use crate::{codes, of, rate, reload};

/// Has the helper killed at each of its first writes into the state, over and over.
const KILLED: &str = "export SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=agent
for at in 1 2 3; do
    strace -qq -o /dev/null --trace-path=/run/sm/rate/1000.changes --inject=pwrite64:signal=SIGKILL:when=$at \\
        /usr/local/bin/sm-helper service reload nginx || true
done";

host_once!(a_kill_between_two_writes_leaves_the_account_what_it_has, |host| {
    host.limit_the_rate();
    rate(host, 30, 600);
    // A new ring, one with something in it, one that is full and grows.
    for already in [0, 1, 8, 17] {
        host.root("rm -rf /run/sm/rate").ok();
        let asked = codes(
            host,
            &format!(
                "for i in $(seq {already}); do sm-helper service reload nginx >\"$out/$i\"; done; echo '{{\"code\":\"none\"}}' >\"$out/none\""
            ),
        );
        assert_eq!(of(&asked, "ok"), already, "{asked:?}");
        host.root(KILLED);
        let left = 30 - already;
        let asked = codes(
            host,
            &format!(
                "for i in $(seq {}); do sm-helper service reload nginx >\"$out/$i\"; done",
                left + 1
            ),
        );
        // What was killed behind its last write may have spent one each.
        let ok = of(&asked, "ok");
        assert!(ok <= left && ok + 3 >= left, "{already}: {asked:?}");
        assert_eq!(ok + of(&asked, "rate_limited"), left + 1, "{already}: {asked:?}");
    }
});

// What is kept does not grow with the accounts that were here once.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn files_of_which_nothing_counts_any_more_are_taken_away() {
    let host = Host::ready(Sudo::Classic);
    host.limit_the_rate();
    rate(&host, 1, 4);
    let ask = |uid: u32| {
        let script = format!(
            "SUDO_UID={uid} SUDO_GID={uid} SUDO_USER=u{uid} sm-helper service status nginx"
        );
        host.root(&script).ok();
    };
    (5000..5100).for_each(ask);
    std::thread::sleep(std::time::Duration::from_secs(5));
    ask(6000);
    let files = host.root("ls /run/sm/rate").ok();
    assert_eq!(files, "6000.looks\nbytes\n");
    reload(&host).expect("ok");
}
