//! Accounts and groups that are not in the files: the program cannot load what the C library loads
//! for `nsswitch.conf(5)`, and asks `getent(1)`.

use crate::host::{Host, Reply, Sudo, records};
use crate::{DEPLOYERS, Made as _, broker_test};
use serde_json::json;

trait Directory {
    /// A host with a second account database: `ada` is in the group `sm`, `bob` is not, `eve` has
    /// expired, and `agent` of the files is in `deploy` there.
    fn directory(sudo: Sudo) -> Self;
}

impl Directory for Host {
    fn directory(sudo: Sudo) -> Self {
        let host = Self::both_ways(sudo);
        host.root(MADE).ok();
        host
    }
}

const MADE: &str = "set -e; apt-get -qq install -y libnss-extrausers </dev/null >/dev/null 2>&1
sed -i -e 's/^passwd:.*/passwd: files extrausers/' -e 's/^group:.*/group: files extrausers/' \
    -e 's/^shadow:.*/shadow: files extrausers/' /etc/nsswitch.conf
sm=$(getent group sm | cut -d: -f3); cd /var/lib/extrausers
for user in ada:5001 bob:5002 eve:5003; do
    echo ${user%:*}:x:${user#*:}:6000:A person:/srv:/bin/sh >>passwd
done
printf 'people:x:6000:\\nsm:x:'$sm':ada,eve\\ndeploy:x:6001:agent\\n' >group
printf 'ada:*:19000::::::\\nbob:*:19000::::::\\neve:*:19000::::0:0:\\n' >shadow; chmod 640 shadow
getent passwd ada; id -nG agent | grep deploy; id -nG ada | grep sm";

#[track_caller]
fn ask(host: &Host, user: &str) -> Reply {
    let line = format!(
        "setpriv --reuid={user} --regid=people --groups=sm,people -- sm-helper --via socket service status nginx"
    );
    Reply::of(&host.root(&line))
}

broker_test!(an_account_of_a_directory_is_known_as_one_of_the_files, directory, |host| {
    let reply = ask(host, "ada").expect("ok");
    let caller = &records(host, &reply.json["request_id"])[0]["caller"];
    assert_eq!(caller["user"], "ada");
    assert_eq!(caller["gid"], json!(6000));
    for (user, why) in [("bob", "bob is not in the group sm"), ("eve", "eve has expired")] {
        let reply = ask(host, user).expect("denied");
        assert!(reply.json["error"].to_string().contains(why), "{user}: {}", reply.json);
    }
    // A number that nobody has anywhere.
    Reply::of(&host.root(
        "setpriv --reuid=5004 --regid=people --groups=sm -- sm-helper --via socket service status nginx",
    )).expect("denied");
});

broker_test!(a_group_of_a_directory_counts_over_both_ways, directory, |host| {
    host.root("install -d /etc/sm").ok();
    host.write("/etc/sm/policy.toml", DEPLOYERS);
    let code = |way: &str| {
        let reply = Reply::of(&host.agent(&format!("sm-helper --via {way} service status nginx")));
        reply.json["code"].clone()
    };
    for services in ["files extrausers", "files [SUCCESS=merge] extrausers", "extrausers files"] {
        host.root(&format!("sed -i 's/^group:.*/group: {services}/' /etc/nsswitch.conf")).ok();
        assert_eq!((code("socket"), code("sudo")), (json!("ok"), json!("ok")), "{services}");
    }
    host.root("sed -i 's/^group:.*/group: files/' /etc/nsswitch.conf").ok();
    assert_eq!((code("socket"), code("sudo")), (json!("denied"), json!("denied")));
});

broker_test!(an_account_of_a_directory_is_set_up_and_asks_through_sudo, directory, |host| {
    host.root("sm setup-sudo --user bob").ok();
    let line = "setpriv --reuid=bob --regid=people --clear-groups -- sm-helper --via sudo service status nginx";
    let reply = Reply::of(&host.root(line)).expect("ok");
    assert_eq!(records(host, &reply.json["request_id"])[0]["caller"]["user"], "bob");
    // A directory that is gone gives nothing, whatever the rule says.
    host.root("sed -i 's/ extrausers//' /etc/nsswitch.conf").ok();
    assert!(!host.root(line).stdout_text().contains("\"ok\""));
});
