//! What a filter asks of a media stream, or of the streams of a call.

use std::net::SocketAddr;

use super::eval::{Sink, Value};
use super::fields::Field;
use crate::correlate::media::{CodecSource, MediaIndex, MediaStream};
use crate::correlate::{Analysis, CallIdx};
use crate::view::media;

/// A stream, among all.
#[derive(Debug, Clone, Copy)]
pub struct StreamOf<'a> {
    pub index: &'a MediaIndex,
    /// Its place.
    pub at: u32,
    pub stream: &'a MediaStream,
}

/// Percent, MOS and milliseconds of a figure are compared in millionths.
pub const SCALE: f64 = 1e6;

fn scaled(value: f64) -> Value<'static> {
    Value::Number((value * SCALE).round() as i128)
}

/// What a stream says of itself; its call is asked for the rest.
pub fn is_own(field: Field) -> bool {
    is_media(field)
        || matches!(
            field,
            Field::Ip
                | Field::Src
                | Field::Dst
                | Field::Port
                | Field::Transport
                | Field::Start
                | Field::Time
                | Field::Frame
                | Field::Protocol
                | Field::Type
        )
}

/// The fields that are of streams only.
pub fn is_media(field: Field) -> bool {
    use Field::{
        Media, MediaCodec, MediaDscp, MediaGap, MediaJitter, MediaKeys, MediaKind, MediaLoss, MediaMos,
        MediaPackets, MediaQuality, MediaRelay, MediaSrtp, MediaSsrc, MediaType, MediaWay,
    };
    matches!(
        field,
        Media
            | MediaLoss
            | MediaJitter
            | MediaMos
            | MediaCodec
            | MediaPackets
            | MediaDscp
            | MediaSsrc
            | MediaKind
            | MediaWay
            | MediaQuality
            | MediaGap
            | MediaKeys
            | MediaRelay
            | MediaSrtp
            | MediaType
    )
}

pub fn stream(analysis: &Analysis, of: StreamOf<'_>, field: Field, sink: &mut Sink<'_>) -> bool {
    let s = of.stream;
    let Some(figures) = analysis.figures_of(s) else { return false };
    let flow = analysis.flow(s.flow);
    let number = |n: u64| Value::Number(i128::from(n));
    let end = |a: SocketAddr| Value::Address(a, analysis.host_name(a.ip()));
    match field {
        Field::Media => sink(Value::Text(media::kind(s))) || sink(Value::Flag(true)),
        Field::MediaKind => sink(Value::Text(media::kind(s))),
        Field::MediaLoss => sink(scaled(media::loss_percent(&figures))),
        Field::MediaJitter => {
            figures.jitter().is_some_and(|(mean, _)| sink(Value::Duration((mean * 1e6) as i64)))
        }
        Field::MediaGap => figures.gap.0 > 0 && sink(Value::Duration(figures.gap.0)),
        Field::MediaMos => media::mos_of(analysis, s).is_some_and(|m| sink(scaled(m.value))),
        Field::MediaPackets => sink(number(figures.packets)),
        Field::MediaDscp => figures.marks().any(|m| sink(Value::Number(i128::from(m.dscp)))),
        Field::MediaType => figures.types().any(|t| sink(Value::Number(i128::from(t.payload_type)))),
        Field::MediaCodec => {
            let others = s.other_codecs.iter().filter_map(|(_, c)| c.as_ref());
            s.codec.iter().chain(others).any(|c| {
                sink(Value::Text(&c.name))
                    || sink(Value::Text(&c.text()))
                    || c.source == CodecSource::Fallback && sink(Value::Text(&format!("{}?", c.text())))
            })
        }
        Field::MediaSsrc if s.is_fax() => false,
        Field::MediaSsrc => {
            let hex = media::ssrc(s.ssrc);
            sink(Value::Text(&hex))
                || sink(Value::Text(hex.trim_start_matches("0x")))
                || sink(Value::Text(&s.ssrc.to_string()))
        }
        Field::MediaQuality => sink(Value::Text(media::Quality::of(analysis, s, &figures).name())),
        Field::MediaKeys => sink(Value::Text(&media::keys(analysis, s))),
        Field::MediaSrtp => sink(Value::Flag(s.protection.is_some())),
        Field::MediaRelay => match &s.relay {
            Some(relay) => {
                [Some(relay.server), relay.relayed, relay.peer].into_iter().flatten().any(|a| sink(end(a)))
            }
            None => false,
        },
        Field::MediaWay => {
            s.call.is_some_and(|call| sink(Value::Text(media::call_way(analysis, of.index, call).name())))
        }
        Field::Ip => [flow.src, flow.dst].into_iter().any(|a| sink(end(a))),
        Field::Src => sink(end(flow.src)),
        Field::Dst => sink(end(flow.dst)),
        Field::Port => [flow.src, flow.dst].into_iter().any(|a| sink(number(u64::from(a.port())))),
        Field::Transport => sink(Value::Text(flow.transport.name())),
        Field::Start | Field::Time => sink(Value::Time(s.first)),
        Field::Frame => {
            [figures.first_frame, figures.last_frame].into_iter().any(|f| sink(number(u64::from(f.frame))))
        }
        Field::Type => sink(Value::Text(media::kind(s))) || sink(Value::Text("stream")),
        Field::Protocol if s.is_fax() => ["T.38", "UDPTL"].into_iter().any(|name| sink(Value::Text(name))),
        Field::Protocol => sink(Value::Text("RTP")),
        _ => false,
    }
}

/// Of any stream of a call.
pub fn of_call(analysis: &Analysis, call: CallIdx, field: Field, sink: &mut Sink<'_>) -> bool {
    let index = analysis.media_index();
    if field == Field::MediaWay {
        return sink(Value::Text(media::call_way(analysis, &index, call).name()));
    }
    let index = &*index;
    index.of_call(call).any(|(at, s)| stream(analysis, StreamOf { index, at, stream: s }, field, sink))
}

/// Words of a stream's row that are no field's.
pub fn words(analysis: &Analysis, of: StreamOf<'_>) -> String {
    let s = of.stream;
    let [sender, receiver] = media::ends(analysis, s);
    format!("{sender} {receiver} {} {} {}", media::kind(s), media::codec(s), media::source(s))
}
