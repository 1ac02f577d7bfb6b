//! Every frame on a line; the decode of the one under the cursor below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::placeholder;
use crate::tui::layout;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pane;
use crate::tui::widgets::table::contains;
use crate::tui::widgets::text::{fill_row, put, put_right, width};
use crate::view::packets::PacketLine;
use crate::view::show;

/// Widths: number, time, source, destination, protocol, length; the rest is the info.
struct Columns {
    number: u16,
    time: u16,
    address: u16,
    protocol: u16,
    length: u16,
}

/// Below this the time and the addresses leave what they can to the info.
const CRAMPED: u16 = 76;

/// An end of a packet; ports give way where the terminal is narrow.
fn end(address: Option<std::net::SocketAddr>, narrow: bool) -> String {
    match address {
        Some(a) if narrow || a.port() == 0 => a.ip().to_string(),
        Some(a) => show::address(a),
        None => String::new(),
    }
}

pub fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let theme = state.theme;
    let packets = &state.packets;
    let (main, below) = layout::packets(state, area);
    let len = packets.len(&state.holdings);
    if len == 0 {
        let text = match (&packets.filter, state.loading || packets.scanned.is_some()) {
            (Some(_), true) => "No frame matches the filter so far.".to_owned(),
            (Some(_), false) => "No frame matches the filter. Esc drops it, F7 changes it.".to_owned(),
            (None, true) => "reading …".to_owned(),
            (None, false) => "No frame was read.".to_owned(),
        };
        return placeholder::say(buf, area, theme, &text);
    }
    let rows = layout::table_rows(main);
    let shown: Vec<(usize, u64)> = (packets.cursor.top..len)
        .take(usize::from(rows.height))
        .filter_map(|at| Some((at, packets.place(at)?)))
        .collect();
    let lines: Vec<Option<&PacketLine>> = shown.iter().map(|(_, place)| packets.lines.get(place)).collect();
    let above = packets.cursor.top.checked_sub(1).and_then(|at| packets.lines.get(&packets.place(at)?));
    let start = state.start();
    let narrow = main.width < 110;
    let times: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(i, line)| match line {
            Some(line) => {
                let before = match i.checked_sub(1) {
                    Some(i) => lines[i],
                    None => above,
                };
                let before = before.map_or(line.time, |p| p.time);
                let mut time = show::time(line.time, state.time, start, before);
                // Milliseconds do where it is narrow, seconds where it is very narrow.
                let less = if main.width < CRAMPED { 7 } else { 3 };
                if narrow {
                    time.truncate(time.len().saturating_sub(less));
                }
                time
            }
            None => String::new(),
        })
        .collect();
    let several = state.holdings.captures.len() > 1;
    let numbers: Vec<String> = shown
        .iter()
        .map(|(_, place)| match state.holdings.frame_at(*place) {
            Some(f) if several => format!("{}:{}", f.capture.0, f.frame),
            Some(f) => f.frame.to_string(),
            None => String::new(),
        })
        .collect();
    let widest = |texts: &[String], least: usize, most: usize| {
        texts.iter().map(|t| width(t)).max().unwrap_or(0).clamp(least, most) as u16
    };
    let ends: Vec<String> =
        lines.iter().flatten().flat_map(|p| [end(p.src, narrow), end(p.dst, narrow)]).collect();
    // Two addresses must leave room for what was said.
    let most = if main.width < CRAMPED { 10 } else { usize::from(main.width / 5).max(15) };
    let columns = Columns {
        number: widest(&numbers, 3, 12),
        time: widest(&times, 8, 30),
        address: widest(&ends, 8, most.min(47)),
        protocol: if narrow { 5 } else { 8 },
        length: 5,
    };
    let head = theme.style(Role::Head);
    let titles = ["", "Source", "Destination", if narrow { "Proto" } else { "Protocol" }, "Bytes", "Info"];
    row(buf, main.x, main.y, main.right(), &columns, "No.", "Time", titles, head);
    for (((y, (at, _)), line), (number, time)) in
        (rows.top()..).zip(&shown).zip(&lines).zip(numbers.iter().zip(&times))
    {
        let here = *at == packets.cursor.at;
        let role = match line {
            _ if here => Role::Cursor,
            Some(line) if contains(&crate::tui::desk::packet_text(line), &state.search) => Role::Match,
            Some(line) => by_protocol(&line.protocol),
            None => Role::Dim,
        };
        let style = theme.style(role);
        if here {
            fill_row(buf, Rect { height: 1, y, ..main }, y, ' ', style);
            put(buf, main.x, y, 1, "▸", style);
        }
        let cells = match line {
            Some(p) => [
                String::new(),
                end(p.src, narrow),
                end(p.dst, narrow),
                p.protocol.clone(),
                p.length.to_string(),
                p.info.clone(),
            ],
            None => {
                let text =
                    packets.error.as_ref().map_or("…".to_owned(), |e| format!("cannot be read again: {e}"));
                [String::new(), String::new(), String::new(), String::new(), String::new(), text]
            }
        };
        let cells = [0, 1, 2, 3, 4, 5].map(|i: usize| cells[i].as_str());
        row(buf, main.x, y, main.right(), &columns, number, time, cells, style);
    }
    if let Some(below) = below {
        fill_row(buf, Rect { y: below.y - 1, height: 1, ..below }, below.y - 1, '─', theme.style(Role::Rule));
        let look = pane::Look { focus: false, search: &state.search, nothing: "no frame is selected" };
        pane::draw(buf, below, &packets.pane, look, theme);
    }
}

fn by_protocol(protocol: &str) -> Role {
    use crate::view::ladder::Tone;
    match protocol {
        "SIP" | "SIP/SDP" => Role::Tone(Tone::Request),
        "STUN" | "TURN" => Role::Tone(Tone::Stun),
        "RTP" | "RTCP" => Role::Tone(Tone::Media),
        _ => Role::Text,
    }
}

#[expect(clippy::too_many_arguments, reason = "one line of cells")]
fn row(
    buf: &mut Buffer,
    left: u16,
    y: u16,
    right: u16,
    columns: &Columns,
    number: &str,
    time: &str,
    [_, src, dst, protocol, length, info]: [&str; 6],
    style: ratatui::style::Style,
) {
    let mut x = left + 2;
    put_right(buf, x, y, columns.number, number, style);
    x += columns.number + 2;
    put_right(buf, x, y, columns.time, time, style);
    x += columns.time + 2;
    for address in [src, dst] {
        put(buf, x, y, columns.address, address, style);
        x += columns.address + 2;
    }
    put(buf, x, y, columns.protocol, protocol, style);
    x += columns.protocol + 2;
    // Lengths matter less than what was said where the terminal is narrow.
    if right.saturating_sub(x) > 40 {
        put_right(buf, x, y, columns.length, length, style);
        x += columns.length + 2;
    }
    put(buf, x, y, right.saturating_sub(x), info, style);
}
