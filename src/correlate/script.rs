//! Call flows as lines of text, for tests.
//!
//! `0.1 A>P INVITE/2 sdp` is a request with CSeq 2, `0.2 P>A 180 to=b` an answer to it. A response answers the
//! newest request that went the other way (`for=BYE` picks a method, `/2` a CSeq). Words after that: `from=` and `to=` tags
//! (requests: `a` and none; responses: those of the request, and `b` for all but 100), `branch=`, `id=` Call-ID,
//! `sdp` or `sdp=ORIGIN@ADDRESS:PORT`, `media=audio:4000,video:0` (of that SDP), `cand=N`, `ct=`, `agent=`, `expires=`, `hold`, `dup`, `auth` (credentials), `state=` Subscription-State, `x=` X-Call-ID, `replaces=`, `refer=`,
//! `user=`, `callee=` (From and To users), `same` (the same bytes again), `reason=`, `frame=`, `epid=`.
//! A machine is a letter, or an `ip:port`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use callscope_parsers::sip::scan::SdpScan;
use callscope_parsers::sip::{NameAddrScan, Scan};

use super::*;
use crate::capture::{CaptureId, FrameRef};
use crate::decode::{DecodedSip, Way};

/// Messages of a script have no bytes.
pub const NOWHERE: BytesRef = BytesRef { offset: 0, len: 0, store: BytesRef::ARENA };

fn address(name: &str) -> SocketAddr {
    name.parse().unwrap_or_else(|_| {
        let n = name.bytes().next().unwrap_or(b'?');
        SocketAddr::from((Ipv4Addr::new(10, 0, 0, n), 5060))
    })
}

#[derive(Clone)]
struct Asked {
    method: String,
    cseq: u32,
    branch: String,
    from: String,
    to: String,
}

