//! The two programs, and what root runs in their place.

use crate::case::Mend::{By, Printed, PrintedThen};
use crate::case::{Case, Doctor, try_all};
use crate::host::{Host, Sudo};

pub const CASES: &[Case] = &[
    Case {
        id: "binary_path",
        status: "problem",
        says: "belongs to agent",
        breaks: "chown agent /usr/local/bin/sm",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "binary_path",
        status: "problem",
        says: "its group",
        breaks: "chmod g+w /usr/local/bin/sm",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "binary_path",
        status: "problem",
        says: "setuid",
        breaks: "chmod u+s /usr/local/bin/sm",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "binary_path",
        status: "problem",
        says: "/usr/local can be written to by everybody",
        breaks: "chmod o+w /usr/local",
        more: &["helper_path", "helper_rule", "unit_files"],
        mend: Printed,
    },
    Case {
        id: "helper_path",
        status: "problem",
        says: "belongs to agent",
        breaks: "chown agent /usr/local/bin/sm-helper",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "helper_path",
        status: "problem",
        says: "setuid",
        breaks: "chmod u+s /usr/local/bin/sm-helper",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "helper_path",
        status: "problem",
        says: "is a link",
        breaks: "ln -sf sm /usr/local/bin/sm-helper",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "helper_path",
        status: "problem",
        says: "hard link",
        breaks: "ln -f /usr/local/bin/sm /usr/local/bin/sm-helper",
        more: &["helper_rule"],
        mend: Printed,
    },
    Case {
        id: "helper_path",
        status: "problem",
        says: "does not exist",
        breaks: "rm /usr/local/bin/sm-helper",
        more: &["binary_same", "helper_rule"],
        mend: Printed,
    },
    Case {
        id: "binary_same",
        status: "problem",
        says: "another build",
        breaks: "echo >>/usr/local/bin/sm-helper",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "file_capabilities",
        status: "problem",
        says: "/usr/local/bin/sm-helper",
        // CAP_DAC_OVERRIDE, permitted and effective (linux/capability.h).
        breaks: "python3 -c 'import os,struct; os.setxattr(\"/usr/local/bin/sm-helper\", \"security.capability\", struct.pack(\"<5I\", 0x02000001, 2, 0, 0, 0))'",
        more: &["helper_path", "helper_rule"],
        mend: Printed,
    },
    Case {
        id: "helper_twice",
        status: "warning",
        says: "/usr/bin/sm-helper",
        breaks: "cp /usr/local/bin/sm-helper /usr/bin/sm-helper",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "helper_twice",
        status: "problem",
        says: "another program",
        breaks: "cp /bin/true /usr/sbin/sm-helper",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "helper_twice",
        status: "warning",
        says: "/opt/old/sm-helper",
        breaks: "mkdir /opt/old; cp /usr/local/bin/sm-helper /opt/old; echo 'PATH=\"/opt/old:/usr/bin\"' >/etc/environment",
        more: &[],
        mend: PrintedThen("rm /etc/environment; rmdir /opt/old"),
    },
    // What is as large as no disk is not read to tell it from ours.
    Case {
        id: "helper_twice",
        status: "problem",
        says: "another program",
        breaks: "truncate -s 1T /usr/bin/sm-helper; chmod 0755 /usr/bin/sm-helper",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "preload",
        status: "problem",
        says: "belongs to agent",
        breaks: "touch /etc/ld.so.preload; chown agent /etc/ld.so.preload",
        more: &[],
        mend: PrintedThen("rm /etc/ld.so.preload"),
    },
    Case {
        id: "preload",
        status: "warning",
        says: "libm.so.6",
        breaks: "ls /usr/lib/*/libm.so.6 >/etc/ld.so.preload",
        more: &[],
        mend: PrintedThen("rm /etc/ld.so.preload.off"),
    },
    Case {
        id: "preload",
        status: "problem",
        says: "/srv/x.so belongs to agent",
        breaks: "install -o agent /usr/lib/*/libm.so.6 /srv/x.so; echo /srv/x.so >/etc/ld.so.preload",
        more: &[],
        mend: By("rm /etc/ld.so.preload /srv/x.so"),
    },
    Case {
        id: "tools",
        status: "problem",
        says: "/usr/bin/apt-cache",
        breaks: "chown agent /usr/bin/apt-cache",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "tools",
        status: "problem",
        says: "/usr/bin/pacman",
        breaks: "chmod o+w /usr/bin/pacman",
        more: &[],
        mend: Printed,
    },
    // What apt is told to run there, it runs as root.
    Case {
        id: "tools",
        status: "problem",
        says: "/etc/apt/apt.conf.d belongs to agent",
        breaks: "chown agent /etc/apt/apt.conf.d",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "tools",
        status: "problem",
        says: "dpkg.cfg can be written to by its group",
        breaks: "chmod g+w /etc/dpkg/dpkg.cfg",
        more: &[],
        mend: Printed,
    },
    Case {
        id: "tools",
        status: "problem",
        says: "99none is a link: /home/agent belongs to agent",
        breaks: "ln -s /home/agent/none /etc/apt/apt.conf.d/99none",
        more: &[],
        mend: By("rm /etc/apt/apt.conf.d/99none"),
    },
    Case {
        id: "tools",
        status: "problem",
        says: "/etc/pacman.d/hooks/x.hook belongs to agent",
        breaks: "d=/etc/pacman.d/hooks; mkdir -p $d; touch $d/x.hook; chown agent $d/x.hook",
        more: &[],
        mend: PrintedThen("rm -r /etc/pacman.d"),
    },
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_programs() {
    try_all(&Host::ready(Sudo::Classic), CASES);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_to_be_preloaded_and_is_not_there_can_be_mended() {
    let host = Host::boot(Sudo::Classic);
    // Of each program the linker says so on standard error.
    let done =
        host.root("echo /usr/lib/x.so >/etc/ld.so.preload; exec sm doctor --json 2>/dev/null");
    let doctor = Doctor::read(&done);
    assert_eq!(doctor.mend("preload"), "mv /etc/ld.so.preload /etc/ld.so.preload.off");
    let row = doctor.rows.iter().find(|row| row.id == "preload").expect("its row");
    let found = "/etc/ld.so.preload: /usr/lib/x.so: No such file";
    assert!(row.status == "warning" && row.found.starts_with(found), "{row:?}");
}

/// Both programs as those of a package, for dpkg and for pacman.
const DEBIAN: &str = r"cp /usr/local/bin/sm* /usr/bin
printf '%s\n' '' 'Package: sm-helper' 'Status: install ok installed' 'Version: 1' \
    'Architecture: all' 'Maintainer: x <x@x>' 'Description: x' >>/var/lib/dpkg/status
printf '%s\n' /. /usr /usr/bin /usr/bin/sm /usr/bin/sm-helper >/var/lib/dpkg/info/sm-helper.list";
const ARCH: &str = r"cp /usr/local/bin/sm* /usr/bin
folder=/var/lib/pacman/local/sm-helper-1-1; mkdir -p $folder
printf '%s\n' %NAME% sm-helper '' %VERSION% 1-1 >$folder/desc
printf '%s\n' %FILES% usr/ usr/bin/ usr/bin/sm usr/bin/sm-helper >$folder/files";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_a_package_has_put_there_is_its_managers_to_take_away_and_bring_back() {
    for (host, package, remove, again) in [
        (
            Host::ready(Sudo::Classic),
            DEBIAN,
            "apt-get remove sm-helper",
            "apt-get install --reinstall sm-helper",
        ),
        (Host::ready_arch(Sudo::Classic), ARCH, "pacman -R sm-helper", "pacman -S sm-helper"),
    ] {
        host.root(package).ok();
        assert_eq!(Doctor::of(&host).mend("helper_twice"), remove);
        let packaged =
            || Doctor::read(&host.command("root", &["/usr/bin/sm", "doctor", "--json"]).run());
        // The other way round the rules of the copy go first.
        host.root(packaged().mend("helper_twice")).ok();
        for path in ["/usr/local/bin/sm", "/usr/local/bin/sm-helper", "/etc/sudoers.d/sm-agent"] {
            assert!(!host.exists(path), "{path} is left");
        }
        host.root("rm /usr/bin/sm-helper").ok();
        for id in ["helper_path", "binary_same"] {
            assert_eq!(packaged().mend(id), again);
        }
        let setup = host.root("/usr/bin/sm setup-sudo --user agent").stderr_text();
        assert!(setup.trim_end().ends_with(again), "{setup}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn nobody_is_told_to_make_a_folder_roots_that_is_everybodys() {
    let host = Host::ready(Sudo::Classic);
    let doctor = Doctor::read(&host.root("cp /usr/local/bin/sm /tmp; exec /tmp/sm doctor --json"));
    let wrong: Vec<_> = doctor.rows.iter().filter(|row| row.id == "binary_path").collect();
    assert!(wrong.iter().any(|row| row.found.contains("/tmp can be written to")), "{wrong:#?}");
    let printed = format!("{:#?}", doctor.rows);
    assert!(!printed.contains("chmod go-w /tmp"), "{printed}");
}
