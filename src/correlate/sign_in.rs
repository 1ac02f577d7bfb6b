//! Sign-ins: the REGISTERs of one endpoint, and the provisioning and media-relay credentials that follow.

use super::Analysis;
use super::model::*;

/// One endpoint (user and epid) registering with one server.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub user: Str,
    /// The dialogs it is made of: REGISTER first.
    pub dialogs: Vec<DialogIdx>,
}

impl Analysis {
    pub(super) fn sign_ins(&self) -> Vec<SignIn> {
        Vec::new()
    }
}
