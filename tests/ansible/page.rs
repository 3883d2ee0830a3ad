//! The playbooks of `docs/fleet-ansible.md` do what the page says.

use std::fs;

use crate::Site;
use crate::host::{Host, Sudo, repository};

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_playbooks_of_the_page_work() {
    let page = repository().join("docs/fleet-ansible.md");
    let page = fs::read_to_string(page).expect("the page");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let [set_up, roll]: [&str; 2] = blocks.collect::<Vec<_>>().try_into().expect("two playbooks");

    let wanted = |sudo| Host::wanted(sudo).bare();
    let site = Site::of([wanted(Sudo::Classic), wanted(Sudo::Rs)]);
    let hosts = &site.hosts;
    let built =
        "mkdir -p /home/admin/target/release; cp /usr/local/bin/sm /home/admin/target/release";
    site.network.controller.root(built).ok();

    site.play(set_up, &["--check", "--diff"]).ok().changed(hosts, 3);
    site.play(set_up, &[]).ok().changed(hosts, 3);
    let before: Vec<u32> = hosts.iter().map(|host| host.main_pid("nginx")).collect();
    let account = ["-e", "ansible_user=agent", "-e", "ansible_become=false"];
    site.play(roll, &[&account[..], &["--check"]].concat()).ok().changed(hosts, 1);
    assert_eq!(hosts.iter().map(|host| host.main_pid("nginx")).collect::<Vec<_>>(), before);
    let rolled = site.play(roll, &account).ok().changed(hosts, 1);
    for (host, before) in hosts.iter().zip(before) {
        let now = host.main_pid("nginx");
        assert_ne!(now, before);
        assert!(rolled.done.stdout_text().contains(&format!("\"msg\": \"{now} since ")));
    }
    site.play(set_up, &[]).ok().changed(hosts, 0);
    site.play(set_up, &["-e", "sm_state=absent"]).ok().changed(hosts, 2);
    assert!(hosts.iter().all(|host| !host.exists("/usr/local/bin/sm")));
}
