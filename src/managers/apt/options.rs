//! What `apt-get` is told on its command line, whatever the host's `apt.conf` says.
//!
//! The command line is read last (`apt.conf(5)`), so what stands here holds. Pinned is what would
//! change what is read of apt's output, and what would make it do something else than was asked
//! for. All else is the administrator's: sources, proxies, keys and their checks (`Acquire::*`),
//! pins and `APT::Default-Release`, `APT::Install-Recommends`, `APT::Install-Suggests`,
//! `APT::Get::Fix-Policy-Broken`, phased updates, what is never removed automatically,
//! `APT::Solver` and `APT::Planner`, hooks, the cache and what stays in it, `DPkg::Lock::Timeout`,
//! and every option for dpkg that does not decide about a changed configuration file. Those that
//! can still keep apt or dpkg from doing anything (`no-act` in `dpkg.cfg`, which dpkg has no
//! opposite of) are noticed afterwards: an operation is `ok` only if it is done.

/// Options of every `apt-get`. One that a single operation needs otherwise follows on its
/// command line, and the last one holds.
pub const PINNED: [&str; 26] = [
    // What is printed. A name is followed by its version in the lists of what would change.
    "APT::Get::Show-Versions=false",
    // apt 2.9 and later: other headings.
    "APT::Output-Version=0",
    // No terminal is pretended.
    "Dpkg::Use-Pty=0",
    // Nothing is done, with success or with a question that nobody answers.
    "APT::Get::Simulate=false",
    "APT::Get::Download-Only=false",
    "APT::Get::Download=true",
    "APT::Get::Print-URIs=false",
    "APT::Get::Assume-No=false",
    "APT::Get::Trivial-Only=false",
    // A part is done: what cannot be fetched is left out.
    "APT::Get::Fix-Missing=false",
    // Unpacked, and left to be configured by hand.
    "DPkg::ConfigurePending=true",
    // Something else is done. A name is a name: else an unknown `docker.io` would be read as a
    // regular expression, and everything that matches it installed.
    "APT::Cmd::Pattern-Only=true",
    // What others broke is not fixed along the way.
    "APT::Get::Fix-Broken=false",
    // What is not needed any more goes by `autoremove`, which sets this itself, and settings stay.
    "APT::Get::AutomaticRemove=false",
    "APT::Get::Purge=false",
    "APT::Get::Remove=true",
    "APT::Get::Upgrade=true",
    "APT::Get::Only-Upgrade=false",
    "APT::Get::ReInstall=false",
    // What was asked for by name is not taken for a dependency, and so removed some day.
    "APT::Get::Mark-Auto=false",
    // What the plan of an operation is refused for.
    "APT::Ignore-Hold=false",
    "APT::Get::Force-Yes=false",
    // The configuration file that is installed stays (`dpkg(1)`); a list, to which these are added.
    "Dpkg::Options::=--force-confdef",
    "Dpkg::Options::=--force-confold",
    "Dpkg::Options::=--no-force-confnew",
    "Dpkg::Options::=--no-force-confask",
];

/// How a removal is done: what an earlier operation left to be configured stays as it is, since
/// making room for it is often what the removal is for, and its scripts are not what was asked
/// for. Triggers are then run by each dpkg itself.
pub const REMOVING: [&str; 2] = ["DPkg::ConfigurePending=false", "DPkg::NoTriggers=false"];
