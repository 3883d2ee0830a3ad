//! Several at once do not clash.

use crate::answer::{Answer, RULE, SM, drop_ins, setup_sudo, sudo_works};
use crate::host::{Done, Host, host_once};

fn at_once(host: &Host, arguments: &[Vec<String>]) -> Vec<Done> {
    std::thread::scope(|scope| {
        let run = |args: &Vec<String>| {
            let mut argv = vec![SM.to_owned(), "setup-sudo".to_owned(), "--json".to_owned()];
            argv.extend(args.iter().cloned());
            scope.spawn(move || host.command("root", &argv).run())
        };
        let running: Vec<_> = arguments.iter().map(run).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

host_once!(ten_at_once_for_one_account_make_one_file, boot, |host| {
    let same = vec![vec!["--user".to_owned(), "agent".to_owned()]; 10];
    for done in at_once(host, &same) {
        Answer::of(&done).expect("ok", 0);
    }
    assert_eq!(drop_ins(host), ["sm-agent"]);
    assert_eq!(host.read("/etc/sudoers.d/sm-agent"), RULE);
    sudo_works(host);

    let names: Vec<String> = (0..10).map(|at| format!("agent{at}")).collect();
    for name in &names {
        host.root(&format!("useradd {name}")).ok();
    }
    let each: Vec<_> = names.iter().map(|name| vec!["--user".to_owned(), name.clone()]).collect();
    for (done, name) in at_once(host, &each).iter().zip(&names) {
        let answer = Answer::of(done).expect("ok", 0);
        assert_eq!(
            (&answer.json["user"], &answer.json["proved"]),
            (&name.as_str().into(), &true.into())
        );
    }
    for name in &names {
        setup_sudo(host, &["--check", "--user", name]).expect("ok", 0);
    }
    assert_eq!(drop_ins(host).len(), 11);
    sudo_works(host);

    // Set up and taken away at the same time: one of the two is the last.
    let mixed: Vec<_> = (0..10)
        .map(|at| {
            let user = ["--user".to_owned(), "agent".to_owned()];
            let remove = (at % 2 == 1).then(|| "--remove".to_owned());
            user.into_iter().chain(remove).collect::<Vec<_>>()
        })
        .collect();
    for (done, args) in at_once(host, &mixed).iter().zip(&mixed) {
        let answer = Answer::of(done);
        // Who proves a rule that somebody else has just taken away can only say so.
        let raced = args.len() == 2
            && answer.json["error"].to_string().contains("the rule is in place, but");
        assert!(answer.exit == 0 || raced, "{:#}", answer.json);
    }
    let names = drop_ins(host);
    assert!(names.iter().all(|name| !name.contains('.')), "{names:?}");
    sudo_works(host);
});
