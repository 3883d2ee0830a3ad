//! A restart that goes from host to host, and stops where one does not come up.

use crate::Site;

const ROLL: &str = r#"- hosts: all
  gather_facts: false
  serial: 1
  vars: {ansible_user: agent, ansible_become: false}
  tasks:
    - name: Restart nginx
      sm_helper:
        service: nginx
        action: restart
        reason: roll
      register: restarted
    - name: Go on only with a unit that runs
      ansible.builtin.assert:
        that: restarted.reply.unit.active_state == 'active'
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn one_host_at_a_time_until_one_fails() {
    let site = Site::of_each_kind();
    let hosts = &site.hosts;
    let wanted = "sm_binary: /usr/local/bin/sm\nsm_users: [agent]";
    site.role(wanted, &[]).ok();
    let pids = || hosts.iter().map(|host| host.main_pid("nginx")).collect::<Vec<_>>();

    let before = pids();
    site.play(ROLL, &[]).ok().changed(hosts, 1);
    let after = pids();
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    // One after the other: each began when the one before was done.
    let times: Vec<String> = hosts
        .iter()
        .map(|host| host.root("systemctl show -P ActiveEnterTimestampMonotonic nginx").ok())
        .collect();
    let times: Vec<u64> = times.iter().map(|time| time.trim().parse().expect("µs")).collect();
    assert!(times.is_sorted(), "{times:?}");

    // The second one's configuration is broken: the third is not touched.
    hosts[1].write("/etc/nginx/modules-enabled/99-broken.conf", "worker_processes many;\n");
    let rolled = site.play(ROLL, &[]).failed("check_failed");
    assert_eq!(rolled.count(&hosts[0], "changed"), 1);
    assert_eq!(rolled.count(&hosts[1], "failed"), 1);
    assert!(!rolled.recap.contains_key(&hosts[2].name), "{}", rolled.done);
    let last = pids();
    assert_ne!(last[0], after[0]);
    assert_eq!(last[1..], after[1..]);
}
