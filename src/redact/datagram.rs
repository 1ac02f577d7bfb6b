//! What a datagram holds, told as the analysis tells it.

use std::net::SocketAddr;

use callscope_parsers::dns::looks_like_dns;
use callscope_parsers::probe::{Probe, probe_datagram};
use callscope_parsers::sip;
use callscope_parsers::stun::parse_channel_data;
use callscope_parsers::stun::stream::multiplexed_datagram;
use callscope_parsers::udptl::looks_like_udptl;

use super::Redactor;
use crate::decode::{dns_port, is_dns_elsewhere, is_sqlr};

/// Datagrams inside datagrams.
const DEPTH: u8 = 6;

/// Source and destination.
pub(super) type Between = (SocketAddr, SocketAddr);

impl Redactor {
    /// `missing`: bytes of it that the capture does not hold.
    pub(super) fn datagram(&mut self, b: &mut [u8], between: Between, missing: u32, depth: u8) {
        let (src, dst) = between;
        if b.is_empty() {
            return;
        }
        if depth > DEPTH {
            return self.obscure(b);
        }
        if let Some(port) = dns_port(src, dst)
            && looks_like_dns(b, port)
        {
            return self.dns(b);
        }
        match probe_datagram(b) {
            // Any number may stand in front of it.
            Probe::Rtp
            | Probe::Rtcp
            | Probe::Dtls
            | Probe::Zrtp
            | Probe::Tls
            | Probe::Http
            | Probe::Unknown
                if self.is_fax(between)
                    && !self.is_sip_port(src, dst)
                    && looks_like_udptl(b, missing as usize) =>
            {
                self.udptl(b)
            }
            Probe::Rtp => self.rtp(b),
            Probe::Stun => self.stun(b, between, depth),
            Probe::ChannelData => self.channel_data(b, between, depth),
            Probe::Rtcp => self.rtcp(b),
            Probe::Dtls => self.dtls(b),
            Probe::Zrtp => self.zrtp(b),
            Probe::SipKeepAlive => {}
            Probe::Sip => self.text_or_nothing(b),
            Probe::Tls | Probe::Http | Probe::Unknown if self.is_sip_port(src, dst) => {
                self.text_or_nothing(b)
            }
            Probe::Unknown if let Some(range) = multiplexed_datagram(b) => {
                let inside = b.get_mut(range).unwrap_or_default();
                self.datagram(inside, between, 0, depth + 1);
            }
            _ if is_sqlr(src, dst, b) => self.sqlr(b),
            _ if missing > 0
                && matches!(b.first(), Some(0x40..=0x7f))
                && matches!(b.get(4), Some(0x80..=0xbf)) =>
            {
                let inside = b.get_mut(4..).unwrap_or_default();
                if inside.get(1).is_some_and(|k| (192..=223).contains(k)) {
                    self.rtcp(inside)
                } else {
                    self.rtp(inside)
                }
            }
            _ if is_dns_elsewhere(b) => self.dns(b),
            _ if matches!(b.first(), Some(0x40..=0x7f)) && missing > 0 => self.text_or_nothing(b),
            _ => self.obscure(b),
        }
    }

    fn channel_data(&mut self, b: &mut [u8], between: Between, depth: u8) {
        let Some(channel) = parse_channel_data(b) else { return self.obscure(b) };
        if let Some(padding) = b.get_mut(channel.data.end..) {
            padding.fill(0);
        }
        let inside = b.get_mut(channel.data).unwrap_or_default();
        self.datagram(inside, between, 0, depth + 1);
    }

    /// SIP, or what begins like it.
    fn text_or_nothing(&mut self, b: &mut [u8]) {
        let start = b.iter().position(|c| !matches!(c, b'\r' | b'\n')).unwrap_or(0);
        if b.get(start..).is_some_and(|text| sip::scan(text).is_some() || sip::looks_like_sip(text)) {
            self.sip(b);
        } else {
            self.obscure(b);
        }
    }
}
