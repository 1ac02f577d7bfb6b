//! A call between two parties, perhaps through a proxy: requests and responses walk every hop.

mod fork;

pub use fork::Leg;

use std::net::SocketAddr;
use std::ops::Range;

use crate::scene::{Carry, Party, Scene, message};

#[derive(Clone)]
pub struct Call {
    pub id: String,
    pub from: Party,
    pub to: Party,
    /// The proxy between them.
    pub proxy: Option<Party>,
    /// Further proxies behind it.
    pub behind: Vec<SocketAddr>,
    pub carry: Carry,
    pub from_tag: String,
    pub to_tag: String,
    pub cseq: u32,
    branch: String,
    method: String,
    sequence: u32,
    /// The requester of the transaction under way is the callee.
    backward: bool,
    invite: (u32, String),
    /// ACK of a final answer other than 2xx: it belongs to the INVITE's own transaction.
    same_transaction: bool,
    pub to_uri: Option<String>,
    /// In place of the Contact of the callee's answers, and of the Request-URI of what opens a dialog.
    pub contact: Option<String>,
    pub request_uri: Option<String>,
    /// The branch of the proxy that is under way, and how many it has opened beside the first.
    mark: char,
    forks: u8,
}

/// Headers beside the usual ones, and a body.
#[derive(Default, Clone)]
pub struct Extra<'a> {
    pub headers: Vec<(&'a str, String)>,
    pub body: Option<(&'a str, String)>,
}

impl<'a> Extra<'a> {
    pub fn body(kind: &'a str, text: String) -> Self {
        Self { headers: Vec::new(), body: Some((kind, text)) }
    }

    pub fn header(name: &'a str, value: impl Into<String>) -> Self {
        Self { headers: vec![(name, value.into())], body: None }
    }

    pub fn and(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Call {
    pub fn new(scene: &mut Scene, from: &Party, to: &Party, proxy: Option<&Party>) -> Self {
        let carry = match from.transport {
            "TCP" => Carry::Tcp,
            "SCTP" => Carry::Sctp,
            _ => Carry::Udp,
        };
        Self {
            id: scene.random.hex(32),
            from: from.clone(),
            to: to.clone(),
            proxy: proxy.cloned(),
            behind: Vec::new(),
            carry,
            from_tag: scene.random.hex(10),
            to_tag: scene.random.hex(10),
            cseq: 0,
            branch: String::new(),
            method: String::new(),
            sequence: 0,
            backward: false,
            invite: (0, String::new()),
            same_transaction: false,
            to_uri: None,
            contact: None,
            request_uri: None,
            mark: 'p',
            forks: 0,
        }
    }

    fn hops(&self) -> Vec<(SocketAddr, SocketAddr)> {
        let proxy = self.proxy.iter().map(|p| p.at);
        let between = proxy.chain(self.behind.iter().copied());
        let mut stops: Vec<SocketAddr> =
            [self.from.at].into_iter().chain(between).chain([self.to.at]).collect();
        if self.backward {
            stops.reverse();
        }
        stops.windows(2).map(|hop| (hop[0], hop[1])).collect()
    }

    /// The branch parameter on the hop with this number.
    fn branch_on(&self, hop: usize) -> String {
        match hop {
            0 => self.branch.clone(),
            _ => format!("{}.{}", self.branch, self.mark.to_string().repeat(hop)),
        }
    }

    /// Via lines of a request on a hop, the newest first, each with what its receiver adds.
    fn vias(&self, requester: &Party, hop: usize, added: &str) -> Vec<String> {
        let proxies = self.hops().into_iter().enumerate().take(hop + 1).skip(1);
        let mut vias: Vec<String> = proxies.map(|(n, (src, _))| self.via(src, &self.branch_on(n))).collect();
        vias.reverse();
        vias.push(format!("{}{added}", self.via(requester.at, &self.branch)));
        vias
    }

    fn party(p: &Party, uri: Option<&str>, tag: &str) -> String {
        let display = if p.display.is_empty() { String::new() } else { format!("\"{}\" ", p.display) };
        let mut s = format!("{display}<{}>", uri.map_or_else(|| p.uri(), str::to_owned));
        if !tag.is_empty() {
            s.push_str(&format!(";tag={tag}"));
        }
        if !p.epid.is_empty() {
            s.push_str(&format!(";epid={}", p.epid));
        }
        s
    }

    fn via(&self, at: SocketAddr, branch: &str) -> String {
        format!("SIP/2.0/{} {at};branch={branch}", self.from.transport)
    }

    /// Sends a request over every hop up to `hops`. `fresh_tag`: the request opens the dialog (no To tag).
    pub fn request(&mut self, scene: &mut Scene, method: &str, opens: bool, extra: &Extra<'_>) {
        self.request_over(scene, method, opens, extra, 2);
    }

    /// The same from the callee's side.
    pub fn request_back(&mut self, scene: &mut Scene, method: &str, extra: &Extra<'_>) {
        self.backward = true;
        self.request_over(scene, method, false, extra, 2);
    }

    pub fn request_over(
        &mut self,
        scene: &mut Scene,
        method: &str,
        opens: bool,
        extra: &Extra<'_>,
        hops: usize,
    ) {
        let own = !matches!(method, "ACK" | "CANCEL");
        if own {
            self.cseq += 1;
            self.sequence = self.cseq;
        }
        if method != "CANCEL" && !self.same_transaction {
            self.branch = format!("z9hG4bK{}", scene.random.hex(12));
        }
        if own {
            self.method = method.to_owned();
        }
        if method == "INVITE" {
            self.invite = (self.sequence, self.branch.clone());
        }
        self.over(scene, method, opens, extra, 0..hops);
    }

    /// The proxy sends on what [`Self::request_over`] brought it.
    pub fn forward(&mut self, scene: &mut Scene, method: &str, opens: bool, extra: &Extra<'_>) {
        self.over(scene, method, opens, extra, 1..2);
    }

    fn over(&self, scene: &mut Scene, method: &str, opens: bool, extra: &Extra<'_>, hops: Range<usize>) {
        let (sender, receiver) = if self.backward {
            (self.to.clone(), self.from.clone())
        } else {
            (self.from.clone(), self.to.clone())
        };
        let (own_tag, peer_tag) =
            if self.backward { (&self.to_tag, &self.from_tag) } else { (&self.from_tag, &self.to_tag) };
        let peer_tag = if opens { "" } else { peer_tag.as_str() };
        let peer_uri = self.to_uri.as_deref().filter(|_| !self.backward);
        let rport = scene.public(sender.at).filter(|_| self.carry == Carry::Udp);
        let all = self.hops();
        for (n, &(src, dst)) in all.iter().enumerate().take(hops.end).skip(hops.start) {
            let vias = self.vias(&sender, n, rport.map_or("", |_| ";rport"));
            let target = self.request_uri.as_deref().filter(|_| opens).or(peer_uri);
            let target = target.map_or_else(|| receiver.uri(), str::to_owned);
            let target =
                if n > 0 || !opens { format!("sip:{}@{}", receiver.user, receiver.at) } else { target };
            let mut headers: Vec<(&str, String)> = vias.into_iter().map(|v| ("Via", v)).collect();
            headers.push(("Max-Forwards", (70 - n).to_string()));
            if opens {
                let passed = all.iter().take(n + 1).skip(1).rev();
                headers.extend(passed.map(|(proxy, _)| ("Record-Route", format!("<sip:{proxy};lr>"))));
            }
            headers.push(("From", Self::party(&sender, None, own_tag)));
            headers.push(("To", Self::party(&receiver, peer_uri, peer_tag)));
            headers.push(("Call-ID", self.id.clone()));
            headers.push(("CSeq", format!("{} {method}", self.sequence)));
            if matches!(method, "INVITE" | "SUBSCRIBE" | "REGISTER" | "UPDATE" | "REFER" | "NOTIFY") {
                headers.push(("Contact", sender.contact()));
            }
            headers.push(("User-Agent", sender.agent.to_owned()));
            headers.extend(extra.headers.iter().cloned());
            let body = extra.body.as_ref().map(|(k, t)| (*k, t.as_str()));
            let m = message(&format!("{method} {target} SIP/2.0"), &headers, body);
            scene.send(src, dst, self.carry, &m);
            scene.wait(3);
        }
    }

    /// Answers the transaction under way over every hop.
    pub fn respond(&mut self, scene: &mut Scene, code: u16, reason: &str, extra: &Extra<'_>) {
        self.respond_over(scene, code, reason, extra, 2);
        if code >= 200 && self.method != "INVITE" {
            self.backward = false;
        }
    }

    /// Answers the last request of another method than the one under way (a CANCEL, a PRACK).
    pub fn respond_to(&mut self, scene: &mut Scene, method: &str, code: u16, reason: &str) {
        let kept = std::mem::replace(&mut self.method, method.to_owned());
        self.respond_over(scene, code, reason, &Extra::default(), 2);
        self.method = kept;
    }

    /// `hops`: 2 all the way from the callee, 1 only from the proxy (or the peer) to the requester.
    pub fn respond_over(
        &mut self,
        scene: &mut Scene,
        code: u16,
        reason: &str,
        extra: &Extra<'_>,
        hops: usize,
    ) {
        let server = match &self.proxy {
            Some(p) if hops == 1 => p.agent,
            _ if self.backward => self.from.agent,
            _ => self.to.agent,
        };
        let all = self.hops().len();
        for n in (0..all.min(hops)).rev() {
            self.answer_on(scene, n, (code, reason), server, extra);
        }
    }

    /// Sends an answer over one hop.
    fn answer_on(&self, scene: &mut Scene, hop: usize, status: (u16, &str), server: &str, extra: &Extra<'_>) {
        let (code, reason) = status;
        let Some(&(src, dst)) = self.hops().get(hop) else { return };
        let (requester, answerer) =
            if self.backward { (&self.to, &self.from) } else { (&self.from, &self.to) };
        let (own_tag, peer_tag) =
            if self.backward { (&self.to_tag, &self.from_tag) } else { (&self.from_tag, &self.to_tag) };
        let peer_tag = if code == 100 { "" } else { peer_tag.as_str() };
        let peer_uri = self.to_uri.as_deref().filter(|_| !self.backward);
        let public = scene.public(requester.at).filter(|_| self.carry == Carry::Udp);
        let seen = public.map_or_else(String::new, |a| format!(";rport={};received={}", a.port(), a.ip()));
        let vias = self.vias(requester, hop, &seen);
        let mut headers: Vec<(&str, String)> = vias.into_iter().map(|v| ("Via", v)).collect();
        headers.push(("From", Self::party(requester, None, own_tag)));
        headers.push(("To", Self::party(answerer, peer_uri, peer_tag)));
        headers.push(("Call-ID", self.id.clone()));
        headers.push(("CSeq", format!("{} {}", self.sequence, self.method)));
        if code > 100 && code < 300 && self.method == "INVITE" {
            let own = self.contact.clone().filter(|_| !self.backward);
            headers.push(("Contact", own.unwrap_or_else(|| answerer.contact())));
        }
        headers.push(("Server", server.to_owned()));
        headers.extend(extra.headers.iter().cloned());
        let body = extra.body.as_ref().map(|(k, t)| (*k, t.as_str()));
        let m = message(&format!("SIP/2.0 {code} {reason}"), &headers, body);
        scene.send(dst, src, self.carry, &m);
        scene.wait(2);
    }

    /// Answers go to the INVITE again, after a PRACK or UPDATE within it.
    pub fn back_to_invite(&mut self) {
        (self.sequence, self.branch) = self.invite.clone();
        self.method = "INVITE".to_owned();
    }

    /// It is the caller's turn again, after a re-INVITE of the callee and its ACK.
    pub fn back_to_caller(&mut self) {
        self.backward = false;
    }

    /// ACK of an answer other than 2xx, hop by hop.
    pub fn ack_failure(&mut self, scene: &mut Scene, hops: usize) {
        self.same_transaction = true;
        self.request_over(scene, "ACK", false, &Extra::default(), hops);
        self.same_transaction = false;
    }

    /// The proxy cancels towards the callee: CANCEL, 200, 487, ACK on the second hop only.
    pub fn cancel_second_hop(&mut self, scene: &mut Scene) {
        let Some(p) = self.proxy.clone() else { return };
        let via = self.via(p.at, &format!("{}.p", self.invite.1));
        let sequence = self.invite.0;
        let common = |call: &Self, method: &str, tag: &str| {
            vec![
                ("Via", via.clone()),
                ("From", Self::party(&call.from, None, &call.from_tag)),
                ("To", Self::party(&call.to, None, tag)),
                ("Call-ID", call.id.clone()),
                ("CSeq", format!("{sequence} {method}")),
            ]
        };
        let target = format!("sip:{}@{}", self.to.user, self.to.at);
        let tag = self.to_tag.clone();
        let steps: [(String, &str, &str, bool); 4] = [
            (format!("CANCEL {target} SIP/2.0"), "CANCEL", "", true),
            ("SIP/2.0 200 OK".to_owned(), "CANCEL", &tag, false),
            ("SIP/2.0 487 Request Terminated".to_owned(), "INVITE", &tag, false),
            (format!("ACK {target} SIP/2.0"), "ACK", &tag, true),
        ];
        for (first, method, tag, down) in steps {
            let mut headers = common(self, method, tag);
            if down {
                headers.insert(1, ("Max-Forwards", "70".to_owned()));
            }
            let m = message(&first, &headers, None);
            let (src, dst) = if down { (p.at, self.to.at) } else { (self.to.at, p.at) };
            scene.send(src, dst, self.carry, &m);
            scene.wait(2);
        }
    }

    /// The proxy forks the INVITE under way to another endpoint of the callee.
    pub fn repeat_second_hop(&mut self, scene: &mut Scene, extra: &Extra<'_>) {
        let Some(p) = self.proxy.clone() else { return };
        let mut headers = vec![
            ("Via", self.via(p.at, &format!("{}.q", self.branch))),
            ("Via", self.via(self.from.at, &self.branch)),
            ("Max-Forwards", "69".to_owned()),
            ("Record-Route", format!("<sip:{};lr>", p.at)),
            ("From", Self::party(&self.from, None, &self.from_tag)),
            ("To", Self::party(&self.to, None, "")),
            ("Call-ID", self.id.clone()),
            ("CSeq", format!("{} INVITE", self.sequence)),
            ("Contact", self.from.contact()),
            ("User-Agent", self.from.agent.to_owned()),
        ];
        headers.extend(extra.headers.iter().cloned());
        let body = extra.body.as_ref().map(|(k, t)| (*k, t.as_str()));
        let m = message(&format!("INVITE sip:{}@{} SIP/2.0", self.to.user, self.to.at), &headers, body);
        scene.send(p.at, self.to.at, self.carry, &m);
        scene.wait(2);
    }

    /// INVITE with an offer, up to 180, answered after `ring` ms, acknowledged.
    pub fn establish(&mut self, scene: &mut Scene, offer: &str, answer: &str, ring: u64) {
        self.request(scene, "INVITE", true, &Extra::body("application/sdp", offer.to_owned()));
        self.respond_over(scene, 100, "Trying", &Extra::default(), 1);
        scene.wait(120);
        self.respond(scene, 180, "Ringing", &Extra::default());
        scene.wait(ring);
        self.respond(scene, 200, "OK", &Extra::body("application/sdp", answer.to_owned()));
        self.request(scene, "ACK", false, &Extra::default());
        scene.wait(20);
    }

    /// The caller hangs up and is answered.
    pub fn bye(&mut self, scene: &mut Scene) {
        self.request(scene, "BYE", false, &Extra::default());
        self.respond(scene, 200, "OK", &Extra::default());
    }

    /// The callee hangs up and is answered.
    pub fn bye_back(&mut self, scene: &mut Scene) {
        self.request_back(scene, "BYE", &Extra::default());
        self.respond(scene, 200, "OK", &Extra::default());
    }
}