/// Adds the messages of a flow, in the order of its lines.
pub fn play(analysis: &mut Analysis, flow: &str) -> Vec<MsgIdx> {
    let mut added = Vec::new();
    let mut asked: HashMap<(String, String, String), Vec<Asked>> = HashMap::new();
    for line in flow.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let mut words = line.split_whitespace();
        let time: f64 = words.next().unwrap().parse().expect(line);
        let (src, dst) = words.next().unwrap().split_once('>').expect(line);
        let what = words.next().expect(line);
        let mut flags = Vec::new();
        let mut values: HashMap<&str, &str> = HashMap::new();
        for w in words {
            match w.split_once('=') {
                Some((k, v)) => drop(values.insert(k, v)),
                None => flags.push(w),
            }
        }
        let value = |k: &str| values.get(k).copied();
        let has = |f: &str| flags.contains(&f);
        let id = value("id").unwrap_or("call-1");
        let (name, number) = what.split_once('/').unwrap_or((what, ""));
        let number: Option<u32> = number.parse().ok();
        let status: u16 = name.parse().unwrap_or(0);
        let this = if status == 0 {
            let key = (src.to_owned(), dst.to_owned(), id.to_owned());
            let known = asked.entry(key).or_default();
            let invite = known.iter().rev().find(|a| a.method == "INVITE").cloned();
            let cseq = number
                .or(invite.as_ref().filter(|_| matches!(name, "ACK" | "CANCEL")).map(|i| i.cseq))
                .unwrap_or(1);
            // CANCEL and the ACK of a refusal (`nack`) share the branch of their INVITE.
            let branch = match invite.filter(|_| name == "CANCEL" || has("nack")) {
                Some(invite) => invite.branch,
                None => format!("z9hG4bK-{id}-{src}{dst}-{name}-{cseq}"),
            };
            let new = Asked {
                method: name.to_owned(),
                cseq,
                branch: value("branch").map_or(branch, str::to_owned),
                from: value("from").unwrap_or("a").to_owned(),
                to: value("to").unwrap_or_default().to_owned(),
            };
            known.push(new.clone());
            new
        } else {
            let key = (dst.to_owned(), src.to_owned(), id.to_owned());
            let newest = asked.get(&key).and_then(|known| {
                known.iter().rev().find(|a| {
                    value("for").map_or(a.method != "ACK", |m| a.method == m)
                        && number.is_none_or(|n| a.cseq == n)
                })
            });
            let mut a = newest.cloned().unwrap_or(Asked {
                method: value("for").unwrap_or("INVITE").to_owned(),
                cseq: number.unwrap_or(1),
                branch: format!("z9hG4bK-{id}-{dst}{src}-unseen"),
                from: "a".to_owned(),
                to: String::new(),
            });
            if let Some(from) = value("from") {
                a.from = from.to_owned();
            }
            match value("to") {
                Some(to) => a.to = to.to_owned(),
                None if a.to.is_empty() && status > 100 => a.to = "b".to_owned(),
                None => {}
            }
            a
        };
        let reason = value("reason").map_or_else(|| format!("R{status}"), str::to_owned);
        let sdp = (has("sdp") || has("hold") || value("sdp").is_some()).then(|| {
            let (origin, media) = value("sdp").and_then(|v| v.split_once('@')).unwrap_or(("", ""));
            let (host, port) = media.split_once(':').unwrap_or(("0.0.0.0", "0"));
            (format!("- {origin} 1 IN IP4 {host}"), host.to_owned(), format!("audio {port} RTP/AVP 0"))
        });
        let media: Vec<&str> = value("media").map(|m| m.split(',').collect()).unwrap_or_default();
        let body: String = media.iter().map(|m| format!("\r\nm={} RTP/AVP 0", m.replace(':', " "))).collect();
        let from_uri = format!("sip:{}@example.com", value("user").unwrap_or("alice"));
        let to_uri = format!("sip:{}@example.com", value("callee").unwrap_or("bob"));
        let scan = Scan {
            method: if status == 0 { name.as_bytes() } else { b"" },
            request_uri: if status == 0 { to_uri.as_bytes() } else { b"" },
            status,
            reason: if status == 0 { b"" } else { reason.as_bytes() },
            call_id: id.as_bytes(),
            from: NameAddrScan { uri: from_uri.as_bytes(), tag: this.from.as_bytes(), ..Default::default() },
            to: NameAddrScan {
                uri: to_uri.as_bytes(),
                tag: this.to.as_bytes(),
                epid: value("epid").unwrap_or_default().as_bytes(),
                ..Default::default()
            },
            branch: this.branch.as_bytes(),
            cseq: this.cseq,
            cseq_method: this.method.as_bytes(),
            agent: value("agent").unwrap_or_default().as_bytes(),
            event: value("event").unwrap_or_default().as_bytes(),
            subscription_state: value("state").unwrap_or_default().as_bytes(),
            credentials: has("auth"),
            content_type: value("ct").unwrap_or_default().as_bytes(),
            expires: value("expires").and_then(|e| e.parse().ok()),
            replaces: value("replaces").unwrap_or_default().as_bytes(),
            refer_to: value("refer").unwrap_or_default().as_bytes(),
            x_call_id: value("x").unwrap_or_default().as_bytes(),
            suspicious: has("bad"),
            sdp: sdp.as_ref().map(|(origin, host, media)| SdpScan {
                origin: origin.as_bytes(),
                address: host.as_bytes(),
                media: media.as_bytes(),
                media_sections: media.len().max(1) as u16,
                candidates: value("cand").and_then(|n| n.parse().ok()).unwrap_or(0),
                direction: if has("hold") { b"sendonly" } else { b"" },
                one_way: has("hold"),
                ..SdpScan::default()
            }),
            ..Scan::default()
        };
        let frame = value("frame").and_then(|f| f.parse().ok()).unwrap_or(analysis.messages.len() as u32 + 1);
        let digest = foldhash::fast::FixedState::with_seed(9);
        let bytes = {
            use std::hash::BuildHasher;
            // `same` repeats the bytes of an equal line; any other line differs.
            let salt = if has("same") || has("original") {
                String::new()
            } else {
                format!("{}", analysis.messages.len())
            };
            let words: Vec<&str> =
                line.split_whitespace().skip(1).filter(|w| !matches!(*w, "same" | "original")).collect();
            BuildHasher::hash_one(&digest, (words, salt))
        };
        let way = Way {
            frame: FrameRef { capture: CaptureId(0), frame },
            parts: &[],
            time: (time * 1e9).round() as i64,
            src: address(src),
            dst: address(dst),
            transport: Transport::Udp,
        };
        let message = DecodedSip {
            duplicate: has("dup"),
            cut: has("cut"),
            ..DecodedSip::new(&scan, body.as_bytes(), bytes, way)
        };
        added.extend(analysis.add_message(&message, NOWHERE));
    }
    added
}

/// A fresh analysis of one flow, summaries up to date.
pub fn played(flow: &str) -> Analysis {
    let mut analysis = Analysis::default();
    play(&mut analysis, flow);
    analysis.refresh();
    analysis
}
