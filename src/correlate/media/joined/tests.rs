//! Streams against the calls they belong to, by scripted traffic.

use super::*;

mod call;
mod course;
mod fax;
mod stage;
mod way;

use stage::*;

/// Media of Alice and Bob, as their SDP has it.
const AM: &str = "10.0.0.1:4000";
const BM: &str = "10.0.0.2:5000";
const THERE: &str = "10.0.0.1:4000>10.0.0.2:5000";
const BACK: &str = "10.0.0.2:5000>10.0.0.1:4000";

/// A call with a second of media each way, ended after two.
fn plain() -> Stage {
    let mut s = Stage::default();
    s.call(0, "c1", &audio(AM, "a=ptime:20"), &audio(BM, "a=ptime:20"));
    s.rtp(150, THERE, &rtp(1), 50, &[]);
    s.rtp(160, BACK, &rtp(2), 50, &[]);
    s.bye(2_000, "c1");
    s
}

/// Call, section and direction in short: `1.0 there`.
fn where_of(m: &MediaStream) -> String {
    let call = m.call.map_or("-".to_owned(), |c| (c.0 + 1).to_string());
    let section = m.section.as_ref().map_or("-".to_owned(), |s| s.index.to_string());
    let way = m.from_caller.map_or("?", |there| if there { "there" } else { "back" });
    let inferred = if m.call_inferred { "~" } else { "" };
    format!("{inferred}{call}.{section} {way}")
}

fn wheres(list: &[MediaStream]) -> Vec<String> {
    list.iter().map(where_of).collect()
}

fn codec_of(m: &MediaStream) -> (String, Option<CodecSource>) {
    let c = m.codec.as_deref();
    (c.map(Codec::text).unwrap_or_default(), c.map(|c| c.source))
}

/// There may be hundreds of thousands of streams: what few of them have is a word in the others.
#[test]
fn streams_stay_small() {
    assert!(size_of::<MediaStream>() <= 432, "{}", size_of::<MediaStream>());
    assert!(size_of::<Subject<'static>>() <= 56, "{}", size_of::<Subject<'static>>());
}
