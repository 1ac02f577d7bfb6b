//! The audio of a media stream as a WAV file: what can be decoded without doubt, at the times that its timestamps tell.

mod g711;
mod g722;
#[cfg(feature = "opus")]
mod opus;
#[cfg(not(feature = "opus"))]
#[path = "audio/no_opus.rs"]
mod opus;
mod place;

use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::ops::ControlFlow;

use callscope_parsers::rtp::{parse_red, static_payload};

use crate::correlate::media::{Codec, MediaStream, PacketAgain, Protection};
use crate::correlate::{Analysis, Traffic};
use crate::view::media::marks::traffic_of;
use crate::view::show;
use place::{Piece, Placer};

/// Samples of 16 bits that the head of a WAV file can count.
const LONGEST: u64 = (u32::MAX as u64 - 64) / 2;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audio {
    /// Samples a second.
    pub rate: u32,
    pub samples: u64,
    /// Samples of silence where no packet came.
    pub silence: u64,
    pub packets: u64,
    /// Packets of which the capture holds only a part.
    pub cut: u64,
    /// Packets that are none of the codec; silence too.
    pub damaged: u64,
    /// It would have been longer than the limit `audio_seconds`.
    pub ended: bool,
}

/// Codecs that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decodes {
    Alaw,
    Ulaw,
    G722,
    /// 16 bits, most significant byte first (RFC 3551 §4.5.11).
    Linear(u32),
    /// RFC 7587, at the rate of its clock.
    Opus,
    /// A frame of one of the others, and older ones before it (RFC 2198).
    Redundant,
    /// Keys and comfort noise: silence.
    Silence,
}

impl Decodes {
    fn of(codec: &Codec) -> Option<Self> {
        let name = codec.name.to_ascii_uppercase();
        Some(match name.as_str() {
            _ if codec.is_event() || codec.is_noise() => Self::Silence,
            "RED" => Self::Redundant,
            // Two channels in every description (RFC 7587 §7), whatever is sent: heard as one.
            "OPUS" if codec.clock == opus::RATE => return opus::IS_DECODED.then_some(Self::Opus),
            _ if codec.channels > 1 => return None,
            "PCMA" if codec.clock == 8000 => Self::Alaw,
            "PCMU" if codec.clock == 8000 => Self::Ulaw,
            "G722" => Self::G722,
            "L16" if (8000..=48_000).contains(&codec.clock) => Self::Linear(codec.clock),
            _ => return None,
        })
    }

    /// Samples a second; none of what gives none.
    fn rate(self) -> Option<u32> {
        match self {
            Self::Alaw | Self::Ulaw => Some(8000),
            Self::G722 => Some(16_000),
            Self::Linear(clock) => Some(clock),
            Self::Opus => Some(opus::RATE),
            Self::Redundant | Self::Silence => None,
        }
    }
}

/// The codecs by name.
pub const DECODED: &str =
    if opus::IS_DECODED { "G.711, G.722, L16 and Opus" } else { "G.711, G.722 and L16" };

fn is_opus(codec: &Codec) -> bool {
    codec.name.eq_ignore_ascii_case("opus")
}

fn refusal(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, text.into())
}

/// What is decoded of each payload type of a stream, and the rate of the whole; an error says why there is no audio.
struct Plan {
    types: Vec<(u8, Decodes)>,
    rate: u32,
}

