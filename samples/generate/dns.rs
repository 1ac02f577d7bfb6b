//! DNS messages byte by byte.

pub const A: u16 = 1;
pub const SRV: u16 = 33;

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').flat_map(|l| [&[l.len() as u8], l.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn message(id: u16, flags: u16, counts: [u16; 4], body: &[Vec<u8>]) -> Vec<u8> {
    let head: Vec<u8> = [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect();
    [head, body.concat()].concat()
}

fn question(asked: &str, kind: u16) -> Vec<u8> {
    [name(asked), kind.to_be_bytes().to_vec(), vec![0, 1]].concat()
}

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let fixed = [&kind.to_be_bytes()[..], &[0, 1, 0, 0, 0x0e, 0x10], &(data.len() as u16).to_be_bytes()];
    [owner, &fixed.concat(), data].concat()
}

/// A question.
pub fn query(id: u16, asked: &str, kind: u16) -> Vec<u8> {
    message(id, 0x0100, [1, 0, 0, 0], &[question(asked, kind)])
}

/// NXDOMAIN.
pub fn nothing(id: u16, asked: &str, kind: u16) -> Vec<u8> {
    message(id, 0x8183, [1, 0, 0, 0], &[question(asked, kind)])
}

/// The name that was asked for stands at byte 12.
const ASKED: [u8; 2] = [0xc0, 12];

/// A target, and its address beside it.
pub fn service(id: u16, asked: &str, target: &str, port: u16, address: [u8; 4]) -> Vec<u8> {
    let data = [&[0, 0, 0, 0][..], &port.to_be_bytes(), &name(target)].concat();
    let body = [question(asked, SRV), record(&ASKED, SRV, &data), record(&name(target), A, &address)];
    message(id, 0x8580, [1, 1, 0, 1], &body)
}

pub fn address(id: u16, asked: &str, address: [u8; 4]) -> Vec<u8> {
    message(id, 0x8180, [1, 1, 0, 0], &[question(asked, A), record(&ASKED, A, &address)])
}
