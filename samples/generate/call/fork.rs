//! One INVITE at several phones: what goes between a forking proxy and each of them.

use super::{Call, Extra};
use crate::scene::{Party, Scene, message};

/// A branch of the proxy's, and the phone at its end.
#[derive(Clone)]
pub struct Leg {
    to: Party,
    tag: String,
    mark: char,
}

impl Call {
    /// The branch under way.
    pub fn leg(&self) -> Leg {
        Leg { to: self.to.clone(), tag: self.to_tag.clone(), mark: self.mark }
    }

    /// What follows is about this branch.
    pub fn take(&mut self, leg: &Leg) {
        self.to = leg.to.clone();
        self.to_tag.clone_from(&leg.tag);
        self.mark = leg.mark;
    }

    /// The proxy sends the INVITE under way to another phone; what follows is about that branch.
    pub fn fork(&mut self, scene: &mut Scene, to: &Party, extra: &Extra<'_>) -> Leg {
        self.forks += 1;
        self.mark = char::from(b'p' + self.forks);
        self.to = to.clone();
        self.to_tag = scene.random.hex(10);
        self.send_on(scene, extra);
        self.leg()
    }

    /// The proxy sends the INVITE under way on to the phone.
    pub fn send_on(&mut self, scene: &mut Scene, extra: &Extra<'_>) {
        self.back_to_invite();
        let mut headers: Vec<(&str, String)> =
            self.vias(&self.from, 1, "").into_iter().map(|v| ("Via", v)).collect();
        headers.push(("Max-Forwards", "69".to_owned()));
        headers.extend(self.hops().get(1).map(|(p, _)| ("Record-Route", format!("<sip:{p};lr>"))));
        headers.extend(self.names("INVITE", ""));
        headers.push(("Contact", self.from.contact()));
        headers.push(("User-Agent", self.from.agent.to_owned()));
        self.send(scene, 1, "INVITE", headers, extra);
    }

    /// An answer of the phone that the proxy keeps to itself.
    pub fn answer_proxy(&self, scene: &mut Scene, code: u16, reason: &str, extra: &Extra<'_>) {
        self.answer_on(scene, 1, (code, reason), self.to.agent, extra);
    }

    /// The phone refuses; the proxy keeps the answer to itself.
    pub fn refuse(&self, scene: &mut Scene, code: u16, reason: &str, extra: &Extra<'_>) {
        self.answer_proxy(scene, code, reason, extra);
        self.ack_on(scene, 1);
    }

    /// The INVITE is refused, hop by hop, and each answer acknowledged at once.
    pub fn refuse_along(&self, scene: &mut Scene, code: u16, reason: &str, extra: &Extra<'_>) {
        for hop in (0..self.hops().len()).rev() {
            self.answer_on(scene, hop, (code, reason), self.to.agent, extra);
            self.ack_on(scene, hop);
        }
    }

    /// The proxy gives up this branch: CANCEL, 200, 487, ACK.
    pub fn give_up(&self, scene: &mut Scene, extra: &Extra<'_>) {
        self.cancel_branch(scene, extra);
        self.answer_cancel(scene);
        self.refuse(scene, 487, "Request Terminated", &Extra::default());
    }

    /// The proxy cancels this branch.
    pub fn cancel_branch(&self, scene: &mut Scene, extra: &Extra<'_>) {
        let mut headers = vec![("Via", self.newest_via(1)), ("Max-Forwards", "70".to_owned())];
        headers.extend(self.names("CANCEL", ""));
        self.send(scene, 1, "CANCEL", headers, extra);
    }

    /// The phone's 200 for the CANCEL.
    pub fn answer_cancel(&self, scene: &mut Scene) {
        let mut headers = vec![("Via", self.newest_via(1))];
        headers.extend(self.names("CANCEL", &self.to_tag));
        headers.push(("Server", self.to.agent.to_owned()));
        let m = message("SIP/2.0 200 OK", &headers, None);
        if let Some(&(src, dst)) = self.hops().get(1) {
            scene.send(dst, src, self.carry, &m);
        }
        scene.wait(2);
    }

    fn newest_via(&self, hop: usize) -> String {
        self.vias(&self.from, hop, "").swap_remove(0)
    }

    fn ack_on(&self, scene: &mut Scene, hop: usize) {
        let mut headers = vec![("Via", self.newest_via(hop)), ("Max-Forwards", "70".to_owned())];
        headers.extend(self.names("ACK", &self.to_tag));
        self.send(scene, hop, "ACK", headers, &Extra::default());
    }

    /// From, To, Call-ID and CSeq.
    fn names(&self, method: &str, to_tag: &str) -> [(&'static str, String); 4] {
        [
            ("From", Self::party(&self.from, None, &self.from_tag)),
            ("To", Self::party(&self.to, self.to_uri.as_deref(), to_tag)),
            ("Call-ID", self.id.clone()),
            ("CSeq", format!("{} {method}", self.sequence)),
        ]
    }

    /// A request to the phone over one hop.
    fn send<'a>(
        &self,
        scene: &mut Scene,
        hop: usize,
        method: &str,
        mut headers: Vec<(&'a str, String)>,
        extra: &Extra<'a>,
    ) {
        let Some(&(src, dst)) = self.hops().get(hop) else { return };
        headers.extend(extra.headers.iter().map(|(name, value)| (*name, value.clone())));
        let body = extra.body.as_ref().map(|(k, t)| (*k, t.as_str()));
        let target = if hop == 0 { self.to.uri() } else { format!("sip:{}@{}", self.to.user, self.to.at) };
        let m = message(&format!("{method} {target} SIP/2.0"), &headers, body);
        scene.send(src, dst, self.carry, &m);
        scene.wait(2);
    }
}
