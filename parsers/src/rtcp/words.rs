//! Names of the numbers.

use super::packet_type;

/// Of a packet type, as its document abbreviates it.
pub fn packet_name(packet_type: u8) -> Option<&'static str> {
    Some(match packet_type {
        192 => "FIR (RFC 2032)",
        193 => "NACK (RFC 2032)",
        194 => "SMPTETC",
        195 => "IJ",
        packet_type::SR => "SR",
        packet_type::RR => "RR",
        packet_type::SDES => "SDES",
        packet_type::BYE => "BYE",
        packet_type::APP => "APP",
        packet_type::RTPFB => "RTPFB",
        packet_type::PSFB => "PSFB",
        packet_type::XR => "XR",
        208 => "AVB",
        209 => "RSI",
        210 => "TOKEN",
        211 => "IDMS",
        _ => return None,
    })
}

/// Of an SDES item (RFC 3550 §6.5, IANA).
pub fn sdes_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "CNAME",
        2 => "NAME",
        3 => "EMAIL",
        4 => "PHONE",
        5 => "LOC",
        6 => "TOOL",
        7 => "NOTE",
        8 => "PRIV",
        9 => "H323-CADDR",
        10 => "APSI",
        11 => "RGRP",
        12 => "RtpStreamId",
        13 => "RepairedRtpStreamId",
        14 => "CCID",
        15 => "MID",
        _ => return None,
    })
}

/// Of a format of transport layer feedback (IANA, FMT values for RTPFB).
pub(super) fn transport_feedback(format: u8) -> Option<&'static str> {
    Some(match format {
        1 => "NACK",
        3 => "TMMBR",
        4 => "TMMBN",
        5 => "SR-REQ",
        6 => "RAMS",
        7 => "TLLEI",
        8 => "ECN",
        9 => "PAUSE-RESUME",
        10 => "DBI",
        11 => "CCFB",
        15 => "TWCC",
        _ => return None,
    })
}

/// Of a format of payload-specific feedback (IANA, FMT values for PSFB).
pub(super) fn payload_feedback(format: u8) -> Option<&'static str> {
    Some(match format {
        1 => "PLI",
        2 => "SLI",
        3 => "RPSI",
        4 => "FIR",
        5 => "TSTR",
        6 => "TSTN",
        7 => "VBCM",
        8 => "PSLEI",
        9 => "ROI",
        10 => "LRR",
        15 => "ALFB",
        _ => return None,
    })
}

/// Of a block of an extended report (IANA, RTCP XR block types; RFC 3611 and later).
pub(super) fn xr_block(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Loss RLE",
        2 => "Duplicate RLE",
        3 => "Packet Receipt Times",
        4 => "Receiver Reference Time",
        5 => "DLRR",
        6 => "Statistics Summary",
        7 => "VoIP Metrics",
        8 => "RTCP XP",
        9 => "Texas Instruments Extended VoIP Quality",
        10 => "Post-repair Loss RLE",
        11 => "Multicast Acquisition",
        12 => "IDMS",
        13 => "ECN Summary",
        14 => "Measurement Information",
        15 => "Packet Delay Variation",
        16 => "Delay Metrics",
        17 => "Burst/Gap Loss Summary",
        18 => "Burst/Gap Discard Summary",
        19 => "Frame Impairment Statistics Summary",
        20 => "Burst/Gap Loss",
        21 => "Burst/Gap Discard",
        _ => return None,
    })
}

/// Of a profile-specific extension ([MS-RTP] §2.2.11).
pub(super) fn profile_extension(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "estimated bandwidth",
        4 => "packet loss notification",
        5 => "video preference",
        6 => "padding",
        7 => "policy server bandwidth",
        8 => "TURN server bandwidth",
        9 => "audio healer metrics",
        10 => "receiver-side bandwidth limit",
        11 => "packet-train packet",
        12 => "peer info exchange",
        13 => "network congestion notification",
        14 => "modality send bandwidth limit",
        _ => return None,
    })
}
