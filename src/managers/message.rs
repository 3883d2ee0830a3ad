//! The line of a command's output that says most about why it failed.

use crate::managers::pacman::message::{detail, is_vague};
use crate::output::text::one_line;
use crate::request::ran::{Ended, Ran};

/// The longest such line, in characters.
const LONGEST: usize = 300;

/// What the package managers begin a line with that names a cause.
const CAUSES: [&str; 3] = [
    // Which script of which package failed; apt's own line only says that dpkg did.
    "dpkg: error",
    // Of several of apt's errors the first is the cause.
    "E: ",
    "error: ",
];

/// The last line on standard error, else on standard output, else how it ended; of the package
/// managers, the line that names the cause.
pub fn of(ran: &Ran) -> String {
    if ran.ended == Ended::Late {
        return "it was not done in time".to_owned();
    }
    let full = [&ran.stderr, &ran.stdout]
        .into_iter()
        .find_map(|text| text.lines().find(|line| line.contains("No space left on device")));
    let cause = || CAUSES.iter().find_map(|start| whole(&ran.stderr, start));
    // systemctl's last line only sends a person elsewhere.
    let tells = |line: &&str| !line.trim().is_empty() && !line.starts_with("See ");
    let last = |text: &str| text.lines().rev().find(tells).map(cut);
    full.map(cut)
        .or_else(cause)
        .map(|cause| match detail(&cause, ran).filter(|_| is_vague(&cause)) {
            Some(detail) => cut(&format!("{cause}: {detail}")),
            None => cause,
        })
        .or_else(|| last(&ran.stderr))
        .or_else(|| last(&ran.stdout))
        .unwrap_or_else(|| match ran.ended {
            Ended::Exited(status) => format!("exit status {status}"),
            Ended::NotStarted(error) => error.desc().to_owned(),
            Ended::Late => "it was not done in time".to_owned(),
            Ended::Signalled(signal) => format!("signal {signal}"),
        })
}

fn cut(line: &str) -> String {
    one_line(line, LONGEST)
}

/// The first line that begins so, a vague one only if there is no other, with the indented one
/// that continues with it.
fn whole(text: &str, start: &str) -> Option<String> {
    let begins = |line: &&str| line.starts_with(start);
    let telling = text.lines().filter(begins).find(|line| !is_vague(line));
    let first = telling.or_else(|| text.lines().find(begins))?;
    let mut lines = text.lines().skip_while(|line| *line != first).skip(1);
    match lines.next() {
        Some(more) if first.ends_with(':') && more.starts_with(' ') => {
            Some(cut(&format!("{first} {}", more.trim())))
        }
        _ => Some(cut(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stdout: &str, stderr: &str) -> String {
        super::of(&Ran { stdout: stdout.to_owned(), stderr: stderr.to_owned(), ..Ran::nothing() })
    }

    #[test]
    fn the_line_that_matters_is_told() {
        let dpkg = "dpkg: error processing package x (--configure):\n installed x package \
                    post-installation script subprocess returned error exit status 3\n\
                    E: Sub-process /usr/bin/dpkg returned an error code (1)\n";
        assert_eq!(
            of("Setting up x\n", dpkg),
            "dpkg: error processing package x (--configure): installed x package \
             post-installation script subprocess returned error exit status 3"
        );
        assert_eq!(
            of("", "W: old\nE: Unable to locate package x\n"),
            "E: Unable to locate package x"
        );
        assert_eq!(
            of("", "tar: ./f: Cannot write: No space left on device\nE: Sub-process failed\n"),
            "tar: ./f: Cannot write: No space left on device"
        );
        assert_eq!(
            of(
                "",
                "warning: a\nerror: failed to prepare transaction\nerror: target not found: x\n"
            ),
            "error: target not found: x"
        );
        assert_eq!(
            of(
                "checking for file conflicts...\na: /usr/b exists in filesystem\nErrors occurred\n",
                "error: failed to commit transaction (conflicting files)\n"
            ),
            "error: failed to commit transaction (conflicting files): a: /usr/b exists in filesystem"
        );
        // No question of pacman's is a cause.
        let downloader = "error: failed to commit transaction (error invoking external downloader)";
        for (above, printed) in
            [("", String::new()), ("warning: x\nfetcher: no route\n", ": fetcher: no route".into())]
        {
            let stderr = format!(
                "{above}warning: failed to retrieve some files\n{downloader}\nErrors occurred\n"
            );
            let stdout = ":: Proceed with installation? [Y/n] \n:: Retrieving packages...\n";
            assert_eq!(of(stdout, &stderr), format!("{downloader}{printed}"));
        }
        for question in
            [":: Proceed with installation? [Y/n] ", ":: Remove b? [y/N]", ":: a has 2 providers:"]
        {
            let vague = "error: failed to commit transaction (x)";
            assert_eq!(of(&format!("{question}\n"), vague), vague);
            let both = format!(":: a breaks b\n{question}\n");
            assert_eq!(of(&both, vague), format!("{vague}: a breaks b"));
        }
        assert_eq!(
            of(
                "",
                "warning: x\nerror: failed retrieving file 'a' from disk\nerror: failed to commit transaction (x)\n"
            ),
            "error: failed retrieving file 'a' from disk"
        );
        assert_eq!(of("one\ntwo\n\n", ""), "two");
        assert_eq!(of("", ""), "exit status 0");
    }
}
