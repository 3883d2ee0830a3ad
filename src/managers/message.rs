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
    use crate::output::cases;
    use crate::request::ran::Ran;

    #[test]
    fn the_line_that_matters_is_told() {
        cases::each("managers/message", |case| {
            let [stdout, stderr] = ["stdout", "stderr"].map(|name| case.input(name).to_owned());
            super::of(&Ran { stdout, stderr, ..Ran::nothing() }).into()
        });
    }
}
