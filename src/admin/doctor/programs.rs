//! What programs amount to that sudo starts as root: one table, by the program's name.

/// What a program is to whoever may run it as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It starts other programs, or reads and writes any file at its own prompt, whatever its
    /// arguments are.
    Always,
    /// The same if the account chooses the arguments. So are all below.
    Chosen,
    /// It runs the program that its arguments name.
    Runs,
    /// It does what a file in the current folder says, which is the account's choice.
    Folder,
    /// It reads the files that it is given.
    Reads,
    /// It writes to the files that it is given, or changes who may.
    Writes,
    /// It writes to the last file that it is given, and reads the others.
    Copies,
    /// It takes the files away that it is given.
    Removes,
    /// It changes accounts and groups.
    Accounts,
    /// It is harmless with one of these as the first argument that is no option.
    Verbs(&'static str),
}

/// Shells, interpreters, editors, pagers, debuggers; what starts a program as somebody else, or
/// elsewhere; what has a prompt with a way out.
const ALWAYS: &str = "\
    agetty ash asterisk at awk bash batch bc bconsole bpftrace bun busybox byebug capsh \
    certutil chgpasswd chpasswd chroot clisp csh dash dc debugfs deno dialog doas ed editor elixir elvish \
    emacs erl ex expect find fish ftp gawk gdb ghci git gnuplot guile iex influx instmodsh \
    ipython irb jjs joe jrunscript jshell julia kmod ksh ksshell ksu ld-linux ld-linux-aarch64 \
    ld-linux-armhf ld-linux-x86-64 ld-musl-aarch64 ld-musl-x86_64 ld.so less lftp lldb ltrace \
    lua luajit mail mailx man mariadb mawk mc mcedit minicom mongo mongosh more most mpv \
    msfconsole mtr mutt mysql nano nash nawk neovim newgrp newusers nix-shell node nodejs npx \
    nsenter nu nvim octave openvt original-awk pager parallel pdb pdsh perl perlbug pg php pic \
    pico pivot_root pkexec posh prove pry psftp psql pwsh pypy python qemu ranger rbash rc \
    rlogin rsh ruby runc runuser rview rvim sash scala scheme screen script scriptreplay \
    sensible-editor sensible-pager setpriv sftp sftp-server sg sh slsh sm smbclient socat \
    sqlite sqlplus ssh ssh-copy-id start-stop-daemon strace su sudo sudoedit super swipl \
    switch_root systemd-nspawn systemd-run systemd-stdio-bridge tclsh tcsh telnet tmate tmux \
    toybox unshare valgrind vi view vigr vim vimdiff vimtutor vipw vtysh wish xargs xonsh yash \
    zsh";

/// Programs that take a file, a script or a command of the account's choice.
const CHOSEN: &str = "\
    aa-exec ab add-apt-repository apache2 apache2ctl apachectl apk apt-add-repository apt-cdrom \
    apt-config apt-ftparchive apt-key apt-mark aria2c arp as aws bootctl borg bpftool bridge \
    btrfs buildah busctl c89 c99 cc certbot check_log chsh clang containerd coredumpctl \
    cpulimit cpupower cryptsetup cupsfilter curlftpfs debconf debconf-set-selections \
    debootstrap depmod dhclient dkms dmesg dmidecode dmsetup dnsmasq doveadm dovecot dpkg-deb \
    dpkg-divert dpkg-query dpkg-reconfigure dpkg-statoverride dpkg-trigger duplicity e2fsck \
    efibootmgr eject esptool ethtool exiftool exim exim4 facter fail2ban-client fdisk ffmpeg \
    flashrom flatpak fusermount g++ gcc gcloud gcore gfortran gparted gpg gpgv grub-install \
    grub-mkconfig haproxy hdparm hostnamectl hping httpd hwclock iftop incus insmod ip6tables \
    iptables iptables-restore jq k3s kdump kexec killall kopia krb5kdc latex ld ldconfig \
    lighttpd localectl logger loginctl losetup lvm lxc lxd machinectl mdadm mkfs mkinitcpio \
    mkinitramfs mkosi mkswap modprobe mongod monit mosquitto mount mysqld mysqldump nc ncat \
    needrestart netcat netplan networkctl nft nginx nmap nmcli nsupdate openssl openvpn opkg \
    ostree pandoc parted pdflatex perf pg_dump php-fpm pkcon pkg pkill pod2man postconf postfix \
    postmap postqueue puppet qemu-img rclone rdiff-backup redis-cli redis-server resolvectl \
    restic restorecon rkhunter rmmod rpmbuild rpmdb rpmquery rpmverify rsnapshot run-mailcap \
    run-parts runsv salt salt-call scapy semanage sendmail setsebool sfdisk sgdisk smartctl \
    snapper ssh-keygen sshd supervisorctl supervisord swapon sysctl syslog-ng systemd-analyze \
    systemd-mount systemd-resolve systemd-sysext systemd-tmpfiles systemd-umount tc tcpdump tex \
    tftp tic timedatectl tmpreaper tshark tune2fs ubus udevadm umount unbound unbound-control \
    unsquashfs update-alternatives update-ca-certificates update-initramfs update-rc.d uwsgi \
    varnishd vault virt-install vnstat vsftpd w3m wg wg-quick whiptail winbindd wipefs \
    wireshark wpa_supplicant xinetd zdb zfs zpool zypper";

