//! Why a command failed, whose fault it is, and what to look at next.

use callscope_parsers::c3p::reason_words;

use crate::correlate::gathered::{Command, Outcome};
use crate::show;

/// One or two sentences of a command that failed.
pub fn of_command(c: &Command) -> String {
    match &c.outcome {
        Outcome::Refused(status) => refused(*status),
        Outcome::Unanswered => {
            "No answer within 32 s: check that the focus is up, and the conferencing server it passes the command to."
                .to_owned()
        }
        _ => reason(c),
    }
}

fn refused(status: u16) -> String {
    let phrase = show::reason_phrase(status);
    let next = match status {
        401 | 407 => "The client gave no credentials that the server accepts: see its sign-in.",
        403 => "The server does not let this user do it: see ms-diagnostics of the answer.",
        404 => "The address names no conference or factory that is there: the conference may have ended.",
        481 => "The dialog with the focus is over: the client has to join again.",
        503 => "Worth trying again: the conferencing service or the focus is not available now.",
        603 => "Not worth trying again: this kind of conferencing server is not enabled in the conference.",
        500..=599 => "The server could not do it: see its log and ms-diagnostics of the answer.",
        _ => "See ms-diagnostics of the answer.",
    };
    format!("{status} {phrase}: SIP refused the request that carried it. {next}")
}

fn reason(c: &Command) -> String {
    let Some(reason) = c.reason.as_deref() else {
        return "The answer gives no reason: see the log of the focus.".to_owned();
    };
    let mut words = reason_words(reason).map_or_else(|| show::safe_str(reason), str::to_owned);
    if reason_words(reason).is_some()
        && let Some(first) = words.get(..1).map(str::to_uppercase)
    {
        words.replace_range(..1, &first);
    }
    match next(reason) {
        Some(next) => format!("{words}. {next}"),
        None => format!("{words}."),
    }
}

/// Whose fault it is and what to do.
fn next(reason: &str) -> Option<&'static str> {
    let is = |names: &[&str]| names.iter().any(|n| reason.eq_ignore_ascii_case(n));
    Some(match () {
        () if is(&["mcuTypeNotAvailable"]) => {
            "Check in the pool that a conferencing server of this kind runs and that the focus reaches its factory."
        }
        () if is(&["forbidden", "invalidRole"]) => {
            "The asker's role or policy does not allow it: look at who is presenter in the roster."
        }
        () if is(&["anonymousUsersNotAllowed", "federatedUsersNotAllowed", "invalidAdmissionPolicy"]) => {
            "The meeting policy of the organizer decides: check it."
        }
        () if is(&["conferenceDoesNotExist", "invalidConferenceId"]) => {
            "It ended or expired, or the address is an old one: check the id the client uses."
        }
        () if is(&["userDoesNotExist", "endpointDoesNotExist", "invalidUserEntity"]) => {
            "The roster the client acts on is stale, or the user left meanwhile: compare with the roster at that time."
        }
        () if is(&["mediaDoesNotExist", "mediaExists", "mediaNotSupported"]) => {
            "The client's idea of the media is not that of the conferencing server."
        }
        () if is(&["invalidPasscode"]) => "The user typed another passcode than that of the conference.",
        () if is(&["maximumConferencesExceeded", "maximumMeetingSizeExceeded"]) => {
            "A limit of the meeting policy: raise it, or end conferences that are not used."
        }
        () if is(&["conferenceExists"]) => "The client has to choose another id.",
        () if is(&["notSupported", "invalidVersion"]) => {
            "Client and server are of versions that do not know the same commands."
        }
        () => return None,
    })
}
