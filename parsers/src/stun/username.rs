//! USERNAME of connectivity checks.

/// USERNAME of a connectivity check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckUsername<'a> {
    /// Ufrag (or decoded candidate id of [MS-ICE]) of the side the request goes to.
    pub receiver: &'a [u8],
    /// The same of the side that sent the request.
    pub sender: &'a [u8],
    /// Component of the receiver's candidate, `1` or `2`: [MS-ICE] only.
    pub component: Option<u8>,
}

/// `id:component:id:component` with decoded ids, which may hold any byte ([MS-ICE], draft-06).
///
/// The ids of a side have one length, but the receiver's may be two joined (a peer-reflexive candidate).
pub(super) fn draft06_username(username: &[u8]) -> Option<CheckUsername<'_>> {
    let name = trim_nul(username);
    let (rest, &[b':', sender_component @ b'1'..=b'9']) = name.split_last_chunk::<2>()? else {
        return None;
    };
    let split = |at: usize| {
        let (receiver, rest) = rest.split_at_checked(at)?;
        let (&[b':', component, b':'], sender) = rest.split_first_chunk::<3>()? else {
            return None;
        };
        let fits = component == sender_component && !receiver.is_empty() && !sender.is_empty();
        fits.then(|| CheckUsername { receiver, sender, component: component.checked_sub(b'0') })
    };
    // Equal halves first: an id may hold what looks like the middle.
    let equal = rest.len().checked_sub(3)? / 2;
    split(equal).or_else(|| memchr::memchr_iter(b':', rest).find_map(split))
}

/// Two random names of the same length run together, base64 characters, no colon (Google's checks).
pub(super) fn google_username(username: &[u8]) -> bool {
    username.len() >= 8
        && username.len().is_multiple_of(2)
        && username.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
}

pub(super) fn trim_nul(mut value: &[u8]) -> &[u8] {
    while let Some((&0, rest)) = value.split_last() {
        value = rest;
    }
    value
}
