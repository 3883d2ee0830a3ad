//! What `sm policy init` asks at a terminal.

use crate::admin::policy::asked::{Asked, read};
use crate::admin::policy::found::{self, Found};
use crate::admin::policy::wanted::{Wanted, whom};
use crate::cli::Init;
use crate::request::action::{Action, ServiceAction};
use crate::request::code::{Code, Refusal};
use dialoguer::{Confirm, Input, MultiSelect};

/// What is marked where nothing was chosen yet; `stop`, `enable` and `disable` never are.
const USUAL: [ServiceAction; 2] = [ServiceAction::Restart, ServiceAction::Status];

/// Asks for all of it.
///
/// # Errors
/// `usage` where nothing was chosen, or the questions were not answered.
pub fn ask(init: &Init) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::default();
    for unit in units()? {
        wanted.asked.extend(actions(&unit)?);
    }
    let packages: String = Input::new()
        .with_prompt("Packages that may be installed, with commas between them (none)")
        .allow_empty(true)
        .interact_text()
        .map_err(unanswered)?;
    let names: Vec<String> =
        packages.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if !names.is_empty() {
        let words = ["package".to_owned(), "install".to_owned()].into_iter().chain(names);
        wanted.asked.push(read(&words.collect::<Vec<_>>())?);
    }
    if wanted.asked.is_empty() {
        return Err(Refusal::new(Code::Usage, "nothing was chosen that is to be allowed")
            .hint("no policy was made"));
    }
    wanted.whom = if init.user.is_some() || init.group.is_some() {
        whom(init.user.as_deref(), init.group.as_deref())?
    } else {
        let account: String = Input::new()
            .with_prompt("The account that may ask for it (empty: every account that is set up)")
            .allow_empty(true)
            .interact_text()
            .map_err(unanswered)?;
        let account = account.trim();
        if account.is_empty() { None } else { whom(Some(account), None)? }
    };
    eprintln!();
    for asked in &wanted.asked {
        eprintln!("    {}", asked.words);
    }
    let is_meant = Confirm::new()
        .with_prompt("Allow this and nothing else?")
        .default(false)
        .interact()
        .map_err(unanswered)?;
    match is_meant {
        true => Ok(wanted),
        false => Err(Refusal::new(Code::Usage, "it was not confirmed").hint("no policy was made")),
    }
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
        .with_prompt("Units that agents may look after (space marks one, enter ends)")
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
        .with_prompt(format!("What may be done to {}", unit.name))
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
    Refusal::new(Code::Usage, format!("the questions were not answered: {error}"))
        .hint("no policy was made; without questions: sm policy init --unit myapp:restart,status")
}
