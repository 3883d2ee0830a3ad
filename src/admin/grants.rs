//! `sm grant`, `sm grants` and `sm revoke`: rights that end by themselves.

use crate::admin::answer::{Answer, Failure};
use crate::admin::approvals::unreadable;
use crate::admin::bounds::{lasts, uses};
use crate::admin::doctor::agents::drop_ins;
use crate::admin::record::{origin, record};
use crate::admin::root::as_root;
use crate::admin::setup_sudo::exact::is_exact;
use crate::admin::time::{FORMS, moment as moment_of};
use crate::approvals::grant::Grant;
use crate::approvals::{self, Found, moment, no_grant, shown_name};
use crate::cli::{self, Parsed};
use crate::managers::host;
use crate::output::text::{counted, one_line};
use crate::pipeline::consent::over;
use crate::plan::plan;
use crate::policy::force::InForce;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Request;
use crate::sudo::account;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

/// Gives a right.
///
/// # Errors
/// If it was not given, and why.
pub fn grant(
    command: &cli::Grant,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let uses = command.uses.as_deref().map(|text| uses(Some(text))).transpose()?;
    let lasts = time(command)?;
    let request = request(&command.request)?;
    let user = account::of_name(OsStr::new(&command.user))?;
    let caller = as_root("give a right", program, arguments)?;
    let force = InForce::load()?;
    let line = request.operation.to_string();
    // What would be refused all the same is not given.
    let reasoned =
        Request { reason: Request::with_any_reason(&request.operation).reason, ..request.clone() };
    plan(force.granted(reasoned)?, host::of_this_host())?;
    let settings = [format!("--for={}s", lasts.as_secs())];
    let often = uses.map(|uses| format!("--uses={uses}"));
    let words = ["sm".to_owned(), "grant".to_owned(), format!("--user={}", user.name)];
    let words = [&words[..], &settings, often.as_slice(), std::slice::from_ref(&line)].concat();
    // Whoever reads the log must find the right before what was done with it.
    let mut warnings = record(&caller, &words)?;
    let given = Grant {
        id: String::new(),
        uid: user.uid.as_raw(),
        user: user.name.clone(),
        line,
        at: 0,
        until: 0,
        left: uses,
        by: caller.user.clone(),
    };
    let Found { found, expired } = approvals::grant(given, lasts).map_err(unreadable)?;
    over(&origin(&caller), &expired);
    let grant = found?;
    let own = drop_ins().into_iter().find(|file| file.named == ("user", user.name.clone()));
    if own.is_some_and(|file| is_exact(&file.text)) {
        warnings.push(format!(
            "sudo itself refuses what is not in the exact drop-in of {0}: over sudo the right takes effect only after `sm setup-sudo --user {0}` without --exact; over the socket at once",
            user.name
        ));
    }
    let text = format!(
        "{}: {} may ask for `{}` {} until {}",
        grant.id,
        shown_name(&grant.user),
        grant.line,
        often_of(&grant),
        moment(grant.until)
    );
    Ok(Answer::text(text)
        .with("grant", row(&grant))
        .line(&format!("to end it before: sm revoke {}", grant.id))
        .warned(warnings))
}

/// All of them.
///
/// # Errors
/// `not_privileged` without root.
pub fn list(program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let caller = as_root("see which rights were given for a time", program, arguments)?;
    // Where nothing can be written, what has expired is left out all the same.
    if let Ok(expired) = approvals::tidy() {
        over(&origin(&caller), &expired);
    }
    let grants = approvals::grants().map_err(unreadable)?;
    let rows: Vec<Value> = grants.iter().map(row).collect();
    let shown = |grant: &Grant| {
        format!(
            "{}  {}  {}  {}, until {}; from {}",
            grant.id,
            shown_name(&grant.user),
            grant.line,
            often_of(grant),
            moment(grant.until),
            shown_name(&grant.by)
        )
    };
    let text = match grants.is_empty() {
        true => "no right was given for a time".to_owned(),
        false => grants.iter().map(shown).collect::<Vec<_>>().join("\n"),
    };
    Ok(Answer::text(text).with("grants", rows))
}

/// Ends one.
///
/// # Errors
/// If it has not ended, and why.
pub fn revoke(id: &str, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let caller = as_root("end a right", program, arguments)?;
    let known = approvals::grants().map_err(unreadable)?;
    let Some(grant) = known.into_iter().find(|grant| grant.id == id) else {
        return Err(no_grant(&one_line(id, 40)).into());
    };
    let user = format!("{}:", grant.user);
    let words = ["sm", "revoke", id, &user, &grant.line].map(str::to_owned);
    // First of all it ends; what is written down comes after.
    let Found { found, expired } = approvals::revoke(id).map_err(unreadable)?;
    over(&origin(&caller), &expired);
    let grant = found?;
    let warnings = record(&caller, &words).unwrap_or_else(|refusal| vec![refusal.error]);
    let text =
        format!("{} may no longer ask for `{}` by this right", shown_name(&grant.user), grant.line);
    Ok(Answer::text(text).with("grant", row(&grant)).warned(warnings))
}

/// What is given, without flags.
fn request(words: &[OsString]) -> Result<Request, Failure> {
    match cli::request_behind("sm grant ...", words) {
        Parsed::Command(Some(request)) => Ok(request),
        Parsed::Wrong(refusal) => Err(refusal.into()),
        Parsed::Command(None) | Parsed::Help(_) => Err(Refusal::new(
            Code::Usage,
            "only a service or package operation or a task can be given",
        )
        .hint("for example: sm grant --user agent service restart nginx --for 2h")
        .into()),
    }
}

/// How long it lasts.
fn time(command: &cli::Grant) -> Result<Duration, Refusal> {
    let Some(text) = command.until.as_deref() else { return lasts(command.lasts.as_deref()) };
    let now = Timestamp::now();
    let until = moment_of(text, now).ok_or_else(|| {
        let error = format!("{:?} is not a moment", one_line(text, 60));
        Refusal::new(Code::InvalidArgument, error).hint(FORMS)
    })?;
    let seconds = until.as_second().saturating_sub(now.as_second());
    lasts(Some(&seconds.to_string())).map_err(|refusal| {
        let error = format!("{:?} is not in the next 30 days", one_line(text, 60));
        Refusal { error, ..refusal }
    })
}

fn often_of(grant: &Grant) -> String {
    match grant.left {
        Some(1) => "once".to_owned(),
        Some(left) => counted(left.into(), "time"),
        None => "as often as the policy's limits allow".to_owned(),
    }
}

fn row(grant: &Grant) -> Value {
    json!({
        "id": grant.id,
        "user": grant.user,
        "uid": grant.uid,
        "operation": grant.line,
        "time": moment(grant.at),
        "expires": moment(grant.until),
        "uses_left": grant.left,
        "by": grant.by,
    })
}
