//! `--qos-profile` and `[qos]`: which DSCP marks are expected.

use super::nearest::nearest;
use crate::correlate::{QosProfile, Traffic};
use crate::view::media::mark_of;

/// `communicator`, `lync`, and values such as `audio=46` or `sip=CS3`, parted by commas; later ones win.
pub(super) fn parse(text: &str) -> Result<QosProfile, String> {
    let mut profile = QosProfile::default();
    for word in text.split(',').map(str::trim) {
        match word.split_once('=') {
            Some((kind, value)) => set(&mut profile, kind.trim(), value.trim())?,
            None => profile = named(word)?,
        }
    }
    Ok(profile)
}

/// A profile by its name.
pub(super) fn named(name: &str) -> Result<QosProfile, String> {
    QosProfile::named(name).ok_or_else(|| {
        let hint = match nearest(name, QosProfile::NAMES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("profiles are: {}; or values such as audio=46", QosProfile::NAMES.join(", ")),
        };
        format!("no QoS profile `{}` ({hint})", crate::view::show::safe(name.as_bytes()))
    })
}

/// The mark of a kind of traffic: a number from 0 to 63, or a name such as EF, AF41, CS3.
pub(super) fn set(profile: &mut QosProfile, kind: &str, value: &str) -> Result<(), String> {
    let known = Traffic::ALL.into_iter().find(|t| t.name() == kind);
    let traffic = known.ok_or_else(|| {
        let kinds = Traffic::ALL.map(Traffic::name);
        let hint = match nearest(kind, kinds) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("kinds are: {}", kinds.join(", ")),
        };
        format!("no kind of traffic `{}` ({hint})", crate::view::show::safe(kind.as_bytes()))
    })?;
    let dscp = mark_of(value).ok_or_else(|| {
        format!("`{}` is no DSCP value: 0 to 63, EF, AF41, CS3 …", crate::view::show::safe(value.as_bytes()))
    })?;
    profile.set(traffic, dscp);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        let values = |text| parse(text).map(|p| (p.name.clone(), Traffic::ALL.map(|t| p.expected(t))));
        assert_eq!(values("lync"), Ok(("lync".to_owned(), [Some(46), Some(34), Some(18), Some(24)])));
        assert_eq!(values("audio=EF, sip=26"), Ok(("custom".to_owned(), [Some(46), None, None, Some(26)])));
        assert_eq!(values("communicator,video=af41").map(|v| v.1), Ok([Some(40), Some(34), None, Some(40)]));
    }

    #[test]
    fn what_is_wrong_names_the_nearest() {
        let error = |text| parse(text).unwrap_err();
        assert_eq!(error("lyncs"), "no QoS profile `lyncs` (did you mean `lync`?)");
        assert!(error("").contains("profiles are: communicator, lync"));
        assert_eq!(error("vidoe=34"), "no kind of traffic `vidoe` (did you mean `video`?)");
        assert_eq!(error("audio=64"), "`64` is no DSCP value: 0 to 63, EF, AF41, CS3 …");
    }
}
