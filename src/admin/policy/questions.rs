//! What `sm policy init` asks at a terminal.

use crate::admin::policy::asked::{Asked, read};
use crate::admin::policy::asking::{interrupted, until_answered};
use crate::admin::policy::found::{self, Found};
use crate::admin::policy::subject::Subject;
use crate::admin::policy::wanted::{Wanted, whom};
use crate::cli::Init;
use crate::policy::never;
use crate::request::action::{Action, ServiceAction};
use crate::request::code::{Code, Refusal};
use dialoguer::{Confirm, Input, MultiSelect};
use std::io::ErrorKind;

const NONE: &str = "no policy was made";

/// What is marked where nothing was chosen yet; `stop`, `enable` and `disable` never are.
const USUAL: [ServiceAction; 2] = [ServiceAction::Restart, ServiceAction::Status];

/// Asks for all of it.
///
/// # Errors
/// `usage` where nothing was chosen, or the questions were not answered.
pub fn ask(init: &Init) -> Result<Wanted, Refusal> {
    until_answered(|| questions(init))
}

fn questions(init: &Init) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::default();
    for unit in units()? {
        wanted.asked.extend(actions(&unit)?);
    }
    let answer: String = Input::new()
        .with_prompt("Packages that may be installed, with commas between them (empty: none)")
        .allow_empty(true)
        .validate_with(|text: &String| again(packages(text)))
        .interact_text()
        .map_err(unanswered)?;
    wanted.asked.extend(packages(&answer)?);
    if wanted.asked.is_empty() {
        return Err(
            Refusal::new(Code::Usage, "nothing was chosen that is to be allowed").hint(NONE)
        );
    }
    wanted.whom = if init.user.is_some() || init.group.is_some() {
        whom(init.user.as_deref(), init.group.as_deref())?
    } else {
        let answer: String = Input::new()
            .with_prompt("Account that may ask for it (empty: every account that is set up)")
            .allow_empty(true)
            .validate_with(|text: &String| again(account(text)))
            .interact_text()
            .map_err(unanswered)?;
        account(&answer)?
    };
    eprintln!();
    for asked in &wanted.asked {
        eprintln!("    {}", asked.words);
    }
    let whose = match &wanted.whom {
        Some(whom) => format!("for {whom}"),
        None => "for every account that is set up".to_owned(),
    };
    let is_meant = Confirm::new()
        .with_prompt(format!("Allow this {whose}, and nothing else?"))
        .default(false)
        .interact()
        .map_err(unanswered)?;
    match is_meant {
        true => Ok(wanted),
        false => Err(Refusal::new(Code::Usage, "it was not confirmed").hint(NONE)),
    }
}

/// The packages of an answer.
fn packages(text: &str) -> Result<Option<Asked>, Refusal> {
    let names: Vec<String> =
        text.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty() {
        return Ok(None);
    }
    if let Some(name) = names.iter().find(|name| never::package(name)) {
        return Err(Refusal::new(Code::Usage, format!("{name} is equivalent to full root")));
    }
    let words = ["package".to_owned(), "install".to_owned()].into_iter().chain(names);
    read(&words.collect::<Vec<_>>()).map(Some)
}

/// Whom an answer names.
fn account(text: &str) -> Result<Option<Subject>, Refusal> {
    match text.trim() {
        "" => Ok(None),
        name => whom(Some(name), None),
    }
}

/// What is said of an answer that is asked for again.
fn again<T>(read: Result<T, Refusal>) -> Result<(), String> {
    read.map(drop).map_err(|refusal| refusal.error)
}

fn units() -> Result<Vec<Found>, Refusal> {
    let mut found = found::units();
    if found.is_empty() {
        return Ok(found);
    }
    let row = |unit: &Found| match &unit.description {
        Some(text) => format!("{} ({text}; {})", unit.name, unit.file),
        None => format!("{} ({})", unit.name, unit.file),
    };
    let rows: Vec<String> = found.iter().map(row).collect();
    let chosen = MultiSelect::new()
        .with_prompt("Units that may be looked after (space marks one, enter goes on)")
        .items(&rows)
        .interact()
        .map_err(unanswered)?;
    let mut place = 0;
    found.retain(|_| {
        place += 1;
        chosen.contains(&(place - 1))
    });
    Ok(found)
}

fn actions(unit: &Found) -> Result<Option<Asked>, Refusal> {
    let words: Vec<&str> = ServiceAction::ALL.iter().map(|action| action.word()).collect();
    let marked: Vec<bool> = ServiceAction::ALL.iter().map(|each| USUAL.contains(each)).collect();
    let chosen = MultiSelect::new()
        .with_prompt(format!("What may be done to {} (space marks one, enter goes on)", unit.name))
        .items(&words)
        .defaults(&marked)
        .interact()
        .map_err(unanswered)?;
    let actions: Vec<&str> = chosen.iter().filter_map(|at| words.get(*at).copied()).collect();
    if actions.is_empty() {
        return Ok(None);
    }
    read(&["service".to_owned(), actions.join(","), unit.name.clone()]).map(Some)
}

fn unanswered(error: dialoguer::Error) -> Refusal {
    let dialoguer::Error::IO(error) = error;
    match error.kind() {
        ErrorKind::Interrupted => interrupted(),
        _ => Refusal::new(Code::Usage, format!("the questions were not answered: {error}")).hint(
            "no policy was made; without questions: sm policy init --unit myapp:restart,status",
        ),
    }
}