const RUNS: &str = "\
    catchsegv chronic chrt dbus-run-session eatmydata env fakeroot faketime firejail flock i386 \
    ionice linux32 linux64 multitime nice nohup numactl prlimit proxychains rlwrap runcon \
    setarch setlock setsid softlimit ssh-agent sshpass stdbuf systemd-cat systemd-inhibit \
    taskset time timeout torify torsocks unbuffer watch x86_64 xvfb-run";

const FOLDER: &str = "\
    ansible ansible-playbook ansible-pull ant bmake bundle bundler cabal cap cargo cmake \
    composer cpan cpanm docker-compose dotnet drush easy_install fab gem gmake go gradle grunt \
    gulp invoke just knife latexmk luarocks make meson mix mvn ninja npm packer pip pipx pnpm \
    podman-compose poetry pre-commit rake sbt scons serverless stack task terraform tofu tox uv \
    vagrant yarn";

const READS: &str = "\
    ascii-xfr base32 base58 base64 basenc bat batcat bzcat cat cmp column comm cut date diff \
    egrep enscript expand fgrep file fmt fold grep hd head hexdump highlight iconv join lesspipe \
    look lz4cat msgcat nl nm od paste pr ptx readelf rev rgrep sdiff sort strings sum tac tail \
    tbl ul unexpand uniq uuencode wall wc xmllint xzcat yq zcat zgrep zstdcat";

const WRITES: &str = "\
    7z 7za ar arj bsdtar bunzip2 bzip2 chattr chgrp chmod chown cpio crudini csplit curl dd \
    dos2unix fallocate fsfreeze gunzip gzip htdbm htdigest htpasswd lz4 lzma mknod objcopy patch pax pigz sed setcap \
    setfacl setfattr shred split sponge tar tee touch truncate unix2dos unlzma unrar unxz unzip \
    unzstd uudecode wget xxd xz zip zstd";

const COPIES: &str = "cp install link ln mv rename rsync scp symlink";

const REMOVES: &str = "rm rmdir srm trash trash-put unlink wipe";

const ACCOUNTS: &str = "\
    addgroup adduser chage chfn delgroup deluser edquota faillock gpasswd groupadd groupdel \
    groupmems groupmod homectl passwd pdbedit pwck smbpasswd useradd userdel usermod";

