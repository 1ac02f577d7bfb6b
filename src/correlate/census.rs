//! Which kinds of SIP message there are: who looks for one kind need not go through all messages to find none.

use super::{Analysis, Content, MethodId, MsgIdx, SipRecord};

/// What at least one message has been.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// A bit each; methods from the 64th on share the last one.
    methods: u64,
    contents: u32,
    /// Of [`super::flag`].
    flags: u16,
}

fn method_bit(method: MethodId) -> u64 {
    1 << method.0.min(63)
}

fn content_bit(content: Content) -> u32 {
    1 << content as u32
}

impl Census {
    /// To be told of every message, and again when its flags change.
    pub fn note(&mut self, r: &SipRecord) {
        self.methods |= method_bit(r.method);
        self.contents |= content_bit(r.content);
        self.flags |= r.flags;
    }
}

impl Analysis {
    /// Whether there are messages of one of these methods, requests or answers.
    pub fn has_method(&self, methods: &[MethodId]) -> bool {
        methods.iter().any(|m| self.census.methods & method_bit(*m) != 0)
    }

    /// Messages of these methods, requests and answers, in order of arrival.
    pub fn messages_by<'a>(
        &'a self,
        methods: &'a [MethodId],
    ) -> impl Iterator<Item = (MsgIdx, &'a SipRecord)> + Clone {
        self.all_if(self.has_method(methods)).filter(|(_, r)| methods.contains(&r.method))
    }

    /// Messages whose bodies are one of these, in order of arrival.
    pub fn messages_carrying<'a>(
        &'a self,
        contents: &'a [Content],
    ) -> impl Iterator<Item = (MsgIdx, &'a SipRecord)> + Clone {
        let any = contents.iter().any(|c| self.census.contents & content_bit(*c) != 0);
        self.all_if(any).filter(|(_, r)| contents.contains(&r.content))
    }

    /// Messages with a bit of [`super::flag`], in order of arrival.
    pub fn messages_with(&self, bit: u16) -> impl Iterator<Item = (MsgIdx, &SipRecord)> + Clone {
        self.all_if(self.census.flags & bit != 0).filter(move |(_, r)| r.has(bit))
    }

    fn all_if(&self, any: bool) -> impl Iterator<Item = (MsgIdx, &SipRecord)> + Clone {
        let all = if any { self.messages.as_slice() } else { &[] };
        (0u32..).map(MsgIdx).zip(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::{flag, played};

    #[test]
    fn finds_what_a_walk_finds() {
        let mut a = Analysis::default();
        let base = *played("0 A>B INVITE").message(MsgIdx(0));
        let methods = [MethodId::INVITE, MethodId(62), MethodId(63), MethodId(64), MethodId(900)];
        let contents = [Content::None, Content::Csta, Content::Other];
        let flags = [0, flag::CUT, flag::DUPLICATE | flag::JOINED];
        let check = |a: &Analysis| {
            let ids = |it: &mut dyn Iterator<Item = (MsgIdx, &SipRecord)>| -> Vec<u32> {
                it.map(|(m, _)| m.0).collect()
            };
            let walk = |of: &dyn Fn(&SipRecord) -> bool| -> Vec<u32> {
                (0u32..).zip(&a.messages).filter(|(_, r)| of(r)).map(|(i, _)| i).collect()
            };
            for m in methods {
                assert_eq!(ids(&mut a.messages_by(&[m])), walk(&|r| r.method == m), "{m:?}");
            }
            for c in contents {
                assert_eq!(ids(&mut a.messages_carrying(&[c])), walk(&|r| r.content == c), "{c:?}");
            }
            for bit in [flag::CUT, flag::DUPLICATE, flag::JOINED, flag::SDP] {
                assert_eq!(ids(&mut a.messages_with(bit)), walk(&|r| r.has(bit)), "{bit:x}");
            }
        };
        check(&a);
        for method in methods.into_iter().rev() {
            for content in contents {
                for flags in flags {
                    let r = SipRecord { method, content, flags, ..base };
                    a.census.note(&r);
                    a.messages.push(r);
                    check(&a);
                }
            }
        }
        assert!(a.has_method(&[MethodId::BYE, MethodId::INVITE]) && !a.has_method(&[MethodId::BYE]));
    }
}
