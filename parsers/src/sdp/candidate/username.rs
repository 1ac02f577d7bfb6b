//! USERNAME of connectivity checks, by which a check is matched with the two descriptions it belongs to.
//!
//! | form | USERNAME of a check sent to a peer |
//! |---|---|
//! | RFC 8445 | peer's ufrag `:` own ufrag |
//! | [MS-ICE2] | the same, zero bytes to a multiple of 4 |
//! | [MS-ICE] (draft-06) | peer's decoded id `:` component `:` own decoded id `:` component, one or more zero bytes to a multiple of 4 |

use super::{Candidate, IceDescription, Shape};
use crate::stun::CheckUsername;

/// Pairs of draft-06 candidates of which names are built; Microsoft clients have 20 candidates at most.
const MAX_USERNAMES: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsernameForm {
    /// RFC 5245 and later.
    Rfc,
    /// The same with zero bytes behind it.
    MsIce2,
    /// draft-06.
    MsIce,
}

/// A USERNAME that checks from one description to another can have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExpectedUsername {
    pub form: UsernameForm,
    /// Value of the attribute.
    pub username: Vec<u8>,
    /// draft-06: component of both candidates.
    pub component: Option<u16>,
    /// draft-06: places in [`IceDescription::candidates`] of the candidate checked and of the one it comes from.
    pub candidates: Option<(usize, usize)>,
}

/// USERNAME by RFC 8445 §7.2.2; a peer's ufrag comes first.
pub fn rfc_username(to_ufrag: &[u8], from_ufrag: &[u8]) -> Vec<u8> {
    [to_ufrag, b":", from_ufrag].concat()
}

/// The same as [MS-ICE2] clients pad it.
pub fn ms_ice2_username(to_ufrag: &[u8], from_ufrag: &[u8]) -> Vec<u8> {
    let mut name = rfc_username(to_ufrag, from_ufrag);
    name.resize(name.len().next_multiple_of(4), 0);
    name
}

/// USERNAME of [MS-ICE]; the ids are the decoded ones.
pub fn ms_ice_username(to_id: &[u8], from_id: &[u8], component: u16) -> Vec<u8> {
    let component = component.to_string();
    let component = component.as_bytes();
    let mut name = [to_id, b":", component, b":", from_id, b":", component].concat();
    name.resize((name.len() + 1).next_multiple_of(4), 0);
    name
}

/// Every USERNAME that checks sent by the side of `from` to the side of `to` can have.
pub fn expected_usernames(to: &IceDescription<'_>, from: &IceDescription<'_>) -> Vec<ExpectedUsername> {
    let mut out = Vec::new();
    if let (Some(to), Some(from)) = (&to.credentials, &from.credentials) {
        for (form, username) in [
            (UsernameForm::Rfc, rfc_username(to.ufrag, from.ufrag)),
            (UsernameForm::MsIce2, ms_ice2_username(to.ufrag, from.ufrag)),
        ] {
            if !out.iter().any(|e: &ExpectedUsername| e.username == username) {
                out.push(ExpectedUsername { form, username, component: None, candidates: None });
            }
        }
    }
    for (to_place, checked) in draft06(to) {
        for (from_place, own) in draft06(from) {
            let Some(component) = checked.component.filter(|c| Some(*c) == own.component) else { continue };
            let (Some(to_id), Some(from_id)) = (checked.decoded_id(), own.decoded_id()) else { continue };
            if out.len() >= MAX_USERNAMES {
                return out;
            }
            out.push(ExpectedUsername {
                form: UsernameForm::MsIce,
                username: ms_ice_username(&to_id, &from_id, component),
                component: Some(component),
                candidates: Some((to_place, from_place)),
            });
        }
    }
    out
}

fn draft06<'d, 'a>(d: &'d IceDescription<'a>) -> impl Iterator<Item = (usize, &'d Candidate<'a>)> {
    d.candidates.iter().enumerate().filter(|(_, c)| c.shape == Shape::Draft06)
}

impl IceDescription<'_> {
    /// Is a check with this USERNAME from the side of `from` to the side of this description?
    pub fn is_checked_by(&self, from: &IceDescription<'_>, username: &CheckUsername<'_>) -> bool {
        let CheckUsername { receiver, sender, component } = *username;
        match component {
            Some(component) => {
                let component = u16::from(component);
                self.candidate_by_id(receiver, component).is_some()
                    && from.candidate_by_id(sender, component).is_some()
            }
            None => self.has_ufrag(receiver) && from.has_ufrag(sender),
        }
    }

    fn has_ufrag(&self, ufrag: &[u8]) -> bool {
        self.credentials.as_ref().is_some_and(|c| c.ufrag == ufrag)
    }

    /// The draft-06 candidate of a decoded id and component.
    pub fn candidate_by_id(&self, id: &[u8], component: u16) -> Option<usize> {
        let is = |c: &Candidate<'_>| c.component == Some(component) && c.decoded_id().as_deref() == Some(id);
        self.candidates.iter().position(is)
    }

    /// Key of MESSAGE-INTEGRITY of a check to this side and of its answer. A secret.
    pub fn check_key(&self, username: &CheckUsername<'_>) -> Option<Vec<u8>> {
        match username.component {
            Some(component) => {
                let place = self.candidate_by_id(username.receiver, component.into())?;
                self.candidates.get(place)?.decoded_password()
            }
            None => {
                let credentials = self.credentials.as_ref().filter(|c| c.ufrag == username.receiver)?;
                credentials.pwd.as_ref().map(|(pwd, _)| pwd.to_vec())
            }
        }
    }
}
