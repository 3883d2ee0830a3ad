//! The beginning of a conversation: the host is asked to run our shell and says hello. If
//! something else runs there, it is found out what, before anything is sent that matters.
//!
//! Behind the command line of ssh goes, at once, a line that any shell can run. Our shell drops it.
//! A shell that was started instead, from a profile or by a `ForceCommand`, runs it, and it names
//! that shell. Some read all of their input before they run any; for them there is a second look,
//! where the input ends behind the line.

use crate::admin::fleet::arguments::Manner;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::ssh::{Instead, Lost, Said, Session};
use crate::admin::fleet::words::Words;
use std::time::{Duration, Instant};

/// What the input begins with. sshd sets the variable if it runs another command than the one
/// that was asked for (`sshd(8)`).
const WHO_READS: &str = r#"sh -c 'echo; echo "$1 instead ${SSH_ORIGINAL_COMMAND:+forced}:$(tr "[:cntrl:]" " " </proc/$PPID/cmdline)"' sm "#;

/// How long a host has to let us in and say hello; ssh itself waits 10 s for the connection.
const TO_SAY_HELLO: Duration = Duration::from_secs(30);

/// How long one that let us in may say nothing until it is looked why.
const QUIET: Duration = Duration::from_secs(3);

/// How long that look may take.
const TO_LOOK: Duration = Duration::from_secs(6);

/// A conversation that did not begin.
#[derive(Debug)]
pub struct NotBegun {
    /// Why.
    pub lost: Lost,
    /// What the host and ssh said.
    pub words: Words,
    /// Whether the host had let us in.
    pub is_let_in: bool,
}

impl NotBegun {
    fn after(lost: Lost, session: &mut Session) -> Self {
        let words = session.words();
        Self { lost, words, is_let_in: session.is_let_in() }
    }

    /// Whether it says more than the silence did that was looked into.
    fn explains(&self) -> bool {
        match &self.lost {
            Lost::Instead(_) => true,
            // ssh's own failures have this status.
            Lost::Ended(Some(status)) => self.is_let_in && status.code() != Some(255),
            _ => false,
        }
    }
}

/// Connects, and has the host read `script` with `/bin/sh`. Gives the session as soon as the host
/// has said hello.
///
/// # Errors
/// Why not, and what was said.
pub fn open(host: &Host, manner: &Manner<'_>, script: &str) -> Result<Session, NotBegun> {
    let deadline = Instant::now() + TO_SAY_HELLO;
    let mut session = Session::connect(host, manner).map_err(|lost| NotBegun {
        lost,
        words: Words::default(),
        is_let_in: false,
    })?;
    if let Err(lost) = who_reads(&mut session, deadline) {
        return Err(NotBegun::after(lost, &mut session));
    }
    greet(&mut session, host, manner, deadline)?;
    match session.send_script(script, deadline) {
        Ok(()) => Ok(session),
        Err(lost) => Err(NotBegun::after(lost, &mut session)),
    }
}

fn who_reads(session: &mut Session, deadline: Instant) -> Result<(), Lost> {
    let line = format!("{WHO_READS}{}\n", session.mark());
    session.send(line.as_bytes(), deadline)
}

/// Waits for hello; if a host that let us in says nothing, looks why.
fn greet(
    session: &mut Session,
    host: &Host,
    manner: &Manner<'_>,
    mut deadline: Instant,
) -> Result<(), NotBegun> {
    let mut quiet_since = None;
    let mut why_late = Lost::Late;
    let mut has_looked = false;
    loop {
        let now = Instant::now();
        if now >= deadline {
            return Err(NotBegun::after(why_late, session));
        }
        let soon = deadline.min(now + Duration::from_millis(200));
        match hello(session, soon) {
            Ok(()) => return Ok(()),
            Err(Lost::Late) => {}
            Err(lost) => return Err(NotBegun::after(lost, session)),
        }
        if has_looked || !session.is_let_in() {
            continue;
        }
        if quiet_since.get_or_insert(now).elapsed() < QUIET {
            continue;
        }
        has_looked = true;
        let began = Instant::now();
        match hello_at_the_end_of_input(host, manner) {
            Err(not) if not.explains() => return Err(not),
            // There is a profile that is slow, or one that reads: the first connection, which is
            // older, is through with a slow one sooner than this was.
            Ok(()) => {
                why_late = Lost::Instead(Instead::Reader);
                let twice = 2 * began.elapsed() + Duration::from_secs(5);
                deadline = deadline.min(Instant::now() + twice);
            }
            Err(_) => {}
        }
    }
}

fn hello(session: &mut Session, deadline: Instant) -> Result<(), Lost> {
    loop {
        let Said::Line(line) = session.next(deadline)? else { continue };
        if line == "hello" {
            session.begin();
            return Ok(());
        }
        if let Some(instead) = Instead::of(&line) {
            return Err(Lost::Instead(instead));
        }
    }
}

/// Another connection, on which whoever reads its input to the end comes to the end.
fn hello_at_the_end_of_input(host: &Host, manner: &Manner<'_>) -> Result<(), NotBegun> {
    let deadline = Instant::now() + TO_LOOK;
    let mut session = connect(host, manner)?;
    let greeted = who_reads(&mut session, deadline).and_then(|()| {
        session.end_input();
        hello(&mut session, deadline)
    });
    greeted.map_err(|lost| NotBegun::after(lost, &mut session))
}

fn connect(host: &Host, manner: &Manner<'_>) -> Result<Session, NotBegun> {
    Session::connect(host, manner).map_err(|lost| NotBegun {
        lost,
        words: Words::default(),
        is_let_in: false,
    })
}

#[cfg(test)]
mod tests {
    use super::Instead;

    #[test]
    fn a_shell_that_was_started_instead_is_named() {
        let of = |command: &str, is_forced| {
            Some(Instead::Shell { command: command.to_owned(), is_forced })
        };
        assert_eq!(Instead::of("instead forced:bash -l"), of("bash -l", true));
        assert_eq!(Instead::of("instead :fish -l"), of("fish -l", false));
        assert_eq!(Instead::of("instead :a:\u{1b}[31mb"), of("a:\\u{1b}[31mb", false));
        assert_eq!(Instead::of("instead :"), of("SHELL", false));
        assert_eq!(Instead::of("hello"), None);
        assert_eq!(Instead::of("instead"), None);
    }
}