impl Plan {
    fn of(analysis: &Analysis, s: &MediaStream, row: u32) -> io::Result<Self> {
        let number = u64::from(row) + 1;
        if analysis.redact_text {
            return Err(refusal("audio is what people said: --redact-text cannot be heeded"));
        }
        match s.protection {
            Some(Protection::Srtp) => {
                return Err(refusal(format!(
                    "stream {number} is encrypted (SRTP): without its keys there is no audio"
                )));
            }
            Some(Protection::SrtpBySize) => {
                let text =
                    "by the size of its packets is encrypted (SRTP): without its keys there is no audio";
                return Err(refusal(format!("stream {number} {text}")));
            }
            None => {}
        }
        if let Some(other) = traffic_of(s).filter(|t| *t != Traffic::Audio) {
            return Err(refusal(format!("stream {number} is {}, no audio", other.name())));
        }
        let Some(figures) = analysis.figures_of(s) else { return Err(refusal("no such stream")) };
        let mut types = Vec::new();
        for t in figures.types() {
            let codec = if t.payload_type == s.payload_type {
                s.codec.as_ref()
            } else {
                s.other_codecs.iter().find(|(pt, _)| *pt == t.payload_type).and_then(|(_, c)| c.as_ref())
            };
            let Some(codec) = codec else {
                return Err(refusal(format!(
                    "nothing tells what payload type {} of stream {number} is",
                    t.payload_type
                )));
            };
            let Some(decodes) = Decodes::of(codec) else {
                let name = show::shorten(&show::safe_str(&codec.text()), 40);
                return Err(refusal(format!(
                    "stream {number} has {name}: only {DECODED} are decoded{}",
                    if is_opus(codec) { opus::HINT } else { "" }
                )));
            };
            types.push((t.payload_type, decodes));
        }
        let rates = || types.iter().filter_map(|(_, d)| d.rate());
        if types.iter().all(|(_, d)| *d == Decodes::Silence) {
            return Err(refusal(format!("stream {number} has nothing but keys and comfort noise")));
        }
        let rate = rates().max().unwrap_or(8000);
        if rates().any(|r| !rate.is_multiple_of(r)) {
            return Err(refusal(format!(
                "stream {number} has codecs whose sampling rates do not go together"
            )));
        }
        Ok(Self { types, rate })
    }

    fn decodes(&self, payload_type: u8) -> Option<Decodes> {
        self.types.iter().find(|(pt, _)| *pt == payload_type).map(|(_, d)| *d)
    }
}

/// Decoders that remember what came before.
#[derive(Default)]
struct Decoders {
    g722: g722::Decoder,
    opus: opus::Decoder,
    /// Payloads that could not be decoded.
    damaged: u64,
}

impl Decoders {
    /// The samples of a payload, and how many there are a second.
    fn samples(&mut self, decodes: Decodes, payload: &[u8]) -> io::Result<(Vec<i16>, u32)> {
        let rate = decodes.rate().unwrap_or(8000);
        Ok(match decodes {
            Decodes::Alaw => (payload.iter().map(|b| g711::alaw(*b)).collect(), rate),
            Decodes::Ulaw => (payload.iter().map(|b| g711::ulaw(*b)).collect(), rate),
            Decodes::Linear(_) => {
                (payload.as_chunks::<2>().0.iter().map(|b| i16::from_be_bytes(*b)).collect(), rate)
            }
            Decodes::G722 => {
                let mut out = Vec::with_capacity(payload.len() * 2);
                self.g722.decode(payload, &mut out);
                (out, rate)
            }
            Decodes::Opus => {
                let samples = self.opus.decode(payload);
                self.damaged += u64::from(samples.is_none());
                (samples.unwrap_or_default(), rate)
            }
            Decodes::Silence => (Vec::new(), rate),
            Decodes::Redundant => {
                let Some(red) = parse_red(payload) else { return Ok((Vec::new(), rate)) };
                let primary = payload.get(red.primary_data.range()).unwrap_or_default();
                let inner = match red.primary {
                    0 => Decodes::Ulaw,
                    8 => Decodes::Alaw,
                    9 => Decodes::G722,
                    13 => Decodes::Silence,
                    other => {
                        let name =
                            static_payload(other).map_or_else(String::new, |p| format!(" ({})", p.name));
                        let text = format!(
                            "its redundant audio holds payload type {other}{name}: only G.711 and G.722 are decoded"
                        );
                        return Err(refusal(text));
                    }
                };
                return self.samples(inner, primary);
            }
        })
    }
}

/// Tells early whether [`wav`] refuses a stream.
pub fn check(analysis: &Analysis, s: &MediaStream, row: u32) -> io::Result<()> {
    Plan::of(analysis, s, row).map(|_| ())
}

