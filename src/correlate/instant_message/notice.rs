//! Delivery notices: Microsoft's `application/ms-imdn+xml` and IMDN (RFC 5438).

use std::collections::HashMap;

use callscope_parsers::im::parse_imdn;
use callscope_parsers::sip;

use super::super::Analysis;
use super::conversation::EventKind;
use super::{Conversation, InstantMessage};
use crate::correlate::MsgIdx;

/// What was told of a message later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The request that tells it.
    pub message: MsgIdx,
    pub recipient: String,
    /// `delivered`, `failed`, a status code …; as written.
    pub status: String,
    pub failed: bool,
}

impl Analysis {
    /// Gives each notice to the message it speaks of, by its Message-Id; one that names none known stays an event.
    pub(super) fn join_notices(&self, all: &mut [InstantMessage], conversations: &[Conversation]) {
        for conversation in conversations {
            let notices = conversation.events.iter().filter(|e| e.kind == EventKind::Notice);
            let mut ids: Option<HashMap<String, usize>> = None;
            for event in notices {
                let Ok(bytes) = self.whole_message_bytes(event.message) else { continue };
                let Some(message) = sip::parse_message(&bytes) else { continue };
                let content_type =
                    message.header("Content-Type").map(|h| h.value.to_vec()).unwrap_or_default();
                let Some(imdn) = parse_imdn(&bytes, message.body.clone(), &content_type) else { continue };
                let ids = ids.get_or_insert_with(|| self.message_ids(all, &conversation.messages));
                let Some(one) = ids.get(&imdn.message_id).and_then(|at| all.get_mut(*at)) else { continue };
                for r in imdn.recipients {
                    one.notices.push(Notice {
                        message: event.message,
                        failed: r.is_failure(),
                        recipient: r.uri,
                        status: r.status,
                    });
                }
            }
        }
    }

    /// The ids that messages of a conversation were given, by their sender or in the answer.
    fn message_ids(&self, all: &[InstantMessage], members: &[usize]) -> HashMap<String, usize> {
        let mut ids = HashMap::new();
        for &at in members {
            let Some(one) = all.get(at) else { continue };
            for m in std::iter::once(one.message).chain(one.response) {
                let Ok(bytes) = self.whole_message_bytes(m) else { continue };
                let Some(message) = sip::parse_message(&bytes) else { continue };
                let own = message.header("Message-Id").map(|h| h.value.trim_ascii().to_vec());
                let in_cpim = || {
                    let content_type = message.header("Content-Type")?.value.to_vec();
                    callscope_parsers::im::cpim_message_id(&bytes, message.body.clone(), &content_type)
                };
                let id = own.map(|o| String::from_utf8_lossy(&o).into_owned()).or_else(in_cpim);
                if let Some(id) = id.filter(|id| !id.is_empty()) {
                    ids.insert(id, at);
                }
            }
        }
        ids
    }
}