/// Sorted by their names.
const VERBS: &[(&str, &str)] = &[
    ("apt", APT),
    ("apt-get", APT),
    ("aptitude", "autoclean clean full-upgrade install purge remove safe-upgrade search update"),
    ("crontab", "-l"),
    ("ctr", "containers content images namespaces tasks version"),
    ("dnf", YUM),
    ("docker", CONTAINERS),
    (
        "dpkg",
        "\
         -C -L -S -s --audit --configure --get-selections --listfiles --print-architecture \
         --purge --remove --search --status -P -r",
    ),
    ("getent", "ahosts ahostsv4 ahostsv6 group hosts networks passwd protocols rpc services"),
    ("helm", "get history list status version"),
    ("ip", "a addr address l link maddr n neigh neighbour r ro route ru rule"),
    ("journalctl", ANY),
    (
        "kubectl",
        "\
         api-resources cluster-info cordon describe drain explain get logs rollout scale top \
         uncordon version",
    ),
    ("logrotate", "/etc/logrotate.conf"),
    ("nerdctl", CONTAINERS),
    ("pacman", "-Q -Qi -Ql -Qu -R -Rn -Rns -Rs -S -Sc -Ss -Su -Sy -Syu -Syyu"),
    (
        "pm2",
        "\
         delete describe flush id info jlist list logs ls monit pid prettylist reload reset \
         restart save show status stop",
    ),
    ("podman", CONTAINERS),
    ("rpm", "-K -V -q -qa -qi -ql --checksig --query --verify"),
    ("service", ANY),
    (
        "snap",
        "\
         changes connections disable enable find get info install interfaces list logs model \
         refresh remove restart revert services start stop version warnings",
    ),
    (
        "systemctl",
        "\
         cancel cat clean condreload condrestart condstop daemon-reexec daemon-reload disable \
         enable force-reload freeze get-default halt hibernate hybrid-sleep is-active \
         is-enabled is-failed is-system-running kill list-dependencies list-jobs list-sockets \
         list-timers list-unit-files list-units mask poweroff preset reboot reenable reload \
         reload-or-restart reload-or-try-restart reset-failed restart show show-environment \
         start status stop suspend suspend-then-hibernate thaw try-reload-or-restart \
         try-restart unmask",
    ),
    (
        "virsh",
        "\
         destroy domifaddr dominfo domstate list net-list net-start nodeinfo pool-list reboot \
         reset resume shutdown start suspend version vol-list",
    ),
    ("visudo", "-c --check"),
    ("yum", YUM),
];

/// Whatever the first argument is.
pub const ANY: &str = "*";

const APT: &str = "autoclean autopurge autoremove check clean depends dist-upgrade full-upgrade hold \
    install list policy purge rdepends reinstall remove search show showhold update upgrade";

const YUM: &str = "autoremove check-update clean downgrade erase info install list makecache provides \
    reinstall remove repolist search update updateinfo upgrade";

const CONTAINERS: &str = "diff events history image images info inspect kill logs network node pause \
    port ps pull rename restart rm rmi search start stats stop system top unpause version volume \
    wait";

/// The kinds with the names of their programs, each sorted.
const KINDS: [(Kind, &str); 9] = [
    (Kind::Always, ALWAYS),
    (Kind::Chosen, CHOSEN),
    (Kind::Runs, RUNS),
    (Kind::Folder, FOLDER),
    (Kind::Reads, READS),
    (Kind::Writes, WRITES),
    (Kind::Copies, COPIES),
    (Kind::Removes, REMOVES),
    (Kind::Accounts, ACCOUNTS),
];

/// What a program of this name is; none if nothing is known of it.
pub fn kind(name: &str) -> Option<Kind> {
    // `python3.11`, `vim.basic`, `mkfs.ext4`, `gcc-12`
    let short = name.trim_end_matches(|c: char| c.is_ascii_digit() || ".-".contains(c));
    let first = name.split('.').next().unwrap_or(name);
    [name, short, first].iter().find_map(|name| named(name))
}

fn named(name: &str) -> Option<Kind> {
    if let Ok(at) = VERBS.binary_search_by_key(&name, |(name, _)| name) {
        return Some(Kind::Verbs(VERBS[at].1));
    }
    KINDS.iter().find(|(_, names)| has(names, name)).map(|(kind, _)| *kind)
}

/// Whether this is one of the words.
pub fn has(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|one| one == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_program_is_of_one_kind_and_the_lists_are_sorted() {
        let mut all = BTreeSet::new();
        assert!(VERBS.is_sorted_by_key(|(name, _)| *name));
        for (kind, names) in KINDS {
            let names: Vec<&str> = names.split_whitespace().collect();
            assert!(names.is_sorted(), "{kind:?}");
            all.extend(names.iter().copied().chain(VERBS.iter().map(|(name, _)| *name)));
            for name in names {
                assert!(VERBS.binary_search_by_key(&name, |(name, _)| name).is_err(), "{name}");
                let of = KINDS.iter().filter(|(_, names)| has(names, name)).count();
                assert_eq!(of, 1, "{name}");
            }
        }
        assert!(all.len() > 500, "{}", all.len());
    }

    #[test]
    fn a_version_in_a_name_does_not_hide_the_program() {
        for (name, of) in [
            ("python3.11", Kind::Always),
            ("vim.basic", Kind::Always),
            ("lua5.4", Kind::Always),
            ("mkfs.ext4", Kind::Chosen),
            ("gcc-12", Kind::Chosen),
            ("7z", Kind::Writes),
            ("pip3", Kind::Folder),
        ] {
            assert_eq!(kind(name), Some(of), "{name}");
        }
        assert_eq!(kind("id"), None);
    }
}