/// Writes the audio of a stream, number `row` of [`Analysis::media_streams`] from 0, as 16 bits of one channel. Lost
/// packets and pauses are silence of their length. Errors of the kind `Unsupported` say why there is none.
pub fn wav(analysis: &Analysis, s: &MediaStream, row: u32, out: &mut dyn Write) -> io::Result<Audio> {
    if s.is_fax() {
        return Err(refusal(format!("stream {} is a fax (T.38): it has no audio", u64::from(row) + 1)));
    }
    let plan = Plan::of(analysis, s, row)?;
    let clock = s.codec.as_ref().map_or(8000, |c| c.clock.max(1));
    // How long it is comes before the samples in the file: they wait in a file of their own.
    let waiting = BufWriter::new(tempfile::tempfile()?);
    let most = analysis.limits.audio_seconds.saturating_mul(u64::from(plan.rate)).min(LONGEST);
    let mut placer = Placer::new(waiting, plan.rate, clock, most);
    let mut decoders = Decoders::default();
    let mut told = Audio { rate: plan.rate, ..Audio::default() };
    let mut play = |pieces: Vec<Piece>, placer: &mut Placer<BufWriter<std::fs::File>>| -> io::Result<()> {
        for piece in pieces {
            let Some(decodes) = plan.decodes(piece.payload_type) else { continue };
            let (samples, rate) = decoders.samples(decodes, &piece.payload)?;
            placer.put(&piece, &samples, rate)?;
        }
        Ok(())
    };
    analysis.read_stream(s, &mut |packet: &PacketAgain<'_>| {
        told.packets += 1;
        told.cut += u64::from(packet.payload.len() < usize::from(packet.facts.payload_len));
        let ready = placer.take(packet);
        play(ready, &mut placer)?;
        Ok(if placer.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let rest = placer.rest();
    play(rest, &mut placer)?;
    told.damaged = decoders.damaged;
    (told.samples, told.silence, told.ended) = (placer.samples(), placer.silence(), placer.is_full());
    let mut waiting = placer.into_inner().into_inner().map_err(io::IntoInnerError::into_error)?;
    waiting.rewind()?;
    write_head(out, plan.rate, told.samples)?;
    io::copy(&mut BufReader::new(waiting).take(told.samples * 2), out)?;
    Ok(told)
}

/// The head of a WAV file (RIFF, format 1: PCM) of one channel of 16 bits.
fn write_head(out: &mut dyn Write, rate: u32, samples: u64) -> io::Result<()> {
    let bytes = u32::try_from(samples.saturating_mul(2)).unwrap_or(u32::MAX);
    out.write_all(b"RIFF")?;
    out.write_all(&bytes.saturating_add(36).to_le_bytes())?;
    out.write_all(b"WAVEfmt ")?;
    out.write_all(&16u32.to_le_bytes())?;
    for short in [1u16, 1] {
        out.write_all(&short.to_le_bytes())?;
    }
    out.write_all(&rate.to_le_bytes())?;
    out.write_all(&rate.saturating_mul(2).to_le_bytes())?;
    for short in [2u16, 16] {
        out.write_all(&short.to_le_bytes())?;
    }
    out.write_all(b"data")?;
    out.write_all(&bytes.to_le_bytes())
}

impl Audio {
    /// `6.04 s of audio at 8000 Hz from 303 packets, 0.12 s of it silence`.
    pub fn words(&self) -> String {
        let seconds = |samples: u64| format!("{:.2} s", samples as f64 / f64::from(self.rate.max(1)));
        let mut text = format!(
            "{} of audio at {} Hz from {}",
            seconds(self.samples),
            self.rate,
            show::count(self.packets, "packet", "packets")
        );
        if self.silence > 0 {
            text.push_str(&format!(", {} of it silence where none came", seconds(self.silence)));
        }
        if self.cut > 0 {
            text.push_str(&format!(
                "; the capture holds only a part of {}",
                show::count(self.cut, "packet", "packets")
            ));
        }
        if self.damaged > 0 {
            text.push_str(&format!(
                "; {} could not be decoded",
                show::count(self.damaged, "packet", "packets")
            ));
        }
        if self.ended {
            text.push_str("; it ends at the limit audio_seconds");
        }
        text
    }
}

#[cfg(test)]
mod tests;
