use super::*;

/// What the filter answers to a call: the kernel's rules, in little (`bpf(4)`).
fn answer(filter: &Filter, architecture: u32, number: u32, arguments: [u32; 6]) -> u32 {
    let word = |at: u32| match at {
        NUMBER_AT => number,
        ARCHITECTURE_AT => architecture,
        _ => arguments[((at - ARGUMENTS_AT) / 8) as usize],
    };
    let (mut at, mut value) = (0, 0);
    loop {
        let Instruction { code, jt, jf, k } = filter.instructions()[at];
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        at += 1;
        match code {
            LOAD => value = word(k),
            JUMP_EQUAL => at += jump(value == k),
            JUMP_GREATER => at += jump(value > k),
            JUMP_AT_LEAST => at += jump(value >= k),
            JUMP_ANY => at += jump(value & k != 0),
            RETURN => return k,
            _ => panic!("no such instruction: {code:#x}"),
        }
    }
}

fn errno(number: i32) -> u32 {
    ERRNO | number as u32
}

/// Those that confine.
const ALL: [(&str, &Filter); 4] =
    [("reader", &READER), ("worker", &WORKER), ("networker", &NETWORKER), ("packages", &PACKAGES)];

#[test]
fn what_is_in_a_list_is_refused_and_nothing_else() {
    let work: Vec<&[c_long]> = WORK.to_vec();
    let more: [&[c_long]; 3] = [&ATTRIBUTES, &ATTRIBUTES_HERE, &[libc::SYS_chroot]];
    let packages: [&[c_long]; 5] =
        [&SYSTEM, &SYSTEM_HERE, &REACHES, &UNCOVERS, &[libc::SYS_sched_setattr]];
    let reader: Vec<&[c_long]> = work.iter().copied().chain(more).collect();
    for (filter, refused, missing, known) in [
        (&READER, &reader[..], &WITHOUT_CLONE3[..], true),
        (&WORKER, &work[..], &WITHOUT_CLONE3[..], true),
        (&NETWORKER, &work[..], &WITHOUT_CLONE3[..], true),
        (&PACKAGES, &packages[..], &NEW_MOUNTS[..], false),
    ] {
        for number in 0..1000_u32 {
            let is_in = |list: &&[c_long]| list.contains(&c_long::from(number));
            let expected = if refused.iter().any(is_in) {
                errno(libc::EPERM)
            } else if is_in(&missing) || (known && number > NEWEST) {
                errno(libc::ENOSYS)
            } else {
                ALLOW
            };
            // Arguments that no test minds: AF_UNIX is 1, which is SCHED_FIFO in another call.
            let arguments = match c_long::from(number) {
                libc::SYS_socket => [UNIX; 6],
                _ => [0; 6],
            };
            assert_eq!(answer(filter, ARCHITECTURE, number, arguments), expected, "{number}");
        }
    }
}

#[test]
fn what_shall_start_nothing_can_do_the_rest() {
    for number in 0..1000_u32 {
        let expected = match c_long::from(number) {
            libc::SYS_execve | libc::SYS_execveat => errno(libc::EACCES),
            _ => ALLOW,
        };
        assert_eq!(answer(&STARTS_NOTHING, ARCHITECTURE, number, [0; 6]), expected, "{number}");
        // i386 has execve where x86_64 has munmap.
        let other = answer(&STARTS_NOTHING, 0x4000_0003, number, [0; 6]);
        assert_eq!(other, errno(libc::EPERM), "{number}");
    }
}

#[test]
fn a_call_of_another_architecture_fails() {
    for (name, filter) in ALL {
        // i386 has 20 where x86_64 has 39, getpid.
        for architecture in [0x4000_0003, ARCHITECTURE ^ 1] {
            let number = libc::SYS_getpid as u32;
            assert_eq!(answer(filter, architecture, number, [0; 6]), errno(libc::EPERM), "{name}");
        }
        #[cfg(target_arch = "x86_64")]
        for number in [libc::SYS_getpid, libc::SYS_ptrace, libc::SYS_mount] {
            let number = number as u32 | X32;
            assert_eq!(answer(filter, ARCHITECTURE, number, [0; 6]), errno(libc::EPERM), "{name}");
        }
    }
}

#[test]
fn arguments_decide_where_they_should() {
    let check = |filter, call: c_long, place: usize, value: u32| {
        let mut arguments = [0xffff_fff0; 6];
        arguments[place] = value;
        answer(filter, ARCHITECTURE, call as u32, arguments)
    };
    let inet = libc::AF_INET as u32;
    let packet = libc::AF_PACKET as u32;
    for (name, filter) in ALL {
        let network = matches!(name, "networker" | "packages");
        let no_family = errno(libc::EAFNOSUPPORT);
        assert_eq!(check(filter, libc::SYS_socket, 0, UNIX), ALLOW, "{name}");
        let expected = if network { ALLOW } else { no_family };
        assert_eq!(check(filter, libc::SYS_socket, 0, inet), expected, "{name}");
        assert_eq!(check(filter, libc::SYS_socket, 0, packet), no_family, "{name}");
        for policy in [0, 3, 5] {
            assert_eq!(check(filter, libc::SYS_sched_setscheduler, 1, policy), ALLOW, "{name}");
        }
        let fifo = check(filter, libc::SYS_sched_setscheduler, 1, 1);
        assert_eq!(fifo, errno(libc::EPERM), "{name}");
        assert_eq!(check(filter, libc::SYS_personality, 0, 8), errno(libc::EPERM), "{name}");
        assert_eq!(check(filter, libc::SYS_personality, 0, 0xffff_ffff), ALLOW, "{name}");
        if name == "packages" {
            for flags in [libc::MS_BIND, libc::MS_MOVE, libc::MS_REMOUNT] {
                let flags = (flags | libc::MS_RDONLY) as u32;
                assert_eq!(check(filter, libc::SYS_mount, 3, flags), errno(libc::EPERM));
            }
            let read_only = libc::MS_RDONLY as u32;
            assert_eq!(check(filter, libc::SYS_mount, 3, read_only), ALLOW);
            assert_eq!(check(filter, libc::SYS_unshare, 0, libc::CLONE_NEWNS as u32), ALLOW);
        } else {
            for call in [libc::SYS_unshare, libc::SYS_clone] {
                let user = check(filter, call, 0, libc::CLONE_NEWUSER as u32 | 17);
                assert_eq!(user, errno(libc::EPERM), "{name}");
                assert_eq!(check(filter, call, 0, 0x0120_0011), ALLOW, "{name}");
            }
        }
    }
}

#[test]
fn no_filter_takes_many_steps_for_a_number() {
    for (name, filter) in ALL {
        assert!(filter.instructions().len() < ROOM, "{name}");
        println!("{name}: {} instructions", filter.instructions().len());
    }
}
