//! Bodies for media: RTP with its payloads, RTCP, DTLS, ZRTP, UDPTL.

use super::{inside, issues_inside};
use crate::dtls::{Assembly, Handshake, RecordBody, parse_dtls};
use crate::probe::{Probe, probe_datagram};
use crate::rtcp::{RtcpBody, looks_like_srtcp, parse_cut_rtcp, parse_rtcp, parse_srtcp};
use crate::rtp::video::{parse_h264, parse_vp8};
use crate::rtp::{HEADER, parse_red, parse_rtp, telephone_events};
use crate::udptl::{Recovery, looks_like_udptl, parse_udptl};
use crate::zrtp::{looks_like_zrtp, parse_zrtp};

pub fn rtp(data: &[u8]) {
    let found = parse_rtp(data);
    assert!(probe_datagram(data) != Probe::Rtp || found.is_some(), "told for RTP and not readable");
    if let Some(rtp) = found {
        inside(data, &rtp.payload.range());
        assert_eq!(rtp.payload.range().end + usize::from(rtp.padding), data.len());
        assert_eq!(rtp.csrcs_of(data).count(), usize::from(rtp.csrcs));
        if let Some(e) = rtp.extension {
            assert_eq!(e.start + e.len, rtp.payload.start);
            assert!(e.start as usize >= HEADER + 4 * usize::from(rtp.csrcs) + 4);
        }
    }
    // The payload readers take any bytes: a payload type may be described as anything.
    let payload = found.map_or(data, |rtp| rtp.payload_of(data));
    if let Some(red) = parse_red(payload) {
        let mut end = 4 * red.blocks.len() as u32 + 1;
        for block in &red.blocks {
            assert_eq!((block.data.start, block.data.len()), (end, u32::from(block.length)));
            end = block.data.end;
        }
        assert_eq!(red.primary_data.start, end);
        inside(payload, &red.primary_data.range());
    }
    assert!(telephone_events(payload).count() <= payload.len() / 4);
    let _ = parse_h264(payload);
    if let Some(vp8) = parse_vp8(payload) {
        assert!(vp8.descriptor < payload.len());
    }
    if let Some(udptl) = parse_udptl(data) {
        inside(data, &udptl.primary);
        assert!(!udptl.whole || udptl.recovery.is_some());
        match &udptl.recovery {
            Some(Recovery::Repeated(packets) | Recovery::Parity { parities: packets, .. }) => {
                packets.iter().for_each(|p| inside(data, p));
            }
            None => {}
        }
        assert!(udptl.recovers(|_| true).is_empty());
        assert!(!looks_like_udptl(data, 0) || udptl.whole);
    }
}

pub fn rtcp(data: &[u8]) {
    let rtcp = parse_rtcp(data);
    issues_inside(data, &rtcp.issues);
    assert_eq!(rtcp.encrypted, looks_like_srtcp(data));
    assert!(!rtcp.encrypted || rtcp == parse_srtcp(data));
    if let Some(trailer) = &rtcp.trailer {
        inside(data, &trailer.word);
    }
    let cut = parse_cut_rtcp(data);
    assert!(cut.issues.is_empty() && cut.packets.iter().all(|p| data.get(p.range.clone()).is_some()));
    let mut end = 0;
    for packet in &rtcp.packets {
        inside(data, &packet.range);
        assert_eq!(packet.range.start, end, "packets leave no gap");
        end = packet.range.end;
        match &packet.body {
            RtcpBody::SenderReport(r) => r.extensions.iter().for_each(|e| inside(data, &e.range)),
            RtcpBody::ReceiverReport(r) => r.extensions.iter().for_each(|e| inside(data, &e.range)),
            RtcpBody::SourceDescription(chunks) => {
                for chunk in chunks {
                    inside(data, &chunk.range);
                    for item in &chunk.items {
                        assert!(data[item.range.clone()].ends_with(item.text));
                    }
                }
            }
            RtcpBody::Bye(bye) => assert_eq!(&data[bye.reason_range.clone()], bye.reason.unwrap_or_default()),
            RtcpBody::App(app) => assert_eq!(&data[app.data_range.clone()], app.data),
            RtcpBody::TransportFeedback(f) | RtcpBody::PayloadFeedback(f) => inside(data, &f.control),
            RtcpBody::ExtendedReport(x) => x.blocks.iter().for_each(|b| inside(data, &b.range)),
            RtcpBody::Encrypted { .. } => assert!(rtcp.encrypted),
            RtcpBody::Unknown => {}
        }
    }
}

pub fn dtls(data: &[u8]) {
    let dtls = parse_dtls(data);
    issues_inside(data, &dtls.issues);
    let mut assembly = Assembly::default();
    let mut end = 0;
    for record in &dtls.records {
        inside(data, &record.range);
        inside(data, &record.content);
        assert_eq!(record.range.start, end, "records leave no gap");
        end = record.range.end;
        let RecordBody::Handshake(fragments) = &record.body else { continue };
        for fragment in fragments {
            inside(data, &fragment.range);
            inside(data, &fragment.body);
            if let Some((bytes, message)) = assembly.push(data, fragment) {
                assert_eq!(bytes.len(), fragment.length as usize);
                if let Handshake::Certificate { first: Some(_), der, .. } = message {
                    inside(&bytes, &der);
                }
            }
        }
    }
}

pub fn zrtp(data: &[u8]) {
    let Some(zrtp) = parse_zrtp(data) else {
        assert!(!looks_like_zrtp(data));
        return;
    };
    assert_eq!(probe_datagram(data), Probe::Zrtp);
    issues_inside(data, &zrtp.issues);
    inside(data, &zrtp.message_range);
}
