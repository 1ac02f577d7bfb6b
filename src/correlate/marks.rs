//! DSCP marks of SIP: how many messages went from one machine to another with each value.
//!
//! Machines are told apart, not ports: a policy marks what a machine sends. Only where both are one machine its ports
//! count.

use std::collections::HashMap;

use super::Analysis;
use super::model::*;
use crate::capture::FrameRef;

/// A value that messages had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SipMark {
    /// From whom to whom, with the ports of the first message.
    pub flow: Flow,
    pub dscp: u8,
    /// Frames captured twice are counted once.
    pub messages: u64,
    /// The first message with it.
    pub frame: FrameRef,
}

impl Analysis {
    /// The DSCP values of SIP between machines, in order of their first message; what was inside of a relay is not among
    /// them. `of` chooses the flows: of each its address and port, and those of the other side. It walks over all messages: who
    /// asks it of each call walks over all of them for each.
    pub fn sip_marks(&self, of: impl Fn(&Flow) -> bool) -> Vec<SipMark> {
        let mut out: Vec<SipMark> = Vec::new();
        // Places in `out` of what goes one way with one value; none of a flow that is not asked for.
        let mut by_flow: HashMap<(FlowId, u8), Option<usize>, foldhash::fast::RandomState> =
            HashMap::default();
        let mut by_machine = HashMap::new();
        for r in &self.messages {
            let Some(dscp) = r.dscp.get() else { continue };
            let at = *by_flow.entry((r.flow, dscp)).or_insert_with(|| {
                let flow = Some(self.flow(r.flow)).filter(&of)?;
                let (src, dst) = (flow.src.ip(), flow.dst.ip());
                let ports = if src == dst { [flow.src.port(), flow.dst.port()] } else { [0, 0] };
                let key = (src, dst, ports, flow.transport, dscp);
                Some(*by_machine.entry(key).or_insert_with(|| {
                    out.push(SipMark { flow, dscp, messages: 0, frame: r.frame });
                    out.len() - 1
                }))
            });
            if let Some(mark) = at.and_then(|at| out.get_mut(at)) {
                mark.messages += 1;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CaptureId;
    use crate::decode::{DecodedSip, Way};

    /// Adds a message of its own call; `dscp` of a frame captured twice counts for nothing.
    fn add(a: &mut Analysis, src: &str, dst: &str, transport: Transport, dscp: Option<u8>, duplicate: bool) {
        let n = a.messages.len() as u32 + 1;
        let text = format!(
            "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{n}\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n\
             Call-ID: {n}\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        let scan = callscope_parsers::sip::scan(text.as_bytes()).unwrap();
        let (src, dst) = (src.parse().unwrap(), dst.parse().unwrap());
        let frame = FrameRef { capture: CaptureId(0), frame: n };
        let way = Way { frame, parts: &[], time: 0, src, dst, transport };
        let m = DecodedSip::new(&scan, text.as_bytes(), u64::from(n), way);
        let bytes = a.stores.keep(text.as_bytes(), 1 << 20).unwrap();
        a.add_message(&DecodedSip { dscp, duplicate, ..m }, bytes).unwrap();
    }

    fn told(a: &Analysis, of: impl Fn(&Flow) -> bool) -> Vec<String> {
        let words = |m: &SipMark| {
            let SipMark { flow, dscp, messages, frame } = m;
            format!("{}>{} {} {dscp} {messages} {}", flow.src, flow.dst, flow.transport.name(), frame.frame)
        };
        a.sip_marks(of).iter().map(words).collect()
    }

    #[test]
    fn by_machine_value_and_transport() {
        let mut a = Analysis::default();
        for (src, dst, transport, dscp) in [
            ("10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, 24),
            ("10.0.0.1:40001", "10.0.0.2:5060", Transport::Udp, 24),
            ("10.0.0.2:5060", "10.0.0.1:5060", Transport::Udp, 0),
            ("10.0.0.1:40002", "10.0.0.2:5060", Transport::Tcp, 24),
            ("10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, 40),
            ("10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, 24),
            ("127.0.0.1:1", "127.0.0.1:2", Transport::Udp, 24),
            ("127.0.0.1:2", "127.0.0.1:1", Transport::Udp, 24),
            ("[2001:db8::1]:5060", "[2001:db8::2]:5060", Transport::Udp, 24),
        ] {
            add(&mut a, src, dst, transport, Some(dscp), false);
        }
        add(&mut a, "10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, None, false);
        add(&mut a, "10.0.0.1:5060", "10.0.0.2:5060", Transport::Udp, Some(24), true);
        assert_eq!(
            told(&a, |_| true),
            [
                "10.0.0.1:5060>10.0.0.2:5060 udp 24 3 1",
                "10.0.0.2:5060>10.0.0.1:5060 udp 0 1 3",
                "10.0.0.1:40002>10.0.0.2:5060 tcp 24 1 4",
                "10.0.0.1:5060>10.0.0.2:5060 udp 40 1 5",
                "127.0.0.1:1>127.0.0.1:2 udp 24 1 7",
                "127.0.0.1:2>127.0.0.1:1 udp 24 1 8",
                "[2001:db8::1]:5060>[2001:db8::2]:5060 udp 24 1 9",
            ]
        );
        let tcp = |f: &Flow| f.transport == Transport::Tcp;
        assert_eq!(told(&a, tcp), ["10.0.0.1:40002>10.0.0.2:5060 tcp 24 1 4"]);
    }
}
